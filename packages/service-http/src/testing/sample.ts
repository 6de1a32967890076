import type { DomainId, LinkState, NodeId, SiteId, Tier } from "@weft/infrastructure";
import type {
  BitsPerSecond,
  Bytes,
  BytesPerSecond,
  Instant,
  Micros,
  Money,
  OperationsPerSecond,
  Ratio,
} from "@weft/kernel";
import type { LinkView, NodeView, Timeline } from "@weft/service";
import type { DecisionView, PlacementView } from "../views.ts";

/* A small network to test formatting and the wire on: three nodes on three sites. */

export const SAMPLE_NOW = 1_795_000_000_000_000 as Instant;
const gib = (count: number): Bytes => (count * 2 ** 30) as Bytes;
const power = (logical: number, parallel: number, neural: number) => ({
  logical: logical as OperationsPerSecond,
  parallel: parallel as OperationsPerSecond,
  neural: neural as OperationsPerSecond,
});

export function sampleNode(id: string, tier: Tier, site: string, scale: number, known = true): NodeView {
  const full = power(79e9 * scale, 371e9 * scale, 228e9 * scale);
  return {
    description: {
      id: id as NodeId,
      tier,
      site: site as SiteId,
      domain: "home" as DomainId,
      labels: tier === "edge" ? { rack: "a" } : {},
      power: full,
      laneRate: power(39e9, 100e9, 60e9),
      memoryBytes: gib(8 * scale),
      storage: { capacityBytes: gib(64 * scale), throughput: 2e8 as BytesPerSecond, storageClass: "scratch" },
      accelerators: [],
      runs: ["wasm", "model"],
      security: "encrypted",
      watts: null,
      gramsPerKwh: null,
    },
    provider: `provider-${id}`,
    load: known
      ? {
          node: id as NodeId,
          othersUse: power(0, 0, 0),
          freeMemoryBytes: gib(6 * scale),
          freeStorageBytes: gib(32 * scale),
          queue: { logical: 0 as Micros, parallel: 0 as Micros, neural: 0 as Micros },
          battery: tier === "end" ? (0.8 as Ratio) : null,
          accepting: true,
          at: SAMPLE_NOW,
        }
      : null,
    health: known ? "up" : "suspect",
    age: 1_200_000 as Micros,
    reserved: { power: power(0, 0, 0), memoryBytes: gib(scale), storageBytes: 0 as Bytes },
    runningTasks: known ? 1 : 0,
    earned: 12_345n as Money,
  };
}

export function sampleLink(from: string, to: string, delayUs: number | null): LinkView {
  const state: LinkState = {
    from: from as SiteId,
    to: to as SiteId,
    up: delayUs !== null,
    delay: delayUs as Micros | null,
    jitter: delayUs === null ? null : (300 as Micros),
    loss: delayUs === null ? null : (0.001 as Ratio),
    capacity: delayUs === null ? null : (310e6 as BitsPerSecond),
    bitErrorRate: null,
    security: "encrypted",
    radio: null,
    at: SAMPLE_NOW,
  };
  return { state, age: 800_000 as Micros, reservedBps: 0 };
}

export const sampleTimeline = (totalUs: number): Timeline => ({
  staging: 0 as Micros,
  transferIn: (totalUs * 0.4) as Micros,
  queue: 0 as Micros,
  compute: (totalUs * 0.5) as Micros,
  transferOut: (totalUs * 0.1) as Micros,
  total: totalUs as Micros,
});

const samplePlacement = (
  node: string,
  path: readonly string[],
  totalUs: number,
  price: bigint,
): PlacementView => ({
  node: node as NodeId,
  site: path.at(-1) as SiteId,
  path: path as SiteId[],
  predicted: sampleTimeline(totalUs),
  price: price as Money,
  priceAtMost: 1000n as Money,
  kept: false,
  energy: null,
  carbon: null,
});

export const SAMPLE_DECISION: DecisionView = {
  at: SAMPLE_NOW,
  placement: samplePlacement("corner", ["you", "ningbo"], 141_000, 410n),
  refusal: null,
  explanation: {
    nodesConsidered: 3,
    pathsConsidered: 5,
    fitting: 1,
    ruledOut: [
      {
        constraint: "deadline",
        asked: "250 ms",
        nodes: 2,
        paths: 0,
        examples: [
          { name: "sunny", offers: "312 ms" },
          { name: "pocket", offers: "841 ms" },
        ],
      },
    ],
    runnersUp: [],
    nearestMiss: {
      node: "sunny" as NodeId,
      misses: [
        {
          constraint: "deadline",
          asked: 250_000,
          offered: 312_000,
          fixes: ["deadline 312 ms", "input 0.9 MB"],
        },
      ],
    },
  },
};
