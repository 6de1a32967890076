import {
  type Currency,
  type Instant,
  type Money,
  money,
  ok,
  type Refusal,
  type Result,
  refuse,
  ZERO,
} from "@weft/kernel";

/*
 * Double-entry books, held in memory and pure. What it accepts is handed to the store as data; the store
 * holds the same rules once more in the database. Rules: docs/spec/ledger.md.
 *
 *   B1  every transfer's postings sum to zero in each currency
 *   B2  no account falls below its limit, holds counted
 *   B3  transfers and holds are idempotent by id; an id never means two things
 *   B4  a hold is closed once: by the transfer that uses it, or released
 */

export type AccountId = string;

export interface LedgerAccount {
  readonly id: AccountId;
  readonly currency: Currency;
  /** How far below zero it may go: 0 for prepaid, more for postpaid, null without end (the world outside). */
  readonly limit: Money | null;
}

/** One change of one account; negative takes away. */
export interface Posting {
  readonly account: AccountId;
  readonly amount: Money;
}

/** Why money moved. */
export type TransferKind = "deposit" | "settlement" | "payout" | "refund" | "penalty" | "tax" | "adjustment";

/** An entry in the books: never changed, never removed; a mistake is put right by another. */
export interface Transfer {
  readonly id: string;
  readonly at: Instant;
  readonly kind: TransferKind;
  /** What it is about: a contract, an invoice. */
  readonly reference: string;
  readonly postings: readonly Posting[];
  /** The hold that it uses up, if any; the rest of that hold is free again. */
  readonly closes: string | null;
}

/** Money set aside: still its owner's, but not to be spent twice. */
export interface Hold {
  readonly id: string;
  readonly account: AccountId;
  readonly amount: Money;
  readonly at: Instant;
  readonly reference: string;
}

export interface Balance {
  /** What the account has. */
  readonly posted: Money;
  /** What of it is set aside. */
  readonly held: Money;
  /** What may still be spent or set aside; null: without end. */
  readonly available: Money | null;
}

export type LedgerRefusal = Refusal<
  | "E_LEDGER_UNBALANCED"
  | "E_LEDGER_OVERDRAWN"
  | "E_LEDGER_NO_ACCOUNT"
  | "E_LEDGER_NO_HOLD"
  | "E_LEDGER_ID_REUSED"
  | "E_LEDGER_AMOUNT"
>;

/** `done` now, or `already` done before under the same id: both are success. */
export type LedgerOutcome = Result<"done" | "already", LedgerRefusal>;

/** Everything needed to open the books again. */
export interface LedgerState {
  readonly accounts: readonly LedgerAccount[];
  readonly balances: readonly { readonly account: AccountId; readonly posted: Money }[];
  readonly holds: readonly Hold[];
  /** Ids (of transfers and closed holds) with what they stood for, as far back as repeats must be known. */
  readonly done: readonly (readonly [id: string, content: string])[];
}

interface Entry {
  readonly account: LedgerAccount;
  posted: bigint;
  held: bigint;
}

const refused = <Code extends LedgerRefusal["code"]>(
  code: Code,
  message: string,
  found: string,
  detail: Pick<Refusal, "path" | "expected" | "hint">,
): { readonly ok: false; readonly refusal: Refusal<Code> } => refuse(code, message, { found, ...detail });

const NO_ACCOUNT = { path: "account", hint: "weft get accounts lists them" };

/** What an id stood for, short enough to keep for every transfer. */
export function transferContent(transfer: Transfer): string {
  let content = `${transfer.kind} ${transfer.reference} ${transfer.closes ?? ""}`;
  for (const posting of transfer.postings) content += ` ${posting.account}=${posting.amount}`;
  return content;
}
const holdContent = (hold: Hold): string => `hold ${hold.account} ${hold.amount} ${hold.reference}`;

export class Ledger {
  readonly #entries = new Map<AccountId, Entry>();
  readonly #holds = new Map<string, Hold>();
  readonly #done = new Map<string, string>();
  readonly #remember: number;

  /** `remember`: how many ids are known at least; older ones are forgotten, to bound memory [B3]. */
  constructor(remember = 500_000) {
    this.#remember = remember;
  }

  /** Opens the books as they were: the balances are believed, their sum is not (see `totals`). */
  static restore(state: LedgerState): Ledger {
    const ledger = new Ledger();
    for (const account of state.accounts) ledger.open(account);
    for (const { account, posted } of state.balances) {
      const entry = ledger.#entries.get(account);
      if (entry !== undefined) entry.posted = posted;
    }
    for (const hold of state.holds) {
      ledger.#holds.set(hold.id, hold);
      const entry = ledger.#entries.get(hold.account);
      if (entry !== undefined) entry.held += hold.amount;
    }
    for (const [id, content] of state.done) ledger.#know(id, content);
    return ledger;
  }

  /** Opens an account; opening it again changes only its limit. */
  open(account: LedgerAccount): void {
    const known = this.#entries.get(account.id);
    this.#entries.set(account.id, { account, posted: known?.posted ?? 0n, held: known?.held ?? 0n });
  }

  account(id: AccountId): LedgerAccount | undefined {
    return this.#entries.get(id)?.account;
  }

