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

const CALL_MS = 5;

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

/** Calls grow until one takes some milliseconds, so that reading the clock costs nothing. */
let times = 64;
function workFor(ms: number): number {
  const startedAt = performance.now();
  let done = 0;
  for (let now = startedAt; now - startedAt < ms; ) {
    kernel.run(times);
    done += times;
    const after = performance.now();
    if (after - now < CALL_MS / 2) times *= 2;
    else if (after - now > CALL_MS * 2 && times > 64) times = times >> 1;
    now = after;
  }
  return done * kernel.operations;
}

workFor(20);
parentPort?.on("message", (ms: number) => parentPort?.postMessage(workFor(ms)));
parentPort?.postMessage({ method: kernel.method } satisfies KernelReady);
