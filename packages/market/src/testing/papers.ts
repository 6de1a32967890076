import { type Micros, money, type PublicKey } from "@weft/kernel";
import type { ContractTerms } from "../contract.ts";
import type { SaleTerms } from "../offer.ts";
import type { PriceList } from "../prices.ts";

/*
 * Prices and terms for tests: ann buys neural computing of bob, and fees are the manager's.
 */

export const PRICES: PriceList = {
  petaOperation: { logical: money(40_000_000n), parallel: money(20_000_000n), neural: money(30_000_000n) },
  memoryGibHour: money(30_000n),
  storageGibHour: money(500n),
  transferGb: money(400_000n),
  bandwidthGbpsHour: money(2_000_000n),
  perTask: money(5n),
};

/** Sold at all times, without discounts, work of any length. */
export const WITHOUT_TERMS: SaleTerms = {
  reserve: null,
  discounts: [],
  windows: [],
  shortest: 0 as Micros,
  longest: null,
  validUntil: null,
};

/** What a test of a contract has to say itself. */
export type Said = Pick<ContractTerms, "order" | "validFrom" | "validUntil"> & Partial<ContractTerms>;

/** Terms between the holders of these keys; the provider's is its node's too. */
export const termsBetween = (ann: PublicKey, bob: PublicKey, fees: PublicKey, said: Said): ContractTerms => ({
  id: "c-1",
  task: "t-1",
  attempt: 1,
  consumer: { account: "ann", key: ann },
  provider: { account: "bob", key: bob },
  manager: { account: "fees", key: fees },
  node: { id: "corner", key: bob },
  compute: "neural",
  currency: "CNY",
  prices: PRICES,
  ceiling: money(900n),
  completeBy: null,
  ...said,
});
