import { formatInstant, formatMoney, instant } from "@weft/kernel";
import type { Period, Statement } from "@weft/market";
import type { AccountView } from "@weft/service-http/client";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { Failure, must } from "../failure.ts";
import { printValue } from "../print.ts";
import { gather } from "../resources/resource.ts";
import { Table } from "../table.ts";
import { documentOption } from "./plan.ts";

export function register(program: Command, context: Context): void {
  program
    .command("balance")
    .summary("what your account has, and may still spend")
    .description(
      "Shows what your account has, what of it is set aside for open contracts, and what may still be spent.",
    )
    .argument("[account]", "another account, where you may see it")
    .addOption(documentOption())
    .action((account: string | undefined, { output }: { readonly output?: "json" | "yaml" }) =>
      balance(context, account, output),
    );
  program
    .command("statement")
    .summary("what moved on your account in a period")
    .description(
      "Shows an account's movements in a period of UTC: opening balance, each transfer, closing balance.",
    )
    .argument("[account]", "another account, where you may see it")
    .option("--period <period>", "such as 2026-11-22, 2026-W47 or 2026-11; this month by default")
    .addOption(
      new Option("-o, --output <form>", "form of the output")
        .choices(["table", "json", "yaml", "csv"])
        .default("table"),
    )
    .action((account: string | undefined, options: StatementOptions) => statement(context, account, options));
}

async function accountNamed(context: Context, asked: string | undefined): Promise<AccountView> {
  const client = await context.client();
  const name = asked ?? must(await client.call("GET /v1/whoami", {})).account;
  const found = must(await client.call("GET /v1/accounts", {})).items.find(({ id }) => id === name);
  if (found !== undefined) return found;
  throw new Failure(
    `no account "${name}"  [E_NOT_FOUND]\n  hint: weft get accounts lists those that you may see`,
  );
}

async function balance(
  context: Context,
  asked: string | undefined,
  output: "json" | "yaml" | undefined,
): Promise<void> {
  const account = await accountNamed(context, asked);
  if (output !== undefined) return printValue(context, account, output);
  const { posted, held, available } = account.balance;
  const money = (value: typeof posted): string => formatMoney(value, account.currency);
  context.print(
    `${account.id}  ${money(posted)}, ${money(held)} held, ${available === null ? "no limit" : `${money(available)} available`}`,
  );
}

interface StatementOptions {
  readonly period?: string;
  readonly output: "table" | "json" | "yaml" | "csv";
}

async function statement(
  context: Context,
  asked: string | undefined,
  options: StatementOptions,
): Promise<void> {
  const account = await accountNamed(context, asked);
  const client = await context.client();
  const { now } = must(await client.call("GET /v1/network", {}));
  const { statementCsv, statementOf, periodOf } = await import("@weft/market");
  const period = options.period === undefined ? periodOf(now, "month") : await periodNamed(options.period);
  const route = "GET /v1/accounts/{account}/transfers";
  const transfers = await gather(client.all(route, { limit: 1000 }, { account: account.id }), null);
  const made = statementOf(account.id, account.currency, period, transfers);
  if (options.output === "csv") context.out.write(statementCsv(made));
  else if (options.output === "table") context.print(statementText(made));
  else await printValue(context, made, options.output);
}

/** A day, an ISO week or a month by its name. */
async function periodNamed(name: string): Promise<Period> {
  const { periodOf } = await import("@weft/market");
  const week = /^(\d{4})-W(\d{2})$/.exec(name);
  const kind = week !== null ? "week" : /^\d{4}-\d{2}$/.test(name) ? "month" : "day";
  // The fourth of January is always in the first ISO week.
  const day = week !== null ? `${week[1]}-01-04` : kind === "month" ? `${name}-01` : name;
  const startMs = Date.parse(`${day}T00:00:00Z`) + (week === null ? 0 : (Number(week[2]) - 1) * WEEK_MS);
  const period = Number.isNaN(startMs) ? null : periodOf(instant(startMs * 1000), kind);
  if (period?.name === name) return period;
  const expected = "a day, week or month such as 2026-11-22, 2026-W47 or 2026-11";
  throw new Failure(`--period: found "${name}", expected ${expected}`, 2);
}
const WEEK_MS = 7 * 86_400_000;

function statementText({ account, currency, period, opening, rows, closing }: Statement): string {
  const headers = ["TIME (UTC)", "KIND", "REFERENCE", `AMOUNT (${currency})`, "BALANCE"];
  const cells = rows.map(({ at, kind, reference, amount, balance: after }) => [
    formatInstant(at).slice(0, 19).replace("T", " "),
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
