/*
 * Arrays as PostgreSQL's own binary form of a parameter (array_send in the server's source): nothing is escaped on this
 * side or parsed on the other, which for rows of JSON text is most of what a write costs.
 */

export type ElementType = "text" | "bytea" | "int4" | "int8";
type Element = string | number | bigint | Uint8Array | null;

/** From pg_type. */
const OIDS: Readonly<Record<ElementType, number>> = { bytea: 17, int8: 20, int4: 23, text: 25 };
/** Dimensions, whether there are nulls, the element's type, the one dimension's length and first index. */
const HEADER_BYTES = 20;
const NULL = -1;

/** One column of a statement over arrays. Numbers are whole; null stays null. */
export function binaryArray(type: ElementType, values: readonly Element[]): Buffer {
  let bytes = HEADER_BYTES;
  for (const value of values) bytes += 4 + lengthOf(type, value);
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeInt32BE(1, 0);
  buffer.writeInt32BE(values.includes(null) ? 1 : 0, 4);
  buffer.writeInt32BE(OIDS[type], 8);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const value of values) at = write(buffer, at, type, value);
  return buffer;
}

function lengthOf(type: ElementType, value: Element): number {
  if (value === null) return 0;
  if (type === "int4") return 4;
  if (type === "int8") return 8;
  return typeof value === "string" ? Buffer.byteLength(value) : (value as Uint8Array).length;
}

function write(buffer: Buffer, at: number, type: ElementType, value: Element): number {
  const body = at + 4;
  if (value === null) return buffer.writeInt32BE(NULL, at);
  let length: number;
  if (type === "int4") length = buffer.writeInt32BE(Number(value), body) - body;
  else if (type === "int8") length = buffer.writeBigInt64BE(BigInt(value as number), body) - body;
  else if (typeof value === "string") length = buffer.write(value, body);
  else {
    buffer.set(value as Uint8Array, body);
    length = (value as Uint8Array).length;
  }
  buffer.writeInt32BE(length, at);
  return body + length;
}
