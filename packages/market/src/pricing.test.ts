import { type Instant, money } from "@weft/kernel";
import { describe, expect, it } from "vitest";
import { atLeast, congestion, discounted, type PriceList, posted, scalePrices, timeOfUse } from "./index.ts";

const list = (micros: bigint): PriceList => ({
  petaOperation: { logical: money(micros), parallel: money(micros), neural: money(micros) },
  memoryGibHour: money(micros),
  storageGibHour: money(micros),
  transferGb: money(micros),
  bandwidthGbpsHour: money(micros),
  perTask: money(micros),
});
const at = (hour: number): Instant => (hour * 3_600e6) as Instant;

describe("pricing", () => {
  it("posted stays, time of use follows the clock through midnight", () => {
    expect(posted().ppm({ at: at(3), utilisation: 9 })).toBe(1_000_000);
    const tariff = timeOfUse([
      { fromHour: 7, ppm: 1_500_000 },
      { fromHour: 22, ppm: 600_000 },
    ]);
    const ppm = (hour: number): number => tariff.ppm({ at: at(hour), utilisation: 0 });
    expect([6, 7, 21, 22, 24, 31].map(ppm)).toEqual([
      600_000, 1_500_000, 1_500_000, 600_000, 600_000, 1_500_000,
    ]);
  });

  it("congestion settles where demand meets the target, and stays within its bounds", () => {
    const policy = { target: 0.8, gain: 0.5, mostStep: 0.2, lowestPpm: 200_000, highestPpm: 5_000_000 };
    const pricing = congestion(policy);
    const demand = (ppm: number): number => 1.6 * (1e6 / ppm); // elasticity 1: at twice the list it meets the target
    let ppm = 1e6;
    const path: number[] = [];
    for (let step = 0; step < 60; step++)
      path.push((ppm = pricing.ppm({ at: at(step), utilisation: demand(ppm) })));
    expect(path.at(-1)).toBeGreaterThan(1_990_000);
    expect(path.at(-1)).toBeLessThan(2_010_000);
    for (let step = 0; step < 60; step++) ppm = pricing.ppm({ at: at(step), utilisation: 50 });
    expect(ppm).toBe(5_000_000);
  });

  it("scales every price, rounded up; takes the best discount alone; never goes below the reserve", () => {
    expect(scalePrices(list(3n), 1_500_000)).toEqual(list(5n));
    const rules = [
      { grade: null, fromVolume: money(1_000n), ppm: 100_000 },
      { grade: "large", fromVolume: money(0n), ppm: 200_000 },
    ];
    const price = (grade: string, volume: bigint) =>
      discounted(list(100n), rules, { grade, volume: money(volume) });
    expect(price("entry", 999n)).toEqual(list(100n));
    expect(price("entry", 1_000n)).toEqual(list(90n));
    expect(price("large", 1_000n)).toEqual(list(80n));
    expect(atLeast(price("large", 0n), list(85n))).toEqual(list(85n));
  });
});
