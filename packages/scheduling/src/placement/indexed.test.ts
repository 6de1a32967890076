import {
  COMPUTE_TYPES,
  type LinkState,
  type NodeDescription,
  type NodeId,
  PROGRAM_KINDS,
} from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { FREE_OF_CHARGE, Pool, type ReservationId } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scheduler } from "../scheduler.ts";
import type { Objective, TaskNeeds } from "../task.ts";

const brand = <T>(value: unknown): T => value as T;
const SITES = 8;

/** Many nodes a site, so that rows have several blocks and cells empty and fill. */
function crowdedPool(rng: Rng): Pool {
  const pool = new Pool();
  for (let a = 0; a < SITES; a++) {
    for (const b of [(a + 1) % SITES, (a + 3) % SITES]) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ]) {
        pool.setLink(
          brand<LinkState>({
            from: `s${from}`,
            to: `s${to}`,
            up: rng.chance(0.95),
            delay: 100 + rng.below(5_000),
            jitter: rng.below(200),
            loss: 0.0001,
            capacity: rng.pick([1e8, 1e9, 1e10]),
            bitErrorRate: 1e-9,
            security: "encrypted",
            radio: null,
            at: 0,
          }),
        );
      }
    }
  }
  for (let i = 0; i < 150; i++) addNode(pool, rng, i);
  return pool;
}

function addNode(pool: Pool, rng: Rng, i: number): void {
  const byType = (value: () => number) => Object.fromEntries(COMPUTE_TYPES.map((type) => [type, value()]));
  const lane = rng.pick([5e9, 20e9, 40e9]);
  const id = `n${i}`;
  pool.addNode(
    brand<NodeDescription>({
      id,
      tier: "edge",
      // The last sites have few nodes, the first many.
      site: `s${Math.floor(SITES * rng.float() * rng.float())}`,
      domain: "d",
      labels: {},
      power: byType(() => lane * rng.pick([1, 4, 16])),
      laneRate: byType(() => lane),
      memoryBytes: 2 ** (28 + rng.below(8)),
      storage: { capacityBytes: 1e10, throughput: 1e9, storageClass: "scratch" },
      accelerators: rng.chance(0.2) ? [{ kind: "gpu", model: "g", memoryBytes: 8e9 }] : [],
      runs: PROGRAM_KINDS.filter(() => rng.chance(0.7)),
      security: "encrypted",
      watts: rng.chance(0.9) ? { idle: 10, full: 10 + rng.below(200) } : null,
      gramsPerKwh: rng.chance(0.9) ? rng.pick([0, rng.below(500)]) : null,
    }),
  );
  price(pool, rng, i, rng.pick([0, 1, 5, 10 * rng.float()]));
}

function price(pool: Pool, rng: Rng, i: number, perGiga: number): void {
  pool.setPrices(brand(`n${i}`), {
    perGigaOperation: { logical: perGiga, parallel: perGiga, neural: perGiga },
    perGibSecondMemory: rng.pick([0, perGiga]),
    perGibSecondStorage: 0.01,
    perGbIn: rng.pick([0, 200]),
    perGbOut: rng.pick([0, 200]),
    perTask: rng.pick([0, 1]),
  });
}

const OBJECTIVES: readonly Objective[] = [
  { kind: "cost" },
  { kind: "cost" },
  { kind: "time" },
  { kind: "energy" },
  { kind: "carbon" },
  { kind: "weighted", perSecond: 100, perJoule: 1, perGram: 10 },
  { kind: "weighted", perSecond: 0, perJoule: 1, perGram: 10 },
];

