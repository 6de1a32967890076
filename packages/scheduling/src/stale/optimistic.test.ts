import type { NodeDescription } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { brand, plainNode, plainTask } from "../testing/scenery.ts";
import { placeOptimistically } from "./optimistic.ts";

const node = (id: string, cores: number): NodeDescription =>
  plainNode(id, "here", cores, { memoryBytes: 8e9 });

const task = (lanes: number): TaskNeeds =>
  plainTask({ compute: { atLeast: lanes * 1e9, lanes }, objective: { kind: "time" } });

it("whatever happened since the view was taken: no overbooking, conflicts retried, and a refusal is a real one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const live = new Pool();
      for (let j = 0; j < 4; j++) live.addNode(node(`n${j}`, 1 + rng.below(4)));
      const view = live.snapshot();
      const others = new Scheduler(live);
      for (let i = 0; i < rng.below(6); i++) {
        const decision = others.place(task(1 + rng.below(2)));
        if (decision.outcome === "placed") live.reserve(decision.claim);
      }
      if (rng.chance(0.3)) live.removeNode(brand("n0"));
      if (rng.chance(0.3)) live.addNode(node("late", 4));
      const tasks = Array.from({ length: rng.below(8) }, () => task(1 + rng.below(3)));
      const before = live.reservations;
      const outcomes = placeOptimistically(live, view, tasks);
      const committed = outcomes.filter((outcome) => outcome.state === "committed");
      expect(live.reservations).toBe(before + committed.length);
      for (let n = 0; n < live.nodes.bound; n++) expect(live.nodes.free[0][n]).toBeGreaterThanOrEqual(0);
      outcomes.forEach((outcome, i) => {
        expect(outcome.state).not.toBe("conflicting");
        if (outcome.state === "refused") expect(new Scheduler(live).place(tasks[i]!).outcome).toBe("refused");
      });
    }),
    { numRuns: 100 },
  );
});

it("says what the conflict was, and leaves a task open when there are no rounds left", () => {
  const live = new Pool();
  live.addNode(node("n0", 2));
  const view = live.snapshot();
  const taken = new Scheduler(live).place(task(2));
  if (taken.outcome === "placed") live.reserve(taken.claim);
  expect(placeOptimistically(live, view, [task(1)], { rounds: 1 })).toEqual([
    { state: "conflicting", conflicts: ["no_computing_power"] },
  ]);
  live.addNode(node("n1", 1));
  const [again] = placeOptimistically(live, view, [task(1)]);
  expect(again).toMatchObject({ state: "committed", conflicts: ["no_computing_power"] });
});

it("on an old view schedulers that hold the same news do not all choose the same node", () => {
  const live = new Pool();
  for (let j = 0; j < 8; j++) live.addNode(node(`n${j}`, 8));
  const view = live.snapshot();
  const chosen = (age: number): Set<string> => {
    const nodes = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const [outcome] = placeOptimistically(live.snapshot(), view, [task(1)], { age: brand(age), seed });
      if (outcome?.state === "committed") nodes.add(outcome.decision.node);
    }
    return nodes;
  };
  expect(chosen(0).size).toBe(1);
  expect(chosen(30_000_000).size).toBeGreaterThan(3);
});
