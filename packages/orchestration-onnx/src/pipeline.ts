import { loadOcr } from "./ocr.ts";
import type { PipelineName } from "./pipeline-names.ts";
import { loadTensorPipeline } from "./tensor-pipeline.ts";

/** A program loaded and warm: bytes in, pieces of bytes out. Refusals are thrown as `PipelineFailure`. */
export interface Pipeline {
  run(
    input: Uint8Array,
    options: Readonly<Record<string, string>>,
    progress: (done: number, of: number) => void,
  ): Promise<readonly Uint8Array[]>;
}

export const PIPELINES: Readonly<
  Record<PipelineName, (paths: readonly string[], lanes: number) => Promise<Pipeline>>
> = {
  tensor: loadTensorPipeline,
  ocr: loadOcr,
};
