import type { ProgramKind } from "@weft/infrastructure";
import type { Bytes, Digest, Micros } from "@weft/kernel";

/**
 * The one contract every runtime keeps (O1). A runtime starts one run and tells what becomes of it by
 * calling `tell`, in the order `started`, any `log`s and `progress`, then exactly one `finished` or `failed`.
 * Nothing is told after that, nor before `start` has returned. Runtimes never throw for a bad program: that is `failed`.
 */
export interface Runtime {
  readonly kind: ProgramKind;
  start(run: RunRequest, tell: (event: RunEvent) => void): RunControl;
  /**
   * Brings a program to where a start costs least (compiled, loaded into a waiting process), then says `ready`
   * once. A hint: a program that will not do is `ready` too, and its start says why it fails.
   */
  prepare?(run: PrepareRequest, ready: () => void): void;
  /** Stops everything still running and frees what was kept warm. */
  close(): void;
}

export interface RunControl {
  /** Stops the run at once; it ends as `failed` because `cancelled`. Harmless when it has ended. */
  cancel(): void;
}

/** A program by its content: whatever it needs is named by digest and already on the node. */
export type Program =
  | {
      readonly kind: "wasm";
      readonly module: Digest;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "model";
      /** `tensor` feeds the input as it is; the others name a built-in pipeline around the networks. */
      readonly pipeline: "tensor" | "ocr";
      readonly networks: readonly Digest[];
      readonly options: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "process";
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    };

export interface RunLimits {
  readonly memoryBytes: Bytes;
  readonly wallTime: Micros;
  readonly outputBytes: Bytes;
  /** Threads the program may use. */
  readonly lanes: number;
}

export interface RunRequest {
  readonly runId: string;
  readonly program: Program;
  /** Path of the input file; the program sees it as its standard input. null: empty. */
  readonly inputPath: string | null;
  /** Path to write the result to; the program's standard output. Where it writes nothing there may be no file. */
  readonly outputPath: string;
  /** Path of the content with the given digest: modules and networks fetched before the start. */
  readonly contentPath: (digest: Digest) => string;
  readonly limits: RunLimits;
}

/** What a runtime needs to know of a run to prepare for it. */
export type PrepareRequest = Pick<RunRequest, "program" | "contentPath" | "limits">;

/** What the run took, from the runtime's own counters. */
export interface RunCounters {
  readonly cpuTime: Micros;
  readonly wallTime: Micros;
  readonly peakMemoryBytes: Bytes;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
}

export type RunFailure =
  | "cancelled"
  | "memory_exceeded"
  | "time_exceeded"
  | "output_exceeded"
  /** Not a program of this kind, or it wants what the sandbox does not give. */
  | "bad_program"
  /** The program stopped by itself with a failure. */
  | "program_failed"
  /** The runtime itself broke. */
  | "runtime_failed";

export type RunEvent =
  | { readonly kind: "started" }
  | { readonly kind: "log"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly kind: "progress"; readonly done: number; readonly of: number }
  | { readonly kind: "finished"; readonly exitCode: number; readonly counters: RunCounters }
  | {
      readonly kind: "failed";
      readonly because: RunFailure;
      readonly detail: string;
      readonly counters: RunCounters;
    };
