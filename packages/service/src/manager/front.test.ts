import { MILLISECOND, type Micros, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import type { TaskNeeds } from "@weft/scheduling";
import { beforeEach, expect, it } from "vitest";
import { Desk, describeNode, sized } from "../testing/index.ts";
import { PATIENCE } from "./front.ts";
import { turnOf } from "./shares.ts";

/*
 * A task that needs (nearly) a whole node among a steady flow of small ones of others, in a whole network on a desk under
 * virtual time.
 */

const lasting = (ms: number) => ({ lasts: (ms * MILLISECOND) as Micros, ends: "finished" }) as const;
let desk: Desk;
let flowed: number;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.consumer("bob");
  desk.consumer("eve");
  flowed = 0;
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
/** For so many seconds, four small tasks a second: more than the node can take, whatever it has just done. */
function flow(seconds: number, account = "bob", needs = sized(4e8)): string[] {
  return Array.from({ length: seconds * 4 }, () => {
    const id = desk.submitted(`${account}-flow-${flowed++}`, needs, account);
    pass(250);
    return id;
  });
}
/** The same, until a place is kept for a task. */
function flowUntilKept(task: string, needs = sized(4e8)): void {
  for (let s = 0; s < 60 && kept()?.task !== task; s++) flow(1, "bob", needs);
  expect(kept()?.task).toBe(task);
}
const kept = () => desk.manager.core.front.kept;
const waited = (id: string): number => desk.task(id).runs.at(-1)!.launchedAt - desk.task(id).row.submittedAt;

it("[M.Q1] a task that needs the whole node is not passed over for ever by small ones of others", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(1500));
  pass(100);
  flow(10);
  const large = desk.submitted("large", sized(2e9));
  flow(25);
  // Twice as many small ones as there is room for: not for a moment is the node empty.
  expect(desk.phase(large)).toBe("pending");
  const turn = turnOf(desk.manager.core, large, true, desk.now)!;
  expect(turn.placeFrom).toBe(desk.task(large).row.submittedAt + PATIENCE);
  flow(15);
  expect(desk.phase(large)).toBe("succeeded");
  expect(desk.task(large).runs).toHaveLength(1);
  // What stood there takes 1.5 s; room is looked for once a second at most.
  expect(waited(large)).toBeLessThan(PATIENCE + 3 * SECOND);
  pass(60_000);
  for (const { row } of desk.manager.core.tasks.all) expect(row.progress.phase).toBe("succeeded");
  expect(kept()).toBeNull();
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("[M.Q1] says where and when it is to begin, and keeps to it", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(8000));
  pass(100);
  flow(40);
  const large = desk.submitted("large", sized(2e9));
  flowUntilKept(large);
  const { place, placeFrom, promised } = turnOf(desk.manager.core, large, false, desk.now)!;
  expect(placeFrom).toBeUndefined();
  expect(promised).toBe(0);
  expect(place).toMatchObject({ node: "corner", waitsFor: expect.any(Number) });
  expect(place!.waitsFor).toBeGreaterThan(0);
  expect(place!.expected).toBeLessThanOrEqual(desk.now + 9 * SECOND);
  expect(place!.latest).toBeGreaterThan(place!.promised);
  flow(12);
  expect(desk.task(large).runs[0]!.launchedAt).toBeLessThanOrEqual(place!.promised + SECOND);
});

it("[M.Q2] small ones go before it where they are gone in time, and beside it", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(1000));
  pass(100);
  flow(20); // it is known now how long such tasks take
  pass(3000);
  desk.behave("corner", lasting(60_000));
  const long = desk.submitted("long", sized(1.2e9), "bob");
  pass(200);
  desk.behave("corner", lasting(1000));
  const large = desk.submitted("large", sized(1.6e9));
  flow(29, "bob", sized(1e8));
  flowUntilKept(large, sized(1e8));
  const behind = flow(4, "bob", sized(1e8));
  expect(desk.phase(long)).toBe("running");
  expect(desk.phase(large)).toBe("pending");
  // Four of a tenth of a gigabyte fit beside 1.6 of 2.1.
  expect(behind.filter((id) => desk.phase(id) === "pending")).toEqual([]);
});

