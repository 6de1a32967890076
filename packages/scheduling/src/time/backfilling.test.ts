import { type Instant, Rng } from "@weft/kernel";
import { Pool, type ReservationId } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Offers } from "../batch/offers.ts";
import type { Placed } from "../placement/decision.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { brand, joinSites, plainNode, plainTask } from "../testing/scenery.ts";
import {
  freeAt,
  type KeptPlace,
  keepPlace,
  type Leaving,
  leavesPlace,
  type Occupancy,
} from "./backfilling.ts";

const SITES = ["here", "east", "west"];
const NOW = 1_000 as Instant;

function somePool(rng: Rng): Pool {
  const pool = new Pool();
  for (const site of ["east", "west"]) joinSites(pool, "here", site, 1000, rng.pick([3e6, 6e6]));
  for (let j = 0; j < 1 + rng.below(4); j++) {
    const lanes = 1 + rng.below(4);
    const accelerators = Array.from({ length: rng.below(3) }, () => ({
      kind: "gpu",
      model: "m",
      memoryBytes: 4e9,
    }));
    const change = { memoryBytes: rng.pick([2e9, 4e9]), accelerators };
    pool.addNode(plainNode(`n${j}`, rng.pick(SITES), lanes, change));
  }
  return pool;
}

/** Tasks whose whole computing power is always demanded: what fits is then a matter of what is free alone. */
function someTask(rng: Rng, large = false): TaskNeeds {
  const lanes = large ? rng.pick([1, 2, 4]) : rng.pick([0.25, 0.5, 1]);
  return plainTask({
    compute: {
      ...{ atLeast: lanes * 1e9, lanes },
      accelerator: rng.chance(0.2)
        ? { kind: "gpu", memoryBytes: rng.pick([1e9, 3e9]), count: large ? 2 : 1 }
        : null,
    },
    algorithm: { space: large ? rng.pick([1e9, 2e9, 3.5e9]) : rng.pick([2e8, 9e8]) },
    network: { bandwidth: rng.pick([0, 0, 1e6, large ? 5e6 : 2e6]) },
    objective: { kind: "time" },
  });
}

/** Runs that fill the pool, each with a moment when it is gone. */
function someStanding(pool: Pool, rng: Rng): Leaving[] {
  const standing: Leaving[] = [];
  const scheduler = new Scheduler(pool);
  for (let i = 0; i < 25; i++) {
    const placed = scheduler.place(someTask(rng));
    if (placed.outcome === "refused") continue;
    const held = pool.reserve(placed.claim);
    if (held.ok) standing.push({ reservation: held.value, until: (NOW + 1 + rng.below(100)) as Instant });
  }
  return standing;
}

/** All that stands on a pool, of which so much leaves. */
const occupying = (
  pool: Pool,
  leaving: readonly Leaving[],
  staying: readonly ReservationId[] = [],
): Occupancy => ({
  all: () => leaving,
  on: (node) =>
    leaving.filter(({ reservation }) => {
      const claim = pool.reservation(reservation);
      return claim !== undefined && pool.nodes.slots.idOf(claim.node) === node;
    }),
  staying,
});

const fits = (pool: Pool, needs: TaskNeeds): boolean => new Scheduler(pool).place(needs).outcome === "placed";

it("[B2] a place is kept from the first moment on at which the task would be placed, found by trying every one", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const rng = new Rng(seed);
      const pool = somePool(rng);
      const standing = someStanding(pool, rng);
      const needs = someTask(rng, true);
      const draft = pool.snapshot();
      let first: number | null = fits(draft, needs) ? NOW : null;
      for (const { reservation, until } of [...standing].sort((a, b) => a.until - b.until)) {
        draft.release(reservation);
        if (first === null && fits(draft, needs)) first = until;
      }
      const place = keepPlace(pool, needs, occupying(pool, standing), NOW);
      expect(place?.at ?? null).toBe(first);
      if (place !== null) expect(freeAt(pool, place.claim, occupying(pool, standing), NOW)).toBe(place.at);
    }),
    { numRuns: 300 },
  );
});

