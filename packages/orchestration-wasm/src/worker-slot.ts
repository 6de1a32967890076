import { Worker } from "node:worker_threads";
import { type Bytes, type Digest, type Micros, micros } from "@weft/kernel";
import type { RunFailure } from "@weft/orchestration";
import { type Spent, threadCpuTime } from "@weft/orchestration-host";
import {
  COUNTERS,
  CPU_AT_START,
  type FromWorker,
  INPUT_BYTES,
  MEMORY_BYTES,
  OUTPUT_BYTES,
  type Outcome,
  type RunOrder,
} from "./order.ts";

const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "../dist/worker.js" : "./worker.js", import.meta.url);

/**
 * The old generation is left at its default. A program cannot fill the heap (a module with types of the garbage
 * collector is refused), but V8 counts its memory towards that limit, and below it collects at every growth: measured,
 * growing to 512 MiB in steps of 1 MiB takes 14 ms without the limit, 5 s with one of 64 MiB.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

/** What a slot's user hears of the run it carries. */
export interface SlotRun {
  log(text: string): void;
  progress(done: number, of: number): void;
  ended(outcome: Outcome, spent: Spent): void;
}

export interface SlotOwner {
  /** The thread can take its first run. */
  ready(): void;
  /** The thread has ended, for whatever reason; called once. */
  gone(wasReady: boolean): void;
}

type Verdict = { readonly because: RunFailure; readonly detail: string };

/** One worker thread and the run it carries, if any. */
export class WorkerSlot {
  readonly #worker: Worker;
  readonly #counters = new Float64Array(new SharedArrayBuffer(COUNTERS * 8));
  readonly #owner: SlotOwner;
  #ready = false;
  #run: SlotRun | null = null;
  #startedAt = 0;
  #threadId: number | null = null;
  /** CPU time read at the moment of a kill, which the thread does not survive. */
  #killed: (Verdict & { readonly cpuTime: Micros }) | null = null;
  /** The module it holds. */
  holds: Digest | null = null;
  /** When it last came to have nothing to do, by `performance.now()`. */
  idleSinceMs = 0;

  constructor(owner: SlotOwner) {
    this.#owner = owner;
    // The environment and arguments of the host are not passed on, though a program could not see them either.
    this.#worker = new Worker(ENTRY, {
      workerData: this.#counters,
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: RESOURCE_LIMITS,
      name: "weft-wasm",
    });
    this.#worker.on("message", (message: FromWorker) => this.#hear(message));
    this.#worker.on("error", (error: NodeJS.ErrnoException) => this.#broken(error));
    this.#worker.on("exit", () => this.#exited());
    this.#worker.unref();
  }

  start(order: RunOrder, digest: Digest, run: SlotRun): void {
    this.#run = run;
    this.#startedAt = performance.now();
    this.holds = digest;
    this.#worker.ref();
    this.#worker.postMessage(order);
  }

  /** Ends the thread, and with it the run, for the reason given; the run's end is told once it is gone. */
  kill(because: RunFailure, detail: string): void {
    if (this.#killed !== null) return;
    this.#killed = { because, detail, cpuTime: this.#cpuTime() };
    // A thread cut off while it loads its modules would leave their files open: it ends once it is ready.
    if (this.#ready) void this.#worker.terminate();
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#threadId = message.threadId;
        this.#ready = true;
        if (this.#killed === null) this.#owner.ready();
        else void this.#worker.terminate();
        return;
      case "log":
        this.#run?.log(message.text);
        return;
      case "progress":
        this.#run?.progress(message.done, message.of);
        return;
      case "ended":
        this.#worker.unref();
        this.#end(message.outcome, micros(message.cpuMicros));
    }
  }

  #broken(error: NodeJS.ErrnoException): void {
    const memory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
    this.#killed ??= {
      because: memory ? "memory_exceeded" : "runtime_failed",
      detail: error.message,
      cpuTime: this.#cpuTime(),
    };
  }

  #exited(): void {
    const { because, detail, cpuTime } = this.#killed ?? {
      because: "runtime_failed" as const,
      detail: "the worker thread stopped",
      cpuTime: this.#cpuTime(),
    };
    this.#owner.gone(this.#ready);
    this.#end({ kind: "failed", because, detail }, cpuTime);
  }

  #end(outcome: Outcome, cpuTime: Micros): void {
    const run = this.#run;
    this.#run = null;
    run?.ended(outcome, {
      cpuTime,
      peakMemoryBytes: (this.#counters[MEMORY_BYTES] ?? 0) as Bytes,
      inputBytes: (this.#counters[INPUT_BYTES] ?? 0) as Bytes,
      outputBytes: (this.#counters[OUTPUT_BYTES] ?? 0) as Bytes,
    });
  }

  /** What the thread took since the run began; the wall clock, which is never less, where it is not counted. */
  #cpuTime(): Micros {
    const wall = micros((performance.now() - this.#startedAt) * 1e3);
    const total = this.#threadId === null ? null : threadCpuTime(this.#threadId);
    if (total === null || this.#counters[CPU_AT_START] === 0) return wall;
    return Math.min(wall, Math.max(0, total - (this.#counters[CPU_AT_START] ?? 0))) as Micros;
  }
}
