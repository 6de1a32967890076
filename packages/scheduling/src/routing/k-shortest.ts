import { assert } from "@weft/kernel";
import { type Graph, transposed } from "./graph.ts";
import { MinHeap } from "./heap.ts";
import { TreeSolver } from "./tree.ts";

/** A loopless path: its vertices, source first, the arcs between them, and the sum of their weights. */
export interface Path {
  readonly vertices: readonly number[];
  readonly arcs: readonly number[];
  readonly weight: number;
}

interface Candidate extends Path {
  /** Position in `vertices` where it left the path it was made from. */
  readonly leaves: number;
}

/**
 * The k shortest loopless paths (Yen 1971), shortest first, fewer if there are no more. Each path only branches from
 * where it left its own parent on (Lawler 1972), so nothing is found twice. What is left of a branch is looked up in
 * the tree of distances to the target; only when that way runs into the branch's own root is it searched for, by
 * A* with those distances as the bound. Equal weights: the path found first, in arc order.
 *
 * `toTarget`: distances of every vertex to the target, where the caller has them.
 */
export function kShortestPaths(
  graph: Graph,
  source: number,
  target: number,
  k: number,
  toTarget: Float64Array = new TreeSolver().solve(transposed(graph), target).distance,
): Path[] {
  if (k < 1 || toTarget[source] === Number.POSITIVE_INFINITY) return [];
  const spurs = new SpurSearch(graph, target, toTarget);
  const found: Candidate[] = [];
  const waiting: Candidate[] = [];
  const order = new MinHeap();
  const first = spurs.from([source], [], 0, []);
  assert(first !== null, "a vertex within finite distance has a path");
  waiting.push(first);
  order.push(first.weight, 0);
  while (found.length < k && order.size > 0) {
    const next = waiting[order.pop()] as Candidate;
    found.push(next);
    if (found.length === k) break;
    branch(graph, next, found, spurs, (candidate) => {
      waiting.push(candidate);
      order.push(candidate.weight, waiting.length - 1);
    });
  }
  return found;
}

/** Every best deviation of `path` that no path found so far takes. */
function branch(
  graph: Graph,
  path: Candidate,
  found: readonly Candidate[],
  spurs: SpurSearch,
  add: (candidate: Candidate) => void,
): void {
  let weight = 0;
  for (let i = 0; i < path.leaves; i++) weight += graph.weight[path.arcs[i] as number] as number;
  for (let i = path.leaves; i < path.arcs.length; i++) {
    const taken = found.filter((other) => sharesRoot(other, path, i)).map((other) => other.arcs[i] as number);
    const spur = spurs.from(path.vertices.slice(0, i + 1), path.arcs.slice(0, i), weight, taken);
    if (spur !== null) add(spur);
    weight += graph.weight[path.arcs[i] as number] as number;
  }
}

function sharesRoot(a: Path, b: Path, length: number): boolean {
  if (a.arcs.length <= length) return false;
  for (let i = length - 1; i >= 0; i--) if (a.arcs[i] !== b.arcs[i]) return false;
  return true;
}

/** Finds the shortest way from the end of a root to the target that avoids the root and some first arcs. */
class SpurSearch {
  readonly #graph: Graph;
  readonly #target: number;
  readonly #toTarget: Float64Array;
  readonly #heap = new MinHeap();
  /** Stamped with the search's number: on the root, reached. */
  readonly #onRoot: Int32Array;
  readonly #reached: Int32Array;
  readonly #distance: Float64Array;
  readonly #by: Int32Array;
  readonly #from: Int32Array;
  #serial = 0;

  constructor(graph: Graph, target: number, toTarget: Float64Array) {
    this.#graph = graph;
    this.#target = target;
    this.#toTarget = toTarget;
    this.#onRoot = new Int32Array(graph.vertices);
    this.#reached = new Int32Array(graph.vertices);
    this.#distance = new Float64Array(graph.vertices);
    this.#by = new Int32Array(graph.vertices);
    this.#from = new Int32Array(graph.vertices);
  }

  /** `weight`: of the root. `without`: arcs not to leave its last vertex by. Null when there is no way. */
  from(
    vertices: readonly number[],
    arcs: readonly number[],
    weight: number,
    without: readonly number[],
  ): Candidate | null {
    const serial = ++this.#serial;
    for (const v of vertices) this.#onRoot[v] = serial;
    const spur = vertices[vertices.length - 1] as number;
    const tail = spur === this.#target ? [] : (this.#downhill(spur, without) ?? this.#search(spur, without));
    if (tail === null) return null;
    const { head, weight: weights } = this.#graph;
    let total = weight;
    for (const arc of tail) total += weights[arc] as number;
    return {
      vertices: [...vertices, ...tail.map((arc) => head[arc] as number)],
      arcs: [...arcs, ...tail],
      weight: total,
      leaves: arcs.length,
    };
  }

  /** The tree's own way by the best first arc, unless it runs into the root. */
  #downhill(spur: number, without: readonly number[]): number[] | null {
    const tail: number[] = [];
    let v = spur;
    while (v !== this.#target) {
      const arc = this.#steepest(v, v === spur ? without : []);
      if (arc < 0) return null;
      tail.push(arc);
      v = this.#graph.head[arc] as number;
      if (this.#onRoot[v] === this.#serial || tail.length > this.#graph.vertices) return null;
    }
    return tail;
  }

  #steepest(v: number, without: readonly number[]): number {
    const { start, head, weight } = this.#graph;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
      const length = (weight[arc] as number) + (this.#toTarget[head[arc] as number] as number);
      if (length < least && !without.includes(arc)) {
        least = length;
        best = arc;
      }
    }
    return best;
  }

  /** A* with the distances in the whole graph as the bound: exact, since leaving arcs out only lengthens ways. */
  #search(spur: number, without: readonly number[]): number[] | null {
    const { start, head, weight } = this.#graph;
    const heap = this.#heap;
    heap.clear();
    heap.push(0, spur);
    this.#distance[spur] = 0;
    this.#reached[spur] = this.#serial;
    while (heap.size > 0) {
      const bound = heap.least;
      const v = heap.pop();
      if (v === this.#target) return this.#trace(spur);
      const base = this.#distance[v] as number;
      if (v !== spur && bound > base + (this.#toTarget[v] as number)) continue; // a shorter way was found since
      for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
        const u = head[arc] as number;
        if (this.#onRoot[u] === this.#serial) continue;
        const length = base + (weight[arc] as number);
        const ahead = length + (this.#toTarget[u] as number);
        if (ahead === Number.POSITIVE_INFINITY) continue;
        if (this.#reached[u] === this.#serial && (this.#distance[u] as number) <= length) continue;
        if (v === spur && without.includes(arc)) continue;
        this.#reached[u] = this.#serial;
        this.#distance[u] = length;
        this.#by[u] = arc;
        this.#from[u] = v;
        heap.push(ahead, u);
      }
    }
    return null;
  }

  #trace(spur: number): number[] {
    const tail: number[] = [];
    for (let v = this.#target; v !== spur; v = this.#from[v] as number) tail.push(this.#by[v] as number);
    return tail.reverse();
  }
}
