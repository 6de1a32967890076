import type { TaskView } from "@weft/service";
import { must } from "../failure.ts";
import { amount, pairs, since, time, UNKNOWN } from "../text.ts";
import { gather, type Resource } from "./resource.ts";

export const tasks: Resource<TaskView> = {
  kind: "task",
  plural: "tasks",
  aliases: ["ta"],
  subject: "task",
  nameOf: (task) => task.name,
  labelsOf: (task) => task.labels,
  columns: [
    { header: "NAME", cell: (task) => task.name },
    { header: "PHASE", cell: (task) => task.phase },
    { header: "NODE", cell: (task) => task.runs.at(-1)?.node ?? UNKNOWN },
    {
      header: "PREDICTED",
      cell: (task) => time(task.runs.at(-1)?.predicted.total),
      sort: (task) => task.runs.at(-1)?.predicted.total ?? null,
    },
    {
      header: "TOOK",
      cell: (task) => time(task.runs.at(-1)?.actual?.total),
      sort: (task) => task.runs.at(-1)?.actual?.total ?? null,
    },
    {
      header: "CHARGED",
      cell: (task) => amount(task.charged),
      sort: ({ charged }) => (charged === null ? null : Number(charged)),
    },
    { header: "AGE", cell: (task, now) => since(now, task.submittedAt), sort: (task) => -task.submittedAt },
    { header: "ID", wide: true, cell: (task) => task.id },
    { header: "PATH", wide: true, cell: (task) => task.runs.at(-1)?.path.join(">") ?? UNKNOWN },
    {
      header: "RUNS",
      wide: true,
      cell: (task) => String(task.runs.length),
      sort: (task) => task.runs.length,
    },
    { header: "TYPE", wide: true, cell: (task) => task.needs.compute.type },
    { header: "FUNCTION", wide: true, cell: (task) => task.needs.algorithm.function },
    { header: "REASON", wide: true, cell: (task) => task.reason?.code ?? UNKNOWN },
    { header: "LABELS", wide: true, cell: (task) => pairs(task.labels) },
  ],
  list: (client, { labels, limit }) =>
    gather(
      client.all("GET /v1/tasks", {
        ...(labels === "" ? {} : { labels }),
        ...(limit === null ? { limit: 1000 } : { limit: Math.min(1000, Math.max(1, limit)) }),
      }),
      limit,
    ),
  one: async (client, name) => must(await client.call("GET /v1/tasks/{task}", { params: { task: name } })),
};
