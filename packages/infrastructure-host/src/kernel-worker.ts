import v8 from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { GEMM_FLOPS, gemmKernel, INTEGER_OPS_A_ROUND, integerKernel, integerScalar } from "./kernels.ts";
import { canRun, instantiate } from "./webassembly.ts";

/** Which kernel a worker runs. */
export type KernelName = "integer" | "gemm";

/** What a worker says once it is ready: how its kernel is executed. */
export interface KernelReady {
  readonly method: string;
}

interface Kernel {
  readonly method: string;
  /** Operations of one call of `run(1)`. */
  readonly operations: number;
  readonly run: (times: number) => void;
}

/** A piece is so short that many fit between two interruptions, and so long that reading the clock costs nothing. */
const PIECE_MS = 1;

function integer(): Kernel {
  const bytes = integerKernel();
  const method = "mixed i32 multiply, add, shift, xor";
  if (!canRun(bytes)) {
    return {
      method: `${method}, scalar JavaScript`,
      operations: INTEGER_OPS_A_ROUND,
      run: (times) => void integerScalar(times),
    };
  }
  return {
    method: `${method}, WebAssembly SIMD`,
    operations: INTEGER_OPS_A_ROUND,
    run: instantiate<{ integer: Kernel["run"] }>(bytes).integer,
  };
}

function gemm(): Kernel {
  // On by default from Node 21 on; asking for it there is harmless.
  v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  for (const fused of [true, false]) {
    const bytes = gemmKernel(fused);
    if (!canRun(bytes)) continue;
    const { memory, gemm } = instantiate<{ memory: { buffer: ArrayBuffer }; gemm: Kernel["run"] }>(bytes);
    new Float32Array(memory.buffer).fill(0.5); // zeros could be cheaper
    const method = `f32 matrix product 64 x 256 x 64, WebAssembly ${fused ? "relaxed SIMD" : "SIMD"}`;
    return { method, operations: GEMM_FLOPS, run: gemm };
  }
  return { method: "no WebAssembly SIMD", operations: 0, run: () => {} };
}

const kernel = (workerData as KernelName) === "integer" ? integer() : gemm();

let times = 64;

/** The rate of each piece, by the clock: one that was interrupted is a bad one, and does not count in the end. */
function workFor(ms: number): number[] {
  const rates: number[] = [];
  const startedAt = performance.now();
  for (let now = startedAt; now - startedAt < ms; ) {
    kernel.run(times);
    const after = performance.now();
    const took = after - now;
    if (took >= PIECE_MS / 2) rates.push(((times * kernel.operations) / took) * 1000);
    if (took < PIECE_MS / 2) times *= 2;
    else if (took > PIECE_MS * 4 && times > 64) times >>= 1;
    now = after;
  }
  return rates;
}

workFor(20);
parentPort?.on("message", (ms: number) => parentPort?.postMessage(workFor(ms)));
parentPort?.postMessage({ method: kernel.method } satisfies KernelReady);
