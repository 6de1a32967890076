import { Rng } from "@weft/kernel";
import {
  alwaysPlace,
  type BatchProblem,
  BatchSearch,
  boundByRelaxation,
  planByProgram,
} from "@weft/scheduling";
import { expect, it } from "vitest";
import { loadLinearSolver } from "./highs-solver.ts";

const solver = await loadLinearSolver();

function batch(seed: number, tasks: number, nodes: number): BatchProblem {
  const rng = new Rng(seed);
  const arcs = tasks * nodes;
  const cost = Float64Array.from({ length: arcs }, () => 10 + rng.below(41));
  const demand = Float64Array.from({ length: arcs * 2 }, () => 5 + rng.below(21));
  return {
    tasks,
    nodes,
    resources: 2,
    start: Int32Array.from({ length: tasks + 1 }, (_, t) => t * nodes),
    node: Int32Array.from({ length: arcs }, (_, a) => a % nodes),
    cost,
    demand,
    capacity: new Float64Array(nodes * 2).fill((15 * tasks) / nodes),
    leaveOut: alwaysPlace(cost, tasks),
  };
}

it("solves a linear program and prices its rows", () => {
  // minimise -x - 2y with x + y <= 4, y <= 3
  const solution = solver.minimise({
    cost: Float64Array.of(-1, -2),
    lower: Float64Array.of(0, 0),
    upper: Float64Array.of(Number.POSITIVE_INFINITY, 3),
    rowLower: Float64Array.of(Number.NEGATIVE_INFINITY),
    rowUpper: Float64Array.of(4),
    start: Int32Array.of(0, 1, 2),
    row: Int32Array.of(0, 0),
    value: Float64Array.of(1, 1),
    whole: false,
  });
  expect(solution.status).toBe("optimal");
  expect(solution.objective).toBeCloseTo(-7, 9);
  expect(solution.bound).toBeCloseTo(-7, 9);
  expect([...solution.values].map(Math.round)).toEqual([1, 3]);
  expect(solution.rowPrice[0]).toBeCloseTo(-1, 9);
});

it("says when there is no solution", () => {
  const solution = solver.minimise({
    cost: Float64Array.of(1),
    lower: Float64Array.of(0),
    upper: Float64Array.of(1),
    rowLower: Float64Array.of(2),
    rowUpper: Float64Array.of(3),
    start: Int32Array.of(0, 1),
    row: Int32Array.of(0),
    value: Float64Array.of(1),
    whole: false,
  });
  expect(solution.status).toBe("infeasible");
  expect(solution.bound).toBe(Number.POSITIVE_INFINITY);
});

it("bounds a batch from below: relaxation <= optimum <= anytime search, and the search comes near", () => {
  for (let seed = 1; seed <= 3; seed++) {
    const problem = batch(seed, 9, 3);
    const relaxed = boundByRelaxation(problem, solver);
    const exact = planByProgram(problem, solver, 20);
    const search = new BatchSearch(problem, seed);
    search.search(20_000);
    expect(relaxed).not.toBeNull();
    expect(exact.proven).toBe(true);
    expect(exact.plan?.cost).toBeGreaterThanOrEqual(relaxed!.bound - 1e-6);
    expect(search.best.cost).toBeGreaterThanOrEqual(exact.plan!.cost - 1e-6);
    expect(search.best.cost).toBeLessThanOrEqual(exact.plan!.cost * 1.02);
    expect(search.bound).toBeLessThanOrEqual(relaxed!.bound + 1e-6);
    search.tighten(1000);
    expect(search.bound).toBeGreaterThan(relaxed!.bound * 0.99);
    search.offer(relaxed!);
    expect(search.bound).toBe(relaxed!.bound);
  }
});
