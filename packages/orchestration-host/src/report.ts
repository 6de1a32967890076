import { type Bytes, type Micros, micros } from "@weft/kernel";
import type { RunCounters, RunEvent, RunFailure } from "@weft/orchestration";

/** A run's log ends here; nobody counts what comes after, so it is cut rather than paid for. */
const LOG_BYTES = 1 << 20;
/** What an entry counts besides its text, so that a million empty lines are bounded too. */
const ENTRY_BYTES = 128;

/** How much a run may still say. */
export class LogBudget {
  #left = LOG_BYTES;

  /** The text, or what is kept of it with a word that the rest is cut, or null once it is. */
  admit(text: string): string | null {
    if (this.#left <= 0) return null;
    const room = this.#left - ENTRY_BYTES;
    this.#left = room - text.length;
    return this.#left > 0 ? text : `${text.slice(0, Math.max(0, room))}\n[the log is cut here]\n`;
  }
}

/** What a run has taken so far, as its runtime counts it; the report adds the wall clock. */
export interface Spent {
  readonly cpuTime: Micros;
  readonly peakMemoryBytes: Bytes;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
}

const NOTHING_SPENT: Spent = {
  cpuTime: 0 as Micros,
  peakMemoryBytes: 0 as Bytes,
  inputBytes: 0 as Bytes,
  outputBytes: 0 as Bytes,
};

/**
 * Tells one run's story as the `Runtime` port promises it: `started` first, one end, nothing after. Every
 * runtime on a host speaks through one of these, so that the promise is kept in one place. A second end is
 * dropped, because a kill and the death it races with both want to have the last word.
 */
export class RunReport {
  readonly #tell: (event: RunEvent) => void;
  #startedAt = 0;
  #running = false;
  #ended = false;
  readonly #log = new LogBudget();

  constructor(tell: (event: RunEvent) => void) {
    this.#tell = tell;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The program begins now: the wall clock starts. */
  started(): void {
    if (this.#running || this.#ended) return;
    this.#running = true;
    this.#startedAt = performance.now();
    this.#tell({ kind: "started" });
  }

  /** Passes on what the program says, up to about 1 MiB in all, then says once that the rest is cut. */
  log(stream: "stdout" | "stderr", text: string): void {
    if (this.#ended || text === "") return;
    const kept = this.#log.admit(text);
    if (kept !== null) this.#tell({ kind: "log", stream, text: kept });
  }

  progress(done: number, of: number): void {
    if (!this.#ended && this.#running) this.#tell({ kind: "progress", done, of });
  }

  finished(exitCode: number, spent: Spent): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#tell({ kind: "finished", exitCode, counters: this.#counters(spent) });
  }

  /** `detail` is one line for people. A run that never got to its program still tells `started` first. */
  failed(because: RunFailure, detail: string, spent: Spent = NOTHING_SPENT): void {
    if (this.#ended) return;
    this.started();
    this.#ended = true;
    this.#tell({ kind: "failed", because, detail, counters: this.#counters(spent) });
  }

  #counters(spent: Spent): RunCounters {
    return { ...spent, wallTime: micros((performance.now() - this.#startedAt) * 1e3) };
  }
}
