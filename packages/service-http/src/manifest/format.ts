import { FLAVOUR } from "@weft/infrastructure";
import { formatMoney, type Money } from "@weft/kernel";
import type { Objective, TaskNeeds } from "@weft/scheduling";
import { stringify } from "yaml";
import { CURRENCY } from "./fields.ts";
import type { ManifestSource } from "./parse.ts";

/** A manifest as YAML, fields in the order of the schema's groups; reads back to the same. */
export function formatManifest(source: ManifestSource): string {
  return stringify(ordered(source, FIELD_ORDER), { lineWidth: 110, flowCollectionPadding: true });
}

const FIELD_ORDER = [
  "apiVersion kind metadata spec name labels",
  "data deadline sticky compute storage algorithm network where run objective pay priority startAt",
  "input content result at mayLeave key for type work atLeast lanes accelerator memory count",
  "capacity throughput class function time space",
  "delay bandwidth jitter loss bitErrorRate security tier domain avoid",
  "wasm model process module onnx pipeline command args env options",
  "perSecond perJoule perGram atMost",
].flatMap((words) => words.split(" "));

function ordered(value: unknown, order: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item, order));
  if (typeof value !== "object" || value === null) return value;
  const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
  const entries = Object.entries(value).sort(([a], [b]) => rank(a) - rank(b));
  return Object.fromEntries(entries.map(([key, member]) => [key, ordered(member, order)]));
}

type Scale = readonly (readonly [unit: string, size: number])[];

const decimal = (unit: string, gap = ""): Scale =>
  (["P", "T", "G", "M", "k", ""] as const).map((prefix, i) => [`${gap}${prefix}${unit}`, 1000 ** (5 - i)]);
const BINARY: Scale = [
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
];
const TIME: Scale = [
  ["d", 86400e6],
  ["h", 3600e6],
  ["m", 60e6],
  ["s", 1e6],
  ["ms", 1e3],
  ["us", 1],
];

/** The value in its largest unit that keeps it exact within three decimals, so that it reads back the same. */
function exactly(value: number, ...scales: readonly Scale[]): string {
  for (const scale of scales) {
    for (const [unit, size] of scale) {
      const digits = String(value / size);
      if (value >= size && /^\d+(?:\.\d{1,3})?$/.test(digits) && Number(digits) * size === value) {
        return digits + unit;
      }
    }
  }
  const [unit] = scales.at(-1)!.at(-1)!;
  return `${value}${unit}`;
}

/**
 * A task's needs as the `spec` of a manifest would say them, what demands nothing left out. Reads back to the same
 * needs; for people to see what a task was read as.
 */
export function specOf(needs: TaskNeeds): ManifestSource {
  const { basic, compute, storage, algorithm, network, where } = needs;
  const flavour = FLAVOUR[compute.type];
  const bytes = (size: number): string => exactly(size, BINARY.slice(0, 2), decimal("B"));
  const demand = (value: number, text: string): string | undefined => (value === 0 ? undefined : text);
  const time = (length: number | null): string | undefined =>
    length === null ? undefined : exactly(length, TIME);
  return pruned({
    data: {
      input: bytes(basic.inputBytes),
      result: bytes(basic.resultBytes),
      type: basic.dataType,
      at: basic.dataAt,
      mayLeave: basic.mayLeaveTo,
    },
    deadline: time(basic.deadline),
    sticky: basic.sticky === null ? null : { key: basic.sticky.key, for: time(basic.sticky.keepFor) },
    compute: {
      type: compute.type,
      work: exactly(compute.work, decimal(flavour === "OPS" ? "OP" : "FLOP", " ")),
      atLeast: demand(compute.atLeast, exactly(compute.atLeast, decimal(flavour, " "))),
      lanes: Number.isFinite(compute.lanes) ? compute.lanes : "all",
      accelerator:
        compute.accelerator === null
          ? null
          : {
              kind: compute.accelerator.kind,
              memory: bytes(compute.accelerator.memoryBytes),
              count: compute.accelerator.count,
            },
    },
    storage: {
      capacity: demand(storage.capacity, bytes(storage.capacity)),
      throughput: demand(storage.throughput, exactly(storage.throughput, decimal("B/s"))),
      class: storage.storageClass,
    },
    algorithm: {
      function: algorithm.function,
      time: algorithm.timeComplexity,
      space: bytes(algorithm.space),
    },
    network: {
      delay: time(network.delay),
      bandwidth: demand(network.bandwidth, exactly(network.bandwidth, decimal("bps"))),
      jitter: time(network.jitter),
      loss: network.loss,
      bitErrorRate: network.bitErrorRate,
      security: network.security,
    },
    where: {
      tier: where.tier,
      domain: where.domain,
      labels: where.labels,
      avoid: where.avoid.length === 0 ? null : where.avoid,
    },
    objective: objectiveText(needs.objective),
    pay: needs.payAtMost === null ? null : { atMost: formatMoney(needs.payAtMost, CURRENCY) },
    priority: needs.priority,
    startAt: needs.startAt === undefined ? null : new Date(needs.startAt / 1000).toISOString(),
  });
}

function objectiveText(objective: Objective): unknown {
  if (objective.kind !== "weighted") return objective.kind;
  const amount = (micros: number): string => formatMoney(BigInt(Math.round(micros)) as Money, CURRENCY);
  return {
    perSecond: amount(objective.perSecond),
    perJoule: amount(objective.perJoule),
    perGram: amount(objective.perGram),
  };
}

/** Without absent members and the groups they leave empty; lists stay, since an empty one means something. */
function pruned(group: { readonly [key: string]: unknown }): ManifestSource {
  const kept = Object.entries(group)
    .map(([key, value]): [string, unknown] => [
      key,
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? pruned(value as { readonly [key: string]: unknown })
        : value,
    ])
    .filter(([, value]) => value !== undefined && value !== null)
    .filter(
      ([, value]) =>
        typeof value !== "object" || Array.isArray(value) || Object.keys(value as object).length > 0,
    );
  return Object.fromEntries(kept);
}
