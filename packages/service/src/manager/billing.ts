import {
  formatMoney,
  formatTime,
  HOUR,
  type Instant,
  type Micros,
  type Money,
  money,
  ok,
  type Result,
  refuse,
  ZERO,
} from "@weft/kernel";
import {
  type AccountId,
  type Billable,
  Biller,
  type BillingRule,
  type CreditNote,
  creditTransfer,
  type Invoice,
  invoiceTransfer,
  type PayoutPolicy,
  type Period,
  type PeriodKind,
  payout,
  periodOf,
  type Transfer,
  Wallet,
} from "@weft/market";
import type { Caller } from "../resources.ts";
import type { StoreState } from "../store.ts";
import { WORLD } from "./books.ts";
import { type Core, note, store } from "./core.ts";
import type { RunEntry } from "./tasks.ts";

/*
 * Invoices, credit notes and payouts of a running manager (docs/spec/ledger.md, I and P). What was charged comes from the
 * store, since the core forgets; that nothing is billed or paid twice is decided here, by ids that are kept.
 */

/** What taxes are collected on, to be passed on to the state. */
export const TAX: AccountId = "tax";

const INVOICES = "invoices";
const CREDITS = "credit-notes";
const PAYOUTS = "payouts";

export interface BillingPolicy {
  /** How long an invoice's period is; all of a network's are equally long, so that none overlap. */
  readonly every: PeriodKind;
  readonly rules: readonly BillingRule[];
  readonly payout: PayoutPolicy;
  /** A provider is paid at most once in each. */
  readonly payoutEvery: PeriodKind;
}

/** Monthly invoices without taxes; payouts daily, of any amount, without a fee. */
export const PLAIN_BILLING: BillingPolicy = {
  every: "month",
  rules: [],
  payout: { minimum: ZERO, fixed: ZERO, ppm: 0 },
  payoutEvery: "day",
};

/** What a provider was paid: what it had, less the manager's fee. */
export interface Payout {
  readonly id: string;
  readonly account: AccountId;
  readonly period: Period;
  readonly amount: Money;
  readonly fee: Money;
  readonly paid: Money;
  /** null: a dry run. */
  readonly at: Instant | null;
}

export type BillingCommand =
  /** `charges` are all that the account was charged since its last invoice, until the period's end. */
  | {
      readonly kind: "issue-invoice";
      readonly account: AccountId;
      readonly period: Period;
      readonly charges: readonly Billable[];
    }
  | {
      readonly kind: "credit-invoice";
      readonly id: string;
      readonly invoice: string;
      readonly amount: Money;
      readonly reason: string;
      readonly borneBy: AccountId;
    }
  | { readonly kind: "pay-out"; readonly caller: Caller; readonly account: AccountId }
  | { readonly kind: "set-time-zone"; readonly account: AccountId; readonly timeZone: string }
  /** Answered once everything before it is durable. */
  | { readonly kind: "flush" };

/** What of a wallet's past still counts for its runway. */
const MEMORY = HOUR as Micros;
const WARN_RUNWAY = HOUR as Micros;

export class Billing {
  readonly policy: BillingPolicy;
  readonly biller: Biller;
  readonly payouts = new Map<string, Payout>();
  readonly #wallets = new Map<AccountId, Wallet>();

  constructor(policy: BillingPolicy, currency: string, state: StoreState) {
    this.policy = policy;
    const of = <T>(wanted: string): T[] =>
      state.documents.filter(({ collection }) => collection === wanted).map(({ body }) => body as T);
    const invoices = of<Invoice>(INVOICES).sort((a, b) => a.number - b.number);
    this.biller = new Biller(currency, policy.rules, { invoices, credits: of<CreditNote>(CREDITS) });
    for (const paid of of<Payout>(PAYOUTS)) this.payouts.set(paid.id, paid);
    for (const transfer of state.transfers) this.spent(transfer);
  }

