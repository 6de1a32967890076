import type { Command } from "commander";
import type { Context } from "../context.ts";
import { must } from "../failure.ts";
import { printValue } from "../print.ts";
import { promiseText } from "../promise.ts";
import { inputLines, stageText, streamNamed } from "../stream.ts";
import { since } from "../text.ts";
import { reservedText, turnText } from "../turn.ts";
import { decisionText, documentOption } from "./plan.ts";

export function register(program: Command, context: Context): void {
  program
    .command("explain")
    .summary("say why a task is where it is, or how far each input of a pipeline is")
    .description(
      "Says why a task is where it is, what the others lost by, and what would have made the nearest fit. Of a pipeline with many inputs: how far each of them is, against what was planned; its steps are tasks.",
    )
    .argument("<task>", "name or id of a task, or of a pipeline with many inputs")
    .addOption(documentOption())
    .action(async (task: string, { output }: { readonly output?: "json" | "yaml" }) => {
      const client = await context.client();
      const [decision, network] = await Promise.all([
        client.call("GET /v1/tasks/{task}/explain", { params: { task } }),
        client.call("GET /v1/network", {}),
      ]);
      const stream = decision.ok ? null : await streamNamed(client, task);
      if (stream !== null) {
        if (output !== undefined) return printValue(context, stream, output);
        return context.print([stageText(stream), ...inputLines(stream)].join("\n"));
      }
      if (output !== undefined) return printValue(context, must(decision), output);
      const { turn, promise, reserved } = must(decision);
      const { now } = must(network);
      const decided = reserved === undefined || reserved.from <= now;
      if (decided) context.print(await decisionText(must(decision)));
      if (promise !== undefined) context.print(promiseText(promise));
      if (reserved !== undefined) context.print(reservedText(reserved, now));
      if (turn !== undefined) context.print(`waits for room: ${turnText(turn, now)}`);
      if (decided) context.note(`decided ${since(now, must(decision).at)} ago`);
    });
}
