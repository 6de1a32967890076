import { type Money, money } from "@weft/kernel";
import { commissionOf, type PriceList, priceEntries } from "@weft/market";
import fc from "fast-check";
import { expect, it } from "vitest";
import { grossed, marked, within } from "./offering.ts";

const price = fc.bigInt({ min: 0n, max: 10n ** 15n }).map((n) => money(n));
const list: fc.Arbitrary<PriceList> = fc.record({
  petaOperation: fc.record({ logical: price, parallel: price, neural: price }),
  memoryGibHour: price,
  storageGibHour: price,
  transferGb: price,
  bandwidthGbpsHour: price,
  perTask: price,
});

it("of a price that was raised for a commission at least the price is left once it is kept, but for the rounding", () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 0, max: 900_000 }), (prices, commissionPpm) => {
      const raised = priceEntries(grossed(prices, commissionPpm));
      for (const [i, [, asked]] of priceEntries(prices).entries()) {
        const paid = raised[i]?.[1] as Money;
        const left = paid - commissionOf(paid, { commissionPpm });
        expect(left >= asked - 1n).toBe(true);
      }
    }),
  );
});

it("a list is within itself, and within it marked up; a dearer one is not", () => {
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 1_000_000 }), (prices, markupPpm) => {
      const policy = { tiers: null, labels: {}, markupPpm };
      const dearer = marked(prices, policy);
      expect(within(prices, prices)).toBe(true);
      expect(within(prices, dearer)).toBe(true);
      const moved = priceEntries(prices).some(([, one], i) => one !== priceEntries(dearer)[i]?.[1]);
      expect(within(dearer, prices)).toBe(!moved);
    }),
  );
});
