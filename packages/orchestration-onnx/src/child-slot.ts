import { type ChildProcess, fork } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, type Bytes, type Micros, micros } from "@weft/kernel";
import { processUsage, type Spent } from "@weft/orchestration-host";
import type { Failure, FromChild, ToChild } from "./order.ts";

const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../dist/child.js" : "./child.js", import.meta.url),
);
/** How often the memory of a child at work is looked at. What it takes in between it has taken. */
const SAMPLE_MS = 10;

/** What a child is doing, and who hears of it. */
export interface Work {
  readonly memoryBytes: number;
  progress?(done: number, of: number): void;
  /** Called once; `failure` is null when it went well. */
  ended(failure: Failure | null, spent: Spent): void;
}

/** One child process. It loads one program, then runs it as often as asked, one run at a time. */
export class ChildSlot {
  readonly #child: ChildProcess;
  readonly #gone: (slot: ChildSlot) => void;
  #bareBytes = 0;
  #work: Work | null = null;
  #sampler: NodeJS.Timeout | undefined;
  #peakBytes = 0;
  #cpuBefore = 0;
  #killed: Failure | null = null;
  #over = false;
  #cpuAtKill: number | null = null;

  /** `gone` is called once when the process has ended, before the work it carried hears of it. */
  constructor(gone: (slot: ChildSlot) => void) {
    this.#gone = gone;
    // A folder with nothing but this package's code, none of the host's variables, and no output of its own.
    this.#child = fork(ENTRY, {
      cwd: dirname(ENTRY),
      env: {},
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child.on("message", (message: FromChild) => this.#hear(message));
    this.#child.on("error", (error) => this.#died(error.message));
    this.#child.on("exit", (code, signal) => this.#died(`the process ended with ${signal ?? code}`));
    this.rest();
  }

  /** Lets the parent end while this one has nothing to do. */
  rest(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Gives it something to do; messages queue until the process is up. */
  do(order: ToChild, work: Work): void {
    assert(this.#work === null && !this.#over, "a child does one thing at a time, while it lives");
    this.#work = work;
    this.#peakBytes = 0;
    this.#cpuBefore = this.#cpuNow() ?? 0;
    this.#child.ref();
    this.#child.channel?.ref();
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#child.send(order, () => {
      // A child that cannot be reached has ended, and says so by its exit.
    });
  }

  kill(failure: Failure): void {
    if (this.#killed !== null) return;
    this.#killed = failure;
    this.#cpuAtKill = this.#cpuNow();
    this.#child.kill("SIGKILL");
  }

  #hear(message: FromChild): void {
    switch (message.kind) {
      case "born":
        this.#bareBytes = message.bareBytes;
        break;
      case "progress":
        this.#work?.progress?.(message.done, message.of);
        break;
      case "loaded":
        this.#end(message.failure, { ...this.#spent(message.cpuMicros), inputBytes: 0 as Bytes });
        break;
      case "ended":
        this.#peakBytes = Math.max(this.#peakBytes, message.peakBytes - this.#bareBytes);
        this.#end(message.failure, {
          ...this.#spent(message.cpuMicros),
          inputBytes: message.inputBytes as Bytes,
          outputBytes: message.outputBytes as Bytes,
        });
    }
  }

  #spent(cpuMicros: number): Spent {
    return {
      cpuTime: micros(cpuMicros),
      peakMemoryBytes: this.#peakBytes as Bytes,
      inputBytes: 0 as Bytes,
      outputBytes: 0 as Bytes,
    };
  }

  /** CPU time of the process in microseconds; null where the system does not tell. */
  #cpuNow(): Micros | null {
    const { pid } = this.#child;
    return pid === undefined ? null : (processUsage(pid)?.cpuTime ?? null);
  }

  #sample(): void {
    const { pid } = this.#child;
    const resident = pid === undefined ? undefined : processUsage(pid)?.residentBytes;
    const work = this.#work;
    if (resident === undefined || work === null || this.#bareBytes === 0) return;
    this.#peakBytes = Math.max(this.#peakBytes, resident - this.#bareBytes);
    if (this.#peakBytes > work.memoryBytes) {
      this.kill({
        because: "memory_exceeded",
        detail: `${this.#peakBytes} bytes; it may have ${work.memoryBytes}`,
      });
    }
  }

  #died(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#gone(this);
    this.#end(
      this.#killed ?? { because: "runtime_failed", detail },
      this.#spent(Math.max(0, (this.#cpuAtKill ?? this.#cpuBefore) - this.#cpuBefore)),
    );
  }

  #end(failure: Failure | null, spent: Spent): void {
    const work = this.#work;
    clearInterval(this.#sampler);
    if (work === null) return;
    this.#work = null;
    // The last look may have come too late to stop it, not too late to see it.
    const over = failure === null && spent.peakMemoryBytes > work.memoryBytes;
    const late: Failure = { because: "memory_exceeded", detail: `${spent.peakMemoryBytes} bytes` };
    work.ended(over ? late : failure, spent);
  }
}