it("[M.Q3] what is longer on the place kept than was expected gives way, is not charged and goes on later", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(1000));
  pass(100);
  flow(20);
  pass(3000);
  desk.behave("corner", lasting(45_000));
  const standing = desk.submitted("standing", sized(1.2e9), "eve");
  pass(200);
  desk.behave("corner", lasting(1000));
  const large = desk.submitted("large", sized(2e9));
  flowUntilKept(large, sized(1e8));
  const { at } = kept()!.place;
  pass(3000);
  // A second is what is known of such tasks: it may begin. It takes a minute.
  desk.behave("corner", lasting(60_000));
  const [late] = flow(1, "bob", sized(9e8));
  desk.behave("corner", lasting(1000));
  flow(20, "bob", sized(1e8));
  expect([standing, late!, large].map((id) => desk.phase(id))).toEqual(["succeeded", "running", "pending"]);
  pass((at - desk.now) / MILLISECOND + 100);
  expect([desk.phase(late!), desk.phase(large)]).toEqual(["pending", "running"]);
  expect(desk.task(large).runs[0]!.launchedAt).toBe(at);
  expect(desk.task(late!).runs[0]).toMatchObject({
    view: { state: "lost", because: "preempted" },
    contract: { state: "cancelled", charged: null },
  });
  expect(desk.logs.find((line) => line.startsWith(`${late} gave way`))).toContain(
    "a task of another consumer",
  );
  pass(60_000);
  for (const { row } of desk.manager.core.tasks.all) expect(row.progress.phase).toBe("succeeded");
});

it("[M.Q1] consumers have a place kept by turns, however many large ones one of them has", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(1500));
  pass(100);
  flow(4);
  const many = Array.from({ length: 20 }, (_, i) => desk.submitted(`large-${i}`, sized(2e9 - i)));
  flow(1);
  const one = desk.submitted("one", sized(2e9), "eve");
  flow(45);
  expect(desk.phase(one)).toBe("succeeded");
  expect(waited(one)).toBeLessThan(PATIENCE + 8 * SECOND);
  expect(many.filter((id) => desk.phase(id) === "succeeded").length).toBeLessThan(many.length);
});

it("a place lost with its node is kept on another", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(8000));
  desk.join(describeNode("other", "ningbo", 4), lasting(8000));
  pass(100);
  flow(8);
  const large = desk.submitted("large", sized(2e9));
  flowUntilKept(large);
  const { node } = kept()!.place.claim;
  desk.kill(node);
  flow(6);
  expect(kept()?.place.claim.node ?? desk.task(large).runs.at(-1)?.view.node).not.toBe(node);
});

it("a task that is given up gives its place back", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(8000));
  pass(100);
  flow(8);
  const large = desk.submitted("large", sized(2e9));
  flowUntilKept(large);
  const ann = { account: "ann", role: "consumer" } as const;
  desk.command({ kind: "cancel", caller: ann, task: large });
  pass(100);
  expect(kept()).toBeNull();
});

it("whoever waits for money or for what nobody has is kept no place, and keeps none from others", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(1500));
  pass(100);
  const nowhere = desk.submitted("nowhere", sized(3e9));
  const strange = desk.submitted("strange", { ...sized(2e9), where: { ...sized(1).where, tier: "cloud" } });
  flow(40);
  expect(kept()).toBeNull();
  const large = desk.submitted("large", sized(2e9), "eve");
  flow(36);
  expect([nowhere, strange, large].map((id) => desk.phase(id))).toEqual(["pending", "pending", "succeeded"]);
});

it("after a restart whoever waited long is kept a place again", () => {
  desk.join(describeNode("corner", "ningbo", 8), lasting(8000));
  pass(100);
  flow(4);
  const large = desk.submitted("large", sized(2e9));
  flowUntilKept(large);
  desk.restartManager();
  flow(20);
  expect(["running", "succeeded"]).toContain(desk.phase(large));
});

it("a place that is long overdue is left for another that is expected sooner", () => {
  const { where } = sized(1);
  const on = (label: string): Partial<TaskNeeds> => ({ where: { ...where, labels: { label } } });
  const labelled = (label: string) => ({ ...describeNode(label, "ningbo", 8), labels: { label } });
  desk.join(labelled("busy"), lasting(1000));
  desk.join(labelled("slow"), lasting(1000));
  pass(100);
  const many = sized(4e8, on("busy"));
  flow(20, "bob", many); // a second is what is known of such tasks
  pass(3000);
  desk.behave("busy", lasting(35_000));
  desk.submitted("old", sized(1.2e9, on("busy")), "eve");
  desk.behave("slow", lasting(29_500));
  desk.submitted("first", sized(4e8, on("slow")), "eve");
  pass(100);
  desk.behave("busy", lasting(1000));
  const large = desk.submitted("large", sized(2e9));
  flow(28, "bob", many);
  desk.behave("slow", lasting(200_000));
  desk.submitted("young", sized(4e8, on("slow")), "eve");
  flowUntilKept(large, many);
  // The old one has taken long and seems to take as long again; the young one is done any moment.
  expect(kept()!.place.claim.node).toBe("slow");
  for (let s = 0; s < 20 && desk.phase(large) === "pending"; s++) flow(1, "bob", many);
  expect(desk.task(large).runs.map(({ view }) => view.node)).toEqual(["busy"]);
  expect(waited(large)).toBeLessThan(PATIENCE + 15 * SECOND);
});
