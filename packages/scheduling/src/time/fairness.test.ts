import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { DominantShares, type FairConsumer, fairShares, fairTasks } from "./fairness.ts";

const many = Number.POSITIVE_INFINITY;
const consumer = (demand: number[], weight = 1, wants = many): FairConsumer => ({
  demand: Float64Array.from(demand),
  weight,
  wants,
});

it("[Ghodsi 2011, 4.1] nine processors and 18 GB: three tasks of <1, 4> beside two of <3, 1>", () => {
  const consumers = [consumer([1, 4]), consumer([3, 1])];
  expect([...fairTasks(Float64Array.of(9, 18), consumers)]).toEqual([3, 2]);
  const shares = fairShares(Float64Array.of(9, 18), consumers);
  expect(shares[0]).toBeCloseTo(3, 9);
  expect(shares[1]).toBeCloseTo(2, 9);
});

it("gives weight its due, and the wants of the modest first", () => {
  expect([...fairTasks(Float64Array.of(30), [consumer([1], 2), consumer([1], 1)])]).toEqual([20, 10]);
  expect([...fairTasks(Float64Array.of(30), [consumer([1], 1, 4), consumer([1]), consumer([1])])]).toEqual([
    4, 13, 13,
  ]);
});

function randomCase(seed: number): { capacity: Float64Array; consumers: FairConsumer[] } {
  const rng = new Rng(seed);
  const resources = 1 + rng.below(3);
  const capacity = Float64Array.from({ length: resources }, () => 50 + rng.below(100));
  const consumers = Array.from({ length: 1 + rng.below(5) }, () => {
    const demand = Array.from({ length: resources }, () => rng.below(6));
    if (!demand.some((d) => d > 0)) demand[0] = 1;
    return consumer(demand, 1 + rng.below(3), rng.chance(0.3) ? 1 + rng.below(20) : many);
  });
  return { capacity, consumers };
}

/** How many tasks of `c` a bundle would run. */
const worth = (c: FairConsumer, bundle: (k: number) => number): number =>
  Math.min(c.wants, ...[...c.demand].map((d, k) => (d > 0 ? bundle(k) / d : many)));

it("[sharing incentive, no envy, Pareto efficiency, capacity] hold for divisible shares", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const { capacity, consumers } = randomCase(seed);
      const tasks = fairShares(capacity, consumers);
      const totalWeight = consumers.reduce((sum, c) => sum + c.weight, 0);
      const left = capacity.map((room, k) =>
        consumers.reduce((rest, c, i) => rest - tasks[i]! * c.demand[k]!, room),
      );
      for (const rest of left) expect(rest).toBeGreaterThanOrEqual(-1e-6);
      consumers.forEach((c, i) => {
        expect(tasks[i]).toBeGreaterThanOrEqual(
          worth(c, (k) => (capacity[k]! * c.weight) / totalWeight) - 1e-6,
        );
        consumers.forEach((other, j) => {
          const envied = worth(c, (k) => (tasks[j]! * other.demand[k]! * c.weight) / other.weight);
          expect(tasks[i]).toBeGreaterThanOrEqual(envied - 1e-6);
        });
        const stuck =
          tasks[i]! >= c.wants - 1e-6 ||
          [...c.demand].some((d, k) => d > 0 && left[k]! < 1e-6 * capacity[k]!);
        expect(stuck).toBe(true);
      });
    }),
    { numRuns: 500 },
  );
});

it("whole tasks stay within capacity, leave nobody who could go on, and follow the shares", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const { capacity, consumers } = randomCase(seed);
      const tasks = fairTasks(capacity, consumers);
      const left = capacity.map((room, k) =>
        consumers.reduce((rest, c, i) => rest - tasks[i]! * c.demand[k]!, room),
      );
      for (const rest of left) expect(rest).toBeGreaterThanOrEqual(0);
      consumers.forEach((c, i) => {
        const goesOn = tasks[i]! < c.wants && c.demand.every((d, k) => d <= left[k]!);
        expect(goesOn).toBe(false);
      });
    }),
    { numRuns: 300 },
  );
});

it("a refund gives the turn back", () => {
  const shares = new DominantShares(Float64Array.of(10, 10), Float64Array.of(1, 1));
  shares.charge(0, Float64Array.of(5, 0));
  expect(shares.next([0, 1])).toBe(1);
  shares.charge(1, Float64Array.of(0, 6));
  expect(shares.next([0, 1])).toBe(0);
  shares.charge(1, Float64Array.of(0, 6), -1);
  expect(shares.next([0, 1])).toBe(1);
  expect(shares.next([])).toBe(-1);
});
