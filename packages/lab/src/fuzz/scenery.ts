import type { DomainId, NodeDescription, NodeId, SiteId } from "@weft/infrastructure";
import type {
  BitsPerSecond,
  Bytes,
  BytesPerSecond,
  Instant,
  Micros,
  Operations,
  OperationsPerSecond,
  Ratio,
} from "@weft/kernel";
import { money } from "@weft/kernel";
import type { PriceList } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";

/*
 * What the fuzzed network looks like: a manager's site and nodes of two lanes around it.
 */

export const MANAGER_SITE = "hub" as SiteId;
export const START = 1_800_000_000_000_000 as Instant;

const rate = (value: number): OperationsPerSecond => value as OperationsPerSecond;

export const PRICES: PriceList = {
  petaOperation: { logical: money(40_000_000n), parallel: money(20_000_000n), neural: money(30_000_000n) },
  memoryGibHour: money(30_000n),
  storageGibHour: money(500n),
  transferGb: money(400_000n),
  bandwidthGbpsHour: money(2_000_000n),
  perTask: money(5n),
};

export function nodeOf(name: string, lanes: number): NodeDescription {
  const lane = { logical: rate(1e9), parallel: rate(2e9), neural: rate(2e9) };
  return {
    id: name as NodeId,
    tier: "edge",
    site: `site-${name}` as SiteId,
    domain: "home" as DomainId,
    labels: {},
    power: {
      logical: rate(lane.logical * lanes),
      parallel: rate(lane.parallel * lanes),
      neural: rate(lane.neural * lanes),
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

export function needsOf(work: number): TaskNeeds {
  return {
    basic: {
      inputBytes: 0 as Bytes,
      resultBytes: 0 as Bytes,
      dataType: null,
      dataAt: MANAGER_SITE,
      mayLeaveTo: null,
      deadline: null,
      sticky: null,
    },
    compute: { type: "logical", work: work as Operations, atLeast: rate(0), lanes: 1, accelerator: null },
    storage: { capacity: 0 as Bytes, throughput: 0 as BytesPerSecond, storageClass: null },
    algorithm: { function: "count", timeComplexity: null, space: 2e8 as Bytes },
    network: {
      delay: null,
      bandwidth: 0 as BitsPerSecond,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [] },
    objective: { kind: "cost" },
    payAtMost: null,
  };
}

/** What a node measures of the links between its site and the manager's. */
export function linksOf(site: SiteId, at: Instant) {
  const ends = [
    { from: site, to: MANAGER_SITE },
    { from: MANAGER_SITE, to: site },
  ];
  return ends.map((one) => ({
    ...one,
    up: true,
    delay: 5000 as Micros,
    jitter: 100 as Micros,
    loss: 0 as Ratio,
    capacity: 1e8 as BitsPerSecond,
    bitErrorRate: null,
    security: "encrypted" as const,
    radio: null,
    at,
  }));
}
