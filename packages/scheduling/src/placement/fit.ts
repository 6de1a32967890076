import type { NodeTable, Pool } from "@weft/pool";
import type { Query } from "./query.ts";

/**
 * A task never starts on less than this share of one lane: a price by the operation would else make the crumbs of
 * a busy node as good a bargain as an idle one, and the task would starve there.
 */
export const LEAST_SHARE = 0.1;

/** How one node would serve one task over one path: plain numbers, filled again for every node looked at. */
export class Fit {
  node = -1;
  /** What the objective makes of it; less is better. Infinity where a figure it needs is unknown. */
  score = Number.POSITIVE_INFINITY;
  /** Micros from hand-over to the result being back. */
  total = 0;
  /** Micro-units of money. */
  cost = 0;
  hops = 0;
  queue = 0;
  /** Micros. */
  compute = 0;
  /** Whole operations a second to reserve, and what the task makes of them once corrected. */
  rate = 0;
  effectiveRate = 0;

  take(other: Fit): void {
    this.node = other.node;
    this.score = other.score;
    this.total = other.total;
    this.cost = other.cost;
    this.hops = other.hops;
    this.queue = other.queue;
    this.compute = other.compute;
    this.rate = other.rate;
    this.effectiveRate = other.effectiveRate;
  }
}

/** Whether a node may serve the task at all, whatever is free: what it is, where it is, who may use it. */
export function isSuitable(pool: Pool, query: Query, n: number): boolean {
  const { nodes } = pool;
  if (((nodes.capabilities[n] as number) & query.capabilities) !== query.capabilities) return false;
  if (query.domain !== -1 && nodes.domain[n] !== query.domain) return false;
  if (query.avoidsAny && query.avoided[n] === query.serial) return false;
  return !query.checkLabels || hasLabels(nodes, query.labels, n);
}

export function hasLabels(nodes: NodeTable, labels: Readonly<Record<string, string>>, n: number): boolean {
  const own = nodes.descriptions[n]?.labels;
  if (own === undefined) return false;
  for (const key in labels) if (own[key] !== labels[key]) return false;
  return true;
}

/** Whether the node takes tasks and has free what the task holds besides computing power. */
export function hasRoom(pool: Pool, query: Query, n: number): boolean {
  const { nodes } = pool;
  return (
    nodes.accepting[n] === 1 &&
    (query.memory === 0 || (nodes.freeMemory[n] as number) >= query.memory) &&
    (query.storage === 0 || (nodes.freeStorage[n] as number) >= query.storage) &&
    (query.throughput === 0 || (nodes.freeThroughput[n] as number) >= query.throughput) &&
    (query.deviceKind < 0 ||
      nodes.hasOnDevices(n, query.deviceKind, query.deviceCount, query.deviceMemory)) &&
    (nodes.services[n] === undefined || pool.hasInstance(n, query.service))
  );
}

/**
 * Whole operations a second the task would reserve on the node: all its lanes give, as far as free; 0 when that
 * is less than it may start on.
 */
export function rateOn(nodes: NodeTable, query: Query, n: number): number {
  const lane = nodes.lane[query.type as 0 | 1 | 2][n] as number;
  const free = nodes.free[query.type as 0 | 1 | 2][n] as number;
  const rate = Math.floor(Math.min(free, query.lanes * lane));
  return rate >= Math.floor(LEAST_SHARE * lane) && rate > 0 ? rate : 0;
}

/** What the task makes of the computing power it holds on the node, as far as that was learnt; 1: what was measured. */
export function factorOn({ corrections }: Query, n: number): number {
  return corrections === undefined ? 1 : (corrections.factors.get(n) ?? corrections.elsewhere);
}

/** Micro-units of money for the task on the node when it computes for `compute` micros. */
export function costOn(nodes: NodeTable, query: Query, n: number, compute: number): number {
  const seconds = compute / 1e6;
  const cost =
    query.work * (nodes.pricePerOperation[query.type as 0 | 1 | 2][n] as number) +
    seconds * query.memory * (nodes.pricePerByteSecondMemory[n] as number) +
    seconds * query.storage * (nodes.pricePerByteSecondStorage[n] as number) +
    query.inputBytes * (nodes.pricePerByteIn[n] as number) +
    query.resultBytes * (nodes.pricePerByteOut[n] as number);
  return Math.max(cost, nodes.pricePerTask[n] as number);
}

