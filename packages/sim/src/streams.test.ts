import { expect, it } from "vitest";
import { Streams } from "./streams.ts";

it("draws the exponential law: moments, tail and every decile", () => {
  const streams = new Streams(7, 2);
  const draws = Float64Array.from({ length: 400_000 }, () => streams.exponential(1, 3)).sort();
  const moment = (k: number) => draws.reduce((sum, x) => sum + (x / 3) ** k, 0) / draws.length;
  expect(moment(1)).toBeCloseTo(1, 2);
  expect(moment(2) / 2).toBeCloseTo(1, 1);
  expect(moment(3) / 6).toBeCloseTo(1, 1);
  for (const q of [0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.999]) {
    const below = draws.findIndex((x) => x > -3 * Math.log(1 - q)) / draws.length;
    // Four standard errors.
    expect(Math.abs(below - q)).toBeLessThan(4 * Math.sqrt((q * (1 - q)) / draws.length));
  }
  // Beyond the ziggurat's tail e^-7.697 of all lie: 182 are to be expected, give or take four times 13.5.
  const tail = draws.reduce((count, x) => count + (x > 3 * 7.69711747013105 ? 1 : 0), 0);
  expect(Math.abs(tail - 182)).toBeLessThan(54);
  expect(draws[0]).toBeGreaterThan(0);
});

it("a stream is the same whatever the others draw", () => {
  const [alone, among] = [new Streams(3, 4), new Streams(3, 4)];
  for (let i = 0; i < 100; i++) {
    among.exponential(0, 1);
    among.float(1);
    expect(among.below(2, 1000)).toBe(alone.below(2, 1000));
  }
  expect(new Streams(4, 4).float(2)).not.toBe(new Streams(3, 4).float(2));
});
