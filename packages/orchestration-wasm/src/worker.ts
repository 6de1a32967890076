import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "@weft/kernel";
import {
  CPU_AT_START,
  type FromWorker,
  INPUT_BYTES,
  MEMORY_BYTES,
  OUTPUT_BYTES,
  type Outcome,
  type RunOrder,
} from "./order.ts";
import { execute } from "./sandbox.ts";
import { HostFailure, Input, Log, Output } from "./streams.ts";
import { type Module, webAssembly } from "./webassembly.ts";

/*
 * The entry of a worker thread: one run at a time, each in a fresh instance. What stays warm is the thread and
 * the compiled modules, nothing a program can write to.
 */

assert(parentPort !== null, "runs as a worker thread");
const port = parentPort;
const counters = workerData as Float64Array;
/** The module run last: what is sent once is kept until another comes. */
let module: Module | null = null;
const post = (message: FromWorker): void => port.postMessage(message);

/** This thread's CPU time in microseconds; the wall clock where the system does not count threads. */
function threadClock(): () => number {
  try {
    const file = openSync("/proc/thread-self/schedstat", "r");
    process.once("exit", () => closeSync(file));
    const text = Buffer.alloc(64);
    return () => {
      const length = readSync(file, text, 0, text.length, 0);
      return Number(text.toString("latin1", 0, length).split(" ", 1)[0]) / 1e3;
    };
  } catch {
    return () => performance.now() * 1e3;
  }
}

function systemThreadId(): number | null {
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").pop());
  } catch {
    return null;
  }
}

function open(order: RunOrder): { input: Input; output: Output; log: Log } {
  const input = new Input(order.inputPath, (done, of, due) => {
    counters[INPUT_BYTES] = done;
    if (due) post({ kind: "progress", done, of });
  });
  try {
    const output = new Output(order.outputPath, order.outputBytes, (given) => {
      counters[OUTPUT_BYTES] = given;
    });
    return { input, output, log: new Log((text) => post({ kind: "log", text })) };
  } catch (error) {
    input.close();
    throw error;
  }
}

function run(order: RunOrder): Outcome {
  module = order.module ?? module;
  assert(module !== null, "a module is sent along the first time");
  const memory = new webAssembly.Memory(order.memory ?? { initial: 0, maximum: 0 });
  counters[MEMORY_BYTES] = memory.buffer.byteLength;
  const streams = open(order);
  try {
    return execute(module, { memory, args: order.args, env: order.env, streams });
  } finally {
    streams.log.close();
    streams.input.close();
    streams.output.close();
    counters[INPUT_BYTES] = streams.input.taken;
    counters[OUTPUT_BYTES] = streams.output.given;
    counters[MEMORY_BYTES] = memory.buffer.byteLength;
  }
}

const clock = threadClock();
port.on("message", (order: RunOrder) => {
  const from = clock();
  counters.fill(0);
  counters[CPU_AT_START] = from;
  let outcome: Outcome;
  try {
    outcome = run(order);
  } catch (error) {
    if (!(error instanceof HostFailure || error instanceof RangeError)) throw error;
    outcome = { kind: "failed", because: "runtime_failed", detail: error.message };
  }
  post({ kind: "ended", outcome, cpuMicros: clock() - from });
});
post({ kind: "ready", threadId: systemThreadId() });
