import type { ApplicationView, TaskView } from "@weft/service";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, misused } from "../failure.ts";
import { hasEnded } from "../follow.ts";
import { readDocuments } from "../manifests.ts";
import { applications } from "../resources/applications.ts";
import { resourceNamed } from "../resources/index.ts";
import { tasks } from "../resources/tasks.ts";

interface Options {
  readonly filename?: string;
  readonly selector?: string;
  readonly all?: true;
}

export function register(program: Command, context: Context): void {
  program
    .command("delete")
    .summary("stop tasks and applications at once")
    .description(
      "Stops tasks and applications at once, wherever they run. What has ended stays as it is; nothing is charged for a stopped task.",
    )
    .argument("[names...]", "tasks, such as read-receipt or task/read-receipt; application/log-report")
    .option("-f, --filename <file>", "the tasks and applications that this file names")
    .option("-l, --selector <labels>", "all running and waiting tasks with these labels")
    .option("--all", "all running and waiting tasks")
    .action((names: string[], options: Options) => remove(context, names, options));
}

async function remove(context: Context, names: readonly string[], options: Options): Promise<void> {
  const client = await context.client();
  const wanted = await namesOf(context, names, options);
  const failures: string[] = [];
  for (const { kind, name } of wanted) {
    const stopped =
      kind === "task"
        ? await client.call("DELETE /v1/tasks/{task}", { params: { task: name } })
        : await client.call("DELETE /v1/applications/{application}", { params: { application: name } });
    if (!stopped.ok) failures.push(`${name}: ${stopped.refusal.message}  [${stopped.refusal.code}]`);
    else context.print(`${kind}/${stopped.value.name} ${deleted(stopped.value)}`);
  }
  if (wanted.length === 0) context.note("no tasks to delete");
  if (failures.length > 0) throw new Failure(failures.join("\n"));
}

/** What is to be stopped. */
interface Wanted {
  readonly kind: "task" | "application";
  readonly name: string;
}

const deleted = ({ phase }: TaskView | ApplicationView): string =>
  phase === "succeeded" || phase === "failed" ? `has ended before: ${phase}` : "deleted";

async function namesOf(
  context: Context,
  names: readonly string[],
  options: Options,
): Promise<readonly Wanted[]> {
  const given = [
    names.length > 0,
    options.filename !== undefined,
    options.selector !== undefined,
    options.all === true,
  ];
  if (given.filter(Boolean).length !== 1) {
    throw misused("give names, or a file (-f), or labels (-l), or --all");
  }
  if (options.filename !== undefined) {
    return (await readDocuments(context, options.filename)).map(({ manifest: { kind, metadata } }) => ({
      kind: kind === "Task" ? "task" : "application",
      name: metadata.name,
    }));
  }
  if (names.length > 0) return plainNames(names);
  const client = await context.client();
  const all = await tasks.list(client, { labels: options.selector ?? "", limit: null });
  return all.filter((task) => !hasEnded(task)).map((task) => ({ kind: "task", name: task.id }));
}

/** `task read-receipt` and `task/read-receipt` as kubectl takes them; tasks unless applications are named. */
async function plainNames(names: readonly string[]): Promise<readonly Wanted[]> {
  const [first, ...rest] = names as readonly [string, ...string[]];
  const leading = [tasks, applications].find(({ kind, plural, aliases }) =>
    aliases.concat(kind, plural).includes(first),
  );
  const named = rest.length > 0 ? leading : undefined;
  return Promise.all(
    (named === undefined ? names : rest).map(async (name): Promise<Wanted> => {
      const slash = name.indexOf("/");
      if (slash < 0) return { kind: named?.kind === "application" ? "application" : "task", name };
      const { kind, plural } = await resourceNamed(name.slice(0, slash));
      if (kind === "task" || kind === "application") return { kind, name: name.slice(slash + 1) };
      throw misused(`only tasks and applications are deleted, not ${plural}`);
    }),
  );
}
