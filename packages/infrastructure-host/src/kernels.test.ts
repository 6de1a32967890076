import v8 from "node:v8";
import { Rng } from "@weft/kernel";
import { describe, expect, it } from "vitest";
import {
  GEMM,
  GEMM_AT,
  gemmKernel,
  integerKernel,
  integerScalar,
  TILE_COLUMNS,
  TILE_ROWS,
} from "./kernels.ts";
import { signed, unsigned } from "./wasm-encoder.ts";
import { canRun, instantiate } from "./webassembly.ts";

v8.setFlagsFromString("--experimental-wasm-relaxed-simd"); // on by default from Node 21 on

interface Gemm {
  readonly memory: { readonly buffer: ArrayBuffer };
  gemm(times: number): void;
}

it("writes numbers as LEB128", () => {
  expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26]);
  expect(signed(-123456)).toEqual([0xc0, 0xbb, 0x78]);
  expect(signed(64)).toEqual([0xc0, 0x00]);
  expect(signed(-64)).toEqual([0x40]);
});

it("the integer kernel computes what it says, in WebAssembly as in JavaScript", () => {
  const { integer } = instantiate<{ integer(rounds: number): number }>(integerKernel());
  for (const rounds of [1, 2, 3, 100, 12_345]) expect(integer(rounds)).toBe(integerScalar(rounds));
});

/** Where element (row, column) of C lies, counted in floats from `GEMM_AT.c`. */
function gemmIndex(row: number, column: number): number {
  const tile =
    Math.floor(row / TILE_ROWS) * (GEMM.columns / TILE_COLUMNS) + Math.floor(column / TILE_COLUMNS);
  return tile * TILE_ROWS * TILE_COLUMNS + (row % TILE_ROWS) * TILE_COLUMNS + (column % TILE_COLUMNS);
}

/** Lays A (row by row) and B (row by row) out in panels, as `gemm` reads them. */
function packPanels(memory: Float32Array, a: Float32Array, b: Float32Array): void {
  for (let row = 0; row < GEMM.rows; row++) {
    for (let k = 0; k < GEMM.depth; k++) {
      const panel = Math.floor(row / TILE_ROWS) * TILE_ROWS * GEMM.depth;
      memory[panel + k * TILE_ROWS + (row % TILE_ROWS)] = a[row * GEMM.depth + k] as number;
    }
  }
  const from = GEMM_AT.b / Float32Array.BYTES_PER_ELEMENT;
  for (let k = 0; k < GEMM.depth; k++) {
    for (let column = 0; column < GEMM.columns; column++) {
      const panel = Math.floor(column / TILE_COLUMNS) * TILE_COLUMNS * GEMM.depth;
      memory[from + panel + k * TILE_COLUMNS + (column % TILE_COLUMNS)] = b[
        k * GEMM.columns + column
      ] as number;
    }
  }
}

describe.each([
  ["plain", false],
  ["fused", true],
])("the %s matrix product", (_name, fused) => {
  const bytes = gemmKernel(fused);
  const missing = canRun(bytes) ? "" : " (relaxed SIMD is missing here)";
  it.skipIf(missing !== "")(`equals the one computed the simple way${missing}`, () => {
    const module = instantiate<Gemm>(bytes);
    const rng = new Rng(5);
    const a = Float32Array.from({ length: GEMM.rows * GEMM.depth }, () => rng.float() - 0.5);
    const b = Float32Array.from({ length: GEMM.depth * GEMM.columns }, () => rng.float() - 0.5);
    packPanels(new Float32Array(module.memory.buffer), a, b);
    module.gemm(2);
    const c = new Float32Array(module.memory.buffer, GEMM_AT.c, GEMM.rows * GEMM.columns);
    for (let row = 0; row < GEMM.rows; row++) {
      for (let column = 0; column < GEMM.columns; column++) {
        let sum = 0;
        for (let k = 0; k < GEMM.depth; k++) {
          sum += (a[row * GEMM.depth + k] as number) * (b[k * GEMM.columns + column] as number);
        }
        expect(Math.abs((c[gemmIndex(row, column)] as number) - sum)).toBeLessThan(1e-4);
      }
    }
  });
});
