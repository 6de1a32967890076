import v8 from "node:v8";
import { Rng } from "@weft/kernel";
import { describe, expect, it } from "vitest";
import { GEMM, GEMM_AT, gemmIndex, gemmKernel, integerKernel, integerScalar, packPanels } from "./kernels.ts";
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
