import { formatMoney, formatTime, type Micros } from "@weft/kernel";
import type { TaskView } from "@weft/service";
import type { Command } from "commander";
import type { ReadyApplication } from "../applications.ts";
import type { Context } from "../context.ts";
import { Failure, failed, misused, must, refusalText } from "../failure.ts";
import { follow, hasEnded } from "../follow.ts";
import { FILE_OPTION, isTask, type ReadyManifest, readDocuments, readyManifest } from "../manifests.ts";
import { printValue } from "../print.ts";
import { ProgressLine } from "../progress.ts";
import { runApplication } from "../run-application.ts";
import { newOrderId, submitTask } from "../submit.ts";
import { amount, UNKNOWN } from "../text.ts";
import { VALID_OPTION, validity } from "./apply.ts";
import { documentOption } from "./plan.ts";
import { writeResult } from "./result.ts";

interface Options {
  readonly filename: string;
  readonly input?: string;
  readonly watch?: true;
  readonly to?: string;
  readonly valid: string;
  readonly output?: "json" | "yaml";
}

export function register(program: Command, context: Context): void {
  program
    .command("run")
    .summary("submit a task, application or pipeline anew; with --watch, stay and give its result")
    .description(
      "Submits the task, application or pipeline of a file, each time as a new one. With --watch it stays until that has ended and writes the result to standard output.",
    )
    .requiredOption(...FILE_OPTION)
    .option("--input <file>", "input in the place of the manifest's")
    .option("-w, --watch", "stay until it has ended; exit code 1 if it did not succeed")
    .option("--to <file>", "with --watch: write the result there")
    .option(...VALID_OPTION)
    .addOption(documentOption())
    .action((options: Options) => run(context, options));
}

async function run(context: Context, options: Options): Promise<void> {
  const [parsed, ...others] = await readDocuments(context, options.filename);
  if (parsed === undefined || others.length > 0) {
    throw misused(`${options.filename} holds ${others.length + 1} manifests; weft apply submits several`);
  }
  const ready = await readyManifest(context, parsed, options.input);
  const client = await context.client();
  const network = must(await client.call("GET /v1/network", {}));
  const submission = { network, orderId: newOrderId(), validFor: validity(options.valid) };
  if (!isTask(parsed)) return runApplication(context, ready as ReadyApplication, submission, options);
  const task = await submitTask(context, ready as ReadyManifest, submission);
  if (!options.watch) {
    if (options.output !== undefined) return printValue(context, task, options.output);
    return context.print(`task/${task.name} created`);
  }
  const ended = await watchTask(context, task);
  if (options.output !== undefined) await printValue(context, ended, options.output);
  if (ended.phase === "cancelled" && ended.reason === null) throw new Failure(`${ended.name} was cancelled`);
  if (ended.phase !== "succeeded") {
    throw new Failure(
      `${ended.name} ${ended.phase}: ${ended.reason === null ? UNKNOWN : refusalText(ended.reason)}`,
    );
  }
  context.note(summary(ended, network.currency));
  if (options.output === undefined || options.to !== undefined) await writeResult(context, ended, options.to);
}

/** Shows each phase as it comes, and counts the time on a terminal; resolves with the task once it has ended. */
async function watchTask(context: Context, submitted: TaskView): Promise<TaskView> {
  const client = await context.client();
  const left = (): never => {
    const { name } = submitted;
    context.note(`\n${name} goes on; weft logs -f ${name} follows it, weft delete ${name} stops it`);
    process.exit(130);
  };
  process.once("SIGINT", left);
  const begunAt = Date.now();
  let line: ProgressLine | null = null;
  let shown = "";
  let told = "";
  const tick = setInterval(
    () => line?.say(`${told.padEnd(40)}  ${((Date.now() - begunAt) / 1000).toFixed(1)} s`),
    200,
  );
  try {
    for await (const task of follow(client, [submitted.id])) {
      const last = task.runs.at(-1);
      const state = task.phase === "launched" && last !== undefined ? last.state : task.phase;
      told = `${state}${whereabouts(task)}`;
      if (told !== shown && !hasEnded(task)) {
        line?.end();
        line = new ProgressLine(context, told);
        line.say(told);
        shown = told;
      }
      if (hasEnded(task)) return task;
    }
    throw failed(
      "E_STREAM_ENDED",
      "the stream of events ended before the task did",
      "weft get tasks shows it",
    );
  } finally {
    process.off("SIGINT", left);
    clearInterval(tick);
    line?.end();
  }
}

/** Where it runs; while it waits, what for. */
function whereabouts({ phase, reason, runs }: TaskView): string {
  const last = runs.at(-1);
  if (phase === "pending") return reason === null ? "" : `: ${reason.message} [${reason.code}]`;
  return last === undefined ? "" : ` on ${last.node} via ${last.path.join(" > ")}`;
}

function summary(task: TaskView, currency: string): string {
  const run = task.runs.at(-1);
  const took = run?.actual?.total;
  const predicted = run === undefined ? "" : `, predicted ${formatTime(run.predicted.total as Micros)}`;
  const charged = task.charged === null ? amount(null) : formatMoney(task.charged, currency);
  return `succeeded on ${run?.node ?? UNKNOWN} in ${took === undefined ? UNKNOWN : formatTime(took)}${predicted}; charged ${charged}${lateness(task)}`;
}

/** That it came too late, and by how much. */
function lateness({ needs, runs }: TaskView): string {
  const { deadline } = needs.basic;
  const took = runs.at(-1)?.actual?.total;
  if (deadline === null || took === undefined || took <= deadline) return "";
  return `; ${formatTime((took - deadline) as Micros)} later than its deadline of ${formatTime(deadline)}`;
}
