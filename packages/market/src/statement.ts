import { type Currency, formatInstant, formatMoney, type Instant, type Money, money } from "@weft/kernel";
import type { Invoice } from "./billing.ts";
import type { AccountId, Transfer } from "./ledger.ts";
import type { Period } from "./period.ts";

/** One movement on one account, with what the account had after it. */
export interface StatementRow {
  readonly at: Instant;
  readonly transfer: string;
  readonly kind: Transfer["kind"];
  readonly reference: string;
  readonly amount: Money;
  readonly balance: Money;
}

export interface Statement {
  readonly account: AccountId;
  readonly currency: Currency;
  readonly period: Period;
  readonly opening: Money;
  readonly rows: readonly StatementRow[];
  readonly closing: Money;
}

const amountOf = ({ postings }: Transfer, account: AccountId): bigint =>
  postings.reduce((sum, posting) => sum + (posting.account === account ? posting.amount : 0n), 0n);

/** An account's movements in a period, each transfer in order, from what it had when the period began; others are left out. */
export function statementFrom(
  account: AccountId,
  currency: Currency,
  period: Period,
  opening: Money,
  transfers: readonly Transfer[],
): Statement {
  const ordered = [...transfers].sort((a, b) => a.at - b.at);
  let balance: bigint = opening;
  const rows: StatementRow[] = [];
  for (const transfer of ordered) {
    if (transfer.at < period.from || transfer.at >= period.to) continue;
    if (!transfer.postings.some((posting) => posting.account === account)) continue;
    const amount = amountOf(transfer, account);
    balance += amount;
    const { at, id, kind, reference } = transfer;
    rows.push({ at, transfer: id, kind, reference, amount: money(amount), balance: money(balance) });
  }
  return { account, currency, period, opening, rows, closing: money(balance) };
}

/**
 * One CSV record (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe in front: the words
 * in it may be a stranger's.
 */
function csvRecord(cells: readonly (string | Money)[]): string {
  const written = cells.map((cell) => {
    if (typeof cell === "bigint") return formatMoney(cell);
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${written.join(",")}\r\n`;
}

/** A statement as CSV: amounts as plain decimals, times in UTC. */
export function statementCsv(statement: Statement): string {
  const { currency } = statement;
  let csv = csvRecord([
    "time (UTC)",
    "transfer",
    "kind",
    "reference",
    `amount (${currency})`,
    `balance (${currency})`,
  ]);
  csv += csvRecord([formatInstant(statement.period.from), "", "opening", "", "", statement.opening]);
  for (const { at, transfer, kind, reference, amount, balance } of statement.rows) {
    csv += csvRecord([formatInstant(at), transfer, kind, reference, amount, balance]);
  }
  return csv + csvRecord([formatInstant(statement.period.to), "", "closing", "", "", statement.closing]);
}

/** An invoice as CSV: one record a line, then what the rules added, then the total. */
export function invoiceCsv(invoice: Invoice): string {
  let csv = csvRecord(["time (UTC)", "item", "description", `amount (${invoice.currency})`]);
  for (const line of invoice.lines) {
    csv += csvRecord([formatInstant(line.at), line.billable, line.description, line.amount]);
  }
  for (const { kind, name, amount } of invoice.adjustments) csv += csvRecord(["", kind, name, amount]);
  return csv + csvRecord(["", "total", invoice.id, invoice.total]);
}
