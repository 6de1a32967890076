import { money } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Ask,
  type Bid,
  type Clearing,
  doubleAuction,
  type Mechanism,
  reverseAuction,
  uniformPrice,
  vickreyClarkeGroves,
} from "./index.ts";

const bidsOf = (values: readonly number[]): Bid[] =>
  values.map((value, i) => ({ id: `b${i}`, value: money(BigInt(value)) }));
const asksOf = (costs: readonly number[]): Ask[] =>
  costs.map((cost, i) => ({ id: `a${i}`, cost: money(BigInt(cost)) }));
const amounts = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 7 });

const welfare = ({ trades }: Clearing, bids: readonly Bid[], asks: readonly Ask[]): bigint =>
  trades.reduce((sum, t) => sum + (bids[t.bid] as Bid).value - (asks[t.ask] as Ask).cost, 0n);

/** The greatest gain any pairing makes, by trying all of them. */
function bestWelfare(values: readonly number[], costs: readonly number[]): number {
  if (values.length === 0) return 0;
  const [value, ...rest] = values as [number, ...number[]];
  let best = bestWelfare(rest, costs);
  for (let i = 0; i < costs.length; i++) {
    const gain = value - (costs[i] as number);
    if (gain > 0) best = Math.max(best, gain + bestWelfare(rest, costs.toSpliced(i, 1)));
  }
  return best;
}
const gainOfBuyer = (cleared: Clearing, buyer: number, truth: number): number => {
  const trade = cleared.trades.find(({ bid }) => bid === buyer);
  return trade === undefined ? 0 : truth - Number(trade.pays);
};
const gainOfProvider = (cleared: Clearing, provider: number, truth: number): number => {
  const trade = cleared.trades.find(({ ask }) => ask === provider);
  return trade === undefined ? 0 : Number(trade.earns) - truth;
};

const MECHANISMS: Readonly<Record<string, Mechanism>> = {
  reverse: reverseAuction,
  uniform: uniformPrice,
  double: doubleAuction,
  vcg: vickreyClarkeGroves,
};

describe.each(Object.entries(MECHANISMS))("%s", (_name, mechanism: Mechanism) => {
  it("trades each lot once, never makes anyone lose, and accounts for every micro", () => {
    fc.assert(
      fc.property(amounts, amounts, (values, costs) => {
        const [bids, asks] = [bidsOf(values), asksOf(costs)];
        const { trades, surplus } = mechanism(bids, asks);
        expect(new Set(trades.map((t) => t.bid)).size).toBe(trades.length);
        expect(new Set(trades.map((t) => t.ask)).size).toBe(trades.length);
        for (const trade of trades) {
          expect(trade.pays).toBeLessThanOrEqual((bids[trade.bid] as Bid).value);
          expect(trade.earns).toBeGreaterThanOrEqual((asks[trade.ask] as Ask).cost);
        }
        expect(trades.reduce((sum, t) => sum + t.pays - t.earns, 0n)).toBe(surplus);
      }),
    );
  });
});

/** Tries every lie of everyone in small markets: none may gain. */
function lyingNeverPays(mechanism: Mechanism, who: "both" | "providers"): void {
  const few = fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 5 });
  fc.assert(
    fc.property(few, few, (values, costs) => {
      const honest = mechanism(bidsOf(values), asksOf(costs));
      for (let lie = 0; lie <= 9; lie++) {
        costs.forEach((truth, provider) => {
          const lied = mechanism(bidsOf(values), asksOf(costs.with(provider, lie)));
          expect(gainOfProvider(lied, provider, truth)).toBeLessThanOrEqual(
            gainOfProvider(honest, provider, truth),
          );
        });
        if (who === "providers") continue;
        values.forEach((truth, buyer) => {
          const lied = mechanism(bidsOf(values.with(buyer, lie)), asksOf(costs));
          expect(gainOfBuyer(lied, buyer, truth)).toBeLessThanOrEqual(gainOfBuyer(honest, buyer, truth));
        });
      }
    }),
    { numRuns: 150 },
  );
}

describe("McAfee's double auction", () => {
  it("is truthful: no lie of any buyer or provider ever gains", () => lyingNeverPays(doubleAuction, "both"));

  it("never costs the manager, and gives up at most the least valuable trade", () => {
    fc.assert(
      fc.property(amounts, amounts, (values, costs) => {
        const [bids, asks] = [bidsOf(values), asksOf(costs)];
        const cleared = doubleAuction(bids, asks);
        const best = uniformPrice(bids, asks);
        expect(cleared.surplus).toBeGreaterThanOrEqual(0n);
        expect(best.trades.length - cleared.trades.length).toBeLessThanOrEqual(1);
        const last = best.trades.at(-1);
        const least = last === undefined ? 0n : (bids[last.bid] as Bid).value - (asks[last.ask] as Ask).cost;
        expect(welfare(best, bids, asks) - welfare(cleared, bids, asks)).toBeLessThanOrEqual(least);
      }),
    );
  });
});

describe("VCG", () => {
  it("is truthful", () => lyingNeverPays(vickreyClarkeGroves, "both"));

  it("makes all the gain there is, and the manager pays in", () => {
    const few = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 5 });
    fc.assert(
      fc.property(few, few, (values, costs) => {
        const [bids, asks] = [bidsOf(values), asksOf(costs)];
        const cleared = vickreyClarkeGroves(bids, asks);
        expect(Number(welfare(cleared, bids, asks))).toBe(bestWelfare(values, costs));
        expect(cleared.surplus).toBeLessThanOrEqual(0n);
      }),
    );
  });

  it("charges each what its taking part costs the others", () => {
    fc.assert(
      fc.property(amounts, amounts, (values, costs) => {
        const cleared = vickreyClarkeGroves(bidsOf(values), asksOf(costs));
        const all = bestWelfare(values.slice(0, 4), costs.slice(0, 4));
        if (values.length > 4 || costs.length > 4) return;
        for (const { bid, pays } of cleared.trades) {
          const without = bestWelfare(values.toSpliced(bid, 1), costs);
          expect(Number(pays)).toBe(without - (all - (values[bid] as number)));
        }
      }),
    );
  });
});

describe("the others", () => {
  it("a reverse auction of one lot is truthful for providers, and pays the second price", () => {
    const one: Mechanism = (bids, asks) => reverseAuction(bids.slice(0, 1), asks);
    lyingNeverPays(one, "providers");
    expect(one(bidsOf([10]), asksOf([3, 7, 5])).trades[0]).toMatchObject({ ask: 0, pays: 5n });
    expect(one(bidsOf([10]), asksOf([3])).trades[0]).toMatchObject({ pays: 10n });
    expect(one(bidsOf([2]), asksOf([3])).trades).toEqual([]);
  });
});
