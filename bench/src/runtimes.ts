import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bytes, Micros } from "@weft/kernel";
import type { Program, RunEvent, Runtime } from "@weft/orchestration";
import { createProcessRuntime } from "@weft/orchestration-process";
import { createWasmRuntime } from "@weft/orchestration-wasm";
import type { Bench, Figure } from "./bench.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const LIMITS = {
  memoryBytes: (64 << 20) as Bytes,
  wallTime: 60e6 as Micros,
  outputBytes: (1 << 20) as Bytes,
  lanes: 1,
};

type End = Extract<RunEvent, { kind: "finished" | "failed" }>;

function runOnce(
  runtime: Runtime,
  program: Program,
  inputPath: string | null,
  outputPath: string,
): Promise<End> {
  return new Promise((resolve, reject) => {
    const contentPath = (name: string) => join(EXAMPLES, name);
    const request = { runId: "bench", program, inputPath, outputPath, contentPath, limits: LIMITS };
    runtime.start(request, (event) => {
      if (event.kind === "finished") resolve(event);
      else if (event.kind === "failed") reject(new Error(`${event.because}: ${event.detail}`));
    });
  });
}

/** Runs one after another: CPU time each (of this process, its threads included), and the time to the end. */
async function serially(count: number, once: () => Promise<End>): Promise<{ cpuMs: number; p50Ms: number }> {
  for (let i = 0; i < Math.min(50, count); i++) await once();
  const before = process.cpuUsage();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const from = performance.now();
    await once();
    times.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return { cpuMs: (user + system) / 1e3 / count, p50Ms: times[times.length >> 1] as number };
}

/** Lines in the manner of a web server's log: enough for a program that scans them. */
function logFile(folder: string, bytes: number): string {
  const line =
    '203.0.113.7 - - [20/Nov/2026:17:42:10 +0000] "GET /books/7?q=1 HTTP/1.1" 200 5120 "-" "curl/8.10.1"\n';
  const path = join(folder, "access.log");
  writeFileSync(path, line.repeat(Math.ceil(bytes / line.length)));
  return path;
}

const wasm = (module: string): Program => ({ kind: "wasm", module, args: [], env: {} });

async function measure(folder: string, full: boolean, report: (figure: Figure) => void): Promise<void> {
  const output = join(folder, "out");
  const inThreads = createWasmRuntime({ warmWorkers: 1 });
  const inProcesses = createProcessRuntime({ sandbox: "none" });
  try {
    const empty = await serially(full ? 3000 : 20, () =>
      runOnce(inThreads, wasm("empty/empty.wasm"), null, output),
    );
    const nothing: Program = { kind: "process", command: "true", args: [], env: {} };
    const spawned = await serially(full ? 100 : 3, () => runOnce(inProcesses, nothing, null, output));
    report({
      name: "runtimes/wasm-empty-cpu",
      value: empty.cpuMs,
      unit: "ms",
      against: "nothing: a warm empty run, both threads",
      ratio: null,
    });
    report({
      name: "runtimes/wasm-empty-p50",
      value: empty.p50Ms,
      unit: "ms",
      against: "a process that does nothing, in the same run",
      ratio: empty.p50Ms / spawned.p50Ms,
    });
    const log = logFile(folder, full ? 64e6 : 1e6);
    const scan = () => runOnce(inThreads, wasm("scan-log/scan-log.wasm"), log, output);
    await scan();
    const { counters } = await scan();
    report({
      name: "runtimes/wasm-scan",
      value: counters.inputBytes / (counters.cpuTime / 1e6),
      unit: "B/s",
      against: "nothing: a program of ours",
      ratio: null,
      note: "a web server's log, parsed and counted, per second of CPU time",
    });
  } finally {
    inThreads.close();
    inProcesses.close();
  }
}

/** What a run costs besides its program. */
export const runtimes: Bench = {
  name: "runtimes",
  async run(size, report) {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    try {
      await measure(folder, size === "full", report);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
