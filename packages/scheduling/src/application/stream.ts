import { assert } from "@weft/kernel";

/*
 * Many inputs through one pipeline: each input goes through all stages, and while a stage works on one input the stage before
 * works on the next.
 *
 * [S.1] Every stage takes the inputs in their order, one at a time.
 * [S.2] A stage takes an input once the stage before has ended it.
 * [S.3] A stage is never more than `WAITING_BETWEEN` inputs ahead of the next one.
 */

/** Inputs that a stage may have ended before the next stage has: one that is worked on there, and one that waits. */
export const WAITING_BETWEEN = 2;

/** A stage's work on one input. */
export interface StreamStep {
  readonly stage: number;
  readonly input: number;
}

/** What has to have ended before a stage takes an input, besides that same input in the stage before [S.1, S.3]. */
export function turnAfter({ stage, input }: StreamStep, stages: number): readonly StreamStep[] {
  const after: StreamStep[] = [];
  if (input > 0) after.push({ stage, input: input - 1 });
  const behind = input - 1 - WAITING_BETWEEN;
  if (stage + 1 < stages && behind >= 0) after.push({ stage: stage + 1, input: behind });
  return after;
}

/**
 * When each stage takes each input, in the unit of `turns` after the first: `start[stage * inputs + input]`. `turns` says by
 * stage how long it has an input. The last result is there `sum of turns + (inputs - 1) * longest turn` after the start.
 */
export function streamStarts(turns: readonly number[], inputs: number): Float64Array {
  assert(turns.length > 0 && inputs > 0, "a stage and an input at least");
  const start = new Float64Array(turns.length * inputs);
  for (let input = 0; input < inputs; input++) {
    for (let stage = 0; stage < turns.length; stage++) {
      const endOf = (step: StreamStep): number =>
        start[step.stage * inputs + step.input]! + turns[step.stage]!;
      let at = stage === 0 ? 0 : endOf({ stage: stage - 1, input });
      for (const step of turnAfter({ stage, input }, turns.length)) at = Math.max(at, endOf(step));
      start[stage * inputs + input] = at;
    }
  }
  return start;
}
