import { createReadStream } from "node:fs";
import { copyFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { formatBytes } from "@weft/kernel";
import type { TaskView } from "@weft/service";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, must, refused } from "../failure.ts";
import { hasEnded } from "../follow.ts";
import { gatewayOf } from "../submit.ts";

export function register(program: Command, context: Context): void {
  program
    .command("result")
    .summary("write what a task returned")
    .description("Writes what a task returned to standard output, its hash checked.")
    .argument("<task>", "name or id")
    .option("--to <file>", "write it there instead")
    .action(async (name: string, { to }: { readonly to?: string }) => {
      const client = await context.client();
      const task = must(await client.call("GET /v1/tasks/{task}", { params: { task: name } }));
      if (task.result === null) {
        const why = hasEnded(task) ? `it ${task.phase} without one` : `it is ${task.phase}`;
        throw new Failure(
          `${task.name} has no result: ${why}\n  hint: weft wait ${task.name} --for=succeeded`,
        );
      }
      await writeResult(context, task, to);
    });
}

/** Fetches the result of a task or step and writes it to a file, or to standard output as it is. */
export async function writeResult(
  context: Context,
  task: Pick<TaskView, "result">,
  to: string | undefined,
): Promise<void> {
  if (task.result === null) return;
  const { downloadContent } = await import("@weft/service-http/client");
  const client = await context.client();
  const gateway = gatewayOf(must(await client.call("GET /v1/gateways", {})), task.result.at);
  const written = await downloadContent(gateway, task.result, async (path) => {
    if (to !== undefined) return copyFile(path, resolve(context.cwd, to));
    await pipeline(createReadStream(path), async (chunks) => {
      for await (const chunk of chunks) context.out.write(chunk as Buffer);
    });
  });
  if (!written.ok) throw refused(written.refusal);
  if (to !== undefined) context.note(`${formatBytes(task.result.size)} written to ${to}`);
}