/** The place by copies alone: all that leaves is taken from one for the best nodes, and in turn from another. */
function byCopies(
  pool: Pool,
  needs: TaskNeeds,
  leaving: readonly Leaving[],
): { readonly node: string; readonly at: number } | null {
  const emptied = pool.snapshot();
  for (const { reservation } of leaving) emptied.release(reservation);
  const offers = new Offers(emptied).of(needs, 64);
  const claims = offers.map(({ node, levels, leastRate }) => {
    const path = new Scheduler(emptied).route(
      needs,
      needs.basic.dataAt,
      emptied.links.sites.idOf(emptied.nodes.site[node]!),
    );
    const claim = pool.claim(
      brand({
        node: pool.nodes.slots.idOf(node),
        type: needs.compute.type,
        rate: Math.ceil(Math.max(leastRate, levels.at(-1)?.rate ?? 0)),
        memory: needs.algorithm.space,
        ...{ storage: 0, throughput: 0, accelerator: needs.compute.accelerator },
        ...{ service: needs.algorithm.function, path },
        ...{ bandwidthIn: needs.network.bandwidth, bandwidthOut: needs.network.bandwidth },
      }),
    );
    if (!claim.ok) throw new Error(claim.refusal.code);
    return claim.value;
  });
  const draft = pool.snapshot();
  const first = (at: number) => {
    const free = claims.find((claim) => draft.check({ ...claim, basedOn: draft.version }) === null);
    return free === undefined ? null : { node: pool.nodes.slots.idOf(free.node), at };
  };
  let found = first(NOW);
  const moments = [...new Set(leaving.map(({ until }) => until))].sort((a, b) => a - b);
  for (const moment of moments) {
    for (const { reservation, until } of leaving) if (until === moment) draft.release(reservation);
    found ??= first(moment);
  }
  return found;
}

it("[B2] the place is that found on copies of the pool, whatever stays there", () => {
  let kept = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const rng = new Rng(seed);
      const pool = somePool(rng);
      for (const node of ["n0", "n1"]) {
        if (rng.chance(0.3)) pool.setInstanceLimit(brand(node), "f", 1 + rng.below(4));
      }
      const standing = someStanding(pool, rng);
      const leaving = standing.filter(() => rng.chance(0.8));
      const staying = standing.filter((one) => !leaving.includes(one)).map(({ reservation }) => reservation);
      if (rng.chance(0.2)) pool.setAccepting(brand("n0"), false);
      const needs = someTask(rng, true);
      const place = keepPlace(pool, needs, occupying(pool, leaving, staying), NOW);
      const simple = byCopies(pool, needs, leaving);
      expect(place === null ? null : { node: place.claim.node, at: place.at }).toEqual(simple);
      if (place !== null && place.at > NOW) kept++;
    }),
    { numRuns: 400 },
  );
  expect(kept).toBeGreaterThan(100);
});

interface Begun extends Leaving {
  readonly needs: TaskNeeds;
}

/** Others come at random moments and begin wherever they may; tells whether the place was free at its moment. */
function passBy(
  pool: Pool,
  rng: Rng,
  standing: readonly Leaving[],
  place: KeptPlace,
  heeded: boolean,
): boolean {
  const here: Leaving[] = [...standing];
  const begun: Begun[] = [];
  const scheduler = new Scheduler(pool);
  let now = NOW as number;
  const leaveUpTo = (moment: number): void => {
    for (let i = here.length - 1; i >= 0; i--) {
      if (here[i]!.until > moment) continue;
      pool.release(here[i]!.reservation);
      here.splice(i, 1);
    }
  };
  while (now < place.at) {
    leaveUpTo(now);
    const needs = someTask(rng);
    const until = (now + 1 + rng.below(60)) as Instant;
    const placed = scheduler.place(needs) as Placed;
    const may =
      placed.outcome === "placed" && (!heeded || leavesPlace(pool, place, here, placed.claim, until));
    if (may) {
      const held = pool.reserve(placed.claim);
      if (held.ok) {
        here.push({ reservation: held.value, until });
        begun.push({ reservation: held.value, until, needs });
      }
    }
    now += rng.below(4);
  }
  leaveUpTo(place.at);
  const claim = pool.claim(place.claim);
  return claim.ok && pool.check(claim.value) === null;
}

