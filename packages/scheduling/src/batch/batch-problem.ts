import { assert } from "@weft/kernel";

/**
 * Many tasks on nodes of several resources: the generalised assignment problem with vector demands. Arcs lie by
 * task (CSR): task t may go to `node[a]` at `cost[a]` for a in `start[t] .. start[t + 1]`, taking
 * `demand[a * resources + k]` of resource k there. A pair without an arc is forbidden. Units are the
 * caller's: any, as long as demand and capacity of one resource share theirs.
 */
export interface BatchProblem {
  readonly tasks: number;
  readonly nodes: number;
  readonly resources: number;
  readonly start: Int32Array;
  readonly node: Int32Array;
  readonly cost: Float64Array;
  readonly demand: Float64Array;
  /** `capacity[node * resources + k]` is free of resource k. */
  readonly capacity: Float64Array;
  /** What leaving one task out costs: `alwaysPlace(cost, tasks)` where as many as can be shall be placed. */
  readonly leaveOut: number;
}

export interface BatchPlan {
  /** By task: the arc it takes, or -1 where it was left out. */
  readonly arc: Int32Array;
  readonly cost: number;
}

/** Room is judged with this relative slack, so that sums of decimal demands that fill a node exactly fit. */
const SLACK = 1e-9;

/** The capacities a plan is held against: as given, plus the rounding slack. */
export function roomOf(problem: BatchProblem): Float64Array {
  const { capacity, nodes, resources, start, tasks, node, cost, demand } = problem;
  assert(start.length === tasks + 1 && node.length === cost.length, "arcs are by task");
  assert(demand.length === node.length * resources, "one demand an arc and resource");
  assert(capacity.length === nodes * resources, "one capacity a node and resource");
  return capacity.map((room) => room + Math.abs(room) * SLACK);
}

/** What a plan costs, what is left out included. */
export function costOf(problem: BatchProblem, arc: Int32Array): number {
  let cost = 0;
  for (let t = 0; t < problem.tasks; t++) cost += arc[t]! < 0 ? problem.leaveOut : problem.cost[arc[t]!]!;
  return cost;
}

/** Whether every task takes one of its own arcs and no node carries more than it has. */
export function holds(problem: BatchProblem, arc: Int32Array): boolean {
  const room = roomOf(problem);
  const { resources, start, node, demand } = problem;
  for (let t = 0; t < problem.tasks; t++) {
    const a = arc[t]!;
    if (a < 0) continue;
    if (a < start[t]! || a >= start[t + 1]!) return false;
    for (let k = 0; k < resources; k++) room[node[a]! * resources + k]! -= demand[a * resources + k]!;
  }
  return room.every((left) => left >= 0);
}

/**
 * One at a time: tasks in the given order (by default all as they come), each to the cheapest node with room (or the
 * cheapest by `price`, one an arc). Tasks not in the order are left out.
 * What a scheduler without batches does, and the floor that every batch plan is held against.
 */
export function planGreedily(problem: BatchProblem, order?: Int32Array, price?: Float64Array): BatchPlan {
  const { tasks, resources, start, node, cost, demand, leaveOut } = problem;
  const room = roomOf(problem);
  const arc = new Int32Array(tasks).fill(-1);
  for (let i = 0; i < (order?.length ?? tasks); i++) {
    const t = order === undefined ? i : order[i]!;
    let best = price === undefined ? leaveOut : Number.POSITIVE_INFINITY;
    for (let a = start[t]!; a < start[t + 1]!; a++) {
      const value = price === undefined ? cost[a]! : price[a]!;
      if (value >= best || cost[a]! >= leaveOut) continue;
      const at = node[a]! * resources;
      let fits = true;
      for (let k = 0; k < resources && fits; k++) fits = demand[a * resources + k]! <= room[at + k]!;
      if (!fits) continue;
      best = value;
      arc[t] = a;
    }
    const taken = arc[t]!;
    if (taken < 0) continue;
    for (let k = 0; k < resources; k++) room[node[taken]! * resources + k]! -= demand[taken * resources + k]!;
  }
  return { arc, cost: costOf(problem, arc) };
}

/**
 * The greatest-regret order: tasks that lose most by missing their best node come first. Ties keep the given order.
 */
export function byRegret(problem: BatchProblem, price: Float64Array): Int32Array {
  const { tasks, start } = problem;
  const regret = new Float64Array(tasks);
  for (let t = 0; t < tasks; t++) {
    let first = problem.leaveOut;
    let second = problem.leaveOut;
    for (let a = start[t]!; a < start[t + 1]!; a++) {
      const value = price[a]!;
      if (value < first) {
        second = first;
        first = value;
      } else if (value < second) second = value;
    }
    regret[t] = second - first;
  }
  return Int32Array.from({ length: tasks }, (_, t) => t).sort((s, t) => regret[t]! - regret[s]! || s - t);
}
