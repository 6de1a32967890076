import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type BatchProblem, holds } from "../batch/batch-problem.ts";
import { replaceTasks } from "./replacement.ts";

function changedWorld(
  rng: Rng,
  tasks: number,
  nodes: number,
): { problem: BatchProblem; current: Int32Array } {
  const resources = 1 + rng.below(2);
  const start = new Int32Array(tasks + 1);
  const node: number[] = [];
  const demand: number[] = [];
  const current = new Int32Array(tasks).fill(-1);
  for (let t = 0; t < tasks; t++) {
    const size = Array.from({ length: resources }, () => 1 + rng.below(5));
    for (let j = 0; j < nodes; j++) {
      if (rng.chance(0.2)) continue;
      if (rng.chance(0.4)) current[t] = node.length;
      node.push(j);
      demand.push(...size);
    }
    start[t + 1] = node.length;
  }
  const cost = Float64Array.from(node, () => rng.below(20));
  const capacity = Float64Array.from({ length: nodes * resources }, () => rng.below(12));
  const problem = {
    tasks,
    nodes,
    resources,
    start,
    node: Int32Array.from(node),
    cost,
    demand: Float64Array.from(demand),
    capacity,
    leaveOut: 0,
  };
  return { problem, current };
}

/** Fewest dropped, then fewest moved, over all plans. */
function leastByTrying(problem: BatchProblem, current: Int32Array): [number, number] {
  const arc = new Int32Array(problem.tasks);
  let best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const from = (t: number, dropped: number, moved: number): void => {
    if (t === problem.tasks) {
      const better = dropped < best[0] || (dropped === best[0] && moved < best[1]);
      if (better && holds(problem, arc)) best = [dropped, moved];
      return;
    }
    arc[t] = -1;
    from(t + 1, dropped + 1, moved);
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
      arc[t] = a;
      from(t + 1, dropped, moved + (a === current[t] ? 0 : 1));
    }
  };
  from(0, 0, 0);
  return best;
}

it("keeps as many promises as can be kept, with the fewest moves", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const { problem, current } = changedWorld(rng, 1 + rng.below(6), 1 + rng.below(3));
      const [dropped, moved] = leastByTrying(problem, current);
      const plan = replaceTasks(problem, current, seed);
      expect(holds(problem, plan.arc)).toBe(true);
      expect([plan.dropped.length, plan.moved.length]).toEqual([dropped, moved]);
      expect(plan.proven).toBe(true);
      expect(plan.bound).toBe(moved + dropped * (problem.tasks + 1));
    }),
    { numRuns: 200 },
  );
});

it("moves nothing where nothing is wrong, and bounds what it cannot prove", () => {
  for (let seed = 0; seed < 5; seed++) {
    const rng = new Rng(seed);
    const { problem, current } = changedWorld(rng, 40, 8);
    const plan = replaceTasks(problem, current, seed, { moves: 2_000, states: 500 });
    expect(holds(problem, plan.arc)).toBe(true);
    expect(plan.bound).toBeLessThanOrEqual(plan.moved.length + plan.dropped.length * 41);
    const settled = replaceTasks(problem, plan.arc, seed, { moves: 2_000, states: 500 });
    if (plan.dropped.length === 0) {
      expect(settled.moved).toEqual([]);
      expect(settled.proven).toBe(true);
    }
  }
});
