import type { Program } from "@weft/orchestration";

export type ModelProgram = Extract<Program, { kind: "model" }>;
export type PipelineName = ModelProgram["pipeline"];

/** Apart from the pipelines themselves: whoever only starts children does not load the engine they run on. */
export const PIPELINE_NAMES: readonly PipelineName[] = ["tensor", "ocr"];

/** A program loaded and warm: bytes in, pieces of bytes out. Refusals are thrown as `PipelineFailure`. */
export interface Pipeline {
  run(
    input: Uint8Array,
    options: Readonly<Record<string, string>>,
    progress: (done: number, of: number) => void,
  ): Promise<readonly Uint8Array[]>;
}
