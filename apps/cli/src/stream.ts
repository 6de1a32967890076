import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { formatMoney, formatTime, type Micros } from "@weft/kernel";
import type { ApplicationView, InputView, StepView } from "@weft/service";
import type { WeftClient } from "@weft/service-http/client";
import type { Context } from "./context.ts";
import { unusable } from "./failure.ts";
import { Table } from "./table.ts";
import { known, time, UNKNOWN } from "./text.ts";

/*
 * A pipeline with many inputs, as it is shown.
 */

/** A pipeline with many inputs. */
export type StreamView = ApplicationView & { readonly inputs: readonly InputView[] };

export const isStream = (view: ApplicationView): view is StreamView => view.inputs !== undefined;

/** A pipeline with many inputs of that name or id; null: there is none. */
export async function streamNamed(client: WeftClient, name: string): Promise<StreamView | null> {
  const found = await client.call("GET /v1/applications/{application}", { params: { application: name } });
  return found.ok && isStream(found.value) ? found.value : null;
}

/** The stage that one of its steps is of: steps are called STAGE.INPUT. */
export const stageOf = ({ name }: Pick<StepView, "name">): string => name.slice(0, name.lastIndexOf("."));

/** Makes the folder that results go to. */
export function makeFolder(context: Context, to: string): void {
  try {
    mkdirSync(resolve(context.cwd, to), { recursive: true });
  } catch (error) {
    throw unusable(to, error);
  }
}

/** Where its stages are, and how far it is as a whole. */
export function stageText({ name, phase, reason, inputs, steps, plan }: StreamView): string {
  const through = inputs.filter((input) => input.phase === "succeeded").length;
  // Of each stage the last step that was started, or the first.
  const stages = new Map<string, string>();
  for (const step of steps) {
    const stage = stageOf(step);
    if (step.task !== null || !stages.has(stage)) stages.set(stage, `${stage} on ${step.node ?? UNKNOWN}`);
  }
  const why = reason === null ? "" : `: ${reason.message} [${reason.code}]`;
  const said = [`${phase}${why}, ${through} of ${inputs.length} inputs through`, ...stages.values()];
  const predicted = `first result ${time(plan?.first)}, all ${time(plan?.makespan)} predicted`;
  return `pipeline ${name} ${said.join(", ")}; ${predicted}`;
}

/** How far each input is: a line each, under a line of headers. */
export function inputLines({ inputs, submittedAt, steps }: StreamView): readonly string[] {
  const nodeOf = new Map(steps.map(({ name, node }) => [name, node]));
  const headers = ["INPUT", "PHASE", "STEP", "NODE", "PREDICTED", "TOOK"];
  const rows = inputs.map(({ name, phase, step, planned, finishedAt }) => [
    name,
    phase,
    step ?? UNKNOWN,
    nodeOf.get(step ?? "") ?? UNKNOWN,
    time(planned?.finish),
    known(finishedAt, (at) => formatTime((at - submittedAt) as Micros)),
  ]);
  const table = new Table(headers, rows);
  return [headers, ...rows].map((row) => table.line(row));
}

/** What a stream came to, against what was predicted. */
export function streamSummary(
  { inputs, steps, submittedAt, plan, charged }: StreamView,
  currency: string,
): string {
  const stages = steps.length / inputs.length;
  const after = (input: InputView | undefined): string =>
    input?.finishedAt == null ? UNKNOWN : formatTime((input.finishedAt - submittedAt) as Micros);
  const predicted = (time: Micros | undefined): string => (time === undefined ? UNKNOWN : formatTime(time));
  const said = [
    `first result after ${after(inputs[0])}, predicted ${predicted(plan?.first)}`,
    `all ${inputs.length} after ${after(inputs.at(-1))}, predicted ${predicted(plan?.makespan)}`,
    `charged ${formatMoney(charged, currency)}`,
  ];
  return `succeeded in ${stages} ${stages === 1 ? "stage" : "stages"}: ${said.join("; ")}`;
}
