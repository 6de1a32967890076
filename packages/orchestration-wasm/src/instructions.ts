import { concat, Malformed, Reader, u32 } from "./binary.ts";

/*
 * Walking over code (WebAssembly Core Specification 2.0, 5.4, with threads, tail calls and exceptions), to find
 * each `memory.grow`: it looks like any other byte unless one knows where instructions begin.
 */

const MEMORY_GROW = 0x40;
const CALL = 0x10;

function skipMemoryArgument(reader: Reader): void {
  const align = reader.u32();
  if (align & 0x40) reader.skipNumber();
  reader.skipNumber();
}

function skipBlockType(reader: Reader): void {
  const first = reader.bytes[reader.at];
  if (first === 0x63 || first === 0x64) reader.skip(1);
  reader.skipNumber();
}

function skipNumbers(reader: Reader, count: number): void {
  for (let i = 0; i < count; i++) reader.skipNumber();
}

function skipTryTable(reader: Reader): void {
  skipBlockType(reader);
  for (let left = reader.u32(); left > 0; left--) skipNumbers(reader, reader.byte() < 2 ? 2 : 1);
}

/** Operands of the numbered instructions behind the prefix 0xfc: how many numbers follow, from 0 on. */
const BULK_OPERANDS = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

function skipBulk(reader: Reader): void {
  const operands = BULK_OPERANDS[reader.u32()];
  if (operands === undefined) throw new Malformed("an instruction unknown here");
  skipNumbers(reader, operands);
}

function skipVector(reader: Reader): void {
  const code = reader.u32();
  if (code <= 11 || code === 92 || code === 93) skipMemoryArgument(reader);
  else if (code === 12 || code === 13) reader.skip(16);
  else if (code >= 21 && code <= 34) reader.skip(1);
  else if (code >= 84 && code <= 91) {
    skipMemoryArgument(reader);
    reader.skip(1);
  } else if (code > 0x113) throw new Malformed("an instruction unknown here");
}

function skipAtomic(reader: Reader): void {
  if (reader.u32() === 3) reader.skip(1);
  else skipMemoryArgument(reader);
}

type Skip = (reader: Reader) => void;

const none: Skip = () => {};
const number: Skip = (reader) => reader.skipNumber();
const numbers =
  (count: number): Skip =>
  (reader) =>
    skipNumbers(reader, count);
const bytes =
  (count: number): Skip =>
  (reader) =>
    reader.skip(count);
/** A list of numbers, and as many more behind it. */
const list =
  (more: number): Skip =>
  (reader) =>
    skipNumbers(reader, reader.u32() + more);

/** How to pass over the operands of an instruction, by its first byte, from the first to the last given. */
const OPERANDS: readonly (readonly [number, number, Skip])[] = [
  [0x00, 0x01, none], // unreachable, nop
  [0x02, 0x04, skipBlockType], // block, loop, if
  [0x05, 0x05, none], // else
  [0x06, 0x06, skipBlockType], // try
  [0x07, 0x09, number], // catch, throw, rethrow
  [0x0a, 0x0b, none], // throw_ref, end
  [0x0c, 0x0d, number], // br, br_if
  [0x0e, 0x0e, list(1)], // br_table
  [0x0f, 0x0f, none], // return
  [0x10, 0x10, number], // call
  [0x11, 0x11, numbers(2)], // call_indirect
  [0x12, 0x12, number], // return_call
  [0x13, 0x13, numbers(2)], // return_call_indirect
  [0x18, 0x18, number], // delegate
  [0x19, 0x1b, none], // catch_all, drop, select
  [0x1c, 0x1c, list(0)], // select with types
  [0x1f, 0x1f, skipTryTable],
  [0x20, 0x26, number], // variables, table.get, table.set
  [0x28, 0x3e, skipMemoryArgument], // loads and stores
  [0x3f, 0x42, number], // memory.size, memory.grow, i32.const, i64.const
  [0x43, 0x43, bytes(4)], // f32.const
  [0x44, 0x44, bytes(8)], // f64.const
  [0x45, 0xc4, none], // arithmetic
  [0xd0, 0xd0, number], // ref.null
  [0xd1, 0xd1, none], // ref.is_null
  [0xd2, 0xd2, number], // ref.func
  [0xfc, 0xfc, skipBulk],
  [0xfd, 0xfd, skipVector],
  [0xfe, 0xfe, skipAtomic],
];

const SKIP: readonly (Skip | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => OPERANDS.find(([first, last]) => code >= first && code <= last)?.[2],
);

/** Where the instructions `memory.grow` of one function body (locals and code) stand. */
function growsIn(body: Uint8Array): number[] {
  const reader = new Reader(body);
  for (let groups = reader.u32(); groups > 0; groups--) skipNumbers(reader, 2);
  const found: number[] = [];
  while (reader.at < reader.end) {
    const at = reader.at;
    const code = reader.byte();
    const skip = SKIP[code];
    if (skip === undefined) throw new Malformed("an instruction unknown here");
    skip(reader);
    if (code === MEMORY_GROW) found.push(at);
  }
  return found;
}

/**
 * The code section with each `memory.grow` replaced by a call of `callee`, which takes and gives what
 * `memory.grow` does; null where there is none. Throws `Malformed` at an instruction it does not know.
 */
export function redirectGrows(code: Uint8Array, callee: number): Uint8Array | null {
  const reader = new Reader(code);
  const count = reader.u32();
  const parts: (Uint8Array | readonly number[])[] = [u32(count)];
  const call = [CALL, ...u32(callee)];
  let redirected = 0;
  for (let i = 0; i < count; i++) {
    const size = reader.u32();
    const from = reader.at;
    reader.skip(size);
    const body = code.subarray(from, reader.at);
    const grows = growsIn(body);
    const pieces: (Uint8Array | readonly number[])[] = [];
    let done = 0;
    for (const at of grows) {
      pieces.push(body.subarray(done, at), call);
      done = at + 2; // the opcode and the index of the one memory
    }
    pieces.push(body.subarray(done));
    parts.push(u32(size + grows.length * (call.length - 2)), ...pieces);
    redirected += grows.length;
  }
  return redirected === 0 ? null : concat(parts);
}
