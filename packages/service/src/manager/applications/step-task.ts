import type {
  ApplicationPlanRequest,
  ApplicationSubmission,
  ContentReference,
  StepRequest,
  TaskSubmission,
} from "../../resources.ts";
import type { Entry, KeptStep } from "./register.ts";

/*
 * A step as the task it becomes.
 */

/** What a step's task is called and runs. */
export const stepTask = (given: ApplicationPlanRequest, step: StepRequest) => ({
  name: `${given.name}.${step.name}`,
  labels: given.labels,
  needs: step.needs,
  program: step.program,
  input: step.input,
});

/** A step as a task: its input is what its sources gave, where they left it. */
export function taskOf({ kept, steps }: Entry, s: number, sources: readonly KeptStep[]): TaskSubmission {
  const { submission } = kept;
  const step = steps[s]!;
  const { at } = submission;
  const own = step.input === null ? [] : [{ ...step.input, at }];
  const parts = [...own, ...sources.flatMap(({ result }) => (result === null ? [] : [result]))];
  const largest = parts.reduce((most, part) => (part.size > most.size ? part : most), {
    size: 0,
    at: sources.find(({ result }) => result !== null)?.result?.at ?? at,
  });
  const inner = steps.some(({ from }) => from.some((flow) => flow.step === step.name));
  const inputBytes = parts.reduce((sum, { size }) => sum + size, 0) as ContentReference["size"];
  const needs = { ...step.needs, basic: { ...step.needs.basic, dataAt: largest.at, inputBytes } };
  return {
    ...stepTask(submission, step),
    needs,
    input: null,
    manifest: submission.manifest,
    contents: contentsOf(submission, step),
    order: submission.orders[s]!,
    step: { application: kept.id, name: step.name, home: at, node: kept.steps[s]!.node, parts, inner },
  };
}

/** Of all that the application is made of, what a step runs: only that is brought to its node. */
function contentsOf(
  { contents }: ApplicationSubmission,
  { program }: StepRequest,
): readonly ContentReference[] {
  const own = program.kind === "model" ? program.networks : program.kind === "wasm" ? [program.module] : [];
  return contents.filter(({ digest }) => own.includes(digest));
}
