import type { RunFailure } from "@weft/orchestration";
import type { ModelProgram } from "./pipeline.ts";

/** What the agent's process asks of a child: one program for its whole life, one run at a time. */
export type ToChild =
  | {
      readonly kind: "load";
      readonly pipeline: ModelProgram["pipeline"];
      readonly paths: readonly string[];
      readonly lanes: number;
    }
  | {
      readonly kind: "run";
      readonly inputPath: string | null;
      readonly outputPath: string;
      readonly outputBytes: number;
      readonly options: Readonly<Record<string, string>>;
    };

export type Failure = { readonly because: RunFailure; readonly detail: string };

export type FromChild =
  /** Alive with nothing loaded; `bareBytes` is its resident memory then, which no program pays for. */
  | { readonly kind: "born"; readonly bareBytes: number }
  | { readonly kind: "loaded"; readonly failure: Failure | null; readonly cpuMicros: number }
  | { readonly kind: "progress"; readonly done: number; readonly of: number }
  | {
      readonly kind: "ended";
      readonly failure: Failure | null;
      readonly cpuMicros: number;
      readonly inputBytes: number;
      readonly outputBytes: number;
      /** Most resident memory during the run, the bare process included. */
      readonly peakBytes: number;
    };
