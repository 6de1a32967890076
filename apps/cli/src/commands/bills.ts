import { formatMoney, type Instant, type Money, parseMoney } from "@weft/kernel";
import type { InvoiceView, IssuedView, PayoutView } from "@weft/service-http/client";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { Failure, misused, must } from "../failure.ts";
import { invoiceFile, PAPER_FORMS, type PaperForm } from "../papers.ts";
import { printValue } from "../print.ts";
import { type Fact, factLines, Table } from "../table.ts";
import { documentOption } from "./plan.ts";

interface PaperOptions {
  readonly output: PaperForm;
  readonly file?: string;
}
interface DocumentOptions {
  readonly output?: "json" | "yaml";
}

const anyOption = (): Option => new Option("-o, --output <form>", "form of the output").choices(PAPER_FORMS);
const paperOption = (): Option => anyOption().default("table");

/** A subcommand's options, with those that its parent took for its own: both know -o. */
const all = <T extends object>(command: Command): T => command.optsWithGlobals<T>();

export function register(program: Command, context: Context): void {
  registerInvoices(program, context);
  registerPayouts(program, context);
}

function registerInvoices(program: Command, context: Context): void {
  const invoices = program
    .command("invoices")
    .summary("what you were billed; show, draft, issue, credit")
    .description("Shows your account's invoices, newest first; a manager sees all of them.")
    .addOption(anyOption())
    .action((options: { readonly output?: PaperForm }) => list(context, options.output));
  invoices
    .command("show")
    .description("Shows one invoice, its lines and what was given back of it.")
    .argument("<invoice>", "number or id")
    .addOption(paperOption())
    .option("--file <file>", "where the PDF goes")
    .action(async (invoice: string, _, command: Command) => {
      const client = await context.client();
      const view = must(await client.call("GET /v1/invoices/{invoice}", { params: { invoice } }));
      await show(context, view, all(command));
    });
  invoices
    .command("draft")
    .description("Shows what the invoice of a period would be if it were made now. Keeps nothing.")
    .argument("[account]", "another account, where you may see it")
    .option("--period <period>", "such as 2026-11; the present one by default")
    .addOption(paperOption())
    .option("--file <file>", "where the PDF goes")
    .action(
      async (account: string | undefined, { period }: { readonly period?: string }, command: Command) => {
        const client = await context.client();
        const body = { account, period };
        await show(context, must(await client.call("POST /v1/invoices:draft", { body })), all(command));
      },
    );
  invoices
    .command("issue")
    .description("Issues every account's invoice for a period that is over. Again it changes nothing.")
    .requiredOption("--period <period>", "such as 2026-11")
    .option("--dry-run", "only show what they would be")
    .addOption(documentOption())
    .action((_, command: Command) => issue(context, all(command)));
  invoices
    .command("credit")
    .description("Gives back part of an invoice.")
    .argument("<invoice>", "number or id")
    .argument("<amount>", "such as 0.01CNY")
    .requiredOption("--reason <text>", "stands on the note")
    .option("--id <id>", "names the note: the same again is the same note")
    .option("--from <account>", "whose money it is; the manager's by default")
    .action((invoice: string, amount: string, options: CreditOptions) =>
      credit(context, invoice, amount, options),
    );
}

function registerPayouts(program: Command, context: Context): void {
  const payout = program
    .command("payout")
    .summary("have what you earned paid out")
    .description(
      "Pays a provider what it has, less the manager's fee. Once a period: again it is the same payout.",
    )
    .argument("[account]", "another account, as a manager")
    .option("--dry-run", "only show what it would be")
    .addOption(documentOption())
    .action((account: string | undefined, options: DocumentOptions & { readonly dryRun?: true }) =>
      payOut(context, account, options),
    );
  payout
    .command("list")
    .description("Shows the payouts so far, newest first.")
    .addOption(documentOption())
    .action((_, command: Command) => payouts(context, all<DocumentOptions>(command).output));
}

async function list(context: Context, output: PaperForm | undefined): Promise<void> {
  if (output === "csv" || output === "pdf") {
    throw misused(`-o ${output} is for one invoice: weft invoices show NUMBER -o ${output}`);
  }
  const client = await context.client();
  const { items } = must(await client.call("GET /v1/invoices", {}));
  if (output === "json" || output === "yaml") return printValue(context, { items }, output);
  if (items.length === 0)
    return context.note("no invoices yet; weft invoices draft shows what the next would be");
  const rows = items.map(({ invoice, credits }) => [
    String(invoice.number),
    invoice.account,
    invoice.period.name,
    String(invoice.lines.length),
    formatMoney(invoice.total, invoice.currency),
    formatMoney(sumOf(credits), invoice.currency),
  ]);
  printTable(context, ["NUMBER", "ACCOUNT", "PERIOD", "LINES", "TOTAL", "GIVEN-BACK"], rows);
}

async function show(context: Context, view: InvoiceView, { output, file }: PaperOptions): Promise<void> {
  const { invoice, timeZone } = view;
  const { invoiceCsv } = await import("@weft/market");
  if (output === "csv") return void context.out.write(invoiceCsv(invoice));
  if (output === "pdf") return context.note(`wrote ${await invoiceFile(context, invoice, timeZone, file)}`);
  if (output !== "table") return printValue(context, view, output);
  const { localTime } = await import("@weft/market");
  context.print(await invoiceText(view, (at) => localTime(at, timeZone)));
}

