import { type Micros, micros } from "@weft/kernel";
import { type StepPlan, type StreamStep, streamStarts, turnAfter } from "@weft/scheduling";
import type { StepRequest, StreamInput } from "../../resources.ts";

/*
 * Many inputs through one pipeline: its steps are its stages with each of the inputs, stage by stage.
 *
 * [M.S1] Stages take the inputs in their order, one at a time, and run ahead of each other by so many at most
 *        (`turnAfter`): what has to have ended before is a step's `after`.
 * [M.S2] What a stage needs is its own for the whole stream: while it waits it holds its place as a gang's step does.
 * [M.S3] A stage that had to move stays where it went.
 */

/** Where a stage's work on an input stands among the steps. */
export const stepAt = ({ stage, input }: StreamStep, inputs: number): number => stage * inputs + input;

/** Every stage with every input. */
export function stepsOfStream(
  stages: readonly StepRequest[],
  inputs: readonly StreamInput[],
): readonly StepRequest[] {
  const named = (stage: number, input: number): string => `${stages[stage]!.name}.${input + 1}`;
  return stages.flatMap((one, stage) =>
    inputs.map(({ digest, size }, input): StepRequest => {
      const of = { stage, input };
      return {
        ...one,
        name: named(stage, input),
        from: one.from.map(({ bytes }) => ({ step: named(stage - 1, input), bytes })),
        input: stage === 0 ? { digest, size } : null,
        after: turnAfter(of, stages.length).map((step) => named(step.stage, step.input)),
        of,
      };
    }),
  );
}

/** How long a stage has one input. */
export interface Turn {
  /** To fetch it, before the work begins. */
  readonly transfer: Micros;
  readonly compute: Micros;
  /** To bring home what it gives; of all stages but the last nothing. */
  readonly home: Micros;
}

/** When each step is expected to begin its work and to end it, its stage's node and price being those of one input. */
export function planOfStream(
  stages: readonly StepPlan[],
  turns: readonly Turn[],
  inputs: number,
): readonly StepPlan[] {
  const starts = streamStarts(
    turns.map(({ transfer, compute, home }) => transfer + compute + home),
    inputs,
  );
  return stages.flatMap((stage, s) =>
    Array.from({ length: inputs }, (_, input) => {
      const start = starts[stepAt({ stage: s, input }, inputs)]! + turns[s]!.transfer;
      return { ...stage, start: micros(start), finish: micros(start + turns[s]!.compute) };
    }),
  );
}
