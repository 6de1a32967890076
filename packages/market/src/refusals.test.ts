import { type Bytes, type Instant, type Micros, type Money, money, type Refusal } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { expect, it } from "vitest";
import { Biller } from "./billing.ts";
import { verifyTerms } from "./contract.ts";
import { ContractLife } from "./contract-life.ts";
import {
  checkPrices,
  checkSignedOffer,
  checkUsage,
  checkWindows,
  Ledger,
  ledgerRail,
  type MeterBounds,
  type PriceList,
  priceEntries,
  type StandingOffer,
  signMeasurement,
  signOffer,
  signOrder,
  type UsageRecord,
  verifyMeasurement,
  verifyOrder,
} from "./index.ts";
import { PRICES, termsBetween, WITHOUT_TERMS } from "./testing/papers.ts";

/*
 * Every figure that cannot be, below zero, above what there is, without end or no number, is refused with its place, what
 * was found there, what was expected, and what to do.
 */

const [ann, bob, fees] = [createSigner(), createSigner(), createSigner()];
const FROM = 1_000_000_000 as Instant;
const UNTIL = (FROM + 120e6) as Instant;
const orderFor = (payAtMost: Money) =>
  signOrder(
    { id: "o-1", consumer: ann.publicKey, taskDigest: "ab".repeat(32), payAtMost, notAfter: UNTIL },
    ann,
  );
const TERMS = termsBetween(ann.publicKey, bob.publicKey, fees.publicKey, {
  order: orderFor(money(1000n)),
  validFrom: FROM,
  validUntil: UNTIL,
});
const OFFER: StandingOffer = {
  node: "corner",
  at: FROM,
  prices: PRICES,
  pricing: { kind: "posted" },
  ...WITHOUT_TERMS,
};
const offered = (change: Partial<StandingOffer>): unknown =>
  checkSignedOffer(signOffer({ ...OFFER, ...change }, bob), nodeCryptography);
const RECORD: UsageRecord = {
  id: "r-1",
  contract: "c-1",
  node: "corner",
  sequence: 1,
  startedAt: FROM,
  endedAt: (FROM + 1e6) as Instant,
  cpuTime: 1_000_000 as Micros,
  wallTime: 1_000_000 as Micros,
  operations: 1n,
  memoryTime: 1n,
  storageTime: 0n,
  reservedBits: 0n,
  inputBytes: 0 as Bytes,
  outputBytes: 0 as Bytes,
  outcome: "completed",
  result: null,
};
const BOUNDS: MeterBounds = {
  lanes: 2,
  rate: 1e9 as MeterBounds["rate"],
  memoryBytes: 1e9 as Bytes,
  storageBytes: 1e9 as Bytes,
  movedBytes: 1000,
  reservedBps: 1000,
};
const metered = (change: Partial<Record<keyof UsageRecord, unknown>>): unknown =>
  checkUsage({ ...RECORD, ...change } as UsageRecord, TERMS, BOUNDS);
const measured = (change: object): unknown => {
  const measurement = {
    ...{ contract: "c-1", observer: "ann", from: FROM, to: UNTIL, up: 120e6 as Micros },
    ...{ deliveries: 2, withinDelay: 2 },
    ...change,
  };
  return verifyMeasurement(signMeasurement(measurement as never, ann), TERMS, nodeCryptography);
};
const below = (prices: PriceList, name: string): PriceList => {
  const [first, second] = name.split(".") as [keyof PriceList, string | undefined];
  if (second === undefined) return { ...prices, [first]: money(-1n) };
  return { ...prices, [first]: { ...(prices[first] as object), [second]: money(-1n) } };
};
function ledger(): Ledger {
  const made = new Ledger();
  made.open({ id: "ann", currency: "CNY", limit: money(0n) } as never);
  made.open({ id: "bob", currency: "CNY", limit: null } as never);
  return made;
}
const posted = (postings: readonly (readonly [string, bigint])[]): unknown =>
  ledger().post({
    ...{ id: "t", at: FROM, kind: "deposit", reference: "t", closes: null },
    postings: postings.map(([account, amount]) => ({ account, amount: money(amount) })),
  } as never);
function credited(amount: bigint): unknown {
  const biller = new Biller("CNY", []);
  const period = { kind: "month", name: "2026-11", from: FROM, to: UNTIL } as never;
  const charge = { id: "c", account: "ann", at: FROM, description: "work", amount: money(10n) };
  const issued = biller.issue("ann", period, [charge], UNTIL);
  if (!issued.ok) throw new Error(issued.refusal.code);
  const note = { id: "n", invoice: issued.value.id, account: "ann", amount: money(amount) };
  return biller.credit({ ...note, reason: "late", borneBy: "manager", issuedAt: UNTIL } as never);
}
function ruled(refund: bigint): unknown {
  const life = ContractLife.request(TERMS, { commissionPpm: 0 });
  const steps = [
    { kind: "quote", expiresAt: UNTIL },
    { kind: "accept", signBy: UNTIL },
    { kind: "sign", role: "manager" },
    { kind: "sign", role: "provider" },
    { kind: "start" },
    { kind: "complete", charge: money(100n) },
    { kind: "dispute", claim: "late" },
  ] as const;
  for (const step of steps) {
    const taken = life.offer(FROM, step as never);
    if (!taken.ok) throw new Error(`${step.kind}: ${taken.refusal.message}`);
  }
  return life.offer(FROM, { kind: "resolve", refund: money(refund) } as never);
}
async function dealt(due: bigint): Promise<unknown> {
  const rail = ledgerRail(ledger(), () => FROM);
  const deal = { id: "d", consumer: "bob", provider: "ann", manager: "bob", ceiling: money(10n) };
  await rail.open({ ...deal, commissionPpm: 0, refundAfter: UNTIL });
  return rail.release("d", money(due));
}

