import type { NodeId, SiteId } from "@weft/infrastructure";
import { type Bytes, Rng } from "@weft/kernel";
import { type ClaimByName, Pool, type ReservationId } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { brand, joinSites, plainNode, plainTask } from "../testing/scenery.ts";
import { brokenPromises, keepPromises, type Standing } from "./keep-promises.ts";

const SITES = ["here", "east", "west", "far"];

/** All pairs of sites joined, each hop with figures of its own. */
function rewire(pool: Pool, rng: Rng, worse: boolean): void {
  for (const [i, a] of SITES.entries()) {
    for (const b of SITES.slice(i + 1)) {
      const slow = worse && rng.chance(0.5);
      joinSites(pool, a, b, slow ? 30_000 : rng.pick([2_000, 6_000]), slow ? 4e6 : rng.pick([10e6, 20e6]));
    }
  }
}

function somePool(rng: Rng): Pool {
  const pool = new Pool();
  rewire(pool, rng, false);
  for (let j = 0; j < 2 + rng.below(4); j++) {
    const lanes = 1 + rng.below(2);
    pool.addNode(plainNode(`n${j}`, rng.pick(SITES.slice(1)), lanes, { memoryBytes: 4e9 }));
  }
  return pool;
}

const someTask = (rng: Rng): TaskNeeds =>
  plainTask({
    basic: {
      ...{ inputBytes: rng.pick([0, 1e5]), resultBytes: rng.pick([0, 1e5]) },
      deadline: rng.pick([null, 3e6]),
    },
    algorithm: { space: 1e8 },
    network: { delay: rng.pick([null, 15_000]), bandwidth: rng.pick([0, 3e6]) },
    objective: { kind: "time" },
  });

/** Tasks placed one at a time on a pool, as a manager would have them. */
function standingOn(pool: Pool, rng: Rng, count: number): Standing[] {
  const scheduler = new Scheduler(pool);
  return Array.from({ length: count }, () => someTask(rng)).flatMap((needs): Standing[] => {
    const placed = scheduler.place(needs);
    if (placed.outcome === "refused") return [];
    const reserved = pool.reserve(placed.claim);
    if (!reserved.ok) return [];
    const { claim } = placed;
    const named: ClaimByName = brand({
      ...{ node: placed.node, type: "logical", rate: placed.rate, memory: claim.memory, storage: 0 },
      ...{ throughput: 0, accelerator: null, service: claim.service, path: placed.path },
      ...{ bandwidthIn: claim.bandwidthIn, bandwidthOut: claim.bandwidthOut },
    });
    const left = brand<Standing["left"]>({
      input: needs.basic.inputBytes,
      compute: placed.timeline.compute,
      result: needs.basic.resultBytes,
    });
    return [{ needs, claim: named, reservation: reserved.value, left, mayMove: rng.chance(0.7) }];
  });
}

it("what stands and has not changed is not broken, and is left as it is", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = somePool(rng);
      const standing = standingOn(pool, rng, 6);
      expect(brokenPromises(pool, standing)).toEqual(standing.map(() => null));
      const version = pool.version;
      expect(keepPromises(pool, standing).upkeep.every(({ kind }) => kind === "stands")).toBe(true);
      expect(pool.version).toBe(version);
    }),
    { numRuns: 150 },
  );
});

/** Every choice of what becomes of each broken task, in every order: most promises kept, then fewest moves. */
function bruteForce(pool: Pool, standing: readonly Standing[]): { kept: number; moves: number } {
  const verdicts = brokenPromises(pool, standing);
  const draft = pool.snapshot();
  const upset = standing.filter((_, t) => verdicts[t] !== null);
  for (const { reservation } of upset) draft.release(reservation as ReservationId);
  let best = { kept: -1, moves: 0 };
  const nodes = Array.from({ length: pool.nodes.bound }, (_, n) => pool.nodes.slots.idOf(n));
  const go = (now: Pool, rest: readonly Standing[], kept: number, moves: number): void => {
    if (rest.length === 0) {
      if (kept > best.kept || (kept === best.kept && moves < best.moves)) best = { kept, moves };
      return;
    }
    rest.forEach((one, i) => {
      const others = rest.filter((_, at) => at !== i);
      go(now, others, kept, moves);
      const scheduler = new Scheduler(now);
      const basic = { ...one.needs.basic, inputBytes: one.left.input ?? brand<Bytes>(0) };
      const path = scheduler.route({ ...one.needs, basic }, brand<SiteId>("here"), one.claim.path.at(-1)!);
      const led = path === null ? null : { ...one, claim: { ...one.claim, path }, reservation: null };
      const claim = led === null ? null : now.claim(led.claim);
      if (led !== null && claim?.ok && brokenPromises(now, [led])[0] === null) {
        const next = now.snapshot();
        if (next.reserve(claim.value).ok) go(next, others, kept + 1, moves);
      }
      if (!one.mayMove) return;
      for (const node of nodes) {
        if (node === one.claim.node) continue;
        const excludeNodes: NodeId[] = nodes.filter((other) => other !== node);
        const placed = scheduler.place(one.needs, { excludeNodes });
        if (placed.outcome === "refused") continue;
        const next = now.snapshot();
        next.reserve(placed.claim);
        go(next, others, kept + 1, moves + 1);
      }
    });
  };
  go(draft, upset, 0, 0);
  return best;
}

