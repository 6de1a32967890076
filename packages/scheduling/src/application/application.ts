import { assert } from "@weft/kernel";

/**
 * An application: steps joined by the data that flows between them, to be placed as a whole over nodes and paths.
 * Services cut into microservices, function chains and one-shot workflows all have this shape. Everything is
 * given per node or per pair of nodes, so any figure of the pool and of the routes can be put in; a step that
 * may not run somewhere (residency, program kind, security, a fixed end point) has an infinite time there.
 */
export interface Application {
  readonly steps: number;
  readonly nodes: number;
  /** `time[step * nodes + node]`: seconds the step takes there; Infinity: not there. */
  readonly time: Float64Array;
  /** `price[step * nodes + node]`: what the step costs there, in the caller's unit. */
  readonly price: Float64Array;
  /** Data edges, step to step; acyclic. */
  readonly edges: readonly DataEdge[];
  /** `delay[from * nodes + to]`: seconds a byte travels; Infinity: no admissible path. */
  readonly delay: Float64Array;
  /** `secondsPerByte[from * nodes + to]`: 1 / residual rate of the path, in bytes a second. */
  readonly secondsPerByte: Float64Array;
  /** `pricePerByte[from * nodes + to]`. */
  readonly pricePerByte: Float64Array;
  /** By step, memory held on its node as long as the application lives. */
  readonly space: Float64Array;
  /** By node, memory free for it. */
  readonly room: Float64Array;
  /** By node, how many steps it runs at once at the given times; the rest waits. */
  readonly lanes: Int32Array;
}

export interface DataEdge {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** `cost`: the cheapest that ends by `deadline` (seconds; Infinity: any time). `time`: the earliest end. */
export type ApplicationObjective =
  | { readonly kind: "time" }
  | { readonly kind: "cost"; readonly deadline: number };

export interface ApplicationPlan {
  /** By step. */
  readonly node: Int32Array;
  /** Seconds after the application starts; by step. */
  readonly start: Float64Array;
  readonly finish: Float64Array;
  /** When the last step ends. */
  readonly makespan: number;
  readonly cost: number;
}

/** Seconds the data of an edge takes between two nodes; none on one node. */
export function transferTime(app: Application, bytes: number, from: number, to: number): number {
  if (from === to) return 0;
  const pair = from * app.nodes + to;
  const delay = app.delay[pair]!;
  if (delay === Number.POSITIVE_INFINITY) return delay;
  return bytes === 0 ? delay : delay + bytes * app.secondsPerByte[pair]!;
}

/** What the transfer costs; Infinity where there is no path. */
export function transferPrice(app: Application, bytes: number, from: number, to: number): number {
  if (from === to) return 0;
  const pair = from * app.nodes + to;
  if (app.delay[pair] === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return bytes === 0 ? 0 : bytes * app.pricePerByte[pair]!;
}

/** The application's graph, worked out once. */
export interface StepGraph {
  /** Steps, each after all it waits for; equal ranks by index. */
  readonly order: Int32Array;
  /** By step: the edges that end there, and those that leave. */
  readonly into: readonly (readonly DataEdge[])[];
  readonly outOf: readonly (readonly DataEdge[])[];
}

/** Sorts the steps topologically; null when they wait for one another in a circle. */
export function stepGraphOf(app: Application): StepGraph | null {
  assert(app.time.length === app.steps * app.nodes, "one time a step and node");
  assert(app.delay.length === app.nodes * app.nodes, "one delay a pair of nodes");
  const into: DataEdge[][] = Array.from({ length: app.steps }, () => []);
  const outOf: DataEdge[][] = Array.from({ length: app.steps }, () => []);
  for (const edge of app.edges) {
    into[edge.to]!.push(edge);
    outOf[edge.from]!.push(edge);
  }
  const waits = Int32Array.from(into, (edges) => edges.length);
  const order = new Int32Array(app.steps);
  let known = 0;
  for (let s = 0; s < app.steps; s++) if (waits[s] === 0) order[known++] = s;
  for (let at = 0; at < known; at++) {
    for (const edge of outOf[order[at]!]!) if (--waits[edge.to]! === 0) order[known++] = edge.to;
  }
  return known === app.steps ? { order, into, outOf } : null;
}

/** What a choice of nodes costs: steps and transfers. Infinite where a step or a path is not admissible. */
export function placementCost(app: Application, node: Int32Array): number {
  let cost = 0;
  for (let s = 0; s < app.steps; s++) {
    const at = s * app.nodes + node[s]!;
    cost += app.time[at] === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : app.price[at]!;
  }
  for (const edge of app.edges) cost += transferPrice(app, edge.bytes, node[edge.from]!, node[edge.to]!);
  return cost;
}

/** Whether every node has the memory for all steps put on it. */
export function spaceHolds(app: Application, node: Int32Array): boolean {
  const left = app.room.slice();
  for (let s = 0; s < app.steps; s++) left[node[s]!]! -= app.space[s]!;
  return left.every((room, j) => room >= -1e-9 * Math.abs(app.room[j]!));
}
