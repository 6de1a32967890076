import type { Instant } from "@weft/kernel";
import type { ClientResult, EventView, WeftClient } from "@weft/service-http/client";
import { must } from "../failure.ts";

/** One column of a resource's table. */
export interface Column<T> {
  readonly header: string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
  readonly cell: (item: T, now: Instant) => string;
  /** What to sort by where the cell's text would not do; null sorts last. */
  readonly sort?: (item: T) => number | string | null;
}

export interface ListQuery {
  /** A label selector as written; empty: everything. */
  readonly labels: string;
  /** At most so many items; null: all. */
  readonly limit: number | null;
}

/** A kind of thing that `weft get` shows. */
export interface Resource<T> {
  readonly kind: string;
  readonly plural: string;
  readonly aliases: readonly string[];
  readonly columns: readonly Column<T>[];
  readonly nameOf: (item: T) => string;
  /** Which labels selectors match; absent where the kind has none. */
  readonly labelsOf?: (item: T) => Readonly<Record<string, string>>;
  /** The server itself applies the selector and the limit where it can. */
  readonly list: (client: WeftClient, query: ListQuery) => Promise<readonly T[]>;
  readonly one?: (client: WeftClient, name: string) => Promise<T>;
  /** The events that tell of changes; absent: cannot be watched. */
  readonly subject?: EventView["subject"];
}

// biome-ignore lint/suspicious/noExplicitAny: a registry of kinds, each consistent in itself
export type AnyResource = Resource<any>;

/** All items of a paged route, up to the limit. */
export async function gather<T>(
  pages: AsyncGenerator<ClientResult<T>>,
  limit: number | null,
): Promise<readonly T[]> {
  const items: T[] = [];
  if (limit === 0) return items;
  for await (const item of pages) {
    items.push(must(item));
    if (limit !== null && items.length >= limit) break;
  }
  return items;
}

/** The first so many of a list that comes whole. */
export const atMost = <T>(items: readonly T[], { limit }: ListQuery): readonly T[] =>
  limit === null ? items : items.slice(0, limit);
