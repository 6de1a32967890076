import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Instant } from "@weft/kernel";
import type { Invoice, Statement } from "@weft/market";
import type { Context } from "./context.ts";
import { must, unusable } from "./failure.ts";

/** Forms that a paper can be had in, besides the table for people. */
export const PAPER_FORMS = ["table", "json", "yaml", "csv", "pdf"] as const;
export type PaperForm = (typeof PAPER_FORMS)[number];

/** An invoice as a PDF file, read by the account's clock; gives the file's name. */
export async function invoiceFile(
  context: Context,
  invoice: Invoice,
  timeZone: string,
  file: string | undefined,
): Promise<string> {
  const { invoicePdf } = await import("@weft/market-pdf");
  const { issuer } = await letterhead(context);
  const head = { issuer, recipient: [invoice.account], timeZone };
  return write(context, file ?? `${fileName(invoice.id)}.pdf`, await invoicePdf(invoice, head));
}

/** A statement as a PDF file. */
export async function statementFile(
  context: Context,
  statement: Statement,
  timeZone: string,
  file: string | undefined,
): Promise<string> {
  const { statementPdf } = await import("@weft/market-pdf");
  const { issuer, now } = await letterhead(context);
  const { account, period } = statement;
  const bytes = await statementPdf(statement, { issuer, recipient: [account], timeZone }, now);
  return write(context, file ?? `${fileName(`statement/${account}/${period.name}`)}.pdf`, bytes);
}

async function letterhead(
  context: Context,
): Promise<{ readonly issuer: readonly string[]; readonly now: Instant }> {
  const client = await context.client();
  const { name, managerKey, now } = must(await client.call("GET /v1/network", {}));
  return { issuer: [`${name}, a Weft network`, `key ${managerKey.slice(0, 16)}`], now };
}

const fileName = (id: string): string => id.replaceAll(/[^A-Za-z0-9._-]+/g, "-");

function write(context: Context, file: string, bytes: Uint8Array): string {
  try {
    writeFileSync(resolve(context.cwd, file), bytes);
    return file;
  } catch (error) {
    throw unusable(file, error);
  }
}
