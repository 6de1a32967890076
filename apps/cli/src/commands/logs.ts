import { formatInstant } from "@weft/kernel";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { must } from "../failure.ts";
import { harmless } from "../text.ts";

interface Options {
  readonly follow?: true;
  readonly timestamps?: true;
  readonly prefix?: true;
}

export function register(program: Command, context: Context): void {
  program
    .command("logs")
    .summary("show what a task printed")
    .description(
      "Shows what a task printed on standard error and, where it is no result, on standard output.",
    )
    .argument("<task>", "name or id")
    .option("-f, --follow", "go on until the task has ended")
    .option("--timestamps", "begin each line with its time")
    .option("--prefix", "begin each line with run and stream")
    .action(async (task: string, options: Options) => {
      const client = await context.client();
      const colourless = context.out.isTTY === true ? harmless : (text: string): string => text;
      for await (const told of client.logs(task, { follow: options.follow === true })) {
        const line = must(told);
        const time = options.timestamps ? `${formatInstant(line.at)} ` : "";
        const prefix = options.prefix ? `[${line.run} ${line.stream}] ` : "";
        for (const text of line.text.replace(/\n$/, "").split("\n")) {
          const whole = time + prefix + colourless(text);
          if (line.stream === "weft") context.note(whole);
          else context.print(whole);
        }
      }
    });
}