  /** Notes what a settlement took from its consumer. */
  spent({ kind, postings, at }: Transfer): void {
    const first = postings[0];
    if (kind !== "settlement" || first === undefined || first.amount >= 0n) return;
    this.#wallet(first.account).spent(at, money(-first.amount));
  }

  /** How long what is available lasts at the present rate; null where nothing is being spent. */
  runway(account: AccountId, now: Instant, available: Money): Micros | null {
    return this.#wallets.get(account)?.runway(now, available) ?? null;
  }

  /** What to warn of now, once a fall. */
  warning(account: AccountId, now: Instant, available: Money) {
    return this.#wallets.get(account)?.warning(now, available) ?? null;
  }

  #wallet(account: AccountId): Wallet {
    let wallet = this.#wallets.get(account);
    if (wallet === undefined) {
      wallet = new Wallet({ warnBelow: ZERO, warnRunway: WARN_RUNWAY, memory: MEMORY });
      this.#wallets.set(account, wallet);
    }
    return wallet;
  }

  /** Until when an account's charges stand on invoices. */
  invoicedUntil(account: AccountId): Instant {
    const ends = this.biller.state.invoices
      .filter((invoice) => invoice.account === account)
      .map(({ period }) => period.to);
    return Math.max(0, ...ends) as Instant;
  }

  /** The account's invoice for the time in which something happened; undefined while there is none. */
  invoiceAt(account: AccountId, at: Instant): Invoice | undefined {
    return this.biller.state.invoices.find(
      (invoice) => invoice.account === account && invoice.period.from <= at && at < invoice.period.to,
    );
  }
}

/** Tells a consumer in its task's log when its money will soon be gone. */
export function warnOfLowBalance(core: Core, now: Instant, run: RunEntry): void {
  const { account } = run.contract.contract.terms.consumer;
  const available = core.books.balance(account)?.available ?? null;
  const low = available === null ? null : core.billing.warning(account, now, available);
  if (low === null) return;
  const left = formatMoney(low.available, core.options.currency);
  const lasts = low.runway === null ? "" : `, gone in ${formatTime(low.runway)} at the present rate`;
  note(core, now, run.task, run.view.id, `low balance: ${left} available${lasts}`);
}

export function billingCommand(core: Core, now: Instant, asked: BillingCommand): Result<string> {
  switch (asked.kind) {
    case "issue-invoice":
      return issue(core, now, asked);
    case "credit-invoice": {
      const { account } = core.billing.biller.invoice(asked.invoice) ?? { account: "" };
      const { kind: _, ...note } = asked;
      return credit(core, { ...note, account, issuedAt: now }, true);
    }
    case "pay-out":
      return payOut(core, now, asked);
    case "set-time-zone": {
      const row = core.books.account(asked.account);
      if (row === undefined)
        return refuse("E_NOT_FOUND", "no such account", {
          path: "account",
          found: asked.account,
          hint: "weft get accounts lists them",
        });
      store(core, core.books.open({ ...row, timeZone: asked.timeZone }));
      return ok(asked.account);
    }
    case "flush":
      return ok("");
  }
}

/** Invoice, and the entry for what it adds, in one step: both are kept or neither. */
function issue(core: Core, now: Instant, asked: BillingCommand & { kind: "issue-invoice" }): Result<string> {
  const { account, period, charges } = asked;
  const { biller, policy } = core.billing;
  if (period.kind !== policy.every) {
    return refuse("E_INVOICE_PERIOD", "invoices of this network have another length", {
      found: period.kind,
      path: "period",
      expected: policy.every,
      hint: "the manager's configuration says how often it bills",
    });
  }
  const draft = biller.draft(account, period, charges, now);
  if (biller.invoice(draft.id) === undefined && period.to <= now && draft.lines.length > 0) {
    const added = invoiceTransfer(draft, { manager: core.options.account, tax: TAX });
    const entered = added === null ? ok([]) : core.books.enter(added);
    if (!entered.ok) return entered;
    store(core, entered.value);
  }
  const known = biller.invoice(draft.id);
  const issued = biller.issue(account, period, charges, now);
  if (!issued.ok) return issued;
  const { id, issuedAt } = issued.value;
  if (known === undefined) {
    store(core, [
      { kind: "put-document", row: { collection: INVOICES, id, body: issued.value, at: issuedAt } },
    ]);
  }
  return ok(id);
}

