import type { Money } from "@weft/kernel";
import type { ApplicationView, InputView, StepView } from "../../resources.ts";
import type { Core } from "../core.ts";
import type { Entry } from "./register.ts";
import { stepAt } from "./stream.ts";

/** An application as the outside sees it. */
export function applicationView(core: Pick<Core, "tasks">, entry: Entry): ApplicationView {
  const { submission, id, consumer, phase, reason, submittedAt, finishedAt, plan } = entry.kept;
  const { name, labels, objective, deadline, gang } = submission;
  const steps = stepViews(core, entry);
  const charged = steps.reduce((sum, step) => sum + (step.charged ?? 0n), 0n) as Money;
  const inputs = inputViews(entry, steps);
  return {
    ...{ id, name, labels, consumer, phase, reason, objective, deadline, gang },
    ...{ submittedAt, finishedAt, plan, steps, charged },
    ...(inputs === undefined ? {} : { inputs }),
  };
}

function stepViews(core: Pick<Core, "tasks">, { kept, steps }: Entry): readonly StepView[] {
  const inputs = kept.submission.pipeline?.inputs;
  return steps.map((step, s): StepView => {
    const known = kept.steps[s]!;
    const task = known.task === null ? undefined : core.tasks.task(known.task);
    return {
      name: step.name,
      from: step.from.map((flow) => flow.step),
      phase: known.ended ?? (known.task === null ? "waiting" : (task?.row.progress.phase ?? "pending")),
      task: known.task,
      node: task?.runs.at(-1)?.view.node ?? known.node,
      planned: known.planned,
      startedAt: known.startedAt,
      finishedAt: known.endedAt,
      result: known.result,
      charged: known.charged,
      ...(step.layers === undefined ? {} : { layers: step.layers }),
      ...(step.of === undefined ? {} : { input: inputs![step.of.input]!.name }),
    };
  });
}

/** How far each of a pipeline's many inputs is; of one that is not cut yet they all wait. */
function inputViews({ kept }: Entry, steps: readonly StepView[]): readonly InputView[] | undefined {
  const inputs = kept.submission.pipeline?.inputs;
  if (inputs === undefined) return undefined;
  const stages = kept.submission.steps.length;
  return inputs.map(({ name }, input): InputView => {
    const own = Array.from({ length: stages }, (_, stage) => steps[stepAt({ stage, input }, inputs.length)]!);
    const [first, last] = [own[0], own.at(-1)];
    const begun = own.filter(({ task }) => task !== null);
    const done = last?.phase === "succeeded";
    return {
      name,
      phase: done ? "succeeded" : phaseOf(begun.at(-1)),
      step: begun.at(-1)?.name ?? null,
      startedAt: first?.startedAt ?? null,
      finishedAt: done ? last.finishedAt : null,
      planned:
        first?.planned == null || last?.planned == null
          ? null
          : { start: first.planned.start, finish: last.planned.finish },
      result: last?.result ?? null,
    };
  });
}

/** Of an input that is not through, by the step it came to. */
function phaseOf(step: StepView | undefined): InputView["phase"] {
  if (step === undefined) return "waiting";
  return step.phase === "failed" || step.phase === "cancelled" ? step.phase : "running";
}
