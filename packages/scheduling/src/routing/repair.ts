import { type Graph, tailsOf } from "./graph.ts";
import { MinHeap } from "./heap.ts";
import type { Tree } from "./tree.ts";

/**
 * Mends shortest-path trees after some arcs changed (Ramalingam and Reps 1996), instead of growing them anew: what hangs
 * on an arc that became longer is cut off and joined again where it is nearest; from an arc that became shorter
 * the gain is carried on as far as it goes. Whatever else the tree holds is not looked at, so a change far from
 * most trees costs next to nothing in each. Up and down are changes to and from a weight of Infinity.
 */
export class TreeRepair {
  readonly #graph: Graph;
  readonly #into: Graph;
  readonly #heap = new MinHeap();
  readonly #tails: Int32Array;
  readonly #cut: Uint8Array;
  readonly #list: Int32Array;

  /** `into`: the arcs turned round, with the same weights; the graph itself where every arc has its like. */
  constructor(graph: Graph, into: Graph) {
    this.#graph = graph;
    this.#into = into;
    this.#tails = tailsOf(graph);
    this.#cut = new Uint8Array(graph.vertices);
    this.#list = new Int32Array(graph.vertices);
  }

  /** Mends `tree` after the arcs of `changed` from position `from` on; both graphs have their weights of now. */
  mend(tree: Tree, changed: readonly number[], from = 0): void {
    const { distance, parent } = tree;
    const { head, weight } = this.#graph;
    const tails = this.#tails;
    let cut = 0;
    for (let i = from; i < changed.length; i++) {
      const arc = changed[i] as number;
      const to = head[arc] as number;
      const tail = tails[arc] as number;
      if (parent[to] !== tail || this.#cut[to] === 1) continue;
      if ((distance[tail] as number) + (weight[arc] as number) > (distance[to] as number)) {
        cut = this.#cutOff(tree, to, cut);
      }
    }
    if (cut > 0) this.#rejoin(tree, cut);
    for (let i = from; i < changed.length; i++) {
      const arc = changed[i] as number;
      this.#relax(tree, tails[arc] as number, head[arc] as number, weight[arc] as number);
    }
    this.#carryOn(tree);
  }

  /** Cuts off `root` and all that hangs on it. */
  #cutOff({ parent }: Tree, root: number, from: number): number {
    const { start, head } = this.#graph;
    let count = from;
    this.#cut[root] = 1;
    this.#list[count++] = root;
    for (let i = from; i < count; i++) {
      const v = this.#list[i] as number;
      for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
        const u = head[arc] as number;
        if (parent[u] !== v || this.#cut[u] === 1) continue;
        this.#cut[u] = 1;
        this.#list[count++] = u;
      }
    }
    return count;
  }

  /** Joins what was cut off to the nearest of what was not. */
  #rejoin(tree: Tree, count: number): void {
    const { distance, parent } = tree;
    const { start, head, weight } = this.#into;
    for (let i = 0; i < count; i++) distance[this.#list[i] as number] = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const v = this.#list[i] as number;
      let best = Number.POSITIVE_INFINITY;
      let by = -1;
      for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
        const u = head[arc] as number;
        if (this.#cut[u] === 1) continue;
        const reached = (distance[u] as number) + (weight[arc] as number);
        if (reached < best) {
          best = reached;
          by = u;
        }
      }
      distance[v] = best;
      parent[v] = by;
      if (by >= 0) this.#heap.push(best, v);
    }
    for (let i = 0; i < count; i++) this.#cut[this.#list[i] as number] = 0;
  }

  #relax({ distance, parent }: Tree, tail: number, head: number, weight: number): void {
    const reached = (distance[tail] as number) + weight;
    if (!(reached < (distance[head] as number))) return;
    distance[head] = reached;
    parent[head] = tail;
    this.#heap.push(reached, head);
  }

  /** Dijkstra's algorithm from what was touched. */
  #carryOn(tree: Tree): void {
    const { start, head, weight } = this.#graph;
    const heap = this.#heap;
    while (heap.size > 0) {
      const key = heap.least;
      const v = heap.pop();
      if (key > (tree.distance[v] as number)) continue;
      const end = start[v + 1] as number;
      for (let arc = start[v] as number; arc < end; arc++) {
        this.#relax(tree, v, head[arc] as number, weight[arc] as number);
      }
    }
  }
}
