import { assert } from "@weft/kernel";
import { type Graph, transposed } from "./graph.ts";
import { TreeRepair } from "./repair.ts";
import { type Tree, TreeSolver } from "./tree.ts";

/**
 * Shortest ways between all pairs, kept up to date when the weight of an arc changes: row by row the tree is mended,
 * not grown anew, and a row that the change does not touch costs two comparisons.
 *
 * Memory: 12 bytes a pair (`distanceOf(from)[to]` in a Float64Array, the vertex before in an Int32Array).
 */
export class AllPairs {
  readonly #graph: Graph;
  readonly #turned: Graph;
  /** By arc of the graph: the same arc in the turned one. */
  readonly #twin: Int32Array;
  readonly #rows: Tree[] = [];
  readonly #repair: TreeRepair;

  /** Takes the graph over: change its weights through `setWeight` only. */
  constructor(graph: Graph) {
    this.#graph = graph;
    this.#turned = transposed(graph);
    this.#twin = new Int32Array(graph.head.length);
    const next = this.#turned.start.slice();
    for (let arc = 0; arc < graph.head.length; arc++) {
      const head = graph.head[arc] as number;
      const at = next[head] as number;
      this.#twin[arc] = at;
      next[head] = at + 1;
    }
    this.#repair = new TreeRepair(graph, this.#turned);
    const solver = new TreeSolver();
    for (let source = 0; source < graph.vertices; source++) this.#rows.push(solver.solve(graph, source));
  }

  /** Distances from one vertex to all. */
  distanceOf(from: number): Float64Array {
    return (this.#rows[from] as Tree).distance;
  }

  /** The vertices of a shortest way, ends included; null where there is none. */
  path(from: number, to: number): number[] | null {
    const { distance, parent } = this.#rows[from] as Tree;
    if (distance[to] === Number.POSITIVE_INFINITY) return null;
    const path = [to];
    for (let v = to; v !== from; ) {
      v = parent[v] as number;
      path.push(v);
    }
    return path.reverse();
  }

  /** One arc got longer, shorter, went down (Infinity) or came up. */
  setWeight(arc: number, weight: number): void {
    this.setWeights([[arc, weight]]);
  }

  /** Several arcs changed at once, such as both directions of a link. */
  setWeights(changes: readonly (readonly [arc: number, weight: number])[]): void {
    for (const [arc, weight] of changes) {
      assert(weight >= 0, "weights are not negative");
      this.#graph.weight[arc] = weight;
      this.#turned.weight[this.#twin[arc] as number] = weight;
    }
    const changed = changes.map(([arc]) => arc);
    for (const row of this.#rows) this.#repair.mend(row, changed);
  }
}
