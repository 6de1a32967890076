import type { Program } from "@weft/orchestration";

export type ModelProgram = Extract<Program, { kind: "model" }>;
export type PipelineName = ModelProgram["pipeline"];

/** Apart from the pipelines themselves: whoever only starts children does not load the engine they run on. */
export const PIPELINE_NAMES: readonly PipelineName[] = ["tensor", "ocr"];
