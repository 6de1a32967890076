import {
  formatInstant,
  type Instant,
  type Money,
  money,
  ok,
  type Refusal,
  type Result,
  refuse,
  scaleMoney,
} from "@weft/kernel";
import type { AccountId, Ledger, Posting } from "./ledger.ts";

/*
 * Settlement as a port: money set aside for a deal, then paid out by the manager's word within the deal's bounds, or
 * given back when that word never comes. The ledger is one rail; an escrow contract on a chain is another, for
 * parties who would not leave their money with the manager either.
 *
 *   R1  what a deal pays out and gives back is exactly what was set aside for it
 *   R2  a deal is closed once
 *   R3  nothing is paid above the ceiling, nor without the manager's word
 *   R4  after its time a deal that nobody settled can be taken back by its consumer alone
 *   R5  while it is disputed only the manager's ruling closes it, until its time is over
 */

export interface Deal {
  readonly id: string;
  readonly consumer: AccountId;
  readonly provider: AccountId;
  readonly manager: AccountId;
  /** What is set aside. */
  readonly ceiling: Money;
  /** The manager's share of what is due, in millionths, rounded up. */
  readonly commissionPpm: number;
  readonly refundAfter: Instant;
}

export type RailRefusal = Refusal<
  | "E_RAIL_KNOWN"
  | "E_RAIL_FUNDS"
  | "E_RAIL_STATE"
  | "E_RAIL_AMOUNT"
  | "E_RAIL_EARLY"
  | "E_RAIL_PARTY"
  | "E_RAIL_SIGNATURE"
>;
export type RailOutcome = Result<null, RailRefusal>;
type Awaitable<T> = T | Promise<T>;

export interface SettlementRail {
  /** Sets the ceiling aside, out of the consumer's own money. */
  open(deal: Deal): Awaitable<RailOutcome>;
  /** Pays `due` by the manager's word; the rest goes back. */
  release(id: string, due: Money): Awaitable<RailOutcome>;
  /** Gives everything back, once the deal's time is over. Only its consumer may ask. */
  refund(id: string, by: AccountId): Awaitable<RailOutcome>;
  /** Consumer or provider says that something is wrong; only a ruling pays now. */
  dispute(id: string, by: AccountId): Awaitable<RailOutcome>;
  /** The manager's ruling on a dispute. */
  resolve(id: string, due: Money): Awaitable<RailOutcome>;
  /** What an account has free. */
  balance(account: AccountId): Awaitable<Money>;
}

interface OpenDeal {
  readonly deal: Deal;
  readonly state: "open" | "disputed" | "closed";
}

/** The rail that the manager's own books are. `now` is asked for at each step. */
export function ledgerRail(ledger: Ledger, now: () => Instant): SettlementRail {
  const deals = new Map<string, OpenDeal>();
  const holdOf = (id: string): string => `deal/${id}`;
  const done: RailOutcome = ok(null);

  const inState = (id: string, states: readonly OpenDeal["state"][]): Result<Deal, RailRefusal> => {
    const known = deals.get(id);
    if (known !== undefined && states.includes(known.state)) return ok(known.deal);
    return refuse("E_RAIL_STATE", "no such deal, or it does not allow this now", {
      path: "deal",
      found: known?.state ?? "none",
      expected: states.join(" or "),
    });
  };
  const pay = (id: string, due: Money, states: readonly OpenDeal["state"][]): RailOutcome => {
    const known = inState(id, states);
    if (!known.ok) return known;
    const deal = known.value;
    if (due < 0n || due > deal.ceiling) {
      return refuse("E_RAIL_AMOUNT", "outside what was set aside", {
        path: "due",
        found: String(due),
        expected: `0 to ${deal.ceiling}`,
        hint: "a deal pays no more than its consumer set aside for it",
      });
    }
    const commission = scaleMoney(due, BigInt(deal.commissionPpm), 1_000_000n, "up");
    const postings: readonly Posting[] = [
      { account: deal.consumer, amount: money(-due) },
      { account: deal.provider, amount: money(due - commission) },
      { account: deal.manager, amount: commission },
    ];
    const posted = ledger.post({
      id: `deal/${id}`,
      at: now(),
      kind: "settlement",
      reference: id,
      postings: postings.filter(({ amount }) => amount !== 0n),
      closes: holdOf(id),
    });
    if (!posted.ok) return { ok: false, refusal: { ...posted.refusal, code: "E_RAIL_STATE" } };
    deals.set(id, { deal, state: "closed" });
    return done;
  };

  return {
    open(deal) {
      if (deals.has(deal.id))
        return refuse("E_RAIL_KNOWN", "this deal is known", {
          path: "id",
          found: deal.id,
          hint: "a deal is opened once",
        });
      const { consumer, ceiling, id } = deal;
      const held = ledger.place({
        id: holdOf(id),
        account: consumer,
        amount: ceiling,
        at: now(),
        reference: id,
      });
      if (!held.ok) return { ok: false, refusal: { ...held.refusal, code: "E_RAIL_FUNDS" } };
      deals.set(id, { deal, state: "open" });
      return done;
    },
    release: (id, due) => pay(id, due, ["open"]),
    resolve: (id, due) => pay(id, due, ["disputed"]),
    refund(id, by) {
      const known = inState(id, ["open", "disputed"]);
      if (!known.ok) return known;
      if (by !== known.value.consumer)
        return refuse("E_RAIL_PARTY", "only the consumer takes it back", {
          path: "by",
          found: by,
          expected: known.value.consumer,
        });
      if (now() < known.value.refundAfter)
        return refuse("E_RAIL_EARLY", "the deal's time is not over", {
          path: "refundAfter",
          found: formatInstant(now()),
          expected: `${formatInstant(known.value.refundAfter)} or later`,
        });
      ledger.release(holdOf(id));
      deals.set(id, { deal: known.value, state: "closed" });
      return done;
    },
    dispute(id, by) {
      const known = inState(id, ["open"]);
      if (!known.ok) return known;
      if (by !== known.value.consumer && by !== known.value.provider) {
        return refuse("E_RAIL_PARTY", "only a party of the deal disputes it", {
          path: "by",
          found: by,
          expected: `${known.value.consumer} or ${known.value.provider}`,
        });
      }
      deals.set(id, { deal: known.value, state: "disputed" });
      return done;
    },
    balance: (account) => ledger.balance(account)?.available ?? money(0n),
  };
}
