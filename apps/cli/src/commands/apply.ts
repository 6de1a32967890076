import { parseTime } from "@weft/kernel";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, must } from "../failure.ts";
import { FILE_OPTION, readManifests, readyManifest } from "../manifests.ts";
import { appliedOrderId, submitTask } from "../submit.ts";

export function register(program: Command, context: Context): void {
  program
    .command("apply")
    .summary("submit the tasks of a file, each once")
    .description("Submits every task of a file. The same manifest applied again is the same task.")
    .requiredOption(...FILE_OPTION)
    .option(...VALID_OPTION)
    .action(async (options: { readonly filename: string; readonly valid: string }) => {
      const manifests = await readManifests(context, options.filename);
      const validFor = validity(options.valid);
      const client = await context.client();
      const { publicKey } = await context.signer();
      for (const parsed of manifests) {
        const ready = await readyManifest(context, parsed);
        const network = must(await client.call("GET /v1/network", {}));
        const orderId = appliedOrderId(ready.text, publicKey);
        const task = await submitTask(context, ready, { network, orderId, validFor });
        context.print(`task/${task.name} ${task.submittedAt < network.now ? "unchanged" : "created"}`);
      }
    });
}

export const VALID_OPTION = ["--valid <time>", "how long the order may wait for a place", "1h"] as const;

/** A length of time above zero, as a flag gives it. */
export function validity(text: string, flag = "--valid") {
  const parsed = parseTime(text);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  throw new Failure(`${flag}: found "${text}", expected a time such as 10m`, 2);
}
