import { assert } from "@weft/kernel";

/** A copy that shares nothing with the original: plain data, bigint, bytes, maps and sets; no class instances. */
export function copyMessage<T>(value: T): T {
  if (typeof value !== "object" || value === null) {
    assert(typeof value !== "function" && typeof value !== "symbol", "a message is data: no functions in it");
    return value;
  }
  if (value instanceof Uint8Array) return value.slice() as T;
  if (Array.isArray(value)) return copyArray(value) as T;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return copyRecord(value);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [copyMessage(key), copyMessage(item)])) as T;
  }
  if (value instanceof Set) return new Set([...value].map(copyMessage)) as T;
  assert(ArrayBuffer.isView(value), "a message is data: no class instances in it");
  return structuredClone(value);
}

function copyArray(items: readonly unknown[]): unknown[] {
  const copy = new Array<unknown>(items.length);
  for (let i = 0; i < items.length; i++) copy[i] = copyMessage(items[i]);
  return copy;
}

function copyRecord<T extends object>(record: T): T {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(record)) copy[key] = copyMessage((record as Record<string, unknown>)[key]);
  return copy as T;
}

/** Bytes a message takes on the wire: its length if it is bytes, else about the length of its JSON text. */
export function messageBytes(value: unknown): number {
  switch (typeof value) {
    case "string":
      return value.length + 2;
    case "number":
    case "bigint":
      return String(value).length;
    case "object":
      break;
    default:
      return 4;
  }
  if (value === null) return 4;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) bytes += messageBytes(item) + 1;
  } else if (value instanceof Map) {
    for (const [key, item] of value) bytes += messageBytes(key) + messageBytes(item) + 2;
  } else if (value instanceof Set) {
    for (const item of value) bytes += messageBytes(item) + 1;
  } else {
    const record = value as Record<string, unknown>;
    for (const key of Object.keys(record)) bytes += key.length + 4 + messageBytes(record[key]);
  }
  return bytes;
}
