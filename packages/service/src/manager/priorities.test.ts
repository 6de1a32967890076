import { type Bytes, MILLISECOND, type Micros, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import type { TaskNeeds } from "@weft/scheduling";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, deskNeeds } from "../testing/index.ts";

/*
 * Priorities and preemption, in a whole network on a desk under virtual time.
 */

const LONG = { lasts: (20 * SECOND) as Micros, ends: "finished" } as const;
let desk: Desk;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const taskOf = (id: string) => desk.manager.core.tasks.task(id)!;
const phaseOf = (id: string) => taskOf(id).row.progress.phase;
function submitted(name: string, needs: TaskNeeds): string {
  const answer = desk.submit(name, needs);
  if (!answer.ok) throw new Error(JSON.stringify(answer.refusal));
  return answer.value;
}
/** Two of them fill a node of the desk. */
const large = (change: Partial<TaskNeeds> = {}): TaskNeeds => {
  const needs = deskNeeds();
  return { ...needs, algorithm: { ...needs.algorithm, space: 9e8 as Bytes }, ...change };
};

it("[M.P1] a task of higher priority takes the place of the one that has done least, which goes on later", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const old = submitted("old", large());
  pass(5000);
  const young = submitted("young", large());
  pass(1000);
  const equal = submitted("equal", large());
  expect(phaseOf(equal)).toBe("pending");
  const urgent = submitted("urgent", large({ priority: 5 }));
  expect(phaseOf(urgent)).toBe("launched");
  expect([phaseOf(old), phaseOf(young)]).toEqual(["running", "pending"]);
  expect(taskOf(young).runs[0]!.view).toMatchObject({ state: "lost", because: "preempted" });
  expect(taskOf(young).runs[0]!.contract).toMatchObject({ state: "cancelled", charged: null });
  pass(80_000);
  for (const id of [old, young, equal, urgent]) expect(phaseOf(id)).toBe("succeeded");
  expect(desk.store.state().usage).toHaveLength(4);
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("no more give way than must, and none where that would not help", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const [a, b] = [submitted("a", large()), submitted("b", large())];
  const impossible = submitted(
    "impossible",
    large({ priority: 9, where: { ...large().where, tier: "cloud" } }),
  );
  expect([phaseOf(impossible), phaseOf(a), phaseOf(b)]).toEqual(["pending", "launched", "launched"]);
  const whole = large({ priority: 1 });
  const both = submitted("both", { ...whole, algorithm: { ...whole.algorithm, space: 1.9e9 as Bytes } });
  expect([phaseOf(both), phaseOf(a), phaseOf(b)]).toEqual(["launched", "pending", "pending"]);
});

it("[O4.7] giving way again and again does not end a task", () => {
  desk.join(describeNode("corner", "ningbo"), { ...LONG, lasts: (2 * SECOND) as Micros });
  pass(100);
  const patient = submitted("patient", large());
  for (let i = 0; i < 7; i++) {
    for (const half of ["a", "b"]) submitted(`urgent-${i}${half}`, large({ priority: 1 }));
    expect(phaseOf(patient)).toBe("pending");
    if (i === 3) desk.restartManager();
    pass(2500);
    expect(["launched", "running"]).toContain(phaseOf(patient));
  }
  pass(5000);
  expect(phaseOf(patient)).toBe("succeeded");
});

it("waiting tasks of one consumer go by priority", () => {
  desk.join(describeNode("corner", "ningbo", 1), { ...LONG, lasts: SECOND });
  pass(100);
  const needs = (priority: number): TaskNeeds =>
    large({ priority, algorithm: { ...large().algorithm, space: 1.9e9 as Bytes } });
  const first = submitted("first", needs(9));
  const [low, high] = [submitted("low", needs(1)), submitted("high", needs(8))];
  expect([phaseOf(first), phaseOf(low), phaseOf(high)]).toEqual(["launched", "pending", "pending"]);
  pass(1500);
  expect([phaseOf(first), phaseOf(low)]).toEqual(["succeeded", "pending"]);
  expect(phaseOf(high)).not.toBe("pending");
});
