import type { BatchProblem } from "./batch-problem.ts";

/** A proven lower bound on every plan's cost, and the resource prices that prove it. */
export interface LagrangianBound {
  readonly bound: number;
  /** `price[node * resources + k]`: worth of one unit of the resource there. Never negative. */
  readonly price: Float64Array;
}

/**
 * The bound that given resource prices prove: each task takes what is cheapest when it pays for what it uses,
 * less the worth of all there is. Any non-negative prices give a valid bound (weak duality). `use`, if
 * given, receives what those choices would use.
 */
export function boundOf(problem: BatchProblem, price: Float64Array, use?: Float64Array): number {
  const { tasks, nodes, resources, start, node, cost, demand, capacity, leaveOut } = problem;
  let value = 0;
  use?.fill(0);
  for (let t = 0; t < tasks; t++) {
    let least = leaveOut;
    let taken = -1;
    for (let a = start[t]!, end = start[t + 1]!; a < end; a++) {
      let reduced = cost[a]!;
      if (reduced >= least) continue; // what it uses only adds to it
      const at = node[a]! * resources;
      for (let k = 0; k < resources; k++) reduced += price[at + k]! * demand[a * resources + k]!;
      if (reduced < least) {
        least = reduced;
        taken = a;
      }
    }
    value += least;
    if (use === undefined || taken < 0) continue;
    const at = node[taken]! * resources;
    for (let k = 0; k < resources; k++) use[at + k]! += demand[taken * resources + k]!;
  }
  for (let i = 0; i < nodes * resources; i++) value -= price[i]! * capacity[i]!;
  return value;
}

/**
 * Raises the bound by subgradient ascent (Held and Karp; steps after Polyak, directions averaged after
 * Camerini, Fratta and Maffioli 1975). The capacity constraints are priced, so the bound tends to that of the linear
 * relaxation. `target` is the cost of some known plan; it steers the step length and is not relied on.
 */
export function raiseBound(
  problem: BatchProblem,
  target: number,
  rounds: number,
  from?: Float64Array,
): LagrangianBound {
  const size = problem.nodes * problem.resources;
  const scale = problem.capacity.map((room) => (room > 0 ? room : 1));
  const price = from === undefined ? new Float64Array(size) : from.slice();
  const best = price.slice();
  const use = new Float64Array(size);
  const direction = new Float64Array(size);
  let bound = boundOf(problem, price);
  const scope = Math.max(Math.abs(bound), 1e-9); // a plan far off (tasks left out) is no guide to the step
  let agility = 1;
  let idle = 0;
  for (let round = 0; round < rounds; round++) {
    const value = boundOf(problem, price, use);
    const rose = value > bound + Math.abs(bound) * 1e-7;
    if (value > bound) {
      bound = value;
      best.set(price);
    }
    if (rose) idle = 0;
    else if (++idle >= 12) {
      agility *= 0.7;
      idle = 0;
      price.set(best);
    }
    if (agility < 1e-5) break;
    // In shares of capacity, so that a resource counted in bytes steps no further than one counted in cores.
    let length = 0;
    for (let i = 0; i < size; i++) {
      const share = (use[i]! - problem.capacity[i]!) / scale[i]!;
      const slope = price[i] === 0 && share < 0 ? 0 : share;
      direction[i] = slope + 0.6 * direction[i]!;
      length += direction[i]! * direction[i]!;
    }
    if (length === 0) break;
    const gap = Math.max(Math.min(target - value, 0.05 * scope), 1e-6 * scope);
    const step = (agility * gap) / length;
    for (let i = 0; i < size; i++) price[i] = Math.max(0, price[i]! + (step * direction[i]!) / scale[i]!);
  }
  return { bound, price: best };
}

/** By arc: its cost plus the worth of what it uses at the given prices. */
export function pricedCosts(problem: BatchProblem, price: Float64Array): Float64Array {
  const { resources, node, cost, demand } = problem;
  return cost.map((value, a) => {
    let priced = value;
    for (let k = 0; k < resources; k++) {
      priced += price[node[a]! * resources + k]! * demand[a * resources + k]!;
    }
    return priced;
  });
}
