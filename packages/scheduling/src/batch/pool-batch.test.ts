import type { NodeId } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Decision } from "../placement/decision.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { joinSites, plainNode, plainTask } from "../testing/scenery.ts";
import { Offers } from "./offers.ts";
import { planTogether } from "./pool-batch.ts";

function smallPool(rng: Rng): Pool {
  const pool = new Pool();
  joinSites(pool, "here", "there", 2000, 20e6);
  for (let j = 0; j < 1 + rng.below(3); j++) {
    const lanes = 1 + rng.below(3);
    const node = plainNode(`n${j}`, rng.pick(["here", "there"]), lanes, {
      memoryBytes: rng.pick([1e9, 2e9]),
      accelerators: Array.from({ length: rng.below(3) }, () => ({
        kind: "gpu",
        model: "x",
        memoryBytes: 4e9,
      })),
      watts: rng.chance(0.8) ? { idle: 5, full: 20 } : null,
    });
    pool.addNode(node);
    const rate = rng.pick([1, 5, 20]);
    pool.setPrices(node.id, {
      perGigaOperation: { logical: rate, parallel: 0, neural: 0 },
      perGibSecondMemory: rng.pick([0, 3]),
      perGibSecondStorage: 0,
      perGbIn: 0,
      perGbOut: 0,
      perTask: rng.pick([0, 2]),
    });
    if (rng.chance(0.2)) pool.setInstanceLimit(node.id, "f", 1);
  }
  return pool;
}

function smallTask(rng: Rng, mixed: boolean): TaskNeeds {
  const kind = mixed ? rng.pick(["cost", "time", "energy"]) : "cost";
  return plainTask({
    basic: {
      inputBytes: rng.pick([0, 1e5, 1e6]),
      resultBytes: rng.pick([0, 1e4]),
      mayLeaveTo: rng.chance(0.2) ? [] : null,
      deadline: rng.pick([null, null, 3e6]),
    },
    compute: {
      work: rng.pick([1e8, 1e9, 3e9]),
      atLeast: rng.pick([0, 0, 1e9]),
      lanes: rng.pick([0.5, 1, 2, Number.POSITIVE_INFINITY]),
      accelerator: rng.chance(0.2) ? { kind: "gpu", memoryBytes: 3e9, count: 1 + rng.below(2) } : null,
    },
    algorithm: { space: rng.pick([1e8, 6e8]) },
    network: { bandwidth: rng.pick([0, 0, 12e6]) },
    objective: { kind },
  });
}

const smallBatch = (rng: Rng, mixed: boolean, most = 5): TaskNeeds[] =>
  Array.from({ length: rng.below(most + 1) }, () => smallTask(rng, mixed));

const claimsOf = (decisions: readonly Decision[]) =>
  decisions.flatMap((decision) => (decision.outcome === "placed" ? [decision.claim] : []));

it("what is decided together holds together, and is never worse than one at a time", () => {
  let better = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = smallPool(rng);
      const tasks = smallBatch(rng, rng.chance(0.3), 8);
      const before = pool.version;
      const plan = planTogether(pool, tasks, { moves: 4_000 });
      expect(pool.version).toBe(before);
      const turn = new Scheduler(pool);
      const draft = pool.snapshot();
      const { committed, stale } = pool.commit(claimsOf(plan.decisions));
      expect(stale).toEqual([]);
      expect(committed).toHaveLength(plan.placed);
      for (let n = 0; n < pool.nodes.bound; n++) {
        expect(pool.nodes.free[0][n]).toBeGreaterThanOrEqual(0);
        expect(pool.nodes.freeMemory[n]).toBeGreaterThanOrEqual(0);
      }
      for (let l = 0; l < pool.links.bound; l++) expect(pool.links.residual[l]).toBeGreaterThanOrEqual(0);
      // One at a time, by itself.
      const single = new Scheduler(draft);
      let placed = 0;
      let score = 0;
      for (const task of tasks) {
        const decision = single.place(task);
        if (decision.outcome === "refused") continue;
        draft.reserve(decision.claim);
        placed++;
        score += decision.score;
      }
      expect(plan.alone.placed).toBe(placed);
      expect(plan.placed).toBeGreaterThanOrEqual(placed);
      if (plan.placed === placed && plan.unit !== "relative" && score < Number.POSITIVE_INFINITY) {
        expect(plan.score).toBeLessThanOrEqual(score);
      }
      if (plan.placed > placed || plan.score < plan.alone.score) better++;
      plan.decisions.forEach((decision, t) => {
        if (decision.outcome === "refused") expect(turn.place(tasks[t]!).outcome).toBe("refused");
      });
    }),
    { numRuns: 150 },
  );
  expect(better).toBeGreaterThan(5);
});

