import { BucketQueue } from "./bucket-queue.ts";
import type { Graph } from "./graph.ts";

/** Shortest distances from one vertex, and the arc by which each vertex is reached. */
export interface Tree {
  /** Infinity where there is no way. */
  readonly distance: Float64Array;
  /** The vertex before; -1 at the source and where there is no way. */
  readonly parent: Int32Array;
}

/** Vertices whose least arcs are looked at to choose how fine the queue has to be. */
const SAMPLE = 17;

/**
 * Shortest-path trees: Dijkstra's algorithm with a queue of buckets, in which a vertex left too early is left again.
 * Distances are those of the sums along the ways, exactly, whatever the weights; among ways of equal length the
 * tree takes one that depends on the graph and the source alone. Buckets are narrower than most vertices' shortest arc, so
 * that hardly any vertex is left twice; a graph that defeats them, once its arcs have been gone along twice over, is finished
 * with a heap, so no graph takes much more than three times its arcs.
 *
 * Buffers are kept between calls: one solver serves any number of trees.
 */
export class TreeSolver {
  readonly #queue = new BucketQueue();
  readonly #least = new Float64Array(SAMPLE);

  /** Fills `into` (or fresh arrays) with the tree of `source`. */
  solve(graph: Graph, source: number, into?: Tree): Tree {
    const { vertices, start, head, weight } = graph;
    const tree = into ?? { distance: new Float64Array(vertices), parent: new Int32Array(vertices) };
    const { distance, parent } = tree;
    distance.fill(Number.POSITIVE_INFINITY);
    parent.fill(-1);
    distance[source] = 0;
    const queue = this.#queue;
    queue.begin(vertices, this.#width(graph));
    let budget = 2 * head.length;
    for (let v = source; v >= 0; v = queue.take(distance)) {
      const base = distance[v] as number;
      const end = start[v + 1] as number;
      let arc = start[v] as number;
      budget -= end - arc;
      if (budget < 0) queue.order(distance);
      for (; arc < end; arc++) {
        const u = head[arc] as number;
        const reached = base + (weight[arc] as number);
        if (reached < (distance[u] as number)) {
          distance[u] = reached;
          parent[u] = v;
          queue.put(u, reached, base);
        }
      }
    }
    return tree;
  }

  /** Half of what the shortest arc of a vertex commonly weighs, those of no weight apart; from a few vertices, evenly spread. */
  #width({ vertices, start, weight }: Graph): number {
    const least = this.#least;
    let count = 0;
    for (let i = 0; i < SAMPLE; i++) {
      const v = Math.floor((i * vertices) / SAMPLE);
      let shortest = Number.POSITIVE_INFINITY;
      for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
        const each = weight[arc] as number;
        if (each > 0 && each < shortest) shortest = each;
      }
      if (shortest === Number.POSITIVE_INFINITY) continue;
      let at = count++;
      for (; at > 0 && (least[at - 1] as number) > shortest; at--) least[at] = least[at - 1] as number;
      least[at] = shortest;
    }
    return count === 0 ? 1 : (least[count >> 1] as number) / 2;
  }
}
