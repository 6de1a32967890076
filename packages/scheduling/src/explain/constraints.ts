import { PROGRAM_KINDS, SECURITY_CLASSES, TIERS } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  type Bytes,
  type BytesPerSecond,
  formatBitRate,
  formatByteRate,
  formatBytes,
  formatComputingPower,
  formatMemory,
  formatTime,
  type Micros,
  type OperationsPerSecond,
} from "@weft/kernel";
import { ACCELERATOR_KINDS, type Pool } from "@weft/pool";
import { factorOn, hasLabels, LEAST_SHARE, rateOn } from "../placement/fit.ts";
import type { Query } from "../placement/query.ts";
import type { ConstraintCode } from "./explanation.ts";

/** One constraint on nodes as data: whether the task states it, what it asks, whether a node meets it. */
export interface NodeConstraint {
  readonly code: ConstraintCode;
  /** null: the task states no such constraint. A number where it is a quantity. */
  readonly asked: (query: Query, pool: Pool) => number | string | null;
  readonly offered: (query: Query, pool: Pool, node: number) => number | string;
  readonly holds: (query: Query, pool: Pool, node: number) => boolean;
  /** How quantities print. */
  readonly format: (value: number) => string;
  /** What a task may change for a node that offers `value`, such as `memory 2 GiB`. */
  readonly noun: string;
  /** What would have to be otherwise; absent or null where noun and value say it. */
  readonly fixes?: (query: Query, pool: Pool, node: number) => readonly string[] | null;
}

const bytes = (value: number): string => formatBytes(value as Bytes);
const memory = (value: number): string => formatMemory(value as Bytes);
const byteRate = (value: number): string => formatByteRate(value as BytesPerSecond);
const power = (value: number): string => formatComputingPower(value as OperationsPerSecond, "OPS");
export const bitRate = (value: number): string => formatBitRate(value as BitsPerSecond);
export const time = (value: number): string =>
  value < Number.POSITIVE_INFINITY ? formatTime(value as Micros) : "never";
/** Money of a forecast, in micro-units, as units of the currency. */
export const price = (value: number): string => (Math.ceil(value) / 1e6).toFixed(6).replace(/0{1,4}$/, "");
const plain = (value: number): string => String(value);

/** Whether a node has the bits of `mask` that the task demands. */
const bitsHold =
  (mask: number) =>
  (query: Query, pool: Pool, n: number): boolean => {
    const demanded = query.capabilities & mask;
    return ((pool.nodes.capabilities[n] as number) & demanded) === demanded;
  };

const KIND_MASK = 0b111;
const TIER_MASK = 0b111 << 3;
const SECURITY_MASK = 0b11 << 6;
const DURABLE_MASK = 1 << 8;
const ACCELERATOR_MASK = 0b11 << 9;

const nameOf = (names: readonly string[], bits: number): string => names[31 - Math.clz32(bits)] as string;

/** What a node is: not a quantity. */
const kindOf = (
  code: ConstraintCode,
  noun: string,
  mask: number,
  asked: (demanded: number) => string,
  offered: (pool: Pool, node: number) => string,
): NodeConstraint => ({
  code,
  noun,
  asked: (query) => ((query.capabilities & mask) === 0 ? null : asked(query.capabilities & mask)),
  offered: (_, pool, n) => offered(pool, n),
  holds: bitsHold(mask),
  format: plain,
});

/** A quantity of which the node must have enough free. */
const amount = (
  code: ConstraintCode,
  noun: string,
  asked: (query: Query) => number,
  offered: (pool: Pool, node: number, query: Query) => number,
  format: (value: number) => string,
): NodeConstraint => ({
  code,
  noun,
  asked: (query) => (asked(query) > 0 ? asked(query) : null),
  offered: (query, pool, n) => Math.max(0, offered(pool, n, query)),
  holds: (query, pool, n) => asked(query) <= 0 || offered(pool, n, query) >= asked(query),
  format,
});

const DEVICE_MEMORY = amount(
  "accelerator",
  "accelerator memory",
  (query) => (query.deviceKind < 0 ? 0 : query.deviceMemory),
  (pool, n, query) => pool.nodes.freeOnDevices(n, query.deviceKind, query.deviceCount),
  memory,
);

/** How many devices of the kind asked for a node has. */
const devicesOn = (query: Query, pool: Pool, n: number): number =>
  (pool.nodes.devices[n] ?? []).filter(({ kind }) => kind === query.deviceKind).length;

