import { assert } from "./assert.ts";

/** What may be signed or hashed: plain data. A bigint is written as its decimal digits in a string. */
export type Canonical =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Canonical[]
  | { readonly [key: string]: Canonical | undefined };

/**
 * One text for one value, whoever writes it: JSON in the manner of RFC 8785 (keys sorted by UTF-16 code
 * unit, ECMAScript number form, no white space), with bigint as a string of digits. `undefined` members are left out.
 */
export function canonicalText(value: Canonical): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      assert(Number.isFinite(value), "only finite numbers have a canonical form");
      return Object.is(value, -0) ? "0" : String(value);
    case "bigint":
      return `"${value}"`;
    case "boolean":
      return value ? "true" : "false";
    default:
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  const record = value as { readonly [key: string]: Canonical | undefined };
  const members: string[] = [];
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalText(member)}`);
  }
  return `{${members.join(",")}}`;
}
