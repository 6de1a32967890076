import { money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import fc from "fast-check";
import { expect, it } from "vitest";
import { checkPrices, type PriceList, priceEntries } from "./prices.ts";
import { congestion, discounted, scalePrices, timeOfUse } from "./pricing.ts";
import { checkSignedOffer, floorOf, reaches, type StandingOffer, signOffer } from "./standing-offer.ts";

const list = (of: (i: number) => bigint): PriceList => ({
  petaOperation: { logical: money(of(0)), parallel: money(of(1)), neural: money(of(2)) },
  memoryGibHour: money(of(3)),
  storageGibHour: money(of(4)),
  transferGb: money(of(5)),
  bandwidthGbpsHour: money(of(6)),
  perTask: money(of(7)),
});
const FREE = list(() => 0n);
const NAMES = priceEntries(FREE).map(([name]) => name);

it("a price below zero is refused whichever it is, with its name; free of charge is not", () => {
  expect(checkPrices(FREE).ok).toBe(true);
  for (const [i, name] of NAMES.entries()) {
    const wrong = checkPrices(
      list((j) => (i === j ? -3n : 5n)),
      "floor",
    );
    expect(wrong).toMatchObject({
      ok: false,
      refusal: { code: "E_PRICE_NEGATIVE", path: `floor.${name}`, found: "-3", expected: "0 or more" },
    });
    expect(wrong.ok ? null : wrong.refusal.hint).toContain("0");
  }
});

it("an offer with a negative price, floor, discount or multiple is refused by the field's name", () => {
  const good: StandingOffer = {
    ...{ node: "corner", at: 1, prices: FREE, pricing: { kind: "posted" }, reserve: null, discounts: [] },
    ...{ windows: [], shortest: 0, longest: null, validUntil: null },
  } as never;
  const signer = createSigner();
  const refusal = (change: Partial<StandingOffer>) => {
    const checked = checkSignedOffer(signOffer({ ...good, ...change }, signer), nodeCryptography);
    return checked.ok ? null : [checked.refusal.code, checked.refusal.path];
  };
  const negative = list((i) => (i === 5 ? -1n : 0n));
  expect(refusal({})).toBeNull();
  expect(refusal({ prices: negative })).toEqual(["E_PRICE_NEGATIVE", "offer.prices.transferGb"]);
  expect(refusal({ reserve: negative })).toEqual(["E_PRICE_NEGATIVE", "offer.reserve.transferGb"]);
  const off = (ppm: number, fromVolume = 0n) => ({
    discounts: [{ grade: null, fromVolume: money(fromVolume), ppm }],
  });
  expect(refusal(off(1_000_001))).toEqual(["E_OFFER_DISCOUNT", "offer.discounts[0]"]);
  expect(refusal(off(-1))).toEqual(["E_OFFER_DISCOUNT", "offer.discounts[0]"]);
  expect(refusal(off(1, -1n))).toEqual(["E_OFFER_DISCOUNT", "offer.discounts[0]"]);
  const steps = (ppm: number) => ({
    pricing: { kind: "time-of-use", steps: [{ fromHour: 0, ppm }] } as const,
  });
  expect(refusal(steps(0))).toBeNull();
  expect(refusal(steps(-1))).toEqual(["E_OFFER_PRICING", "offer.pricing"]);
  const congested = (lowestPpm: number) => ({
    pricing: {
      ...{ kind: "congestion" as const, target: 0.7, gain: 0.2, mostStep: 0.05 },
      ...{ lowestPpm, highestPpm: 3e6 },
    } as const,
  });
  expect(refusal({ windows: [{ from: 5, to: 5, days: null }] })?.[0]).toBe("E_OFFER_WINDOW");
  expect(refusal({ shortest: 2, longest: 1 } as never)?.[0]).toBe("E_OFFER_LENGTH");
  const forged = { ...signOffer(good, signer), offer: { ...good, reserve: FREE } };
  expect(checkSignedOffer(forged, nodeCryptography)).toMatchObject({
    refusal: { code: "E_OFFER_SIGNATURE" },
  });
  expect(refusal(congested(0))).toBeNull();
  expect(refusal(congested(-1))).toEqual(["E_OFFER_PRICING", "offer.pricing"]);
});

it("an offer by the hour has its hours in rising order, each once, within a day", () => {
  const signer = createSigner();
  const hours = (...fromHours: number[]) => {
    const offer = {
      ...{ node: "corner", at: 1, prices: FREE, reserve: null, discounts: [] },
      ...{ windows: [], shortest: 0, longest: null, validUntil: null },
      pricing: { kind: "time-of-use", steps: fromHours.map((fromHour) => ({ fromHour, ppm: 5 })) },
    } as never;
    return checkSignedOffer(signOffer(offer, signer), nodeCryptography).ok;
  };
  expect([hours(0, 7, 23), hours(7)]).toEqual([true, true]);
  for (const wrong of [[], [7, 7], [8, 7], [24], [-1], [1.5]])
    expect(hours(...wrong), `${wrong}`).toBe(false);
});

it("the least an offer can come to is its deepest discount at its lowest price, but never below the reserve", () => {
  const off = (ppm: number) => ({ grade: null, fromVolume: money(0n), ppm });
  const offer = {
    prices: null,
    reserve: null,
    discounts: [off(100_000), off(300_000), off(200_000)],
    pricing: {
      kind: "time-of-use",
      steps: [
        { fromHour: 0, ppm: 500_000 },
        { fromHour: 8, ppm: 2_000_000 },
      ],
    },
  } as unknown as StandingOffer;
  const own = list(() => 1_000n);
  const floor = list(() => 350n); // 1000 x 0.5 x 0.7
  expect(floorOf(offer, own)).toEqual(floor);
  expect(floorOf({ ...offer, reserve: list((i) => (i === 2 ? 400n : 0n)) }, own)).toEqual(
    list((i) => (i === 2 ? 400n : 350n)),
  );
  expect(reaches(floor, floor)).toBe(true);
  for (let i = 0; i < NAMES.length; i++) {
    expect(
      reaches(
        list((j) => (i === j ? 349n : 1_000n)),
        floor,
      ),
      NAMES[i],
    ).toBe(false);
  }
});

it("no policy and no discount that is taken makes a price negative, whatever the demand", () => {
  const share = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 8, maxLength: 8 }),
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 30 }),
      fc.record({ target: share, gain: share, mostStep: fc.double({ min: 1e-3, max: 0.999, noNaN: true }) }),
      fc.nat(1_000_000),
      (amounts, demand, policy, ppm) => {
        const prices = list((i) => amounts[i] as bigint);
        const moving = [
          congestion({ ...policy, lowestPpm: 0, highestPpm: 3e6 }),
          timeOfUse([{ fromHour: 3, ppm }]),
        ];
        for (const pricing of moving) {
          for (const [i, utilisation] of demand.entries()) {
            const at = (i * 3.6e9) as never;
            const now = scalePrices(prices, pricing.ppm({ at, utilisation }));
            const sold = discounted(now, [{ grade: null, fromVolume: money(0n), ppm }], {
              grade: "entry",
              volume: money(0n),
            });
            expect(checkPrices(sold).ok).toBe(true);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
