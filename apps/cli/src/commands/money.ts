import { formatMoney, formatTime } from "@weft/kernel";
import type { Statement } from "@weft/market";
import type { AccountView } from "@weft/service-http/client";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { failed, misused, must } from "../failure.ts";
import { PAPER_FORMS, type PaperForm, statementFile } from "../papers.ts";
import { printValue } from "../print.ts";
import { Table } from "../table.ts";
import { documentOption } from "./plan.ts";

export function register(program: Command, context: Context): void {
  program
    .command("balance")
    .summary("what your account has, and may still spend")
    .description(
      "Shows what your account has, what of it is set aside for open contracts, what may still be spent, and how long that lasts at the rate of the last hour.",
    )
    .argument("[account]", "another account, where you may see it")
    .option(
      "--time-zone <zone>",
      "read the account's papers by this clock from now on, such as Asia/Shanghai",
    )
    .addOption(documentOption())
    .action((account: string | undefined, options: BalanceOptions) => balance(context, account, options));
  program
    .command("statement")
    .summary("what moved on your account in a period")
    .description(
      "Shows an account's movements in a period of UTC: opening balance, each transfer, closing balance.",
    )
    .argument("[account]", "another account, where you may see it")
    .option("--period <period>", "such as 2026-11-22, 2026-W47 or 2026-11; this month by default")
    .addOption(new Option("-o, --output <form>", "form of the output").choices(PAPER_FORMS).default("table"))
    .option("--file <file>", "where the PDF goes")
    .action((account: string | undefined, options: StatementOptions) => statement(context, account, options));
}

async function accountNamed(context: Context, asked: string | undefined): Promise<AccountView> {
  const client = await context.client();
  const name = asked ?? must(await client.call("GET /v1/whoami", {})).account;
  const found = must(await client.call("GET /v1/accounts", {})).items.find(({ id }) => id === name);
  if (found !== undefined) return found;
  throw failed("E_NOT_FOUND", `no account "${name}"`, "weft get accounts lists those that you may see");
}

interface BalanceOptions {
  readonly output?: "json" | "yaml";
  readonly timeZone?: string;
}

async function balance(
  context: Context,
  asked: string | undefined,
  { output, timeZone }: BalanceOptions,
): Promise<void> {
  let account = await accountNamed(context, asked);
  if (timeZone !== undefined) {
    const client = await context.client();
    const params = { account: account.id };
    account = must(
      await client.call("POST /v1/accounts/{account}/time-zone", { params, body: { timeZone } }),
    );
  }
  if (output !== undefined) return printValue(context, account, output);
  const { posted, held, available } = account.balance;
  const money = (value: typeof posted): string => formatMoney(value, account.currency);
  context.print(
    `${account.id}  ${money(posted)}, ${money(held)} held, ${available === null ? "no limit" : `${money(available)} available`}`,
  );
  if (account.runway !== null)
    context.print(`at the rate of the last hour that lasts ${formatTime(account.runway)}`);
}

interface StatementOptions {
  readonly period?: string;
  readonly output: PaperForm;
  readonly file?: string;
}

async function statement(
  context: Context,
  asked: string | undefined,
  options: StatementOptions,
): Promise<void> {
  const { statementCsv, periodNamed } = await import("@weft/market");
  const { period, output, file } = options;
  if (period !== undefined && periodNamed(period) === null) {
    const expected = "a day, week or month such as 2026-11-22, 2026-W47 or 2026-11";
    throw misused(`--period: found "${period}", expected ${expected}`);
  }
  const account = await accountNamed(context, asked);
  const client = await context.client();
  const made = must(
    await client.call("GET /v1/accounts/{account}/statement", {
      params: { account: account.id },
      query: period === undefined ? {} : { period },
    }),
  );
  if (output === "csv") context.out.write(statementCsv(made));
  else if (output === "table") context.print(await statementText(made, account.timeZone));
  else if (output === "pdf")
    context.note(`wrote ${await statementFile(context, made, account.timeZone, file)}`);
  else await printValue(context, made, output);
}

async function statementText(
  { account, currency, period, opening, rows, closing }: Statement,
  timeZone: string,
): Promise<string> {
  const { localTime } = await import("@weft/market");
  const headers = ["TIME", "KIND", "REFERENCE", `AMOUNT (${currency})`, "BALANCE"];
  const cells = rows.map(({ at, kind, reference, amount, balance: after }) => [
    localTime(at, timeZone),
    kind,
    reference,
    formatMoney(amount),
    formatMoney(after),
  ]);
  const table = new Table(headers, cells);
  return [
    `${account}, ${period.name}: from ${formatMoney(opening, currency)} to ${formatMoney(closing, currency)}`,
    ...(cells.length === 0 ? ["nothing moved"] : [headers, ...cells].map((row) => table.line(row))),
  ].join("\n");
}
