import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type BatchProblem, costOf, holds, planGreedily } from "./batch-problem.ts";
import { BatchSearch } from "./batch-search.ts";
import { planBatch } from "./exact-batch.ts";
import { boundByKnapsacks } from "./knapsack-bound.ts";
import { boundOf, raiseBound } from "./lagrangian.ts";
import { alwaysPlace } from "./unit-assignment.ts";

function randomBatch(rng: Rng, tasks: number, nodes: number, fill: number): BatchProblem {
  const resources = 1 + rng.below(3);
  const start = new Int32Array(tasks + 1);
  const node: number[] = [];
  const cost: number[] = [];
  const demand: number[] = [];
  for (let t = 0; t < tasks; t++) {
    for (let j = 0; j < nodes; j++) {
      if (rng.chance(0.2)) continue;
      for (let ways = rng.chance(0.1) ? 3 : 1; ways > 0; ways--) {
        node.push(j);
        cost.push(1 + rng.below(50));
        for (let k = 0; k < resources; k++) demand.push(rng.below(10));
      }
    }
    start[t + 1] = node.length;
  }
  const capacity = Float64Array.from({ length: nodes * resources }, () => rng.below(fill * 10));
  return {
    tasks,
    nodes,
    resources,
    start,
    node: Int32Array.from(node),
    cost: Float64Array.from(cost),
    demand: Float64Array.from(demand),
    capacity,
    leaveOut: rng.chance(0.5) ? alwaysPlace(Float64Array.from(cost), tasks) : 40,
  };
}

function cheapestByTrying(problem: BatchProblem): number {
  const arc = new Int32Array(problem.tasks).fill(-1);
  const from = (t: number): number => {
    if (t === problem.tasks) return holds(problem, arc) ? costOf(problem, arc) : Number.POSITIVE_INFINITY;
    arc[t] = -1;
    let best = from(t + 1);
    for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
      arc[t] = a;
      best = Math.min(best, from(t + 1));
    }
    arc[t] = -1;
    return best;
  };
  return from(0);
}

it("holds, is never above greedy nor below its bound, and finds the optimum of small batches", () => {
  let optimal = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomBatch(rng, 1 + rng.below(6), 1 + rng.below(3), 3);
      const optimum = cheapestByTrying(problem);
      const search = new BatchSearch(problem, seed);
      expect(search.best.cost).toBeLessThanOrEqual(planGreedily(problem).cost);
      search.search(2_000);
      expect(holds(problem, search.best.arc)).toBe(true);
      expect(costOf(problem, search.best.arc)).toBe(search.best.cost);
      expect(search.best.cost).toBeGreaterThanOrEqual(optimum - 1e-9);
      expect(search.bound).toBeLessThanOrEqual(optimum + 1e-6);
      runs++;
      if (search.best.cost <= optimum + 1e-9) optimal++;
    }),
    { numRuns: 150, seed: 4 },
  );
  expect(optimal / runs).toBeGreaterThan(0.97);
});

it("stays below greedy on batches of many tasks, and equal seeds agree", () => {
  for (let seed = 0; seed < 6; seed++) {
    const problem = randomBatch(new Rng(seed), 120, 12, 6);
    const greedy = planGreedily(problem);
    const search = new BatchSearch(problem, seed);
    search.search(40_000);
    expect(holds(problem, search.best.arc)).toBe(true);
    expect(search.best.cost).toBeLessThanOrEqual(greedy.cost);
    const again = new BatchSearch(problem, seed);
    again.search(40_000);
    expect(again.best).toEqual(search.best);
  }
});

it("[weak duality] every non-negative price vector bounds from below, and ascent only raises the bound", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomBatch(rng, 1 + rng.below(5), 1 + rng.below(3), 3);
      const optimum = cheapestByTrying(problem);
      const price = Float64Array.from(problem.capacity, () => rng.float() * 20);
      expect(boundOf(problem, price)).toBeLessThanOrEqual(optimum + 1e-6);
      const raised = raiseBound(problem, planGreedily(problem).cost, 100, price);
      expect(raised.bound).toBeGreaterThanOrEqual(boundOf(problem, price));
      expect(raised.bound).toBeCloseTo(boundOf(problem, raised.price), 9);
      expect(raised.bound).toBeLessThanOrEqual(optimum + 1e-6);
    }),
    { numRuns: 100 },
  );
});

