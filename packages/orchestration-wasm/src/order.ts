import type { RunFailure } from "@weft/orchestration";
import type { Module } from "./webassembly.ts";

/** What the main thread asks a worker to run. A worker runs one thing at a time. */
export interface RunOrder {
  /** null: the module of the order before. */
  readonly module: Module | null;
  readonly memory: { readonly initial: number; readonly maximum: number } | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly inputPath: string | null;
  readonly outputPath: string;
  readonly outputBytes: number;
}

export type Outcome =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "failed"; readonly because: RunFailure; readonly detail: string };

export type FromWorker =
  | { readonly kind: "ready"; readonly threadId: number | null }
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "progress"; readonly done: number; readonly of: number }
  | { readonly kind: "ended"; readonly outcome: Outcome; readonly cpuMicros: number };

/*
 * Counters a worker keeps in shared memory, so that a run that is killed is metered too: a program in an endless
 * loop answers no message.
 */
export const INPUT_BYTES = 0;
export const OUTPUT_BYTES = 1;
export const MEMORY_BYTES = 2;
/** The thread's CPU time when the run began, in microseconds. */
export const CPU_AT_START = 3;
export const COUNTERS = 4;