const CASES: readonly (readonly [string, string, () => unknown])[] = [
  ...priceEntries(PRICES).map(
    ([name]) =>
      [`price ${name} below zero`, "E_PRICE_NEGATIVE", () => checkPrices(below(PRICES, name))] as const,
  ),
  ["offered price below zero", "E_PRICE_NEGATIVE", () => offered({ prices: below(PRICES, "perTask") })],
  ["reserve below zero", "E_PRICE_NEGATIVE", () => offered({ reserve: below(PRICES, "perTask") })],
  [
    "discount below zero",
    "E_OFFER_DISCOUNT",
    () => offered({ discounts: [{ grade: null, ppm: -1, fromVolume: money(0n) }] }),
  ],
  [
    "discount of more than all",
    "E_OFFER_DISCOUNT",
    () => offered({ discounts: [{ grade: null, ppm: 1_000_001, fromVolume: money(0n) }] }),
  ],
  [
    "hours beyond a day",
    "E_OFFER_PRICING",
    () => offered({ pricing: { kind: "time-of-use", steps: [{ fromHour: 25, ppm: 1 }] } }),
  ],
  [
    "window below zero",
    "E_OFFER_WINDOW",
    () => checkWindows({ ...OFFER, windows: [{ from: -1, to: 5, days: null }] }),
  ],
  [
    "window beyond a day",
    "E_OFFER_WINDOW",
    () => checkWindows({ ...OFFER, windows: [{ from: 0, to: 1441, days: null }] }),
  ],
  [
    "longest below shortest",
    "E_OFFER_LENGTH",
    () => checkWindows({ ...OFFER, shortest: 5 as Micros, longest: 4 as Micros }),
  ],
  ["order below zero", "E_ORDER_BOUND", () => verifyOrder(orderFor(money(-1n)), nodeCryptography)],
  [
    "ceiling below zero",
    "E_CONTRACT_CEILING",
    () => verifyTerms({ ...TERMS, ceiling: money(-1n) }, nodeCryptography),
  ],
  [
    "ceiling above the order",
    "E_CONTRACT_CEILING",
    () => verifyTerms({ ...TERMS, ceiling: money(1001n) }, nodeCryptography),
  ],
  [
    "contract that ends before it begins",
    "E_CONTRACT_TIME",
    () => verifyTerms({ ...TERMS, validUntil: FROM }, nodeCryptography),
  ],
  [
    "contract's price below zero",
    "E_PRICE_NEGATIVE",
    () => verifyTerms({ ...TERMS, prices: below(PRICES, "transferGb") }, nodeCryptography),
  ],
  ["refund below zero", "E_CONTRACT_REFUND", () => ruled(-1n)],
  ["refund of more than was due", "E_CONTRACT_REFUND", () => ruled(101n)],
  ["credit of nothing", "E_CREDIT_AMOUNT", () => credited(0n)],
  ["credit of more than is left", "E_CREDIT_AMOUNT", () => credited(11n)],
  [
    "hold below zero",
    "E_LEDGER_AMOUNT",
    () => ledger().place({ id: "h", account: "ann", amount: money(-1n), at: FROM, reference: "h" }),
  ],
  ["postings that do not balance", "E_LEDGER_UNBALANCED", () => posted([["bob", 1n]])],
  [
    "more than is available",
    "E_LEDGER_OVERDRAWN",
    () =>
      posted([
        ["ann", -1n],
        ["bob", 1n],
      ]),
  ],
  ["payment below zero", "E_RAIL_AMOUNT", () => dealt(-1n)],
  ["payment of more than was set aside", "E_RAIL_AMOUNT", () => dealt(11n)],
  ["meter below zero", "E_USAGE_FORM", () => metered({ cpuTime: -1 })],
  ["meter that is no number", "E_USAGE_FORM", () => metered({ wallTime: Number.NaN })],
  ["endless meter", "E_USAGE_FORM", () => metered({ inputBytes: Number.POSITIVE_INFINITY })],
  ["operations below zero", "E_USAGE_FORM", () => metered({ operations: -1n })],
  ["run that ends before it starts", "E_USAGE_TIME", () => metered({ endedAt: FROM - 1 })],
  ["more CPU time than lanes", "E_USAGE_CPU_TIME", () => metered({ cpuTime: 9e9 })],
  ["more operations than the node does", "E_USAGE_OPERATIONS", () => metered({ operations: 10n ** 15n })],
  ["more memory than the node has", "E_USAGE_MEMORY", () => metered({ memoryTime: 10n ** 20n })],
  ["more storage than the node has", "E_USAGE_STORAGE", () => metered({ storageTime: 10n ** 20n })],
  ["more bandwidth than was reserved", "E_USAGE_BANDWIDTH", () => metered({ reservedBits: 10n ** 9n })],
  ["more bytes than moved", "E_USAGE_BYTES", () => metered({ inputBytes: 1e12 })],
  ["measurement below zero", "E_MEASUREMENT_FORM", () => measured({ deliveries: -1 })],
  ["more in time than was delivered", "E_MEASUREMENT_FORM", () => measured({ withinDelay: 3 })],
];

it.each(CASES)("%s is refused (%s) with place, finding, expectation and hint", async (_, code, act) => {
  const answer = (await act()) as Refusal | { readonly refusal: Refusal };
  const refusal = "refusal" in answer ? answer.refusal : answer;
  expect(refusal.code).toBe(code);
  for (const told of [refusal.path, refusal.found, refusal.expected, refusal.hint]) expect(told).toBeTruthy();
});
