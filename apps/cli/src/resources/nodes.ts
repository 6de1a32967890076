import { FLAVOUR, nodeGrade } from "@weft/infrastructure";
import {
  type Bytes,
  type BytesPerSecond,
  formatByteRate,
  formatBytes,
  formatComputingPower,
  formatMemory,
  type OperationsPerSecond,
} from "@weft/kernel";
import type { NodeView } from "@weft/service";
import { must } from "../failure.ts";
import { age, amount, known, pairs, percent } from "../text.ts";
import { atMost, type Column, type Resource } from "./resource.ts";

const power = (type: keyof typeof FLAVOUR): Column<NodeView> => ({
  header: type.toUpperCase(),
  cell: ({ description }) => powerText(description.power[type], type),
  sort: ({ description }) => description.power[type],
});

/** A rate, or `none`: 0 means that the node has no such power. */
export const powerText = (rate: OperationsPerSecond, type: keyof typeof FLAVOUR): string =>
  rate === 0 ? "none" : formatComputingPower(rate, FLAVOUR[type]);

/** What of a type is left: measured, less what others use, less what is given away. null: load unknown. */
export function remaining(node: NodeView, type: keyof typeof FLAVOUR): OperationsPerSecond | null {
  if (node.load === null) return null;
  const left = node.description.power[type] - node.load.othersUse[type] - node.reserved.power[type];
  return Math.max(0, left) as OperationsPerSecond;
}

export const nodes: Resource<NodeView> = {
  kind: "node",
  plural: "nodes",
  aliases: ["no"],
  subject: "node",
  nameOf: (node) => node.description.id,
  labelsOf: ({ description: { labels, id, tier, site, domain } }) => ({ ...labels, id, tier, site, domain }),
  columns: [
    { header: "NODE", cell: (node) => node.description.id },
    { header: "HEALTH", cell: (node) => node.health },
    { header: "TIER", cell: (node) => node.description.tier },
    { header: "SITE", cell: (node) => node.description.site },
    power("logical"),
    power("parallel"),
    power("neural"),
    { header: "GRADE", cell: (node) => nodeGrade(node.description.power) },
    {
      header: "MEMORY",
      cell: (node) => formatMemory(node.description.memoryBytes),
      sort: (node) => node.description.memoryBytes,
    },
    { header: "TASKS", cell: (node) => String(node.runningTasks), sort: (node) => node.runningTasks },
    {
      header: "KNOWN",
      // By the manager's clock; the node's own says when the figures last changed, and may be wrong.
      cell: (node) => known(node.load, () => `${age(node.age)} ago`),
      sort: (node) => node.age,
    },
    {
      header: "FREE-LOGICAL",
      wide: true,
      cell: (node) => known(remaining(node, "logical"), (rate) => powerText(rate, "logical")),
      sort: (node) => remaining(node, "logical"),
    },
    {
      header: "FREE-MEMORY",
      wide: true,
      cell: (node) => known(node.load, (load) => formatMemory(load.freeMemoryBytes)),
      sort: (node) => node.load?.freeMemoryBytes ?? null,
    },
    {
      header: "STORAGE",
      wide: true,
      cell: ({ description: { storage } }) => storageText(storage.capacityBytes, storage.throughput),
      sort: (node) => node.description.storage.capacityBytes,
    },
    { header: "RUNS", wide: true, cell: (node) => node.description.runs.join(",") || "none" },
    {
      header: "BATTERY",
      wide: true,
      cell: (node) => known(node.load, ({ battery }) => (battery === null ? "mains" : percent(battery))),
    },
    { header: "DOMAIN", wide: true, cell: (node) => node.description.domain },
    { header: "PROVIDER", wide: true, cell: (node) => node.provider },
    {
      header: "EARNED",
      wide: true,
      cell: (node) => amount(node.earned),
      sort: (node) => Number(node.earned),
    },
    { header: "LABELS", wide: true, cell: (node) => pairs(node.description.labels) },
  ],
  list: async (client, query) =>
    atMost(
      must(await client.call("GET /v1/nodes", { query: query.labels === "" ? {} : { labels: query.labels } }))
        .items,
      query,
    ),
  one: async (client, name) => must(await client.call("GET /v1/nodes/{node}", { params: { node: name } })),
};

export const storageText = (capacity: Bytes, throughput: BytesPerSecond): string =>
  `${formatBytes(capacity)} at ${formatByteRate(throughput)}`;
