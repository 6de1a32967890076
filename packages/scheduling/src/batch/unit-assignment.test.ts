import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { alwaysPlace, assignUnitTasks, dualValue, type UnitAssignmentProblem } from "./unit-assignment.ts";

function cheapestByTrying(problem: UnitAssignmentProblem): number {
  const used = new Int32Array(problem.nodes);
  const from = (t: number): number => {
    if (t === problem.tasks) return 0;
    let best = problem.leaveOut + from(t + 1);
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
      const j = problem.node[a]!;
      if (used[j]! >= problem.capacity[j]!) continue;
      used[j]!++;
      best = Math.min(best, problem.cost[a]! + from(t + 1));
      used[j]!--;
    }
    return best;
  };
  return from(0);
}

function randomProblem(
  rng: Rng,
  tasks: number,
  nodes: number,
  degree: number,
  spread: number,
  slots: number,
): UnitAssignmentProblem {
  const start = new Int32Array(tasks + 1);
  const node: number[] = [];
  const cost: number[] = [];
  for (let t = 0; t < tasks; t++) {
    const arcs = rng.below(degree + 1);
    for (let i = 0; i < arcs; i++) {
      node.push(rng.below(nodes));
      cost.push(rng.below(spread) - Math.floor(spread / 4));
    }
    start[t + 1] = node.length;
  }
  const capacity = Int32Array.from({ length: nodes }, () => rng.below(slots + 1));
  return {
    tasks,
    nodes,
    start,
    node: Int32Array.from(node),
    cost: Float64Array.from(cost),
    capacity,
    leaveOut: rng.chance(0.5) ? alwaysPlace(Float64Array.from(cost), tasks) : rng.below(spread),
  };
}

function check(problem: UnitAssignmentProblem): number {
  const solved = assignUnitTasks(problem);
  const used = new Int32Array(problem.nodes);
  let cost = 0;
  for (let t = 0; t < problem.tasks; t++) {
    const j = solved.node[t]!;
    if (j < 0) {
      cost += problem.leaveOut;
      continue;
    }
    used[j]!++;
    let arc = Number.POSITIVE_INFINITY;
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
      if (problem.node[a] === j) arc = Math.min(arc, problem.cost[a]!);
    }
    cost += arc;
  }
  for (let j = 0; j < problem.nodes; j++) expect(used[j]).toBeLessThanOrEqual(problem.capacity[j]!);
  expect(solved.price.every((p) => p >= 0)).toBe(true);
  expect(cost).toBeCloseTo(solved.cost, 6);
  expect(dualValue(problem, solved.price)).toBeCloseTo(solved.cost, 6);
  return solved.cost;
}

it("is as cheap as the best of all assignments, and its prices prove it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomProblem(rng, rng.below(8), 1 + rng.below(4), 4, 1 + rng.below(30), 3);
      expect(check(problem)).toBe(cheapestByTrying(problem));
    }),
    { numRuns: 1000 },
  );
});

it("proves itself on larger instances, tight and loose, with and without ties", () => {
  for (let seed = 0; seed < 60; seed++) {
    const rng = new Rng(seed);
    const nodes = 2 + rng.below(60);
    check(
      randomProblem(
        rng,
        10 + rng.below(400),
        nodes,
        seed % 10 === 0 ? 150 : 12,
        rng.chance(0.3) ? 4 : 100_000,
        1 + rng.below(20),
      ),
    );
  }
});

it("places all that can be placed when leaving out is dear enough", () => {
  const problem: UnitAssignmentProblem = {
    tasks: 3,
    nodes: 2,
    start: Int32Array.of(0, 2, 3, 4),
    node: Int32Array.of(0, 1, 0, 1),
    cost: Float64Array.of(0, 1000, 1000, 0),
    capacity: Int32Array.of(1, 2),
    leaveOut: 5,
  };
  expect([...assignUnitTasks(problem).node]).toEqual([0, -1, 1]);
  const placing = { ...problem, leaveOut: alwaysPlace(problem.cost, 3) };
  expect([...assignUnitTasks(placing).node]).toEqual([1, 0, 1]);
});