function task(rng: Rng): TaskNeeds {
  const work = rng.pick([0, 1e8, 1e10, 1e11]);
  return brand({
    basic: {
      inputBytes: rng.pick([0, 1e4, 1e7]),
      resultBytes: rng.pick([0, 1e4]),
      dataType: null,
      dataAt: `s${rng.below(SITES)}`,
      mayLeaveTo: rng.chance(0.15) ? Array.from({ length: 3 }, () => `s${rng.below(SITES)}`) : null,
      deadline: rng.chance(0.5) ? 10_000 + (work / 5e9) * 1e6 * rng.float() * 2 : null,
      sticky: null,
    },
    compute: {
      type: rng.pick(COMPUTE_TYPES),
      work,
      atLeast: rng.pick([0, 0, 8e9]),
      lanes: rng.pick([0.5, 1, 2, 8, Number.POSITIVE_INFINITY]),
      accelerator: rng.chance(0.1) ? { kind: "gpu", memoryBytes: 3e9 } : null,
    },
    storage: { capacity: rng.pick([0, 1e9]), throughput: 0, storageClass: null },
    algorithm: {
      function: rng.pick(["f", "g"]),
      timeComplexity: null,
      space: rng.pick([0, 1e8, 2 ** 30, 3e9]),
    },
    network: {
      delay: rng.chance(0.1) ? 5_000 : null,
      bandwidth: rng.pick([0, 0, 1e7]),
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    },
    where: { runs: rng.pick(PROGRAM_KINDS), tier: null, domain: null, labels: {}, avoid: [] },
    objective: rng.pick(OBJECTIVES),
    payAtMost: null,
  });
}

/** Something that happens to the pool between two decisions. */
function disturb(pool: Pool, rng: Rng, standing: ReservationId[]): void {
  const n = rng.below(150);
  const at = rng.below(9);
  if (at === 0) addNode(pool, rng, n);
  // So many at one price, or leaving, that rows of the order overflow and empty.
  else if (at === 4) for (let i = 0; i < 15; i++) price(pool, rng, (n + i * n) % 150, 3);
  else if (at === 5 && rng.chance(0.3))
    for (let i = 0; i < 60; i++) pool.removeNode(brand(`n${rng.below(150)}`));
  else if (at === 1) pool.setAccepting(brand(`n${n}`), rng.chance(0.5));
  else if (at === 2) pool.removeNode(brand(`n${n}`));
  else if (at === 3) pool.setCorrection("f", brand(`n${n}`), rng.pick([0.5, 2]));
  else if (standing.length > 0)
    pool.release(standing.splice(rng.below(standing.length), 1)[0] as ReservationId);
}

describe("the indexed search", () => {
  it("takes the carbon of unknown energy for unknown, even on a grid without any", () => {
    const rng = new Rng(5);
    const pool = crowdedPool(rng);
    const needs: TaskNeeds = { ...task(rng), objective: { kind: "carbon" }, payAtMost: null };
    for (let i = 0; i < 150; i++) {
      const node = pool.nodes.descriptions[i] as NodeDescription;
      pool.addNode({ ...node, watts: i < 100 ? null : node.watts, gramsPerKwh: 0 as never });
    }
    for (const search of ["indexed", "scan"] as const) {
      const decision = new Scheduler(pool, { search }).place(needs);
      expect(decision).toMatchObject({ outcome: "placed", score: 0, carbon: 0 });
      expect(decision.outcome === "placed" && Number(decision.node.slice(1))).toBeGreaterThanOrEqual(100);
    }
  });

  it("decides as the full scan does, whatever comes, goes and fills up", () => {
    let placed = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        const pool = crowdedPool(rng);
        // Where nothing costs anything every node ties, and time decides.
        if (rng.chance(0.2)) for (let i = 0; i < 150; i++) pool.setPrices(brand(`n${i}`), FREE_OF_CHARGE);
        const [indexed, scan] = [new Scheduler(pool), new Scheduler(pool, { search: "scan" })];
        const standing: ReservationId[] = [];
        for (let round = 0; round < 30; round++) {
          const needs = task(rng);
          const sticky = rng.chance(0.2) ? brand<NodeId>(`n${rng.below(150)}`) : null;
          const decision = indexed.place(needs, { sticky });
          expect(decision).toEqual(scan.place(needs, { sticky }));
          disturb(pool, rng, standing);
          if (decision.outcome === "refused") continue;
          placed++;
          const made = pool.reserve(decision.claim);
          if (made.ok) standing.push(made.value);
        }
      }),
      { numRuns: 30 },
    );
    expect(placed).toBeGreaterThan(300);
  });
});
