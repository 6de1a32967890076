import { type Instant, type Money, money, scaleMoney, ZERO } from "@weft/kernel";
import type { ContractTerms } from "./contract.ts";
import type { Posting, Transfer } from "./ledger.ts";
import { type Charge, type ChargeLine, priceOf, totalOf } from "./prices.ts";
import { meteredUsage, type UsageRecord } from "./usage.ts";

/** What the manager keeps of every charge. */
export interface FeePolicy {
  /** Millionths of the charge. */
  readonly commissionPpm: number;
}

const PPM = 1_000_000n;
const NOTHING: Charge = { lines: [], total: ZERO };

/**
 * What a run is charged: its metered usage at the contract's prices, never above the contract's ceiling
 * [K4.8]. A run that failed charges nothing [K4.10].
 */
export function rate(record: UsageRecord, terms: ContractTerms): Charge {
  if (record.outcome !== "completed") return NOTHING;
  const charge = priceOf(terms.prices, terms.compute, meteredUsage(record));
  const excess = charge.total - terms.ceiling;
  if (excess <= 0n) return charge;
  const cut: ChargeLine = { what: "ceiling", quantity: 0n, amount: money(-excess) };
  return { lines: [...charge.lines, cut], total: terms.ceiling };
}

/** `rate(record, terms).total`, without the lines. */
export function rateTotal(record: UsageRecord, terms: ContractTerms): Money {
  if (record.outcome !== "completed") return NOTHING.total;
  const total = totalOf(terms.prices, terms.compute, meteredUsage(record));
  const excess = total - terms.ceiling;
  return excess > 0n ? terms.ceiling : total;
}

/** The manager's part of a charge, rounded up [B2.3]: splitting a charge never escapes it. */
export const commissionOf = (total: Money, fee: FeePolicy): Money =>
  scaleMoney(total, BigInt(fee.commissionPpm), PPM, "up");

/** Who pays and who earns; sums to zero. Parties that neither pay nor earn are left out. */
export function settlement(terms: ContractTerms, total: Money, fee: FeePolicy): readonly Posting[] {
  const commission = commissionOf(total, fee);
  const postings: readonly Posting[] = [
    { account: terms.consumer.account, amount: money(-total) },
    { account: terms.provider.account, amount: money(total - commission) },
    { account: terms.manager.account, amount: commission },
  ];
  return postings.filter((posting) => posting.amount !== 0n);
}

/** The settlement as one entry in the books, named by its contract so that no contract is ever settled twice [B3.1]. */
export function settlementTransfer(
  terms: ContractTerms,
  total: Money,
  fee: FeePolicy,
  at: Instant,
): Transfer {
  return {
    id: `settle/${terms.id}`,
    at,
    kind: "settlement",
    reference: terms.id,
    postings: settlement(terms, total, fee),
    closes: holdOf(terms),
  };
}

/**
 * A settlement with a penalty taken off: the charge, then what the provider gives back of it for promises it missed. The
 * manager's commission is that of what is due in the end, so each entry leaves every account at zero or more.
 */
export function settlementTransfers(
  terms: ContractTerms,
  charge: Money,
  penalty: Money,
  fee: FeePolicy,
  at: Instant,
): readonly Transfer[] {
  const whole = settlementTransfer(terms, charge, fee, at);
  if (penalty === 0n) return [whole];
  const commission = commissionOf(money(charge - penalty), fee);
  const postings: readonly Posting[] = [
    { account: terms.consumer.account, amount: money(-charge) },
    { account: terms.provider.account, amount: money(charge - commission) },
    { account: terms.manager.account, amount: commission },
  ];
  const given: Transfer = {
    id: `penalty/${terms.id}`,
    at,
    kind: "penalty",
    reference: terms.id,
    postings: [
      { account: terms.provider.account, amount: money(-penalty) },
      { account: terms.consumer.account, amount: penalty },
    ],
    closes: null,
  };
  return [{ ...whole, postings: postings.filter(({ amount }) => amount !== 0n) }, given];
}

/**
 * What a ruling gives back after settlement, as one entry: the manager returns the commission of that part, whoever bears
 * the rest.
 */
export function refundTransfer(
  terms: ContractTerms,
  due: Money,
  refund: Money,
  borneBy: "provider" | "manager",
  fee: FeePolicy,
  at: Instant,
): Transfer {
  const commission = commissionOf(due, fee) - commissionOf(money(due - refund), fee);
  const fromManager = borneBy === "manager" ? refund : money(commission);
  const postings: readonly Posting[] = [
    { account: terms.provider.account, amount: money(fromManager - refund) },
    { account: terms.manager.account, amount: money(-fromManager) },
    { account: terms.consumer.account, amount: refund },
  ];
  return {
    id: `resolve/${terms.id}`,
    at,
    kind: "refund",
    reference: terms.id,
    postings: postings.filter(({ amount }) => amount !== 0n),
    closes: null,
  };
}

/** Name of the hold that keeps a contract's ceiling aside. */
export const holdOf = (terms: ContractTerms): string => `hold/${terms.id}`;
