import { formatMoney, formatTime, type Micros } from "@weft/kernel";
import type { ApplicationView, StepView } from "@weft/service";
import { type ReadyApplication, submitApplication } from "./applications.ts";
import { writeResult } from "./commands/result.ts";
import type { Context } from "./context.ts";
import { Failure, failed, must, refusalText } from "./failure.ts";
import { printValue } from "./print.ts";
import { StreamTeller } from "./run-stream.ts";
import { isStream, makeFolder, streamSummary } from "./stream.ts";
import type { Submission } from "./submit.ts";
import { UNKNOWN } from "./text.ts";

interface Options {
  readonly watch?: true;
  readonly to?: string;
  readonly output?: "json" | "yaml";
}

/** Submits an application or pipeline anew; with `watch`, stays until it has ended and gives its result. */
export async function runApplication(
  context: Context,
  ready: ReadyApplication,
  asked: Submission,
  { watch, to, output }: Options,
): Promise<void> {
  const { manifest } = ready.parsed;
  const many = manifest.kind === "Pipeline" && manifest.spec.data?.inputs !== undefined;
  if (many && to !== undefined) makeFolder(context, to);
  const made = await submitApplication(context, ready, asked);
  if (watch === undefined) {
    if (output !== undefined) return printValue(context, made, output);
    return context.print(`application/${made.name} created`);
  }
  const ended = await watchApplication(context, made, new StreamTeller(context, to));
  if (output !== undefined) await printValue(context, ended, output);
  if (ended.phase !== "succeeded") {
    throw new Failure(
      `${ended.name} ${ended.phase}: ${ended.reason === null ? UNKNOWN : refusalText(ended.reason)}`,
    );
  }
  const { currency } = must(await (await context.client()).call("GET /v1/network", {}));
  context.note(isStream(ended) ? streamSummary(ended, currency) : summary(ended, currency));
  if (output !== undefined && to === undefined) return;
  if (isStream(ended)) {
    if (to === undefined) context.note(`weft result ${ended.name} --to DIR writes a file for each input`);
    return;
  }
  const last = ended.steps.filter(({ name }) => !ended.steps.some(({ from }) => from.includes(name)));
  const [only] = last;
  if (only !== undefined && last.length === 1) return writeResult(context, only, to);
  context.note(last.map(({ name }) => `weft result ${ended.name}.${name}`).join("\n"));
}

/** Of a stream's many steps not each is asked after when it changes. */
const STREAM_ASKED_EVERY_MS = 500;

/** Notes each step, or each input, as it gets on; resolves with the application once it has ended. */
async function watchApplication(
  context: Context,
  made: ApplicationView,
  stream: StreamTeller,
): Promise<ApplicationView> {
  const client = await context.client();
  const told = new Map<string, string>();
  const left = (): never => {
    context.note(`\n${made.name} goes on; weft describe application ${made.name} shows it`);
    process.exit(130);
  };
  process.once("SIGINT", left);
  let askedAt = 0;
  try {
    const params = { application: made.id };
    for await (const next of client.events({ subjects: ["application", "task"] })) {
      const event = must(next);
      const own =
        event.subject === "list" ||
        event.id === made.id ||
        (event.subject === "task" && event.object.name.startsWith(`${made.name}.`));
      if (!own) continue;
      if (event.subject === "task" && isStream(made) && Date.now() - askedAt < STREAM_ASKED_EVERY_MS)
        continue;
      askedAt = Date.now();
      const now = must(await client.call("GET /v1/applications/{application}", { params }));
      if (isStream(now)) await stream.tell(now);
      else tellSteps(context, told, now);
      if (now.finishedAt !== null) return now;
    }
    throw failed(
      "E_STREAM_ENDED",
      "the stream of events ended before the application did",
      "weft get applications shows it",
    );
  } finally {
    process.off("SIGINT", left);
  }
}

function tellSteps(context: Context, told: Map<string, string>, { steps }: ApplicationView): void {
  for (const step of steps) {
    const line = `${step.name}${layers(step)}: ${step.phase} on ${step.node ?? UNKNOWN}`;
    if (step.phase === "waiting" || told.get(step.name) === line) continue;
    told.set(step.name, line);
    context.note(line);
  }
}

const layers = ({ layers: own }: StepView): string => (own === undefined ? "" : ` (${own.join(", ")})`);

function summary(
  { steps, submittedAt, finishedAt, plan, charged }: ApplicationView,
  currency: string,
): string {
  const took = formatTime(((finishedAt ?? submittedAt) - submittedAt) as Micros);
  const predicted = plan === null ? "" : `, predicted ${formatTime(plan.makespan)}`;
  return `succeeded in ${steps.length} ${steps.length === 1 ? "step" : "steps"}, ${took}${predicted}; charged ${formatMoney(charged, currency)}`;
}
