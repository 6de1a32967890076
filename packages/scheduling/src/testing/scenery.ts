import type { LinkState, NodeDescription } from "@weft/infrastructure";
import type { Pool } from "@weft/pool";
import type { TaskNeeds } from "../task.ts";

/*
 * Nodes, links and tasks for tests, in plain numbers: what a test is not about asks for nothing and rules out nothing.
 */

/** A plain number, list or text where a test wants a branded one. */
export const brand = <T>(value: unknown): T => value as T;

/** An edge node with so many lanes of a thousand million logical operations a second. */
export const plainNode = (
  id: string,
  site: string,
  lanes: number,
  change: { readonly [field in keyof NodeDescription]?: unknown } = {},
): NodeDescription =>
  brand({
    id,
    tier: "edge",
    site,
    domain: "d",
    labels: {},
    power: { logical: lanes * 1e9, parallel: 0, neural: 0 },
    laneRate: { logical: 1e9, parallel: 0, neural: 0 },
    memoryBytes: 2e9,
    storage: { capacityBytes: 1e10, throughput: 1e9, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm"],
    security: "open",
    watts: null,
    gramsPerKwh: null,
    ...change,
  });

/** Joins two sites both ways. */
export function joinSites(pool: Pool, a: string, b: string, delay: number, capacity: number): void {
  for (const ends of [
    { from: a, to: b },
    { from: b, to: a },
  ]) {
    const link = { ...ends, up: true, delay, jitter: 10, loss: 0, capacity, bitErrorRate: 0 };
    pool.setLink(brand<LinkState>({ ...link, security: "open", radio: null, at: 0 }));
  }
}

type Group = "basic" | "compute" | "algorithm" | "network" | "where";
type Changes = { readonly [group in Group]?: { readonly [field in keyof TaskNeeds[group]]?: unknown } };

/** A logical task of a thousand million operations on data at `here`, as cheap as can be. */
export const plainTask = (change: Changes & { readonly objective?: unknown } = {}): TaskNeeds =>
  brand({
    basic: {
      inputBytes: 0,
      resultBytes: 0,
      dataType: null,
      dataAt: "here",
      mayLeaveTo: null,
      deadline: null,
      sticky: null,
      ...change.basic,
    },
    compute: { type: "logical", work: 1e9, atLeast: 0, lanes: 1, accelerator: null, ...change.compute },
    storage: { capacity: 0, throughput: 0, storageClass: null },
    algorithm: { function: "f", timeComplexity: null, space: 0, ...change.algorithm },
    network: {
      delay: null,
      bandwidth: 0,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
      ...change.network,
    },
    where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [], ...change.where },
    objective: change.objective ?? { kind: "cost" },
    payAtMost: null,
  });
