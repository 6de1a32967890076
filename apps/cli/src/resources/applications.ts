import type { ApplicationView } from "@weft/service";
import { must } from "../failure.ts";
import { amount, pairs, since, time, UNKNOWN } from "../text.ts";
import { atMost, type Resource } from "./resource.ts";

/** How many of the steps have succeeded. */
const progress = ({ steps }: ApplicationView): string =>
  `${steps.filter(({ phase }) => phase === "succeeded").length}/${steps.length}`;

const running = ({ steps }: ApplicationView): string =>
  steps
    .filter(({ phase }) => phase === "launched" || phase === "running")
    .map(({ name, node }) => `${name}@${node ?? UNKNOWN}`)
    .join(",") || UNKNOWN;

export const applications: Resource<ApplicationView> = {
  kind: "application",
  plural: "applications",
  aliases: ["app", "apps"],
  subject: "application",
  nameOf: (application) => application.name,
  labelsOf: (application) => application.labels,
  columns: [
    { header: "NAME", cell: (application) => application.name },
    { header: "PHASE", cell: (application) => application.phase },
    { header: "STEPS", cell: progress },
    { header: "RUNNING", cell: running },
    {
      header: "PLANNED",
      cell: ({ plan }) => time(plan?.makespan),
      sort: ({ plan }) => plan?.makespan ?? null,
    },
    { header: "CHARGED", cell: ({ charged }) => amount(charged), sort: ({ charged }) => Number(charged) },
    {
      header: "AGE",
      cell: ({ submittedAt }, now) => since(now, submittedAt),
      sort: ({ submittedAt }) => -submittedAt,
    },
    { header: "ID", wide: true, cell: ({ id }) => id },
    { header: "GANG", wide: true, cell: ({ gang }) => (gang ? "yes" : "no") },
    { header: "REASON", wide: true, cell: ({ reason }) => reason?.code ?? UNKNOWN },
    { header: "LABELS", wide: true, cell: ({ labels }) => pairs(labels) },
  ],
  list: async (client, query) => atMost(must(await client.call("GET /v1/applications", {})).items, query),
  one: async (client, name) =>
    must(await client.call("GET /v1/applications/{application}", { params: { application: name } })),
};
