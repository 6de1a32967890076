import { assert } from "@weft/kernel";

/*
 * Plain data as JSON text that comes back the same: a bigint is written "12n", the numbers JSON lacks "Infinityn"
 * and "-Infinityn", and a string that would read as one of those gets a "~" in front. Members that are
 * undefined are left out.
 */
const MARKED = /^(~*)(-?(?:\d+|Infinity))n$/;

function replace(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && !Number.isFinite(value)) {
    assert(!Number.isNaN(value), "NaN is never stored");
    return `${value}n`;
  }
  if (typeof value === "string" && value.endsWith("n") && MARKED.test(value)) return `~${value}`;
  return value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== "string" || !value.endsWith("n")) return value;
  const match = MARKED.exec(value);
  if (match === null) return value;
  const [, escapes, digits] = match as unknown as [string, string, string];
  if (escapes !== "") return value.slice(1);
  return digits.endsWith("Infinity") ? Number(digits) : BigInt(digits);
}

/** Writes plain data for keeping. */
export const storedText = (value: unknown): string => JSON.stringify(value, replace);

/** Reads what `storedText` wrote. The caller knows the type: only our own texts are read. */
export const fromStoredText = <T>(text: string): T => JSON.parse(text, revive) as T;
