import { assert, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { arcBetween, type Graph, tailsOf } from "./graph.ts";
import { MinHeap } from "./heap.ts";
import type { Path } from "./k-shortest.ts";
import { type Tree, TreeSolver } from "./tree.ts";

/**
 * What two paths may not share. `links`: no arc, nor the arcs of one pair of vertices in opposite directions, so
 * that one cut cable leaves one path whole. `nodes`: no vertex but their ends either.
 */
export type Apart = "links" | "nodes";

export interface DisjointPair {
  /** The shorter one first; both loopless. */
  readonly paths: readonly [Path, Path];
  /** Sum over both. */
  readonly weight: number;
}

/** Not even one path; or all paths share an arc or a vertex, which `found` names. */
export type DisjointRefusal = Refusal<"E_NO_PATH" | "E_NO_SECOND_PATH">;

/**
 * Two paths that share no link (or no node) and weigh least together (Suurballe 1974; Suurballe and Tarjan 1984): a
 * shortest path, then a shortest way to change it into two, which may run back along the first. With weights reduced
 * by the distances from the source none is negative, so both searches are Dijkstra's: O(m log n).
 *
 * Source and target must differ. `tree`: the shortest-path tree of the source, where the caller has it.
 */
export function disjointPair(
  graph: Graph,
  source: number,
  target: number,
  apart: Apart = "links",
  tree: Tree = new TreeSolver().solve(graph, source),
): Result<DisjointPair, DisjointRefusal> {
  assert(source !== target, "two paths need two ends");
  if (tree.distance[target] === Number.POSITIVE_INFINITY)
    return refuse("E_NO_PATH", "no path leads from the source to the target");
  const first = firstPath(graph, tree, target);
  const search = new Interlacing(graph, tree.distance, first, source, apart);
  if (!search.run(target)) {
    return refuse("E_NO_SECOND_PATH", `no two paths share no ${apart === "links" ? "link" : "node"}`, {
      found: `all share ${search.shared()}`,
    });
  }
  const used = search.change(target);
  cancelOpposite(graph, used);
  const a = walk(graph, used, source, target);
  const b = walk(graph, used, source, target);
  return ok({ paths: a.weight <= b.weight ? [a, b] : [b, a], weight: a.weight + b.weight });
}

/** The arcs of the tree's own path to the target, source first. */
function firstPath(graph: Graph, { parent }: Tree, target: number): number[] {
  const arcs: number[] = [];
  for (let v = target; parent[v] !== -1; v = parent[v] as number)
    arcs.push(arcBetween(graph, parent[v] as number, v));
  return arcs.reverse();
}

/**
 * The second search. Its states are the vertices; where paths may not share nodes, a vertex of the first path has a second
 * state, numbered past all vertices: come to backwards along the first path, it may be left by any arc, whereas
 * come to from elsewhere it is taken, and the only way on is to push the first path back off it.
 */
class Interlacing {
  readonly #graph: Graph;
  readonly #potential: Float64Array;
  readonly #first: readonly number[];
  readonly #source: number;
  readonly #tails: Int32Array;
  /** What a vertex's number grows by in its second state; 0 where there is none. */
  readonly #second: number;
  /** By vertex: the first path's arc into it; -1 where it has none. */
  readonly #into: Int32Array;
  /** By arc: 1 on the first path. */
  readonly #used: Uint8Array;
  /** By state. */
  readonly #distance: Float64Array;
  readonly #from: Int32Array;
  /** By state: the arc it was come to by; ~arc when backwards. */
  readonly #by: Int32Array;
  readonly #heap = new MinHeap();

  constructor(graph: Graph, potential: Float64Array, first: readonly number[], source: number, apart: Apart) {
    const states = apart === "nodes" ? graph.vertices * 2 : graph.vertices;
    this.#graph = graph;
    this.#potential = potential;
    this.#first = first;
    this.#source = source;
    this.#tails = tailsOf(graph);
    this.#second = states - graph.vertices;
    this.#into = new Int32Array(graph.vertices).fill(-1);
    this.#used = new Uint8Array(graph.head.length);
    this.#distance = new Float64Array(states).fill(Number.POSITIVE_INFINITY);
    this.#from = new Int32Array(states);
    this.#by = new Int32Array(states);
    for (const arc of first) {
      this.#into[graph.head[arc] as number] = arc;
      this.#used[arc] = 1;
    }
  }

  /** Whether the target is come to. */
  run(target: number): boolean {
    const heap = this.#heap;
    this.#distance[this.#source] = 0;
    heap.push(0, this.#source);
    while (heap.size > 0) {
      const key = heap.least;
      const state = heap.pop();
      if (state === target) return true;
      if (key > (this.#distance[state] as number)) continue;
      this.#leave(state, key);
    }
    return false;
  }

  #leave(state: number, key: number): void {
    const { vertices, start, head, weight } = this.#graph;
    const potential = this.#potential;
    const v = state < vertices ? state : state - vertices;
    const back = this.#into[v] as number;
    if (back >= 0) {
      const before = this.#tails[back] as number;
      if (before !== this.#source) this.#reach(before + this.#second, key, state, ~back);
      if (this.#second > 0 && state === v) return;
    }
    const base = potential[v] as number;
    for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
      if (this.#used[arc] === 1) continue;
      const u = head[arc] as number;
      // Summed in the order in which the tree was, so that rounding makes nothing negative; NaN where no way leads.
      this.#reach(u, key + (base + (weight[arc] as number) - (potential[u] as number)), state, arc);
    }
  }

  #reach(state: number, distance: number, from: number, by: number): void {
    if (!(distance < (this.#distance[state] as number))) return;
    this.#distance[state] = distance;
    this.#from[state] = from;
    this.#by[state] = by;
    this.#heap.push(distance, state);
  }

  /** By arc: 1 where one of the two paths runs, now that the way found has changed the first into both. */
  change(target: number): Uint8Array {
    for (let state = target; state !== this.#source; state = this.#from[state] as number) {
      const by = this.#by[state] as number;
      if (by >= 0) this.#used[by] = 1;
      else this.#used[~by] = 0;
    }
    return this.#used;
  }

  /** What every path passes: the last of the first path that the search in vain came to. */
  shared(): string {
    let last = this.#source;
    let next = this.#first[0] as number;
    for (let i = 1; i < this.#first.length; i++) {
      const v = this.#tails[this.#first[i] as number] as number;
      const free = this.#distance[v + this.#second] !== Number.POSITIVE_INFINITY;
      if (!free && this.#distance[v] === Number.POSITIVE_INFINITY) continue;
      last = v;
      next = free ? (this.#first[i] as number) : -1;
    }
    return next < 0 ? `vertex ${last}` : `arc ${last}->${this.#graph.head[next]}`;
  }
}

/** Two paths that cross the same link in opposite directions do without it by exchanging what follows. */
function cancelOpposite(graph: Graph, used: Uint8Array): void {
  const { vertices, start, head } = graph;
  for (let v = 0; v < vertices; v++) {
    for (let arc = start[v] as number; arc < (start[v + 1] as number); arc++) {
      if (used[arc] === 0) continue;
      const other = usedArc(graph, used, head[arc] as number, v);
      if (other < 0) continue;
      used[arc] = 0;
      used[other] = 0;
    }
  }
}

/** A used arc from one vertex to another, or to any where `to` is -1; -1 where there is none. */
function usedArc({ start, head }: Graph, used: Uint8Array, from: number, to: number): number {
  for (let arc = start[from] as number; arc < (start[from + 1] as number); arc++) {
    if (used[arc] === 1 && (to < 0 || head[arc] === to)) return arc;
  }
  return -1;
}

/** Follows used arcs to the target, using them up; loops, which can only weigh nothing, are left out. */
function walk(graph: Graph, used: Uint8Array, source: number, target: number): Path {
  const vertices = [source];
  const arcs: number[] = [];
  for (let v = source; v !== target; ) {
    const arc = usedArc(graph, used, v, -1);
    used[arc] = 0;
    v = graph.head[arc] as number;
    const seen = vertices.indexOf(v);
    arcs.push(arc);
    vertices.push(v);
    if (seen < 0) continue;
    vertices.length = seen + 1;
    arcs.length = seen;
  }
  let weight = 0;
  for (const arc of arcs) weight += graph.weight[arc] as number;
  return { vertices, arcs, weight };
}