/** The best of every order of the tasks and every choice of node: placed and score. */
function bruteForce(pool: Pool, tasks: readonly TaskNeeds[]): { placed: number; score: number } {
  let best = { placed: 0, score: 0 };
  const nodes = Array.from({ length: pool.nodes.bound }, (_, n) => pool.nodes.slots.idOf(n));
  const extend = (draft: Pool, left: readonly TaskNeeds[], placed: number, score: number): void => {
    if (placed > best.placed || (placed === best.placed && score < best.score)) best = { placed, score };
    left.forEach((task, i) => {
      for (const node of nodes) {
        const away: NodeId[] = nodes.filter((other) => other !== node);
        const decision = new Scheduler(draft).place(task, { excludeNodes: away });
        if (decision.outcome === "refused") continue;
        const next = draft.snapshot();
        next.reserve(decision.claim);
        extend(
          next,
          left.filter((_, at) => at !== i),
          placed + 1,
          score + decision.score,
        );
      }
    });
  };
  extend(pool.snapshot(), tasks, 0, 0);
  return best;
}

it("no order and choice of nodes beats the bound, and the plan is near the best of them", () => {
  let best = 0;
  let runs = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = smallPool(rng);
      const tasks = smallBatch(rng, false, 3);
      const plan = planTogether(pool, tasks, { moves: 4_000 });
      const brute = bruteForce(pool, tasks);
      expect(plan.mostPlaced).toBeGreaterThanOrEqual(brute.placed);
      if (plan.bound !== null && brute.placed === tasks.length) {
        expect(plan.bound).toBeLessThanOrEqual(brute.score * (1 + 1e-9) + 1e-9);
        expect(plan.gap).toBeGreaterThanOrEqual(0);
      }
      runs++;
      if (plan.placed >= brute.placed && plan.score <= brute.score * (1 + 1e-9)) best++;
    }),
    // So many that the share, 93 of 100, does not fall below by chance.
    { numRuns: 600 },
  );
  expect(best / runs).toBeGreaterThan(0.9);
});

it("lists the best nodes of a task in the order in which the scheduler would take them", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = smallPool(rng);
      const task = smallTask(rng, false);
      const offers = new Offers(pool).of(task, 10);
      const scheduler = new Scheduler(pool);
      const away: NodeId[] = [];
      for (const { node, levels } of offers) {
        const decision = scheduler.place(task, { excludeNodes: away });
        expect(decision).toMatchObject({ outcome: "placed", score: levels[0]!.score });
        away.push(pool.nodes.slots.idOf(node));
      }
      expect(scheduler.place(task, { excludeNodes: away }).outcome).toBe("refused");
    }),
    { numRuns: 100 },
  );
});

it("makes room that one at a time would not: the small task leaves the only node that holds the large one", () => {
  const pool = new Pool();
  for (const [id, gigabytes, price] of [
    ["large", 2, 1],
    ["small", 1, 2],
  ] as const) {
    const node = plainNode(id, "here", 2, { memoryBytes: gigabytes * 1e9 });
    pool.addNode(node);
    const perGigaOperation = { logical: price, parallel: 0, neural: 0 };
    const none = { perGibSecondMemory: 0, perGibSecondStorage: 0, perGbIn: 0, perGbOut: 0, perTask: 0 };
    pool.setPrices(node.id, { perGigaOperation, ...none });
  }
  const needing = (space: number): TaskNeeds => plainTask({ algorithm: { space } });
  const plan = planTogether(pool, [needing(0.8e9), needing(1.6e9)]);
  expect(plan.alone.placed).toBe(1);
  expect(plan).toMatchObject({ placed: 2, mostPlaced: 2, unit: "cost" });
  expect(plan.decisions.map((d) => (d.outcome === "placed" ? d.node : null))).toEqual(["small", "large"]);
});