/** A credit note; `moves`: its money moves with it, else it has moved already. */
export function credit(core: Core, note: CreditNote, moves: boolean): Result<string> {
  const { biller } = core.billing;
  const known = biller.state.credits.some(({ id }) => id === note.id);
  if (!known && moves && biller.invoice(note.invoice) !== undefined) {
    const left = biller.creditable(note.invoice);
    const entered = note.amount > 0n && note.amount <= left ? core.books.enter(creditTransfer(note)) : ok([]);
    if (!entered.ok) return entered;
    store(core, entered.value);
  }
  const made = biller.credit(note);
  if (!made.ok) return made;
  if (!known) {
    const { id, issuedAt } = note;
    store(core, [{ kind: "put-document", row: { collection: CREDITS, id, body: note, at: issuedAt } }]);
  }
  return ok(note.id);
}

/** What an account would be paid now. Borrowed and held money is not paid out. */
export function payoutOf(
  core: Omit<Core, "out">,
  now: Instant,
  account: AccountId,
): [Payout, Transfer] | null {
  const { policy } = core.billing;
  const period = periodOf(now, policy.payoutEvery);
  const balance = core.books.balance(account);
  const amount = money((balance?.posted ?? ZERO) - (balance?.held ?? ZERO));
  const accounts = { manager: core.options.account, world: WORLD };
  const transfer = payout(account, amount, period, policy.payout, accounts, now);
  if (transfer === null) return null;
  const paid = transfer.postings.find((posting) => posting.account === WORLD)?.amount ?? ZERO;
  return [{ id: transfer.id, account, period, amount, fee: money(amount - paid), paid, at: now }, transfer];
}

/** Why a provider is not paid now: what it has and is not set aside is too little. */
export function tooLittle(core: Omit<Core, "out">, account: AccountId): Result<never> {
  const { posted, held } = core.books.balance(account) ?? { posted: ZERO, held: ZERO };
  const { currency } = core.options;
  return refuse("E_PAYOUT_LITTLE", "too little to be paid out; it stays and adds up", {
    found: `${formatMoney(money(posted - held), currency)}, ${formatMoney(held, currency)} more set aside`,
    expected: `at least ${formatMoney(core.billing.policy.payout.minimum, currency)}, and more than the fee`,
    path: "account",
    hint: "it is paid with what is earned later",
  });
}

function payOut(
  core: Core,
  now: Instant,
  { caller, account }: BillingCommand & { kind: "pay-out" },
): Result<string> {
  const row = core.books.account(account);
  if (row === undefined || (caller.role !== "manager" && caller.account !== account)) {
    return refuse("E_NOT_FOUND", "no such account", {
      path: "account",
      found: account,
      hint: "weft get accounts lists them",
    });
  }
  if (row.role !== "provider") {
    return refuse("E_PAYOUT_ROLE", "only what a provider earned is paid out", {
      path: "account",
      found: row.role,
      expected: "provider",
      hint: "weft get accounts tells whose account is which",
    });
  }
  const { policy, payouts } = core.billing;
  const known = payouts.get(`payout/${account}/${periodOf(now, policy.payoutEvery).name}`);
  if (known !== undefined) return ok(known.id);
  const made = payoutOf(core, now, account);
  if (made === null) {
    return tooLittle(core, account);
  }
  const [paid, transfer] = made;
  const entered = core.books.enter(transfer);
  if (!entered.ok) return entered;
  payouts.set(paid.id, paid);
  store(core, entered.value);
  store(core, [{ kind: "put-document", row: { collection: PAYOUTS, id: paid.id, body: paid, at: now } }]);
  return ok(paid.id);
}
