import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { assert } from "@weft/kernel";
import { PipelineFailure } from "./network.ts";
import type { Failure, FromChild, ToChild } from "./order.ts";
import type { Pipeline } from "./pipeline.ts";
import { PIPELINES } from "./pipelines.ts";

/*
 * The entry of a child process: native code runs here, so that it can be killed, and so that what it does to its
 * memory is nobody else's. The parent speaks over IPC; data goes through files.
 */

const tell = (message: FromChild): void => {
  process.send?.(message);
};

const watcher = new Worker(new URL("./watch-parent.js", import.meta.url), { workerData: process.ppid });
watcher.unref();
const born = once(watcher, "online").then(() => tell({ kind: "born", bareBytes: process.memoryUsage.rss() }));
process.on("disconnect", () => process.exit());

/** Forgets the greatest resident memory so far (proc(5), clear_refs). Where it cannot, the peak is that of all runs. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not Linux, or not allowed.
  }
}

function peakBytes(): number {
  try {
    const kib = /VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

function failureOf(error: unknown): Failure {
  if (error instanceof PipelineFailure) return { because: error.because, detail: error.message };
  return { because: "runtime_failed", detail: error instanceof Error ? error.message : String(error) };
}

const cpuSince = (from: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(from);
  return user + system;
};

let pipeline: Pipeline | null = null;

async function load({ pipeline: name, paths, lanes }: Extract<ToChild, { kind: "load" }>): Promise<void> {
  await born;
  const from = process.cpuUsage();
  let failure: Failure | null = null;
  try {
    pipeline = await PIPELINES[name](paths, lanes);
  } catch (error) {
    failure = failureOf(error);
  }
  tell({ kind: "loaded", failure, cpuMicros: cpuSince(from) });
}

function write(path: string, pieces: readonly Uint8Array[], most: number): number {
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (total > most)
    throw new PipelineFailure("output_exceeded", `${total} bytes of output; it may have ${most}`);
  const file = openSync(path, "w");
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at, piece.length - at);
    }
  } finally {
    closeSync(file);
  }
  return total;
}

async function run(order: Extract<ToChild, { kind: "run" }>): Promise<void> {
  assert(pipeline !== null, "a program is loaded before it is run");
  forgetPeak();
  const from = process.cpuUsage();
  let failure: Failure | null = null;
  let inputBytes = 0;
  let outputBytes = 0;
  try {
    const input = order.inputPath === null ? new Uint8Array(0) : readFileSync(order.inputPath);
    inputBytes = input.length;
    const progress = (done: number, of: number) => tell({ kind: "progress", done, of });
    const output = await pipeline.run(input, order.options, progress);
    outputBytes = write(order.outputPath, output, order.outputBytes);
  } catch (error) {
    failure = failureOf(error);
  }
  tell({
    kind: "ended",
    failure,
    cpuMicros: cpuSince(from),
    inputBytes,
    outputBytes,
    peakBytes: peakBytes(),
  });
}

process.on("message", (message: ToChild) => {
  void (message.kind === "load" ? load(message) : run(message));
});
