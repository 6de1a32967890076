import type { CreditNote, Invoice, Period, Statement } from "@weft/market";
import type { Payout } from "@weft/service";
import { z } from "zod";
import type { Route } from "../route.ts";
import { accountView, contractView } from "../wire/market.ts";
import { instant, money } from "../wire/quantities.ts";
import { accountParams, contractParams } from "../wire/requests.ts";
import { refusal } from "../wire/views.ts";
import type { InvoiceView, IssuedView, PayoutView } from "./api.ts";

const ALL = ["consumer", "provider", "manager"] as const;
const list = <T>(item: z.ZodType<T>): z.ZodType<{ readonly items: readonly T[] }> =>
  z.looseObject({ items: z.array(item) });

const periodName = () =>
  z
    .string()
    .regex(/^\d{4}-(?:\d{2}|W\d{2}|\d{2}-\d{2})$/)
    .describe("In UTC, such as 2026-11-22, 2026-W47 or 2026-11.");

const period: z.ZodType<Period> = z.looseObject({
  kind: z.enum(["day", "week", "month"]),
  from: instant(),
  to: instant().describe("Before which it ends."),
  name: z.string(),
});

const invoice: z.ZodType<Invoice> = z.looseObject({
  id: z.string(),
  number: z.int().describe("Counts from 1 without gaps; 0 on a draft."),
  account: z.string(),
  currency: z.string(),
  period,
  lines: z.array(
    z.looseObject({
      billable: z.string(),
      at: instant(),
      description: z.string(),
      amount: money(),
      late: z.boolean().describe("Charged in an earlier period than the invoice's own."),
    }),
  ),
  charges: money(),
  adjustments: z.array(
    z.looseObject({ kind: z.enum(["discount", "fee", "tax"]), name: z.string(), amount: money() }),
  ),
  total: money(),
  issuedAt: instant(),
});

const creditNote: z.ZodType<CreditNote> = z.looseObject({
  id: z.string(),
  invoice: z.string(),
  account: z.string(),
  amount: money(),
  reason: z.string(),
  borneBy: z.string().describe("Whose money it is given back from."),
  issuedAt: instant(),
});

const invoiceView: z.ZodType<InvoiceView> = z.looseObject({
  invoice,
  credits: z.array(creditNote),
  timeZone: z.string().describe("The clock that the account reads its papers by."),
});

const issuedView: z.ZodType<IssuedView> = z.looseObject({
  account: z.string(),
  invoice: invoice.nullable(),
  refusal: refusal.nullable(),
}) as unknown as z.ZodType<IssuedView>;

const payout: z.ZodType<Payout> = z.looseObject({
  id: z.string(),
  account: z.string(),
  period,
  amount: money().describe("What the account had."),
  fee: money().describe("The manager's, for paying out."),
  paid: money(),
  at: instant().nullable().describe("null: a dry run."),
});

const payoutView: z.ZodType<PayoutView> = z.looseObject({
  payout,
  charged: money().describe("What consumers were charged for this provider's work since its last payout."),
  commission: money().describe("What the manager kept of that."),
});

const statement: z.ZodType<Statement> = z.looseObject({
  account: z.string(),
  currency: z.string(),
  period,
  opening: money(),
  rows: z.array(
    z.looseObject({
      at: instant(),
      transfer: z.string(),
      kind: z.enum(["deposit", "settlement", "payout", "refund", "penalty", "tax", "adjustment"]),
      reference: z.string(),
      amount: money(),
      balance: money(),
    }),
  ),
  closing: money(),
});

const invoiceParams = z.strictObject({ invoice: z.string().min(1).max(256).describe("Id or number.") });
const account = () => z.string().min(1).max(128).optional().describe("Default: the asker's own.");
const timeZone = z.string().refine(isTimeZone, "an IANA time zone such as Asia/Shanghai");

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** Bills, payouts and disputes; part of the one table of routes. */
export const BILLING_ROUTES = {
  "GET /v1/invoices": {
    access: ALL,
    act: "see-bills",
    summary: "Invoices, newest first",
    answer: list(invoiceView),
  },
  "GET /v1/invoices/{invoice}": {
    access: ALL,
    act: "see-bills",
    summary: "One invoice and its credit notes",
    params: invoiceParams,
    answer: invoiceView,
  },
  "POST /v1/invoices": {
    access: ["manager"],
    summary: "Issue every account's invoice for a period that is over; again it changes nothing",
    body: z.strictObject({ period: periodName(), dryRun: z.boolean().default(false) }),
    answer: list(issuedView),
  },
  "POST /v1/invoices:draft": {
    access: ALL,
    act: "see-bills",
    summary: "What an invoice would be now; keeps nothing",
    body: z.strictObject({ account: account(), period: periodName().optional() }),
    answer: invoiceView,
  },
  "POST /v1/invoices/{invoice}/credits": {
    access: ["manager"],
    summary: "Give back part of an invoice; the same id again is the same note",
    params: invoiceParams,
    body: z.strictObject({
      id: z.string().min(1).max(128),
      amount: money(),
      reason: z.string().min(1).max(500),
      borneBy: z.string().min(1).max(128).optional().describe("Default: the manager."),
    }),
    answer: creditNote,
    status: 201,
  },
  "GET /v1/payouts": {
    access: ALL,
    act: "see-bills",
    summary: "Payouts, newest first",
    answer: list(payout),
  },
  "POST /v1/payouts": {
    access: ["provider", "manager"],
    act: "withdraw",
    summary: "Pay a provider what it has; once a period, asked again it is the same one",
    body: z.strictObject({ account: account(), dryRun: z.boolean().default(false) }),
    answer: payoutView,
  },
  "GET /v1/accounts/{account}/statement": {
    access: ALL,
    act: "see-bills",
    summary: "What moved on an account in a period, with the balance after each",
    params: accountParams,
    query: z.strictObject({ period: periodName().optional() }),
    answer: statement,
  },
  "POST /v1/accounts/{account}/time-zone": {
    access: ALL,
    act: "see-bills",
    summary: "By which clock the account's papers are read",
    params: accountParams,
    body: z.strictObject({ timeZone }),
    answer: accountView,
  },
  "POST /v1/contracts/{contract}/dispute": {
    access: ALL,
    summary: "Object to how a contract ended",
    params: contractParams,
    body: z.strictObject({ claim: z.string().min(1).max(2000) }),
    answer: contractView,
  },
  "POST /v1/contracts/{contract}/resolve": {
    access: ["manager"],
    summary: "Rule on a dispute: what goes back to the consumer, and from whom",
    params: contractParams,
    body: z.strictObject({
      refund: money(),
      borneBy: z.enum(["provider", "manager"]).default("provider"),
      note: z.string().min(1).max(2000),
    }),
    answer: contractView,
  },
} as const satisfies Readonly<Record<string, Route>>;
