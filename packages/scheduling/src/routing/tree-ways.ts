import type { Graph } from "./graph.ts";
import type { Tree } from "./tree.ts";

/** What a shortest-path tree says of the ways along it, by vertex, in a graph whose arcs have each its like back. */
export interface TreeWays {
  /** The arc by which the tree leads on to its source; -1 at the source and where there is no way. */
  readonly arc: Int32Array;
  /**
   * By how much any way that leaves the tree's at this vertex, coming along it, is longer at the least; Infinity at the
   * source. The least of those along a way is by how much any other is longer; of those before an arc, any that avoids it.
   */
  readonly detour: Float64Array;
}

/**
 * Reads the ways off trees. Another way than the tree's leaves it somewhere: by an arc to a vertex that hangs elsewhere, or
 * down to one that hangs on it, which then has to be left by another. So the least there is past a vertex is known from those
 * that hang on it, and the least detour of a whole way from those along it: twice through the tree, O(arcs).
 */
export class TreeWaysReader {
  #order = new Int32Array(0);
  #hanging = new Int32Array(0);
  #past = new Float64Array(0);

  /** Fills `into`, or fresh arrays, from the tree that `graph` has. */
  read(graph: Graph, { distance, parent }: Tree, into?: TreeWays): TreeWays {
    const { vertices, start, head, weight } = graph;
    const ways = into ?? { arc: new Int32Array(vertices), detour: new Float64Array(vertices) };
    const { arc, detour } = ways;
    if (this.#order.length < vertices) {
      this.#order = new Int32Array(vertices);
      this.#hanging = new Int32Array(vertices);
      this.#past = new Float64Array(vertices);
    }
    const past = this.#past;
    for (let v = 0; v < vertices; v++) {
      let least = Number.POSITIVE_INFINITY;
      let on = -1;
      const next = parent[v] as number;
      const end = start[v + 1] as number;
      for (let a = start[v] as number; a < end; a++) {
        const u = head[a] as number;
        if (u === next) on = a;
        else if (parent[u] !== v) least = Math.min(least, (weight[a] as number) + (distance[u] as number));
      }
      arc[v] = on;
      past[v] = least;
    }
    const order = this.#order;
    const count = this.#outermostFirst(parent, vertices);
    for (let i = 0; i < count; i++) {
      const v = order[i] as number;
      const on = arc[v] as number;
      if (on < 0) continue;
      const next = parent[v] as number;
      past[next] = Math.min(past[next] as number, (past[v] as number) + (weight[on] as number));
    }
    for (let v = 0; v < vertices; v++)
      detour[v] =
        (arc[v] as number) < 0 ? Number.POSITIVE_INFINITY : (past[v] as number) - (distance[v] as number);
    return ways;
  }

  /** Puts the vertices in an order in which each comes before the one it hangs on; gives how many. */
  #outermostFirst(parent: Int32Array, vertices: number): number {
    const order = this.#order;
    const hanging = this.#hanging;
    hanging.fill(0, 0, vertices);
    for (let v = 0; v < vertices; v++) {
      const next = parent[v] as number;
      if (next >= 0) hanging[next] = (hanging[next] as number) + 1;
    }
    let count = 0;
    for (let v = 0; v < vertices; v++) if (hanging[v] === 0) order[count++] = v;
    for (let i = 0; i < count; i++) {
      const next = parent[order[i] as number] as number;
      if (next < 0) continue;
      const left = (hanging[next] as number) - 1;
      hanging[next] = left;
      if (left === 0) order[count++] = next;
    }
    return count;
  }
}