/** Every constraint on what a node is and has free, in the order they are told. */
export const NODE_CONSTRAINTS: readonly NodeConstraint[] = [
  {
    code: "avoided",
    noun: "other node",
    fixes: () => ["leave to use it"],
    asked: (query) => (query.avoidsAny ? "other nodes" : null),
    offered: () => "named as one not to use",
    holds: (query, _, n) => !query.avoidsAny || query.avoided[n] !== query.serial,
    format: plain,
  },
  {
    ...kindOf(
      "program_kind",
      "program kind",
      KIND_MASK,
      (bits) => nameOf(PROGRAM_KINDS, bits),
      (pool, n) => pool.nodes.descriptions[n]?.runs.join(" or ") || "runs nothing",
    ),
    fixes: (query, pool, n) => {
      const kinds = pool.nodes.descriptions[n]?.runs.join(" or ") ?? "";
      const leave = `its owner's leave to run a ${nameOf(PROGRAM_KINDS, query.capabilities & KIND_MASK)}`;
      return kinds === "" ? [leave] : [`a program that is a ${kinds}`, leave];
    },
  },
  kindOf(
    "tier",
    "tier",
    TIER_MASK,
    (bits) => nameOf(TIERS, bits >> 3),
    (pool, n) => pool.nodes.descriptions[n]?.tier as string,
  ),
  {
    code: "domain",
    noun: "domain",
    asked: (query, pool) =>
      query.domain === -1
        ? null
        : query.domain < 0
          ? "one not in the pool"
          : pool.nodes.domains.idOf(query.domain),
    offered: (_, pool, n) => pool.nodes.descriptions[n]?.domain as string,
    holds: (query, pool, n) => query.domain === -1 || pool.nodes.domain[n] === query.domain,
    format: plain,
  },
  {
    code: "labels",
    noun: "labels",
    asked: (query) => (query.checkLabels ? labelText(query.labels) : null),
    offered: (_, pool, n) => labelText(pool.nodes.descriptions[n]?.labels ?? {}) || "none",
    holds: (query, pool, n) => !query.checkLabels || hasLabels(pool.nodes, query.labels, n),
    format: plain,
  },
  kindOf(
    "node_security",
    "security",
    SECURITY_MASK,
    (bits) => nameOf(SECURITY_CLASSES, bits >> 5),
    (pool, n) => pool.nodes.descriptions[n]?.security as string,
  ),
  kindOf(
    "storage_class",
    "storage class",
    DURABLE_MASK,
    () => "durable",
    () => "scratch",
  ),
  kindOf(
    "accelerator",
    "accelerator",
    ACCELERATOR_MASK,
    (bits) => nameOf(ACCELERATOR_KINDS, bits >> 9),
    (pool, n) => pool.nodes.descriptions[n]?.accelerators.map((a) => a.kind).join(" and ") || "none",
  ),
  {
    code: "accepting",
    noun: "willing node",
    fixes: () => ["an owner who takes tasks now"],
    asked: () => "nodes that take tasks now",
    offered: () => "takes none now",
    holds: (_, pool, n) => pool.nodes.accepting[n] === 1,
    format: plain,
  },
  amount(
    "memory",
    "memory",
    (query) => query.memory,
    (pool, n) => pool.nodes.freeMemory[n] as number,
    memory,
  ),
  amount(
    "storage",
    "storage",
    (query) => query.storage,
    (pool, n) => pool.nodes.freeStorage[n] as number,
    bytes,
  ),
  amount(
    "storage_throughput",
    "storage throughput",
    (query) => query.throughput,
    (pool, n) => pool.nodes.freeThroughput[n] as number,
    byteRate,
  ),
  {
    ...DEVICE_MEMORY,
    offered: (query, pool, n) =>
      devicesOn(query, pool, n) < query.deviceCount
        ? `${devicesOn(query, pool, n)} of ${query.deviceCount}`
        : DEVICE_MEMORY.offered(query, pool, n),
    // A node without such a device is told of above, once.
    holds: (query, pool, n) => devicesOn(query, pool, n) === 0 || DEVICE_MEMORY.holds(query, pool, n),
    fixes: (query, pool, n) => {
      const has = devicesOn(query, pool, n);
      const kind = ACCELERATOR_KINDS[query.deviceKind] as string;
      return has < query.deviceCount ? [`${has} ${kind} in place of ${query.deviceCount}`] : null;
    },
  },
  {
    code: "instances",
    noun: "instances",
    fixes: () => ["one instance more there"],
    asked: (query) => query.service,
    offered: () => "no instance left",
    holds: (query, pool, n) => pool.hasInstance(n, query.service),
    format: plain,
  },
  {
    code: "computing_power",
    noun: "computing power",
    asked: (query) => (query.work > 0 || query.atLeast > 0 ? query.atLeast : null),
    offered: (query, pool, n) => rateOn(pool.nodes, query, n) * factorOn(query, n),
    holds: (query, pool, n) => {
      const rate = rateOn(pool.nodes, query, n);
      return (rate > 0 || query.work === 0) && rate * factorOn(query, n) >= query.atLeast;
    },
    format: (value) => (value > 0 ? power(value) : `less than ${LEAST_SHARE} of a lane`),
  },
];

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}
