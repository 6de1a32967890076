import { loadOcr } from "./ocr.ts";
import type { Pipeline, PipelineName } from "./pipeline.ts";
import { loadTensorPipeline } from "./tensor-pipeline.ts";

/** How each is loaded. */
export const PIPELINES: Readonly<
  Record<PipelineName, (paths: readonly string[], lanes: number) => Promise<Pipeline>>
> = {
  tensor: loadTensorPipeline,
  ocr: loadOcr,
};
