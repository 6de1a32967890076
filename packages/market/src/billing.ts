import {
  type Currency,
  formatInstant,
  type Instant,
  type Money,
  money,
  ok,
  type Refusal,
  type Result,
  refuse,
  scaleMoney,
  ZERO,
} from "@weft/kernel";
import type { AccountId, Transfer } from "./ledger.ts";
import type { Period } from "./period.ts";

/*
 * Invoices follow from what was charged, and from nothing else.
 *
 *   I1  every charge stands on exactly one invoice, whenever it became known and however often invoices are made
 *   I2  the same account and period give the same invoice: made again it is the one there is
 *   I3  an invoice is never changed; what was wrong is given back by a credit note, all of them together never
 *       more than the invoice
 *   I4  no total is negative
 *   I5  a charge that comes after its period was invoiced stands on the next invoice, marked late
 *
 * A charge itself moved when its contract was settled; what an invoice adds (tax, fees, discounts) moves with it.
 */

/** One charge, as a contract's settlement or a meter made it. */
export interface Billable {
  readonly id: string;
  readonly account: AccountId;
  /** When it was used: decides the period. */
  readonly at: Instant;
  readonly description: string;
  readonly amount: Money;
}

/** What is added to or taken off a bill. Rules apply in their order, each to what stands before it. */
export type BillingRule =
  /** A share of the part of the charges above `above`: graduated, so that more use never costs less. */
  | { readonly kind: "discount"; readonly name: string; readonly above: Money; readonly ppm: number }
  /** The same on every invoice that has a charge. */
  | { readonly kind: "fee"; readonly name: string; readonly amount: Money }
  /** A share of everything so far. */
  | { readonly kind: "tax"; readonly name: string; readonly ppm: number };

export interface InvoiceLine {
  readonly billable: string;
  readonly at: Instant;
  readonly description: string;
  readonly amount: Money;
  /** Used in an earlier period than the invoice's own [I5]. */
  readonly late: boolean;
}

export interface Adjustment {
  readonly kind: BillingRule["kind"];
  readonly name: string;
  readonly amount: Money;
}

export interface Invoice {
  readonly id: string;
  /** Counts from 1 without gaps; 0 on a draft. */
  readonly number: number;
  readonly account: AccountId;
  readonly currency: Currency;
  readonly period: Period;
  readonly lines: readonly InvoiceLine[];
  readonly charges: Money;
  readonly adjustments: readonly Adjustment[];
  readonly total: Money;
  readonly issuedAt: Instant;
}

export interface CreditNote {
  readonly id: string;
  readonly invoice: string;
  readonly account: AccountId;
  readonly amount: Money;
  readonly reason: string;
  /** Whose money it is given back from. */
  readonly borneBy: AccountId;
  readonly issuedAt: Instant;
}

export type BillingRefusal = Refusal<
  "E_INVOICE_EARLY" | "E_INVOICE_EMPTY" | "E_CREDIT_NO_INVOICE" | "E_CREDIT_AMOUNT" | "E_CREDIT_REUSED"
>;

const PPM = 1_000_000n;

/** What the rules make of a sum of charges [I4]. Taxes and fees are rounded up, discounts down. */
export function adjust(charges: Money, rules: readonly BillingRule[]): readonly Adjustment[] {
  const adjustments: Adjustment[] = [];
  let total: bigint = charges;
  for (const rule of rules) {
    let amount: bigint = ZERO;
    if (rule.kind === "discount") {
      const above = charges > rule.above ? charges - rule.above : 0n;
      const off = scaleMoney(money(above), BigInt(rule.ppm), PPM, "down");
      amount = -(off > total ? total : off);
    } else if (rule.kind === "tax") {
      amount = scaleMoney(money(total), BigInt(rule.ppm), PPM, "up");
    } else if (charges > 0n) {
      amount = rule.amount;
    }
    if (amount === 0n) continue;
    adjustments.push({ kind: rule.kind, name: rule.name, amount: money(amount) });
    total += amount;
  }
  return adjustments;
}

/** Where what an invoice adds goes. */
export interface BillingAccounts {
  readonly manager: AccountId;
  readonly tax: AccountId;
}

export interface BillingState {
  readonly invoices: readonly Invoice[];
  readonly credits: readonly CreditNote[];
}

export class Biller {
  readonly #currency: Currency;
  readonly #rules: readonly BillingRule[];
  readonly #invoices = new Map<string, Invoice>();
  readonly #credits = new Map<string, CreditNote>();
  /** By billable: the invoice it stands on. */
  readonly #billed = new Map<string, string>();

  /** Goes on from what was issued before: an invoice counts once it is kept. */
  constructor(
    currency: Currency,
    rules: readonly BillingRule[],
    state: BillingState = { invoices: [], credits: [] },
  ) {
    this.#currency = currency;
    this.#rules = rules;
    for (const invoice of state.invoices) this.#keep(invoice);
    for (const credit of state.credits) this.#credits.set(credit.id, credit);
  }

