import { createReadStream } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { formatBytes } from "@weft/kernel";
import type { TaskView } from "@weft/service";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { failed, misused, must, refused } from "../failure.ts";
import { hasEnded } from "../follow.ts";
import { makeFolder, type StreamView, streamNamed } from "../stream.ts";
import { gatewayOf } from "../submit.ts";

export function register(program: Command, context: Context): void {
  program
    .command("result")
    .summary("write what a task returned, or each input of a pipeline")
    .description(
      "Writes what a task returned to standard output, its hash checked. Of a pipeline with many inputs it writes one file for each input that is through into the folder of --to.",
    )
    .argument("<task>", "name or id of a task, or of a pipeline with many inputs")
    .option("--to <file>", "write it there instead")
    .action(async (name: string, { to }: { readonly to?: string }) => {
      const client = await context.client();
      const found = await client.call("GET /v1/tasks/{task}", { params: { task: name } });
      const stream = found.ok ? null : await streamNamed(client, name);
      if (stream !== null) return writeResults(context, stream, to);
      const task = must(found);
      if (task.result === null) {
        const why = hasEnded(task) ? `it ${task.phase} without one` : `it is ${task.phase}`;
        throw failed(
          "E_NO_RESULT",
          `${task.name} has no result: ${why}`,
          `weft wait ${task.name} --for=succeeded`,
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
  await fetchResult(context, task.result, to);
  if (to !== undefined) context.note(`${formatBytes(task.result.size)} written to ${to}`);
}

/** The same of what is there, without a word. */
export async function fetchResult(
  context: Context,
  result: NonNullable<TaskView["result"]>,
  to: string | undefined,
): Promise<void> {
  const { downloadContent } = await import("@weft/service-http/client");
  const client = await context.client();
  const gateway = gatewayOf(must(await client.call("GET /v1/gateways", {})), result.at);
  const written = await downloadContent(gateway, result, async (path) => {
    if (to !== undefined) return copyFile(path, resolve(context.cwd, to));
    await pipeline(createReadStream(path), async (chunks) => {
      for await (const chunk of chunks) context.out.write(chunk as Buffer);
    });
  });
  if (!written.ok) throw refused(written.refusal);
}

/** One file for each input that is through. */
async function writeResults(context: Context, { name, inputs }: StreamView, to?: string): Promise<void> {
  if (to === undefined) throw misused(`${name} has a result for each input: --to DIR says where they go`);
  makeFolder(context, to);
  let written = 0;
  for (const { name, result } of inputs) {
    if (result === null) continue;
    await fetchResult(context, result, join(to, name));
    written++;
  }
  context.note(`${written} of ${inputs.length} results written to ${to}`);
}