it("restores as many promises as any choice of ways and nodes could, nearly always with the fewest moves", () => {
  let cases = 0;
  let best = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = somePool(rng);
      const standing = standingOn(pool, rng, 4);
      rewire(pool, rng, true);
      const verdicts = brokenPromises(pool, standing);
      const upset = verdicts.filter((broken) => broken !== null).length;
      if (upset === 0 || upset > 3) return;
      const { upkeep } = keepPromises(pool, standing);
      // The answer holds as a whole on the pool as it is.
      const after = pool.snapshot();
      for (const [t, { kind }] of upkeep.entries()) {
        expect(kind === "stands").toBe(verdicts[t] === null);
        if (kind === "reroute" || kind === "move") after.release(standing[t]!.reservation!);
      }
      for (const [t, deed] of upkeep.entries()) {
        if (deed.kind === "move") {
          expect(standing[t]!.mayMove).toBe(true);
          expect(deed.to.node).not.toBe(standing[t]!.claim.node);
          expect(deed.to.timeline.total).toBeLessThanOrEqual(standing[t]!.needs.basic.deadline ?? 1e18);
        }
        if (deed.kind === "reroute") {
          const led = { ...standing[t]!, claim: { ...standing[t]!.claim, path: deed.path } };
          expect(brokenPromises(after, [{ ...led, reservation: null }])).toEqual([null]);
        }
      }
      const kept = upkeep.filter(({ kind }) => kind === "reroute" || kind === "move").length;
      const moves = upkeep.filter(({ kind }) => kind === "move").length;
      const brute = bruteForce(pool, standing);
      expect(kept).toBeLessThanOrEqual(brute.kept);
      cases++;
      if (kept === brute.kept && moves <= brute.moves) best++;
    }),
    // Found by chance: one was led over bandwidth that another, which had to stay, held.
    { numRuns: 200, examples: [[-1653999657]] },
  );
  expect(cases).toBeGreaterThan(30);
  // Ways are shared, and taken one task after the other: now and then one loses a way to another.
  expect(best / cases).toBeGreaterThan(0.9);
});

it("names the first promise that a path breaks, by the worse direction of every hop; what is unknown breaks none", () => {
  const pool = new Pool();
  const fine = { up: true, delay: 1_000, jitter: 10, loss: 0.001, bitErrorRate: 1e-9, capacity: 8e6 };
  const wire = (change: object, back: object = change): void => {
    for (const [from, to] of [
      ["here", "mid"],
      ["mid", "east"],
    ]) {
      const hop = { ...fine, security: "open", radio: null, at: 0 };
      pool.setLink(brand({ ...hop, from, to, ...change }));
      pool.setLink(brand({ ...hop, from: to, to: from, ...back }));
    }
  };
  wire({});
  pool.addNode(plainNode("n", "east", 1));
  const brokenOf = (network: object, basic: object = {}, left: object = {}) => {
    const needs = plainTask({ network, basic });
    const path = ["here", "mid", "east"];
    const nothing = { rate: 0, memory: 0, storage: 0, throughput: 0, bandwidthIn: 0, bandwidthOut: 0 };
    const claim = { node: "n", type: "logical", path, accelerator: null, service: null, ...nothing };
    const standing = { needs, claim, reservation: null, mayMove: false };
    return brokenPromises(pool, [
      brand({ ...standing, left: { input: null, compute: 0, result: 0, ...left } }),
    ])[0];
  };
  const limits = { delay: 2_000, jitter: 20, loss: 0.001_999, bitErrorRate: 2e-9, bandwidth: 8e6 };
  const worse = { delay: 1_500, jitter: 15, loss: 0.002, bitErrorRate: 2e-9, capacity: 4e6 };
  const found = { delay: 3_000, jitter: 30, loss: 0.003_996, bitErrorRate: 4e-9, bandwidth: 4e6 };
  expect(brokenOf(limits)).toBeNull();
  for (const name of ["delay", "jitter", "loss", "bitErrorRate", "bandwidth"] as const) {
    const figure = name === "bandwidth" ? "capacity" : name;
    const change = { [figure]: worse[figure] };
    for (const [there, back] of [
      [change, change],
      [change, {}],
      [{}, change],
    ]) {
      wire(there as object, back);
      const broken = brokenOf(limits);
      expect(broken).toMatchObject({ constraint: name, limit: limits[name] });
      expect(broken!.found / found[name]).toBeCloseTo(1, 6);
    }
    wire({ [figure]: null }, {});
    expect(brokenOf(limits), name).toBeNull();
  }
  wire({});
  // 2 ms there, 1 MB at 8 Mbit/s, 10 ms of computing, 2 ms back, 2 MB back.
  const left = { input: 1e6, compute: 10_000, result: 2e6 };
  expect(brokenOf({}, { deadline: 3_014_000 }, left)).toBeNull();
  expect(brokenOf({}, { deadline: 3_013_000 }, left)).toMatchObject({
    constraint: "deadline",
    found: 3_014_000,
  });
  expect(brokenOf({}, { deadline: 2_012_000 }, { ...left, input: null })).toBeNull();
  wire({ up: false });
  expect(brokenOf({ delay: 1 })).toBeNull();
});
