import type { NodeId } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { brand, joinSites, plainNode, plainTask } from "../testing/scenery.ts";
import { type ApplicationNeeds, planApplication, type StepNeeds } from "./pool-application.ts";

function addNode(pool: Pool, id: string, site: string, lanes: number, price: number, bytes = 2e9): void {
  const node = plainNode(id, site, lanes, { memoryBytes: bytes });
  pool.addNode(node);
  const perGigaOperation = { logical: price, parallel: 0, neural: 0 };
  const none = { perGibSecondMemory: 0, perGibSecondStorage: 0, perGbOut: 0, perTask: 0 };
  pool.setPrices(node.id, { perGigaOperation, ...none, perGbIn: 1000 });
}

const join = (pool: Pool, a: string, b: string, capacity = 10e6): void =>
  joinSites(pool, a, b, 5000, capacity);

const needs = (work = 1e9, space = 1e8, inputBytes = 0): TaskNeeds =>
  plainTask({
    basic: { inputBytes, resultBytes: 1e4, dataAt: "home" },
    compute: { work },
    algorithm: { space },
  });

const app = (steps: readonly StepNeeds[], change: Partial<ApplicationNeeds> = {}): ApplicationNeeds => ({
  at: brand("home"),
  steps,
  objective: "cost",
  deadline: null,
  gang: false,
  ...change,
});

function planned(pool: Pool, application: ApplicationNeeds) {
  const plan = planApplication(pool, application);
  if (!plan.ok) throw new Error(`${plan.refusal.code}: ${plan.refusal.message}`);
  return plan.value;
}

it("keeps a step with its data: what is cheap alone is late with a gigabyte to move", () => {
  const pool = new Pool();
  addNode(pool, "a", "east", 4, 2);
  addNode(pool, "b", "west", 4, 1);
  const hurry = { objective: "time" } as const;
  for (const site of ["east", "west"]) join(pool, "home", site, 1e9);
  // The first step runs in the east only; the second is cheaper in the west by itself.
  const first: StepNeeds = {
    needs: { ...needs(), where: { ...needs().where, avoid: [brand<NodeId>("b")] } },
    from: [],
  };
  const light = planned(pool, app([first, { needs: needs(), from: [{ step: 0, bytes: 1000 }] }]));
  expect(light.steps.map((step) => step?.node)).toEqual(["a", "b"]);
  const heavy = planned(pool, app([first, { needs: needs(), from: [{ step: 0, bytes: 1e9 }] }], hurry));
  expect(heavy.steps.map((step) => step?.node)).toEqual(["a", "a"]);
  expect(heavy.proven).toBe(true);
  expect(heavy.steps[1]!.start).toBeGreaterThanOrEqual(heavy.steps[0]!.finish);
});

it("runs side by side what may, and ends no earlier than its longest chain", () => {
  const pool = new Pool();
  addNode(pool, "a", "home", 1, 1);
  addNode(pool, "b", "home", 1, 9);
  const both = [
    { needs: needs(), from: [] },
    { needs: needs(), from: [] },
  ];
  const last = {
    needs: needs(),
    from: [
      { step: 0, bytes: 0 },
      { step: 1, bytes: 0 },
    ],
  };
  const fast = planned(pool, app([...both, last], { objective: "time" }));
  expect(new Set([fast.steps[0]!.node, fast.steps[1]!.node]).size).toBe(2);
  expect(fast.makespan).toBe(2_000_000);
  expect(fast.bound).toBeCloseTo(2_000_000, 0);
  const cheap = planned(pool, app([...both, last]));
  expect(new Set(cheap.steps.map((step) => step!.node))).toEqual(new Set(["a"]));
  const soon = planned(pool, app([...both, last], { deadline: brand(2_100_000) }));
  expect(soon.makespan).toBe(2_000_000);
  expect(soon.cost).toBeGreaterThan(cheap.cost);
  expect(planApplication(pool, app([...both, last], { deadline: brand(1_900_000) })).ok).toBe(false);
});

it("takes what has started as it is, and plans the rest from there", () => {
  const pool = new Pool();
  addNode(pool, "a", "east", 4, 1);
  addNode(pool, "b", "west", 4, 1.5);
  for (const site of ["east", "west"]) join(pool, "home", site, 1e9);
  const plan = planned(
    pool,
    app(
      [
        { needs: needs(), from: [], settled: brand("west") },
        { needs: needs(), from: [{ step: 0, bytes: 1e9 }] },
      ],
      { objective: "time" },
    ),
  );
  expect(plan.steps).toEqual([null, expect.objectContaining({ node: "b" })]);
});

it("a gang has all its places at once or none, whatever one at a time would say", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = new Pool();
      for (let j = 0; j < 3; j++)
        addNode(
          pool,
          `n${j}`,
          rng.pick(["home", "east"]),
          1 + rng.below(2),
          1 + rng.below(3),
          rng.pick([1, 2]) * 1e9,
        );
      join(pool, "home", "east");
      const steps = Array.from({ length: 1 + rng.below(5) }, () => ({
        needs: {
          ...needs(1e9, rng.pick([2e8, 6e8, 1.5e9])),
          compute: { ...needs().compute, atLeast: brand<never>(1e9) },
        },
        from: [],
      }));
      const plan = planApplication(pool, app(steps, { gang: true }));
      const before = pool.reservations;
      if (!plan.ok) {
        // At least one by one they do not all fit in the given order.
        const draft = pool.snapshot();
        const one = new Scheduler(draft);
        const all = steps.every((step) => {
          const decision = one.place(step.needs);
          if (decision.outcome === "placed") draft.reserve(decision.claim);
          return decision.outcome === "placed";
        });
        expect(all).toBe(false);
        return;
      }
      const { committed, stale } = pool.commit(
        plan.value.places!.map(({ claim }) => claim),
        { allOrNothing: true },
      );
      expect(stale).toEqual([]);
      expect(committed).toHaveLength(steps.length);
      expect(pool.reservations).toBe(before + steps.length);
    }),
    { numRuns: 80 },
  );
});

it("names the step that fits nowhere, and why", () => {
  const pool = new Pool();
  addNode(pool, "a", "home", 1, 1);
  const plan = planApplication(
    pool,
    app([
      { needs: needs(), from: [] },
      { needs: needs(1e9, 9e9), from: [] },
    ]),
  );
  expect(plan).toMatchObject({ ok: false, refusal: { code: "no_capacity", path: "steps[1]" } });
});