it("[B1] whatever comes by meanwhile, the place is free at its moment; unheeded it often would not be", () => {
  let unheeded = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const make = (): [Pool, Leaving[], KeptPlace | null, Rng] => {
        const rng = new Rng(seed);
        const pool = somePool(rng);
        const standing = someStanding(pool, rng);
        return [pool, standing, keepPlace(pool, someTask(rng, true), occupying(pool, standing), NOW), rng];
      };
      const [pool, standing, place, rng] = make();
      if (place === null || place.at === NOW) return;
      runs++;
      expect(passBy(pool, rng, standing, place, true)).toBe(true);
      const again = make();
      if (!passBy(again[0], again[3], again[1], again[2]!, false)) unheeded++;
    }),
    { numRuns: 300 },
  );
  expect(runs).toBeGreaterThan(50);
  expect(unheeded / runs).toBeGreaterThan(0.5);
});

it("what is gone in time, elsewhere, or fits beside may begin", () => {
  const rng = new Rng(7);
  const pool = somePool(rng);
  const needs: TaskNeeds = { ...someTask(rng), network: { ...someTask(rng).network, bandwidth: brand(0) } };
  const [offer] = new Offers(pool).of({ ...needs, compute: { ...needs.compute, accelerator: null } }, 1);
  expect(offer).toBeDefined();
  const placed = new Scheduler(pool).place({
    ...needs,
    compute: { ...needs.compute, accelerator: null },
  }) as Placed;
  const all = { ...placed.claim, memory: pool.nodes.freeMemory[placed.claim.node]! };
  const place = keepPlace(
    pool,
    { ...needs, compute: { ...needs.compute, accelerator: null } },
    occupying(pool, []),
    NOW,
  )!;
  expect(place.at).toBe(NOW);
  const later = { ...place, at: (NOW + 50) as Instant };
  expect(leavesPlace(pool, later, [], all, (NOW + 50) as Instant)).toBe(true);
  expect(leavesPlace(pool, later, [], all, (NOW + 51) as Instant)).toBe(place.claim.node !== placed.node);
});

it("[B1] what comes by may begin exactly where the place is free beside it once the others have left", () => {
  const seen = { may: 0, mayNot: 0 };
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const rng = new Rng(seed);
      const pool = new Pool();
      for (const site of ["east", "west"]) joinSites(pool, "here", site, 1000, 4e6);
      for (let j = 0; j < 2; j++) {
        const storage = { capacityBytes: 4e9, throughput: 4e8, storageClass: "scratch" };
        const change = { power: { logical: 4e9, parallel: 4e9, neural: 0 }, memoryBytes: 4e9, storage };
        pool.addNode(plainNode(`n${j}`, rng.pick(["east", "west"]), 4, change));
      }
      const some = () => rng.pick([0, 0, 0, 1, 2, 3]);
      const claim = (most: number): KeptPlace["claim"] => {
        const node = rng.pick(["n0", "n0", "n0", "n1"]);
        const site = pool.nodes.descriptions[pool.nodes.slots.find(brand(node))]!.site;
        const of = (unit: number) => Math.min(most, some()) * unit;
        return brand({
          ...{ node, type: rng.pick(["logical", "parallel"]), rate: of(1e9), memory: of(1e9) },
          ...{ storage: of(1e9), throughput: of(1e8), accelerator: null, service: null },
          ...{ path: rng.chance(0.5) ? ["here", site] : [site], bandwidthIn: of(1e6), bandwidthOut: of(1e6) },
        });
      };
      const standing: Leaving[] = [];
      for (let i = 0; i < 4; i++) {
        const made = pool.claim(claim(1));
        const held = made.ok ? pool.reserve(made.value) : made;
        if (held.ok) standing.push({ reservation: held.value, until: (NOW + rng.below(20)) as Instant });
      }
      const place: KeptPlace = { claim: claim(4), at: (NOW + 10) as Instant };
      const freeThen = (others: Pool): boolean => {
        for (const { reservation, until } of standing) if (until <= place.at) others.release(reservation);
        const kept = others.claim(place.claim);
        return kept.ok && others.check(kept.value) === null;
      };
      const passing = pool.claim(claim(4));
      const beside = pool.snapshot();
      if (!passing.ok || !freeThen(pool.snapshot()) || !beside.reserve(passing.value).ok) return;
      const until = (NOW + rng.below(20)) as Instant;
      const may = leavesPlace(pool, place, standing, passing.value, until);
      expect(may).toBe(until <= place.at || freeThen(beside));
      seen[may ? "may" : "mayNot"]++;
    }),
    { numRuns: 1_000 },
  );
  expect(Math.min(seen.may, seen.mayNot)).toBeGreaterThan(20);
});
