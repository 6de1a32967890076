import { money, ok, refuse } from "@weft/kernel";
import { Biller, type Invoice, periodNamed, statementFrom } from "@weft/market";
import type { BillingApi, InvoiceView } from "../billing/api.ts";
import { SAMPLE_NOW } from "./sample.ts";

const NOVEMBER = periodNamed("2026-11")!;
const RULES = [{ kind: "tax", name: "VAT 6 %", ppm: 60_000 }] as const;

/** One account, one charge, one invoice of it: enough to show and to refuse. */
export function memoryBilling(): BillingApi {
  const biller = new Biller("CNY", RULES);
  const charge = {
    id: "contract-1",
    account: "books",
    at: NOVEMBER.from,
    description: "task-1",
    amount: money(410n),
  };
  const issued = biller.issue("books", NOVEMBER, [charge], NOVEMBER.to);
  const invoice = (issued.ok ? issued.value : null) as Invoice;
  const view: InvoiceView = { invoice, credits: [], timeZone: "Asia/Shanghai" };
  const payout = {
    id: "payout/pat/2026-11-22",
    account: "pat",
    period: periodNamed("2026-11-22")!,
    amount: money(390n),
    fee: money(0n),
    paid: money(390n),
    at: SAMPLE_NOW,
  };
  const absent = refuse("E_NOT_FOUND", "no such thing");
  return {
    invoices: () => [view],
    invoice: (_, id) => (id === invoice.id || id === "1" ? ok(view) : absent),
    draft: async (_, account) => ok({ ...view, invoice: { ...invoice, number: 0, account } }),
    issue: async () => ok([{ account: "books", invoice, refusal: null }]),
    credit: async (_, { id, amount, reason }) =>
      ok({
        id,
        invoice: invoice.id,
        account: "books",
        amount,
        reason,
        borneBy: "manager",
        issuedAt: SAMPLE_NOW,
      }),
    payouts: () => [payout],
    payOut: async () => ok({ payout, charged: money(410n), commission: money(20n) }),
    statement: async (_, account) => ok(statementFrom(account, "CNY", NOVEMBER, money(0n), [])),
    dispute: async () => absent,
    resolve: async () => absent,
    setTimeZone: async () => absent,
  };
}
