import { assert } from "@weft/kernel";
import { type BatchProblem, planGreedily, roomOf } from "../batch/batch-problem.ts";
import { planBatch } from "../batch/exact-batch.ts";

export interface Replacement {
  /** By task: the arc it takes from now on, -1 where its promise cannot be kept. */
  readonly arc: Int32Array;
  /** Tasks that go elsewhere, ascending. */
  readonly moved: readonly number[];
  /** Tasks whose promise cannot be kept, ascending. */
  readonly dropped: readonly number[];
  /** No plan that keeps as many promises moves fewer tasks. */
  readonly proven: boolean;
  /** No plan keeps more promises with fewer moves than this many, drops counted as `tasks + 1` moves each. */
  readonly bound: number;
}

/**
 * Nodes or links changed: which tasks must move, and where, so that all promises hold again with the fewest moves. First
 * as many promises as possible, then as few moves, then the least cost. The problem is that of the network as it is
 * now: arcs that no longer keep a promise (path too slow, residency, node gone) are left out of it, capacities
 * are those without these tasks. `current[t]` is the arc that task t is on, -1 where that is gone.
 *
 * Exact by branch and bound where `effort.states` are enough, else anytime search from the plan that leaves standing
 * what stands, with a proven bound.
 */
export function replaceTasks(
  problem: BatchProblem,
  current: Int32Array,
  seed: number,
  effort = { moves: 20_000, states: 200_000 },
): Replacement {
  assert(current.length === problem.tasks, "one current arc a task");
  const plan = planBatch(movesOf(problem, current), seed, effort, leaveStanding(problem, current));
  const moved: number[] = [];
  const dropped: number[] = [];
  for (let t = 0; t < problem.tasks; t++) {
    if (plan.arc[t]! < 0) dropped.push(t);
    else if (plan.arc[t] !== current[t]) moved.push(t);
  }
  const bound = Math.max(0, Math.ceil(plan.bound - TIES - 1e-6));
  const moves = moved.length + dropped.length * (problem.tasks + 1);
  return {
    arc: plan.arc,
    moved,
    dropped,
    proven: plan.proven || moves <= bound,
    bound: plan.proven ? moves : bound,
  };
}

/** What costs add at most to the count of moves: enough to break ties, too little to be worth a move. */
const TIES = 0.5;

/** The same tasks and arcs, where staying costs nothing, moving one, dropping more than moving all; cost breaks ties. */
function movesOf(problem: BatchProblem, current: Int32Array): BatchProblem {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const cost of problem.cost) {
    low = Math.min(low, cost);
    high = Math.max(high, cost);
  }
  const scale = high > low ? TIES / ((high - low) * problem.tasks) : 0;
  const cost = problem.cost.map((value) => 1 + (value - low) * scale);
  for (let t = 0; t < problem.tasks; t++) if (current[t]! >= 0) cost[current[t]!]! -= 1;
  return { ...problem, cost, leaveOut: problem.tasks + 1 };
}

/** A first plan: every task stays as long as its node has room, the small before the large; the rest is placed greedily. */
function leaveStanding(problem: BatchProblem, current: Int32Array): Int32Array {
  const { tasks, resources, node, demand, capacity } = problem;
  const room = roomOf(problem);
  const arc = new Int32Array(tasks).fill(-1);
  const size = (t: number): number => {
    const a = current[t]!;
    let largest = 0;
    for (let k = 0; k < resources; k++) {
      largest = Math.max(
        largest,
        demand[a * resources + k]! / Math.max(capacity[node[a]! * resources + k]!, 1e-300),
      );
    }
    return largest;
  };
  const standing = [...current.keys()]
    .filter((t) => current[t]! >= 0)
    .sort((s, t) => size(s) - size(t) || s - t);
  for (const t of standing) {
    const a = current[t]!;
    const at = node[a]! * resources;
    let fits = true;
    for (let k = 0; k < resources && fits; k++) fits = demand[a * resources + k]! <= room[at + k]!;
    if (!fits) continue;
    arc[t] = a;
    for (let k = 0; k < resources; k++) room[at + k]! -= demand[a * resources + k]!;
  }
  const homeless = Int32Array.from([...arc.keys()].filter((t) => arc[t]! < 0));
  const rest = planGreedily({ ...problem, capacity: room.map((left) => Math.max(0, left)) }, homeless);
  for (const t of homeless) arc[t] = rest.arc[t]!;
  return arc;
}
