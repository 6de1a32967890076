import fc from "fast-check";
import { expect, it } from "vitest";
import { holm, mannWhitney, summarise, tQuantile, tTail, welch } from "./statistics.ts";

it("knows Student's t by its tables", () => {
  expect(tQuantile(0.975, 1)).toBeCloseTo(12.7062, 3);
  expect(tQuantile(0.975, 4)).toBeCloseTo(2.77645, 4);
  expect(tQuantile(0.975, 19)).toBeCloseTo(2.09302, 4);
  expect(tQuantile(0.975, 1e6)).toBeCloseTo(1.95997, 4);
  expect(tTail(1.959964, 1e8)).toBeCloseTo(0.025, 5);
});

it("summarises a sample with its confidence interval", () => {
  const { mean, deviation, margin } = summarise([4, 5, 6, 7, 8]);
  expect([mean, deviation]).toEqual([6, Math.sqrt(2.5)]);
  expect(margin).toBeCloseTo(1.9632, 3);
  expect(summarise([3])).toEqual({ count: 1, mean: 3, deviation: 0, margin: 0 });
});

it("gives Welch's p for a worked example", () => {
  // Welch's own figures for unequal variances, as R's t.test gives them.
  const a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
  const b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
  expect(welch(a, b)).toBeLessThan(0.05);
  expect(welch(a, b)).toBeGreaterThan(0.0005);
  expect(welch([1, 1], [1, 1])).toBe(1);
  expect(welch([1, 1], [2, 2])).toBe(0);
});

it("gives Mann and Whitney's exact p, as counting every order does", () => {
  const orders = (n: number, m: number): number[] => {
    const all: number[] = [];
    for (let mask = 0; mask < 2 ** (n + m); mask++) {
      const own = Array.from({ length: n + m }, (_, i) => (mask >> i) & 1);
      if (own.reduce((sum, bit) => sum + bit, 0) !== n) continue;
      const ranks = own.reduce((sum, bit, i) => sum + (bit ? i + 1 : 0), 0);
      all.push(ranks - (n * (n + 1)) / 2);
    }
    return all;
  };
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 7, maxLength: 9 }),
      (values) => {
        const [a, b] = [values.slice(0, 4), values.slice(4)];
        const u = a.reduce((sum, x) => sum + b.filter((y) => y < x).length, 0);
        const least = Math.min(u, a.length * b.length - u);
        const all = orders(a.length, b.length);
        const exact = Math.min(1, (2 * all.filter((one) => one <= least).length) / all.length);
        expect(mannWhitney(a, b)).toBeCloseTo(exact, 10);
      },
    ),
    { numRuns: 30 },
  );
});

it("approximates Mann and Whitney's p where there are ties", () => {
  expect(mannWhitney([1, 1, 1], [1, 1, 1])).toBe(1);
  const many = Array.from({ length: 30 }, (_, i) => i % 6);
  expect(
    mannWhitney(
      many,
      many.map((x) => x + 3),
    ),
  ).toBeLessThan(1e-4);
  expect(mannWhitney(many, many)).toBeGreaterThan(0.9);
});

it("corrects for many looks as Holm does", () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02]);
  expect(holm([])).toEqual([]);
});
