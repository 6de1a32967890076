import { type Code, countDown, encodeModule, op, type WasmFunction } from "./wasm-encoder.ts";

/*
 * The kernels that stand for logical and parallel work where WebAssembly does it, written instruction by
 * instruction so that what is counted is what is done.
 */

/** Chains that do not wait for each other: enough to fill the pipelines, few enough to stay in registers. */
const CHAINS = 8;
const LANES = 4;
/** Per chain and round: multiply, add, shift, exclusive or. */
const STEPS = 4;

/** Integer operations that one round of the integer kernel does. */
export const INTEGER_OPS_A_ROUND = CHAINS * LANES * STEPS;

/**
 * `integer(rounds: i32) -> i32`: eight chains of four lanes of `x = (x * a + b) ^ (x >>> 15)`, in i32x4. The result depends
 * on all of them, so none can be left out.
 */
export function integerKernel(): Uint8Array<ArrayBuffer> {
  const rounds = 0;
  const chain = (index: number): number => 1 + index;
  const [factor, term] = [1 + CHAINS, 2 + CHAINS];
  const chains = Array.from({ length: CHAINS }, (_, index) => chain(index));
  const start: Code = [
    ...op.v128Const([1664525, 22695477, 1103515245, 134775813]),
    ...op.set(factor),
    ...op.v128Const([1013904223, 1, 12345, 7]),
    ...op.set(term),
    ...chains.flatMap((local, index) => [...op.i32Const(index + 1), ...op.i32x4Splat, ...op.set(local)]),
  ];
  const round: Code = chains.flatMap((x) => [
    ...[...op.get(x), ...op.get(factor), ...op.i32x4Mul, ...op.get(term), ...op.i32x4Add],
    ...[...op.get(x), ...op.i32Const(15), ...op.i32x4ShrU, ...op.v128Xor, ...op.set(x)],
  ]);
  const end: Code = [
    ...op.get(chain(0)),
    ...chains.slice(1).flatMap((x) => [...op.get(x), ...op.v128Xor]),
    ...op.set(chain(0)),
    ...[0, 1, 2, 3].flatMap((lane) => [...op.get(chain(0)), ...op.i32x4ExtractLane(lane)]),
    ...[...op.i32Add, ...op.i32Add, ...op.i32Add],
  ];
  const integer: WasmFunction = {
    name: "integer",
    parameters: ["i32"],
    result: "i32",
    locals: [...chains.map(() => "v128" as const), "v128", "v128"],
    body: [...start, ...countDown(rounds, 1, round), ...end],
  };
  return encodeModule([integer], 0);
}

/** The integer kernel in plain JavaScript, one lane wide: what a machine without WebAssembly SIMD is measured with. */
export function integerScalar(rounds: number): number {
  let sum = 0;
  for (let lane = 0; lane < LANES; lane++) {
    const a = [1664525, 22695477, 1103515245, 134775813][lane] as number;
    const b = [1013904223, 1, 12345, 7][lane] as number;
    let [x0, x1, x2, x3, x4, x5, x6, x7] = [1, 2, 3, 4, 5, 6, 7, 8] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let round = 0; round < rounds; round++) {
      x0 = ((Math.imul(x0, a) + b) ^ (x0 >>> 15)) | 0;
      x1 = ((Math.imul(x1, a) + b) ^ (x1 >>> 15)) | 0;
      x2 = ((Math.imul(x2, a) + b) ^ (x2 >>> 15)) | 0;
      x3 = ((Math.imul(x3, a) + b) ^ (x3 >>> 15)) | 0;
      x4 = ((Math.imul(x4, a) + b) ^ (x4 >>> 15)) | 0;
      x5 = ((Math.imul(x5, a) + b) ^ (x5 >>> 15)) | 0;
      x6 = ((Math.imul(x6, a) + b) ^ (x6 >>> 15)) | 0;
      x7 = ((Math.imul(x7, a) + b) ^ (x7 >>> 15)) | 0;
    }
    sum = (sum + (x0 ^ x1 ^ x2 ^ x3 ^ x4 ^ x5 ^ x6 ^ x7)) | 0;
  }
  return sum;
}

/** A tile of C kept in registers: four rows of two vectors. Larger ones spill, and halve the rate. */
/** A and B lie in panels of so many rows and columns, C in tiles of both. */
export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;
const FLOAT_BYTES = 4;