async function invoiceText(view: InvoiceView, time: (at: Instant) => string): Promise<string> {
  const { invoice, credits } = view;
  const money = (value: Money): string => formatMoney(value, invoice.currency);
  const title = invoice.number === 0 ? "draft" : `invoice ${invoice.number}`;
  const rows = invoice.lines.map(({ at, description, billable, amount, late }) => [
    time(at),
    billable,
    late ? `${description}, from an earlier period` : description,
    money(amount),
  ]);
  const table = new Table(["TIME", "ITEM", "FOR", "AMOUNT"], rows);
  const sums: Fact[] = [
    ["Charges", money(invoice.charges)],
    ...invoice.adjustments.map(({ name, amount }): Fact => [name, money(amount)]),
    ["Total", money(invoice.total)],
    ...credits.map(({ amount, reason }): Fact => ["Given back", `${money(amount)}: ${reason}`]),
  ];
  return [
    `${title} of ${invoice.account}, ${invoice.period.name} (UTC)`,
    ...(rows.length === 0
      ? ["nothing was charged"]
      : [["TIME", "ITEM", "FOR", "AMOUNT"], ...rows].map((row) => table.line(row))),
    ...factLines(sums),
  ].join("\n");
}

async function issue(
  context: Context,
  {
    period,
    dryRun = false,
    output,
  }: DocumentOptions & { readonly period: string; readonly dryRun?: boolean },
): Promise<void> {
  const client = await context.client();
  const { items } = must(await client.call("POST /v1/invoices", { body: { period, dryRun } }));
  if (output !== undefined) return printValue(context, { items }, output);
  if (items.length === 0) return context.note(`nothing was charged in ${period}`);
  const rows = items.map((one) => [one.account, ...outcome(one)]);
  printTable(context, ["ACCOUNT", dryRun ? "WOULD-BE" : "INVOICE", "LINES", "TOTAL"], rows);
  if (items.some(({ refusal }) => refusal !== null)) throw new Failure("not every invoice could be made");
}

function outcome({ invoice, refusal }: IssuedView): string[] {
  if (invoice === null) return [`${refusal?.message}  [${refusal?.code}]`, "", ""];
  const { number, lines, total, currency } = invoice;
  return [number === 0 ? "draft" : String(number), String(lines.length), formatMoney(total, currency)];
}

interface CreditOptions {
  readonly reason: string;
  readonly id?: string;
  readonly from?: string;
}

async function credit(
  context: Context,
  invoice: string,
  amount: string,
  { reason, id, from }: CreditOptions,
): Promise<void> {
  const { randomUUID } = await import("node:crypto");
  const client = await context.client();
  const { currency } = must(await client.call("GET /v1/network", {}));
  const body = {
    id: id ?? randomUUID(),
    amount: String(amountOf("AMOUNT", amount, currency)),
    reason,
    ...(from === undefined ? {} : { borneBy: from }),
  };
  const note = must(await client.call("POST /v1/invoices/{invoice}/credits", { params: { invoice }, body }));
  context.print(
    `credit note ${note.id}: ${formatMoney(note.amount, currency)} of ${note.invoice} to ${note.account}`,
  );
}

/** An amount in the network's currency, as people write it. */
export function amountOf(flag: string, text: string, currency: string): Money {
  const read = parseMoney(text, currency);
  if (read.ok) return read.value;
  throw misused(`${flag}: found "${text}", expected an amount such as 0.01${currency}`);
}

async function payOut(
  context: Context,
  account: string | undefined,
  { dryRun = false, output }: DocumentOptions & { readonly dryRun?: boolean },
): Promise<void> {
  const client = await context.client();
  const body = { dryRun, ...(account === undefined ? {} : { account }) };
  const view = must(await client.call("POST /v1/payouts", { body }));
  if (output !== undefined) return printValue(context, view, output);
  const { currency } = must(await client.call("GET /v1/network", {}));
  context.print(factLines(payoutFacts(view, currency)).join("\n"));
}

function payoutFacts({ payout, charged, commission }: PayoutView, currency: string): readonly Fact[] {
  const money = (value: Money): string => formatMoney(value, currency);
  return [
    [payout.at === null ? "Would be" : "Payout", `${payout.id}, once in ${payout.period.name}`],
    ["Charged", `${money(charged)} for your work since the last payout`],
    ["Commission", `${money(commission)} of that is the manager's`],
    ["Available", money(payout.amount)],
    ["Fee", money(payout.fee)],
    [payout.at === null ? "To be paid" : "Paid out", money(payout.paid)],
  ];
}

async function payouts(context: Context, output: "json" | "yaml" | undefined): Promise<void> {
  const client = await context.client();
  const { items } = must(await client.call("GET /v1/payouts", {}));
  if (output !== undefined) return printValue(context, { items }, output);
  if (items.length === 0) return context.note("no payouts yet; weft payout --dry-run shows what there is");
  const { currency } = must(await client.call("GET /v1/network", {}));
  const rows = items.map(({ account, period, amount, fee, paid }) => [
    account,
    period.name,
    ...[amount, fee, paid].map((value) => formatMoney(value, currency)),
  ]);
  printTable(context, ["ACCOUNT", "PERIOD", "HAD", "FEE", "PAID"], rows);
}

const sumOf = (items: readonly { readonly amount: Money }[]): Money =>
  items.reduce((sum, { amount }) => sum + amount, 0n) as Money;

function printTable(
  context: Context,
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const table = new Table(headers, rows);
  for (const row of [headers, ...rows]) context.print(table.line(row));
}