it("bounds whole tasks from below whatever the prices it starts from, and above what prices on resources prove", () => {
  let tight = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const whole = randomBatch(rng, 1 + rng.below(6), 1 + rng.below(3), 3);
      const problem = rng.chance(0.5) ? whole : { ...whole, cost: whole.cost.map((cost) => cost / 7) };
      const optimum = cheapestByTrying(problem);
      const target = planGreedily(problem).cost;
      const any = Float64Array.from(problem.capacity, () => rng.float() * 20);
      const little = { rounds: 1 + rng.below(20), states: rng.below(50) };
      expect(boundByKnapsacks(problem, target, any, little)).toBeLessThanOrEqual(optimum + 1e-6);
      const raised = raiseBound(problem, target, 60);
      const bound = boundByKnapsacks(problem, target, raised.price, { rounds: 120, states: 1e6 });
      expect(bound).toBeLessThanOrEqual(optimum + 1e-6);
      expect(bound).toBeGreaterThanOrEqual(raised.bound - 1e-6);
      runs++;
      if (bound > optimum * 0.99) tight++;
    }),
    { numRuns: 100, seed: 5 },
  );
  expect(tight / runs).toBeGreaterThan(0.8);
});

it("copes with nothing to place and nowhere to place it", () => {
  const nothing = randomBatch(new Rng(1), 0, 2, 1);
  const search = new BatchSearch(nothing, 1);
  search.search(100);
  expect(search.best.cost).toBe(0);
  expect(search.gap).toBe(0);
});

it("branch and bound proves the optimum of small batches, and its bound holds when it is cut short", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomBatch(rng, 1 + rng.below(6), 1 + rng.below(3), 3);
      const optimum = cheapestByTrying(problem);
      const exact = planBatch(problem, seed, { moves: 50, states: 100_000 });
      expect(exact.proven).toBe(true);
      expect(exact.cost).toBeCloseTo(optimum, 9);
      expect(holds(problem, exact.arc)).toBe(true);
      const short = planBatch(problem, seed, { moves: 10, states: 3 });
      expect(short.bound).toBeLessThanOrEqual(optimum + 1e-6);
      expect(short.cost).toBeGreaterThanOrEqual(optimum - 1e-9);
    }),
    { numRuns: 150 },
  );
});

/** The same problem with resources beside its own that nobody asks for, however much or little there is of them. */
function withIdleResources(problem: BatchProblem, rng: Rng): BatchProblem {
  const own = problem.resources;
  // Its own stay in their order: sums over resources are then added up alike, to the last bit.
  const places = Array.from({ length: own }, (_, k) => k);
  for (let more = 1 + rng.below(4); more > 0; more--) places.splice(rng.below(places.length + 1), 0, -1);
  const spread = (column: Float64Array, rows: number, idle: () => number): Float64Array =>
    Float64Array.from({ length: rows * places.length }, (_, i) => {
      const k = places[i % places.length]!;
      return k < 0 ? idle() : column[Math.floor(i / places.length) * own + k]!;
    });
  return {
    ...problem,
    resources: places.length,
    demand: spread(problem.demand, problem.node.length, () => 0),
    capacity: spread(problem.capacity, problem.nodes, () => rng.pick([0, 1, 1e9])),
  };
}

it("resources that nobody asks for change nothing of a plan or of its bound", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      // Small: a long round would make fewer of them.
      const problem = randomBatch(rng, 1 + rng.below(20), 1 + rng.below(6), 8);
      const idle = withIdleResources(problem, rng);
      const [one, other] = [new BatchSearch(problem, seed), new BatchSearch(idle, seed)];
      one.search(3_000);
      other.search(3_000);
      expect(other.best).toEqual(one.best);
      expect(other.bound).toBe(one.bound);
    }),
    { numRuns: 150 },
  );
});
