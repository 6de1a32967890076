import type { Instant } from "@weft/kernel";
import type { Context } from "./context.ts";
import { misused } from "./failure.ts";
import type { AnyResource, Column } from "./resources/resource.ts";
import { Table } from "./table.ts";
import { harmless } from "./text.ts";

export const OUTPUTS = ["table", "wide", "json", "yaml", "name"] as const;
export type Output = (typeof OUTPUTS)[number];

/** Plain JSON data of what the floors know: bigints as digits. */
async function plain(value: unknown): Promise<unknown> {
  const { wireText } = await import("@weft/service-http/client");
  return JSON.parse(wireText(value));
}

/** Any value as JSON or YAML, for `-o` of commands that print one thing. */
export async function printValue(context: Context, value: unknown, output: "json" | "yaml"): Promise<void> {
  const data = await plain(value);
  if (output === "json") return context.print(JSON.stringify(data, null, 2));
  const { stringify } = await import("yaml");
  context.print(stringify(data).trimEnd());
}

export interface Listing {
  readonly output: Output;
  readonly headers: boolean;
  readonly sortBy: string | undefined;
  readonly now: Instant;
}

/** Prints a list (or the one thing that was asked for by name) as asked; gives the table so that rows can follow. */
export async function printItems(
  context: Context,
  resource: AnyResource,
  items: readonly unknown[],
  { output, headers, sortBy, now }: Listing,
  single: boolean,
): Promise<Table | null> {
  const sorted = sortBy === undefined ? items : sortItems(resource, items, sortBy);
  if (output === "json" || output === "yaml") {
    await printValue(context, single ? sorted[0] : { items: sorted }, output);
    return null;
  }
  if (output === "name") {
    for (const item of sorted) context.print(`${resource.kind}/${resource.nameOf(item)}`);
    return null;
  }
  const columns = columnsOf(resource, output);
  const titles = columns.map((column) => column.header);
  const rows = sorted.map((item) => cellsOf(columns, item, now));
  const table = new Table(titles, rows);
  if (rows.length === 0) context.note(`no ${resource.plural}`);
  else if (headers) context.print(table.line(titles));
  for (const row of rows) context.print(table.line(row));
  return table;
}

export const columnsOf = (resource: AnyResource, output: Output): readonly Column<unknown>[] =>
  resource.columns.filter((column) => output === "wide" || column.wide !== true);

/** One row's cells; what strangers named is made harmless to a terminal. */
export const cellsOf = (columns: readonly Column<unknown>[], item: unknown, now: Instant): string[] =>
  columns.map((column) => harmless(column.cell(item, now)).replaceAll(/[\n\t]/g, " "));

/** By a column's header, or by a path into the JSON such as .description.memoryBytes; unknown values last. */
function sortItems(resource: AnyResource, items: readonly unknown[], by: string): readonly unknown[] {
  const column = (resource.columns as readonly Column<unknown>[]).find(
    ({ header }) => header.toLowerCase() === by.toLowerCase(),
  );
  const path = by
    .replace(/^\{|\}$/g, "")
    .split(".")
    .filter((step) => step !== "");
  const atPath = (item: unknown): unknown =>
    path.reduce<unknown>(
      (value, step) => (value as Record<string, unknown> | null | undefined)?.[step],
      item,
    );
  const keyOf =
    column === undefined ? atPath : (column.sort ?? ((item: unknown) => column.cell(item, 0 as Instant)));
  if (column === undefined && items.length > 0 && items.every((item) => atPath(item) === undefined)) {
    const headers = resource.columns.map(({ header }) => header.toLowerCase()).join(", ");
    throw misused(`--sort-by: nothing at "${by}"; expected a column (${headers}) or a path into -o json`);
  }
  return items
    .map((item) => ({ item, value: keyOf(item) }))
    .sort((a, b) => compare(a.value, b.value))
    .map(({ item }) => item);
}

function compare(a: unknown, b: unknown): number {
  const unknown = (value: unknown): boolean => value === null || value === undefined || value === "-";
  if (unknown(a) || unknown(b)) return Number(unknown(a)) - Number(unknown(b));
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  return Number(a) - Number(b);
}
