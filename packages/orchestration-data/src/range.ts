import type { ByteRange } from "./store.ts";

const RANGE = /^bytes=(\d*)-(\d*)$/;
const CONTENT_RANGE = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/;

/**
 * Reads a Range header (RFC 9110, 14.1) against a size. null: the whole is meant, which is also the answer to several ranges or
 * another unit, both of which a server may ignore.
 */
export function readRange(header: string | undefined, size: number): ByteRange | null | "unsatisfiable" {
  const match = RANGE.exec(header ?? "");
  if (match === null) return null;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { from: size - length, to: size };
  }
  const from = Number(first);
  const to = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < from) return null;
  return from >= size ? "unsatisfiable" : { from, to };
}

/** Which part of how much a PUT carries. null: no such header, the body is the whole. */
export function readContentRange(
  header: string | undefined,
): { readonly from: number; readonly total: number } | null | "malformed" {
  if (header === undefined) return null;
  const match = CONTENT_RANGE.exec(header);
  if (match === null) return "malformed";
  const [, first, last, total] = match;
  if (first === undefined) return { from: Number(total), total: Number(total) };
  if (Number(last) < Number(first) || Number(last) >= Number(total)) return "malformed";
  return { from: Number(first), total: Number(total) };
}
