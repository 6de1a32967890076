import { ok, type Result, refuse } from "@weft/kernel";
import { DEFAULT_ITEMS, MOST_ITEMS } from "../wire/requests.ts";
import type { TmfList } from "./api.ts";

/** What a list is asked for (TMF630): a page, some members of each item, and equal values. */
export interface TmfQuery {
  readonly offset: number;
  readonly limit: number;
  /** null: all of them. */
  readonly fields: readonly string[] | null;
  readonly filters: readonly (readonly [path: readonly string[], value: string])[];
}

const MOST_FILTERS = 16;
/** Members that every item shows, whatever fields are asked for. */
const ALWAYS = ["id", "href", "@type"];

export function readQuery(query: Readonly<Record<string, unknown>>): Result<TmfQuery> {
  const { offset = "0", limit = String(DEFAULT_ITEMS), fields, ...rest } = query;
  const from = wholeNumber(offset);
  const most = wholeNumber(limit);
  if (from === null) return wrong("offset", offset, "a whole number from 0");
  if (most === null || most < 1 || most > MOST_ITEMS)
    return wrong("limit", limit, `a whole number from 1 to ${MOST_ITEMS}`);
  if (fields !== undefined && typeof fields !== "string")
    return wrong("fields", fields, "names separated by commas");
  const filters = Object.entries(rest).map(([name, value]) => [name.split("."), value] as const);
  const bad = filters.find(([, value]) => typeof value !== "string");
  if (bad !== undefined) return wrong(bad[0].join("."), "several values", "one value");
  if (filters.length > MOST_FILTERS) return wrong("query", filters.length, `at most ${MOST_FILTERS} filters`);
  return ok({
    offset: from,
    limit: most,
    fields: fields === undefined ? null : fields.split(",").map((name) => name.trim()),
    filters: filters as TmfQuery["filters"],
  });
}

function wholeNumber(text: unknown): number | null {
  return typeof text === "string" && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

const wrong = (path: string, found: unknown, expected: string) =>
  refuse("E_REQUEST", "not understood", { path: `query.${path}`, found: String(found), expected });

/** The items asked for, and how many there are beside them. */
export function pageOf<T extends object>(
  list: TmfList<T>,
  { offset, limit, fields, filters }: TmfQuery,
): { readonly items: readonly object[]; readonly total: number } {
  const items: object[] = [];
  if (filters.length === 0) {
    for (let i = offset; i < Math.min(list.length, offset + limit); i++)
      items.push(select(list.at(i), fields));
    return { items, total: list.length };
  }
  let total = 0;
  for (let i = 0; i < list.length; i++) {
    const item = list.at(i);
    if (!filters.every(([path, value]) => holds(item, path, value))) continue;
    if (total >= offset && items.length < limit) items.push(select(item, fields));
    total++;
  }
  return { items, total };
}

/** Whether a member (of any item, where it is a list) has this value. */
function holds(value: unknown, path: readonly string[], wanted: string): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, path, wanted));
  const [name, ...rest] = path;
  if (name === undefined) return String(value) === wanted;
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return false;
  return holds((value as Record<string, unknown>)[name], rest, wanted);
}

/** An item with these members and those that it always shows. */
export function select(item: object, fields: readonly string[] | null): object {
  if (fields === null) return item;
  const kept = Object.entries(item).filter(([name]) => ALWAYS.includes(name) || fields.includes(name));
  return Object.fromEntries(kept);
}