/** Size of the matrix product that `gemm` computes: C (rows x columns) = A (rows x depth) * B (depth x columns). */
export const GEMM = { rows: 64, columns: 64, depth: 256 } as const;
export const GEMM_FLOPS = 2 * GEMM.rows * GEMM.columns * GEMM.depth;
/** Where the panels of A and B and the result lie in the module's memory, in bytes. */
export const GEMM_AT = {
  a: 0,
  b: GEMM.rows * GEMM.depth * FLOAT_BYTES,
  c: (GEMM.rows + GEMM.columns) * GEMM.depth * FLOAT_BYTES,
} as const;

/**
 * `gemm(times: i32)`: one f32 matrix product, `times` over. A lies in panels of four rows, B in panels of eight columns, each
 * panel by depth, so that both are read in order; C comes out tile by tile. With `fused`, multiply and add are one
 * instruction of the relaxed SIMD proposal.
 */
export function gemmKernel(fused: boolean): Uint8Array<ArrayBuffer> {
  const [times, a, b, c, depth, rowPanels, columnPanels, left, right, value, firstAcc] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
  ] as const;
  const acc = (row: number, half: number): number => firstAcc + 2 * row + half;
  const accs = Array.from({ length: 2 * TILE_ROWS }, (_, i) => firstAcc + i);
  const multiplyAdd = (row: number, half: number): Code => {
    const operand = half === 0 ? left : right;
    const sum = op.get(acc(row, half));
    const product = [...op.get(value), ...op.get(operand)];
    return fused
      ? [...product, ...sum, ...op.f32x4RelaxedMadd, ...op.set(acc(row, half))]
      : [...sum, ...product, ...op.f32x4Mul, ...op.f32x4Add, ...op.set(acc(row, half))];
  };
  const step: Code = [
    ...[...op.get(b), ...op.v128Load(), ...op.set(left), ...op.get(b), ...op.v128Load(16), ...op.set(right)],
    ...Array.from({ length: TILE_ROWS }, (_, row) => [
      ...[...op.get(a), ...op.v128Load32Splat(row * FLOAT_BYTES), ...op.set(value)],
      ...multiplyAdd(row, 0),
      ...multiplyAdd(row, 1),
    ]).flat(),
    ...[...op.get(a), ...op.i32Const(TILE_ROWS * FLOAT_BYTES), ...op.i32Add, ...op.set(a)],
    ...[...op.get(b), ...op.i32Const(TILE_COLUMNS * FLOAT_BYTES), ...op.i32Add, ...op.set(b)],
  ];
  const zero = op.v128Const([0, 0, 0, 0]);
  const tile: Code = [
    ...accs.flatMap((local) => [...zero, ...op.set(local)]),
    ...[...op.i32Const(GEMM.depth), ...op.set(depth)],
    ...countDown(depth, 1, step),
    ...accs.flatMap((local, i) => [...op.get(c), ...op.get(local), ...op.v128Store(i * 16)]),
    ...[...op.get(c), ...op.i32Const(accs.length * 16), ...op.i32Add, ...op.set(c)],
  ];
  const panelBytes = TILE_ROWS * GEMM.depth * FLOAT_BYTES;
  const row: Code = [
    ...[...op.i32Const(GEMM_AT.b), ...op.set(b), ...op.i32Const(GEMM.columns), ...op.set(columnPanels)],
    ...countDown(columnPanels, TILE_COLUMNS, [
      ...tile,
      // The next tile of the row multiplies the same panel of A.
      ...[...op.get(a), ...op.i32Const(panelBytes), ...op.i32Sub, ...op.set(a)],
    ]),
    ...[...op.get(a), ...op.i32Const(panelBytes), ...op.i32Add, ...op.set(a)],
  ];
  const product: Code = [
    ...[...op.i32Const(GEMM_AT.a), ...op.set(a), ...op.i32Const(GEMM_AT.c), ...op.set(c)],
    ...[...op.i32Const(GEMM.rows), ...op.set(rowPanels)],
    ...countDown(rowPanels, TILE_ROWS, row),
  ];
  const gemm: WasmFunction = {
    name: "gemm",
    parameters: ["i32"],
    result: null,
    locals: [
      ...(["i32", "i32", "i32", "i32", "i32", "i32"] as const),
      ...(["v128", "v128", "v128"] as const),
      ...accs.map(() => "v128" as const),
    ],
    body: countDown(times, 1, product),
  };
  return encodeModule([gemm], GEMM_AT.c + GEMM.rows * GEMM.columns * FLOAT_BYTES);
}
