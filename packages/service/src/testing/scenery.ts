import type { DomainId, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import {
  type BitsPerSecond,
  type Bytes,
  type BytesPerSecond,
  type Cryptography,
  type Instant,
  MILLISECOND,
  type Micros,
  money,
  type Operations,
  type OperationsPerSecond,
  type Ratio,
  SECOND,
  type Signer,
} from "@weft/kernel";
import type { PriceList } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import type { ManagerOptions } from "../manager/core.ts";

/*
 * Nodes, links, tasks and prices for tests of whole networks: small, round and always the same.
 */

const OPS = (n: number) => n as OperationsPerSecond;

/** The manager's site, where consumers and their data are. */
export const YOU = "you" as SiteId;
/** When every story begins. */
export const START = 1_800_000_000_000_000 as Instant;

/** What every node asks. */
export const DESK_PRICES: PriceList = {
  petaOperation: { logical: money(40_000_000n), parallel: money(20_000_000n), neural: money(30_000_000n) },
  memoryGibHour: money(30_000n),
  storageGibHour: money(500n),
  transferGb: money(400_000n),
  bandwidthGbpsHour: money(2_000_000n),
  perTask: money(5n),
};

/** An edge node of some lanes: a thousand million operations a second each, 2 GiB in all. */
export function describeNode(id: string, site: string, lanes = 2): NodeDescription {
  const lane = { logical: OPS(1e9), parallel: OPS(2e9), neural: OPS(2e9) };
  return {
    id: id as NodeId,
    tier: "edge",
    site: site as SiteId,
    domain: "home" as DomainId,
    labels: {},
    power: {
      logical: OPS(lane.logical * lanes),
      parallel: OPS(lane.parallel * lanes),
      neural: OPS(lane.neural * lanes),
    },
    laneRate: lane,
    memoryBytes: (2 * 2 ** 30) as Bytes,
    storage: { capacityBytes: 1e10 as Bytes, throughput: 1e8 as BytesPerSecond, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
  };
}

/** A small logical task: a hundred milliseconds on one lane. */
export function deskNeeds(change: Partial<TaskNeeds["where"]> = {}): TaskNeeds {
  return {
    basic: {
      inputBytes: 0 as Bytes,
      resultBytes: 0 as Bytes,
      dataType: null,
      dataAt: YOU,
      mayLeaveTo: null,
      deadline: null,
      sticky: null,
    },
    compute: { type: "logical", work: 1e8 as Operations, atLeast: OPS(0), lanes: 1, accelerator: null },
    storage: { capacity: 0 as Bytes, throughput: 0 as BytesPerSecond, storageClass: null },
    algorithm: { function: "count", timeComplexity: null, space: 1e6 as Bytes },
    network: {
      delay: null,
      bandwidth: 0 as BitsPerSecond,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [], ...change },
    objective: { kind: "cost" },
    payAtMost: null,
  };
}

/** The same, with so many bytes of working memory, and whatever else is said. */
export function sized(space: number, change: Partial<TaskNeeds> = {}): TaskNeeds {
  const needs = deskNeeds();
  return { ...needs, algorithm: { ...needs.algorithm, space: space as Bytes }, ...change };
}

/** What a node measures of the links between its site and another: 5 ms, 100 Mb/s, both ways. */
export const linksBetween = (site: SiteId, other: SiteId, at: Instant) =>
  [
    { from: site, to: other },
    { from: other, to: site },
  ].map((ends) => ({
    ...ends,
    up: true,
    delay: (5 * MILLISECOND) as Micros,
    jitter: 100 as Micros,
    loss: 0 as Ratio,
    capacity: 1e8 as BitsPerSecond,
    bitErrorRate: null,
    security: "encrypted" as const,
    radio: null,
    at,
  }));

/** A node that nobody else uses, with all its room free. */
export function idleLoad(description: NodeDescription, at: Instant): NodeLoad {
  const none = 0 as Micros;
  return {
    node: description.id,
    othersUse: { logical: OPS(0), parallel: OPS(0), neural: OPS(0) },
    freeMemoryBytes: description.memoryBytes,
    freeStorageBytes: description.storage.capacityBytes,
    queue: { logical: none, parallel: none, neural: none },
    battery: null,
    accepting: true,
    at,
  };
}

/** A manager of the domain `home` that stands at a site and has its gateway there. */
export const homeManager = (
  site: SiteId,
  signer: Signer,
  cryptography: Cryptography,
  newId: ManagerOptions["newId"],
): ManagerOptions => ({
  signer,
  cryptography,
  account: "manager",
  currency: "CNY",
  fee: { commissionPpm: 50_000 },
  site,
  domain: "home" as DomainId,
  gateway: { site, url: "http://127.0.0.1:7070", echo: null },
  dataToken: "data-token",
  newId,
  silence: (3 * SECOND) as Micros,
});