  get state(): BillingState {
    return { invoices: [...this.#invoices.values()], credits: [...this.#credits.values()] };
  }

  invoice(id: string): Invoice | undefined {
    return this.#invoices.get(id);
  }

  #keep(invoice: Invoice): void {
    this.#invoices.set(invoice.id, invoice);
    for (const line of invoice.lines) this.#billed.set(line.billable, invoice.id);
  }

  /** What the invoice would be if it were issued now. Keeps nothing: a dry run. */
  draft(account: AccountId, period: Period, billables: readonly Billable[], now: Instant): Invoice {
    const open = billables
      .filter((item) => item.account === account && item.at < period.to && !this.#billed.has(item.id))
      .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    const once = open.filter((item, i) => item.id !== open[i - 1]?.id);
    const lines = once.map(
      (item): InvoiceLine => ({
        billable: item.id,
        at: item.at,
        description: item.description,
        amount: item.amount,
        late: item.at < period.from,
      }),
    );
    const charges = money(lines.reduce((sum, line) => sum + line.amount, 0n));
    const adjustments = adjust(charges, this.#rules);
    const total = money(adjustments.reduce((sum, { amount }) => sum + amount, charges as bigint));
    const id = invoiceId(account, period);
    return {
      id,
      number: 0,
      account,
      currency: this.#currency,
      period,
      lines,
      charges,
      adjustments,
      total,
      issuedAt: now,
    };
  }

  /** The account's invoice for a period that is over [I1, I2]. What was issued before is given again, unchanged. */
  issue(
    account: AccountId,
    period: Period,
    billables: readonly Billable[],
    now: Instant,
  ): Result<Invoice, BillingRefusal> {
    const known = this.#invoices.get(invoiceId(account, period));
    if (known !== undefined) return ok(known);
    if (now < period.to) {
      return refuse("E_INVOICE_EARLY", "the period is not over", {
        path: "period",
        found: period.name,
        expected: `a period that ended before ${formatInstant(now)}`,
        hint: `ask again from ${formatInstant(period.to)} on`,
      });
    }
    const draft = this.draft(account, period, billables, now);
    if (draft.lines.length === 0) {
      return refuse("E_INVOICE_EMPTY", "nothing was charged in this period", {
        path: "period",
        found: period.name,
        hint: "there is nothing to pay for it",
      });
    }
    const invoice = { ...draft, number: this.#invoices.size + 1 };
    this.#keep(invoice);
    return ok(invoice);
  }

  /** Gives back part of an invoice [I3]. The same id again is the same note. */
  credit(note: CreditNote): Result<CreditNote, BillingRefusal> {
    const known = this.#credits.get(note.id);
    if (known !== undefined) {
      const same =
        known.invoice === note.invoice && known.amount === note.amount && known.borneBy === note.borneBy;
      return same
        ? ok(known)
        : refuse("E_CREDIT_REUSED", "this id already stands for another note", {
            path: "id",
            found: note.id,
            expected: `${known.amount} on ${known.invoice}, as before`,
            hint: "give the new note an id of its own",
          });
    }
    const invoice = this.#invoices.get(note.invoice);
    if (invoice === undefined || invoice.account !== note.account) {
      return refuse("E_CREDIT_NO_INVOICE", "no such invoice of this account", {
        path: "invoice",
        found: note.invoice,
        hint: "weft invoices lists them",
      });
    }
    const left = this.creditable(invoice.id);
    if (note.amount <= 0n || note.amount > left) {
      return refuse("E_CREDIT_AMOUNT", "a note gives back more than nothing and no more than is left", {
        path: "amount",
        found: String(note.amount),
        expected: `1 to ${left}`,
        hint: "in millionths of the currency; what was given back before counts",
      });
    }
    this.#credits.set(note.id, note);
    return ok(note);
  }

  /** What of an invoice has not been given back yet. */
  creditable(invoice: string): Money {
    let left: bigint = this.#invoices.get(invoice)?.total ?? ZERO;
    for (const note of this.#credits.values()) if (note.invoice === invoice) left -= note.amount;
    return money(left);
  }
}

export const invoiceId = (account: AccountId, period: Period): string => `invoice/${account}/${period.name}`;

/** What an invoice adds to its charges, as one entry in the books; null when it adds nothing. */
export function invoiceTransfer(invoice: Invoice, accounts: BillingAccounts): Transfer | null {
  let tax = 0n;
  let manager = 0n;
  for (const { kind, amount } of invoice.adjustments) {
    if (kind === "tax") tax += amount;
    else manager += amount;
  }
  if (tax === 0n && manager === 0n) return null;
  const postings = [
    { account: invoice.account, amount: money(-tax - manager) },
    { account: accounts.tax, amount: money(tax) },
    { account: accounts.manager, amount: money(manager) },
  ].filter(({ amount }) => amount !== 0n);
  return { id: invoice.id, at: invoice.issuedAt, kind: "tax", reference: invoice.id, postings, closes: null };
}

/** A credit note as an entry in the books. */
export const creditTransfer = (note: CreditNote): Transfer => ({
  id: `credit/${note.id}`,
  at: note.issuedAt,
  kind: "refund",
  reference: note.invoice,
  postings: [
    { account: note.borneBy, amount: money(-note.amount) },
    { account: note.account, amount: note.amount },
  ],
  closes: null,
});

export interface PayoutPolicy {
  /** Less is not paid out: it stays and adds up. */
  readonly minimum: Money;
  /** The manager's fee for a payout: a fixed part and a share. */
  readonly fixed: Money;
  readonly ppm: number;
}

/** Pays a provider what is available, the manager's fee off it, once a period; null while it is too little. */
export function payout(
  provider: AccountId,
  available: Money,
  period: Period,
  policy: PayoutPolicy,
  accounts: { readonly manager: AccountId; readonly world: AccountId },
  at: Instant,
): Transfer | null {
  const fee = policy.fixed + scaleMoney(available, BigInt(policy.ppm), PPM, "up");
  if (available <= 0n || available < policy.minimum || fee >= available) return null;
  const postings = [
    { account: provider, amount: money(-available) },
    { account: accounts.world, amount: money(available - fee) },
    { account: accounts.manager, amount: money(fee) },
  ].filter(({ amount }) => amount !== 0n);
  const id = `payout/${provider}/${period.name}`;
  return { id, at, kind: "payout", reference: id, postings, closes: null };
}
