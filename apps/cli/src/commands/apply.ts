import { parseTime } from "@weft/kernel";
import type { NetworkView } from "@weft/service-http/client";
import type { Command } from "commander";
import { type ReadyApplication, submitApplication, submitBatch } from "../applications.ts";
import type { Context } from "../context.ts";
import { misused, must } from "../failure.ts";
import { FILE_OPTION, isTask, type ReadyManifest, readDocuments, readyManifest } from "../manifests.ts";
import { appliedOrderId, submitTask } from "../submit.ts";

export function register(program: Command, context: Context): void {
  program
    .command("apply")
    .summary("submit the tasks and applications of a file, each once")
    .description(
      "Submits every task and application of a file; several tasks are placed together, where they are best for all. The same manifest applied again is the same task.",
    )
    .requiredOption(...FILE_OPTION)
    .option(...VALID_OPTION)
    .action(async (options: { readonly filename: string; readonly valid: string }) => {
      const documents = await readDocuments(context, options.filename);
      const validFor = validity(options.valid);
      const client = await context.client();
      const ready = await Promise.all(documents.map((parsed) => readyManifest(context, parsed)));
      const tasks = ready.filter(({ parsed }) => isTask(parsed)) as ReadyManifest[];
      const network = must(await client.call("GET /v1/network", {}));
      for (const task of await submitTasks(context, tasks, { network, validFor })) {
        context.print(`task/${task.name} ${madeBefore(task, network)}`);
      }
      for (const one of ready) {
        if (isTask(one.parsed)) continue;
        const made = await submitApplication(context, one as ReadyApplication, { network, validFor });
        context.print(`application/${made.name} ${madeBefore(made, network)}`);
      }
    });
}

const madeBefore = (made: { readonly submittedAt: number }, network: NetworkView): string =>
  made.submittedAt < network.now ? "unchanged" : "created";

async function submitTasks(
  context: Context,
  tasks: readonly ReadyManifest[],
  asked: { readonly network: NetworkView; readonly validFor: ReturnType<typeof validity> },
) {
  const [first, ...others] = tasks;
  if (first === undefined) return [];
  if (others.length > 0) return submitBatch(context, tasks, asked);
  const orderId = appliedOrderId(first.text, (await context.signer()).publicKey);
  return [await submitTask(context, first, { ...asked, orderId })];
}

export const VALID_OPTION = ["--valid <time>", "how long the order may wait for a place", "1h"] as const;

/** A length of time above zero, as a flag gives it. */
export function validity(text: string, flag = "--valid") {
  const parsed = parseTime(text);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  throw misused(`${flag}: found "${text}", expected a time such as 10m`);
}