/** Joules the task adds on the node; Infinity where unknown. A node faster than predicted also spends less. */
export function joulesOn(nodes: NodeTable, query: Query, n: number, factor: number): number {
  const perOperation = nodes.joulesPerOperation[query.type as 0 | 1 | 2][n] as number;
  return perOperation < 0 ? Number.POSITIVE_INFINITY : (query.work * perOperation) / factor;
}

/** Grams of CO2 for so many joules on the node; Infinity where either is unknown, on a grid without any too. */
export function gramsOn(nodes: NodeTable, n: number, joules: number): number {
  const perJoule = nodes.gramsPerJoule[n] as number;
  const unknown = perJoule < 0 || joules === Number.POSITIVE_INFINITY;
  return unknown ? Number.POSITIVE_INFINITY : joules * perJoule;
}

/**
 * Fits a task on a suitable node reached over a path of `transfer` micros and `hops`; false when computing power, time
 * or price rule it out. The rest of the fit is then not to be read.
 */
export function fitOn(
  pool: Pool,
  query: Query,
  n: number,
  transfer: number,
  hops: number,
  into: Fit,
): boolean {
  const { nodes } = pool;
  const rate = rateOn(nodes, query, n);
  const factor = factorOn(query, n);
  const effective = rate * factor;
  if (effective < query.atLeast || (rate === 0 && query.work > 0)) return false;
  const queue = nodes.queue[query.type as 0 | 1 | 2][n] as number;
  const compute = query.work > 0 ? Math.ceil((query.work * 1e6) / effective) : 0;
  const total = transfer + queue + compute;
  if (total > query.deadline) return false;
  const cost = costOn(nodes, query, n, compute);
  if (Math.ceil(cost) > query.payAtMost) return false;
  into.node = n;
  into.rate = rate;
  into.effectiveRate = effective;
  into.queue = queue;
  into.compute = compute;
  into.total = total;
  into.cost = cost;
  into.hops = hops;
  into.score = scoreOf(nodes, query, n, factor, cost, total);
  return true;
}

function scoreOf(
  nodes: NodeTable,
  query: Query,
  n: number,
  factor: number,
  cost: number,
  total: number,
): number {
  let score = query.perMoney * cost + query.perMicro * total;
  if (query.perJoule === 0 && query.perGram === 0) return score;
  const joules = joulesOn(nodes, query, n, factor);
  if (query.perJoule > 0) score += query.perJoule * joules;
  if (query.perGram > 0) score += query.perGram * gramsOn(nodes, n, joules);
  return score;
}

/**
 * What is better, in this order: the objective's score, then sooner, then cheaper, then fewer hops, then the lower
 * node name. Order is data; a comparison is negative when `a` is better.
 */
export const PREFER: readonly (readonly [string, (a: Fit, b: Fit, pool: Pool) => number])[] = [
  ["better_score", (a, b) => (a.score === b.score ? 0 : a.score - b.score)],
  ["sooner", (a, b) => a.total - b.total],
  ["cheaper", (a, b) => a.cost - b.cost],
  ["fewer_hops", (a, b) => a.hops - b.hops],
  ["lower_name", (a, b, pool) => (pool.nodes.slots.idOf(a.node) < pool.nodes.slots.idOf(b.node) ? -1 : 1)],
];

/** Whether `a` is preferred to `b`. */
export function isBetter(pool: Pool, a: Fit, b: Fit): boolean {
  if (a.score < b.score) return true;
  if (a.score > b.score || a.node === b.node) return false;
  for (const [, compare] of PREFER) {
    const order = compare(a, b, pool);
    if (order !== 0) return order < 0;
  }
  return false;
}

/** Whether `a` is ahead of `b` by score, time or cost: no matter what hops and names are. */
export function isAhead(a: Fit, b: Fit): boolean {
  if (a.score !== b.score) return a.score < b.score;
  if (a.total !== b.total) return a.total < b.total;
  return a.cost < b.cost;
}
