import type { TaskView } from "@weft/service";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, failed, misused, must, refusalText } from "../failure.ts";
import { follow, hasEnded } from "../follow.ts";
import { nearestOf } from "../resources/index.ts";
import { validity } from "./apply.ts";

/** What can be waited for, and whether a task has got there. */
const GOALS: Readonly<Record<string, (task: TaskView) => boolean>> = {
  launched: ({ phase }) => phase !== "pending" && phase !== "cancelled" && phase !== "failed",
  running: ({ phase }) => phase === "running" || phase === "succeeded",
  succeeded: ({ phase }) => phase === "succeeded",
  failed: ({ phase }) => phase === "failed",
  cancelled: ({ phase }) => phase === "cancelled",
  delete: ({ phase }) => phase === "cancelled",
  ended: hasEnded,
};

export function register(program: Command, context: Context): void {
  program
    .command("wait")
    .summary("wait until tasks have got somewhere")
    .description(
      `Waits until every task named has got somewhere: ${Object.keys(GOALS).join(", ")}. Exit code 1 if one cannot any more, or at the timeout.`,
    )
    .argument("<tasks...>", "names or ids")
    .option("--for <goal>", "what to wait for", "succeeded")
    .option("--timeout <time>", "give up after so long", "30s")
    .action(async (names: string[], options: { readonly for: string; readonly timeout: string }) => {
      const goal = GOALS[options.for.toLowerCase()];
      if (goal === undefined) {
        const hint = await nearestOf(options.for, Object.keys(GOALS));
        throw misused(
          `--for: found "${options.for}", expected one of ${Object.keys(GOALS).join(", ")}`,
          hint,
        );
      }
      await waitFor(context, names, goal, options.for, validity(options.timeout, "--timeout") / 1000);
    });
}

async function waitFor(
  context: Context,
  names: readonly string[],
  goal: (task: TaskView) => boolean,
  goalName: string,
  timeoutMs: number,
): Promise<void> {
  const client = await context.client();
  const ids = await Promise.all(
    names.map(
      async (name) =>
        must(await client.call("GET /v1/tasks/{task}", { params: { task: name.replace(/^tasks?\//, "") } }))
          .id,
    ),
  );
  /** Where each task that is still waited for was seen last. */
  const waiting = new Map(ids.map((id, i) => [id, names[i] as string]));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    for await (const task of follow(client, ids, stop.signal)) {
      if (!waiting.has(task.id)) continue;
      if (goal(task)) {
        context.print(`task/${task.name} ${goalName}`);
        waiting.delete(task.id);
        if (waiting.size === 0) return;
      } else if (!hasEnded(task)) {
        waiting.set(
          task.id,
          `${task.name} (${task.phase}${task.reason === null ? "" : `: ${task.reason.message}`})`,
        );
      } else {
        const why = task.reason === null ? "" : `: ${refusalText(task.reason)}`;
        throw new Failure(`task/${task.name} ${task.phase}, so it will never be ${goalName}${why}`);
      }
    }
    throw failed(
      "E_TIMEOUT",
      `timed out waiting for ${[...waiting.values()].join(", ")}`,
      "--timeout waits longer",
    );
  } finally {
    clearTimeout(timer);
  }
}
