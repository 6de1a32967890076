/*
 * Just enough of the WebAssembly binary format (core specification 2.0, chapter 5, with fixed-width SIMD) to write the
 * kernels that measure a machine: one memory, functions over i32 and v128, counted loops.
 */

export type Code = readonly number[];
export type ValueType = "i32" | "v128";

const TYPE = { i32: 0x7f, v128: 0x7b } as const;
const PAGE = 65_536;

/** A number as unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** A number as signed LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const aligned = (exponent: number, offset: number): Code => [exponent, ...unsigned(offset)];

/** Instructions, named as in the specification's text format. */
export const op = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number): Code => [0x21, ...unsigned(local)],
  tee: (local: number): Code => [0x22, ...unsigned(local)],
  i32Const: (value: number): Code => [0x41, ...signed(value)],
  i32Add: [0x6a] as Code,
  i32Sub: [0x6b] as Code,
  i32Mul: [0x6c] as Code,
  i32Load: (offset = 0): Code => [0x28, ...aligned(2, offset)],
  v128Load: (offset = 0): Code => [...simd(0x00), ...aligned(4, offset)],
  v128Load32Splat: (offset = 0): Code => [...simd(0x09), ...aligned(2, offset)],
  v128Store: (offset = 0): Code => [...simd(0x0b), ...aligned(4, offset)],
  v128Const: (lanes: readonly number[]): Code => [
    ...simd(0x0c),
    ...new Uint8Array(Int32Array.from(lanes).buffer),
  ],
  v128Xor: simd(0x51),
  i32x4Splat: simd(0x11),
  i32x4ExtractLane: (lane: number): Code => [...simd(0x1b), lane],
  i32x4ShrU: simd(0xad),
  i32x4Add: simd(0xae),
  i32x4Mul: simd(0xb5),
  f32x4Add: simd(0xe4),
  f32x4Mul: simd(0xe6),
  /** Fused multiply and add of the relaxed SIMD proposal: a * b + c. */
  f32x4RelaxedMadd: simd(0x105),
} as const;

/** Runs `body` as long as the local `counter`, counted down by `step` after each round, is not zero. At least once. */
export function countDown(counter: number, step: number, body: Code): Code {
  return [
    ...[0x03, 0x40],
    ...body,
    ...op.get(counter),
    ...op.i32Const(step),
    ...op.i32Sub,
    ...op.tee(counter),
    ...[0x0d, 0x00],
    0x0b,
  ];
}

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
  /** Locals behind the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()];
const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const section = (id: number, items: readonly Code[]): number[] => [id, ...sized(vector(items))];
const named = (text: string): number[] => sized([...text].map((letter) => letter.charCodeAt(0)));

/** A module with the given functions and `memoryBytes` of memory, all exported by name, the memory as `memory`. */
export function encodeModule(
  functions: readonly WasmFunction[],
  memoryBytes: number,
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, result }) => [
    0x60,
    ...vector(parameters.map((type) => [TYPE[type]])),
    ...vector(result === null ? [] : [[TYPE[result]]]),
  ]);
  const exported = functions.map(({ name }, index) => [...named(name), 0x00, ...unsigned(index)]);
  const code = functions.map(({ locals, body }) =>
    sized([...vector(locals.map((type) => [1, TYPE[type]])), ...body, 0x0b]),
  );
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(5, [[0x00, ...unsigned(Math.ceil(memoryBytes / PAGE))]]),
    ...section(7, [...exported, [...named("memory"), 0x02, 0x00]]),
    ...section(10, code),
  ]);
}
