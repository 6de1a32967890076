import type { TaskView } from "@weft/service";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { hasEnded } from "../follow.ts";
import { readManifests } from "../manifests.ts";
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
    .summary("stop tasks at once")
    .description(
      "Stops tasks at once, wherever they run. What has ended stays as it is; nothing is charged for a stopped task.",
    )
    .argument("[names...]", "tasks, such as read-receipt, task/read-receipt, or task read-receipt")
    .option("-f, --filename <file>", "the tasks that this file names")
    .option("-l, --selector <labels>", "all running and waiting tasks with these labels")
    .option("--all", "all running and waiting tasks")
    .action((names: string[], options: Options) => remove(context, names, options));
}

async function remove(context: Context, names: readonly string[], options: Options): Promise<void> {
  const client = await context.client();
  const wanted = await namesOf(context, names, options);
  const failures: string[] = [];
  for (const task of wanted) {
    const stopped = await client.call("DELETE /v1/tasks/{task}", { params: { task } });
    if (!stopped.ok) failures.push(`${task}: ${stopped.refusal.message}  [${stopped.refusal.code}]`);
    else context.print(`task/${stopped.value.name} ${deleted(stopped.value)}`);
  }
  if (wanted.length === 0) context.note("no tasks to delete");
  if (failures.length > 0) throw new Failure(failures.join("\n"));
}

const deleted = ({ phase }: TaskView): string =>
  phase === "succeeded" || phase === "failed" ? `has ended before: ${phase}` : "deleted";

async function namesOf(
  context: Context,
  names: readonly string[],
  options: Options,
): Promise<readonly string[]> {
  const given = [
    names.length > 0,
    options.filename !== undefined,
    options.selector !== undefined,
    options.all === true,
  ];
  if (given.filter(Boolean).length !== 1) {
    throw new Failure("give names, or a file (-f), or labels (-l), or --all", 2);
  }
  if (options.filename !== undefined) {
    return (await readManifests(context, options.filename)).map(({ manifest }) => manifest.metadata.name);
  }
  if (names.length > 0) return plainNames(names);
  const client = await context.client();
  const all = await tasks.list(client, { labels: options.selector ?? "", limit: null });
  return all.filter((task) => !hasEnded(task)).map((task) => task.id);
}

/** `task read-receipt` and `task/read-receipt` as kubectl takes them; anything but tasks cannot be deleted here. */
async function plainNames(names: readonly string[]): Promise<readonly string[]> {
  const [first, ...rest] = names as readonly [string, ...string[]];
  const isKind = rest.length > 0 && tasks.aliases.concat(tasks.kind, tasks.plural).includes(first);
  return Promise.all(
    (isKind ? rest : names).map(async (name) => {
      const slash = name.indexOf("/");
      if (slash < 0) return name;
      const kind = await resourceNamed(name.slice(0, slash));
      if (kind !== (tasks as unknown)) throw new Failure(`only tasks are deleted, not ${kind.plural}`, 2);
      return name.slice(slash + 1);
    }),
  );
}
