import type { Money } from "@weft/kernel";
import type { ApplicationView, StepView } from "../../resources.ts";
import type { Core } from "../core.ts";
import type { Entry } from "./register.ts";

/** An application as the outside sees it. */
export function applicationView(core: Pick<Core, "tasks">, { kept }: Entry): ApplicationView {
  const { submission, id, consumer, phase, reason, submittedAt, finishedAt, plan } = kept;
  const { name, labels, objective, deadline, gang } = submission;
  const steps = submission.steps.map((step, s): StepView => {
    const known = kept.steps[s]!;
    const task = known.task === null ? undefined : core.tasks.task(known.task);
    return {
      name: step.name,
      from: step.from.map((flow) => flow.step),
      phase: known.ended ?? (known.task === null ? "waiting" : (task?.row.progress.phase ?? "pending")),
      task: known.task,
      node: task?.runs.at(-1)?.view.node ?? known.node,
      planned: known.planned,
      result: known.result,
      charged: known.charged,
      ...(step.layers === undefined ? {} : { layers: step.layers }),
    };
  });
  const charged = steps.reduce((sum, step) => sum + (step.charged ?? 0n), 0n) as Money;
  return {
    ...{ id, name, labels, consumer, phase, reason, objective, deadline, gang },
    ...{ submittedAt, finishedAt, plan, steps, charged },
  };
}
