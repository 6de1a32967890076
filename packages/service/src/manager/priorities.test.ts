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
/** Two of them fill a node of the desk. */
const large = (change: Partial<TaskNeeds> = {}): TaskNeeds => {
  const needs = deskNeeds();
  return { ...needs, algorithm: { ...needs.algorithm, space: 9e8 as Bytes }, ...change };
};

it("[M.P1] a task of higher priority takes the place of the one that has done least, which goes on later", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const old = desk.submitted("old", large());
  pass(5000);
  const young = desk.submitted("young", large());
  pass(1000);
  const equal = desk.submitted("equal", large());
  expect(desk.phase(equal)).toBe("pending");
  const urgent = desk.submitted("urgent", large({ priority: 5 }));
  expect(desk.phase(urgent)).toBe("launched");
  expect([desk.phase(old), desk.phase(young)]).toEqual(["running", "pending"]);
  expect(desk.task(young).runs[0]!.view).toMatchObject({ state: "lost", because: "preempted" });
  expect(desk.task(young).runs[0]!.contract).toMatchObject({ state: "cancelled", charged: null });
  pass(80_000);
  for (const id of [old, young, equal, urgent]) expect(desk.phase(id)).toBe("succeeded");
  expect(desk.store.state().usage).toHaveLength(4);
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("no more give way than must, and none where that would not help", () => {
  desk.join(describeNode("corner", "ningbo"), LONG);
  pass(100);
  const [a, b] = [desk.submitted("a", large()), desk.submitted("b", large())];
  const impossible = desk.submitted(
    "impossible",
    large({ priority: 9, where: { ...large().where, tier: "cloud" } }),
  );
  expect([desk.phase(impossible), desk.phase(a), desk.phase(b)]).toEqual(["pending", "launched", "launched"]);
  const whole = large({ priority: 1 });
  const both = desk.submitted("both", { ...whole, algorithm: { ...whole.algorithm, space: 1.9e9 as Bytes } });
  expect([desk.phase(both), desk.phase(a), desk.phase(b)]).toEqual(["launched", "pending", "pending"]);
});

it("[O4.7] giving way again and again does not end a task", () => {
  desk.join(describeNode("corner", "ningbo"), { ...LONG, lasts: (2 * SECOND) as Micros });
  pass(100);
  const patient = desk.submitted("patient", large());
  for (let i = 0; i < 7; i++) {
    for (const half of ["a", "b"]) desk.submitted(`urgent-${i}${half}`, large({ priority: 1 }));
    expect(desk.phase(patient)).toBe("pending");
    if (i === 3) desk.restartManager();
    pass(2500);
    expect(["launched", "running"]).toContain(desk.phase(patient));
  }
  pass(5000);
  expect(desk.phase(patient)).toBe("succeeded");
});

it("waiting tasks of one consumer go by priority", () => {
  desk.join(describeNode("corner", "ningbo", 1), { ...LONG, lasts: SECOND });
  pass(100);
  const needs = (priority: number): TaskNeeds =>
    large({ priority, algorithm: { ...large().algorithm, space: 1.9e9 as Bytes } });
  const first = desk.submitted("first", needs(9));
  const [low, high] = [desk.submitted("low", needs(1)), desk.submitted("high", needs(8))];
  expect([desk.phase(first), desk.phase(low), desk.phase(high)]).toEqual(["launched", "pending", "pending"]);
  pass(1500);
  expect([desk.phase(first), desk.phase(low)]).toEqual(["succeeded", "pending"]);
  expect(desk.phase(high)).not.toBe("pending");
});
