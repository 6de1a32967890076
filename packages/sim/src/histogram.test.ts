import fc from "fast-check";
import { expect, it } from "vitest";
import { LogHistogram } from "./histogram.ts";

it("knows every quantile to one bin, and the moments exactly", () => {
  const values = fc.array(fc.double({ min: 1e-5, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (sample, q) => {
      const histogram = new LogHistogram();
      for (const x of sample) histogram.add(x);
      const sorted = sample.slice().sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
      expect(histogram.quantile(q) / exact).toBeGreaterThan(1 - 0.032);
      expect(histogram.quantile(q) / exact).toBeLessThan(1 + 0.032);
      expect(histogram.mean).toBeCloseTo(sample.reduce((a, b) => a + b, 0) / sample.length, 0);
      expect(histogram.bins().reduce((sum, { count }) => sum + count, 0)).toBe(sample.length);
    }),
  );
});

it("says so where there is nothing", () => {
  expect(new LogHistogram().quantile(0.5)).toBeNaN();
  expect(new LogHistogram().mean).toBeNaN();
});