  balance(id: AccountId): Balance | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { limit } = entry.account;
    return {
      posted: money(entry.posted),
      held: money(entry.held),
      available: limit === null ? null : money(entry.posted - entry.held + limit),
    };
  }

  get accounts(): readonly LedgerAccount[] {
    return [...this.#entries.values()].map((entry) => entry.account);
  }

  hold(id: string): Hold | undefined {
    return this.#holds.get(id);
  }

  /** Sets money aside [B2, B3]. Refuses when less than that is available. */
  place(hold: Hold): LedgerOutcome {
    const known = this.#holds.get(hold.id);
    const before = known === undefined ? this.#done.get(hold.id) : holdContent(known);
    if (before !== undefined) return this.#repeated(hold.id, before, holdContent(hold));
    if (hold.amount < 0n) {
      return refused("E_LEDGER_AMOUNT", "a hold is not negative", String(hold.amount), {
        path: "amount",
        expected: "0 or more",
        hint: "what is given back is a release or a transfer",
      });
    }
    const entry = this.#entries.get(hold.account);
    if (entry === undefined)
      return refused("E_LEDGER_NO_ACCOUNT", "no such account", hold.account, NO_ACCOUNT);
    const overdrawn = overdraw(entry, 0n, hold.amount);
    if (overdrawn !== null) return overdrawn;
    entry.held += hold.amount;
    this.#holds.set(hold.id, hold);
    return ok("done");
  }

  /** Gives held money back whole [B4]; a hold closed before stays closed. */
  release(id: string): LedgerOutcome {
    const hold = this.#holds.get(id);
    if (hold === undefined) {
      return this.#done.has(id)
        ? ok("already")
        : refused("E_LEDGER_NO_HOLD", "no such hold", id, {
            path: "id",
            hint: "it was released or used already, or never placed",
          });
    }
    this.#close(hold);
    return ok("done");
  }

  /**
   * Enters a transfer whole or not at all [B1, B2, B3]. When it closes a hold, that hold's money is free for it;
   * a transfer whose hold is already closed is refused, so one hold is never used twice [B4].
   */
  post(transfer: Transfer): LedgerOutcome {
    const content = transferContent(transfer);
    const before = this.#done.get(transfer.id);
    if (before !== undefined) return this.#repeated(transfer.id, before, content);
    const closes = transfer.closes === null ? undefined : this.#holds.get(transfer.closes);
    if (transfer.closes !== null && closes === undefined) {
      return refused("E_LEDGER_NO_HOLD", "the hold is closed or was never placed", transfer.closes, {
        path: "closes",
        expected: "a hold that stands",
        hint: "a hold is used once",
      });
    }
    const deltas = this.#deltas(transfer);
    if (!deltas.ok) return deltas;
    for (const [entry, delta] of deltas.value) {
      const freed = closes?.account === entry.account.id ? closes.amount : 0n;
      const overdrawn = overdraw(entry, delta, -freed);
      if (overdrawn !== null) return overdrawn;
    }
    if (closes !== undefined) this.#close(closes);
    for (const [entry, delta] of deltas.value) entry.posted += delta;
    this.#know(transfer.id, content);
    return ok("done");
  }

  #know(id: string, content: string): void {
    this.#done.set(id, content);
    if (this.#done.size < 2 * this.#remember) return;
    let surplus = this.#done.size - this.#remember;
    for (const oldest of this.#done.keys()) {
      if (surplus-- === 0) break;
      this.#done.delete(oldest);
    }
  }

  /** Sum of all balances by currency: zero, always. */
  totals(): ReadonlyMap<Currency, Money> {
    const totals = new Map<Currency, Money>();
    for (const { account, posted } of this.#entries.values()) {
      totals.set(account.currency, money((totals.get(account.currency) ?? ZERO) + posted));
    }
    return totals;
  }

  #close(hold: Hold): void {
    this.#holds.delete(hold.id);
    this.#know(hold.id, holdContent(hold));
    const entry = this.#entries.get(hold.account);
    if (entry !== undefined) entry.held -= hold.amount;
  }

  #repeated(id: string, before: string, now: string): LedgerOutcome {
    if (before === now) return ok("already");
    return refused("E_LEDGER_ID_REUSED", "this id already stands for something else", id, {
      path: "id",
      expected: before,
      hint: "give the new entry an id of its own",
    });
  }

  /** What each account changes by; refused when an account is unknown or a currency does not sum to zero. */
  #deltas(transfer: Transfer): Result<ReadonlyMap<Entry, bigint>, LedgerRefusal> {
    const deltas = new Map<Entry, bigint>();
    const sums = new Map<Currency, bigint>();
    for (const { account, amount } of transfer.postings) {
      const entry = this.#entries.get(account);
      if (entry === undefined) return refused("E_LEDGER_NO_ACCOUNT", "no such account", account, NO_ACCOUNT);
      deltas.set(entry, (deltas.get(entry) ?? 0n) + amount);
      sums.set(entry.account.currency, (sums.get(entry.account.currency) ?? 0n) + amount);
    }
    for (const [currency, sum] of sums) {
      if (sum !== 0n) {
        return refused("E_LEDGER_UNBALANCED", "postings do not sum to zero", `${sum} ${currency}`, {
          path: "postings",
          expected: "0 in every currency",
          hint: "what one account gives, others get",
        });
      }
    }
    return ok(deltas);
  }
}

/** Refused when the change would leave less than nothing available; an account may always rise. */
function overdraw(entry: Entry, posted: bigint, held: bigint): (LedgerOutcome & { ok: false }) | null {
  const { limit, id } = entry.account;
  if (limit === null || posted - held >= 0n) return null;
  const available = entry.posted + posted - entry.held - held + limit;
  if (available >= 0n) return null;
  return refused("E_LEDGER_OVERDRAWN", "not enough available", `${id} would be ${-available} short`, {
    path: "account",
    expected: "zero or more available",
    hint: "pay in first, or ask for less",
  });
}
