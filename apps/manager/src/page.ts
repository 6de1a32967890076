import type { Page, PageQuery } from "@weft/service-http";

/** The page after `cursor`, which is the key of the last item of the page before. */
export function page<T>(items: readonly T[], keyOf: (item: T) => string, query: PageQuery): Page<T> {
  const { cursor, limit } = query;
  const from = cursor === null ? 0 : items.findIndex((item) => keyOf(item) === cursor) + 1;
  const part = items.slice(from, from + limit);
  const last = part.at(-1);
  return { items: part, next: last !== undefined && from + limit < items.length ? keyOf(last) : null };
}
