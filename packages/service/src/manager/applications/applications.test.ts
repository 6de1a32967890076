import type { NodeId } from "@weft/infrastructure";
import { type Bytes, MILLISECOND, type Micros, type Money, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { beforeEach, expect, it } from "vitest";
import type { ApplicationSubmission } from "../../resources.ts";
import { Desk, describeNode, deskNeeds } from "../../testing/index.ts";
import { Applications } from "./register.ts";
import { applicationView } from "./view.ts";

/*
 * Applications in a whole network on a desk: planned, run step after step, lost nodes, restarts, gangs.
 */

const QUICK = { lasts: (100 * MILLISECOND) as Micros, ends: "finished", gives: 500 as Bytes } as const;
const SLOW = { ...QUICK, lasts: (20 * SECOND) as Micros };
let desk: Desk;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const ANN = { account: "ann", role: "consumer" } as const;
function submit(submission: ApplicationSubmission): string {
  const answer = desk.command({ kind: "submit-application", caller: ANN, submission });
  if (!answer.ok) throw new Error(JSON.stringify(answer.refusal));
  return answer.value;
}
const view = (id: string) => {
  const { core } = desk.manager;
  return applicationView(core, core.applications.entry(id)!);
};
const taskOf = (id: string | null) => desk.manager.core.tasks.task(id ?? "")!;
const needs = deskNeeds();
const DIAMOND = [
  { name: "split", needs },
  { name: "left", needs, from: ["split"] },
  { name: "right", needs, from: ["split"] },
  { name: "join", needs, from: ["left", "right"] },
];

function expectSound(charged: Money): void {
  const { books, pool } = desk.manager.core;
  for (const total of books.totals().values()) expect(total).toBe(0n);
  expect(books.balance("ann")!.held).toBe(0n);
  expect(10_000_000n - books.balance("ann")!.posted).toBe(charged);
  expect(pool.reservations).toBe(0);
}

it("[M.A1] runs each step once its inputs are there, under its own contract, and tells how it goes", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK, true);
  desk.join(describeNode("backup", "shanghai"), QUICK);
  pass(100);
  const id = submit(desk.application("diamond", DIAMOND));
  expect(view(id)).toMatchObject({ phase: "running", plan: { proven: expect.any(Boolean) } });
  expect(view(id).steps.map(({ phase }) => phase)).toEqual(["launched", "waiting", "waiting", "waiting"]);
  pass(2000);
  const done = view(id);
  expect(done).toMatchObject({ phase: "succeeded", reason: null });
  expect(done.steps.map(({ phase }) => phase)).toEqual(Array(4).fill("succeeded"));
  const contracts = done.steps.map(({ task }) => taskOf(task).runs[0]!.contract);
  expect(new Set(contracts.map(({ contract }) => contract.terms.order.order.id)).size).toBe(4);
  for (const contract of contracts) expect(contract.state).toBe("settled");
  // The joining step got what both gave, from where it lay.
  const join = taskOf(done.steps[3]!.task);
  expect(join.row.submission.step!.parts.map(({ digest }) => digest)).toEqual(
    [1, 2].map((s) => done.steps[s]!.result!.digest),
  );
  expect(done.charged).toBeGreaterThan(0n);
  expectSound(done.charged);
});

it("results stay at the gateway of the site that made them, and the last goes home", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK, true);
  pass(100);
  const id = submit(desk.application("chain", [DIAMOND[0]!, { name: "join", needs, from: ["split"] }]));
  pass(1000);
  const { steps } = view(id);
  expect(steps.map(({ result }) => result?.at)).toEqual(["ningbo", "you"]);
  const second = taskOf(steps[1]!.task);
  expect(second.row.submission.needs.basic).toMatchObject({ dataAt: "ningbo", inputBytes: 500 });
});

it("a step whose node dies is placed elsewhere, and the rest goes on from there", () => {
  desk.join(describeNode("corner", "ningbo"), SLOW);
  pass(100);
  const id = submit(desk.application("diamond", DIAMOND));
  pass(1000);
  desk.join(describeNode("backup", "shanghai"), QUICK);
  desk.kill("corner");
  pass(10_000);
  const done = view(id);
  expect(done.phase).toBe("succeeded");
  expect(taskOf(done.steps[0]!.task).runs.map((run) => run.view.node)).toEqual(["corner", "backup"]);
  expect(new Set(done.steps.map(({ node }) => node))).toEqual(new Set(["backup"]));
  expect(desk.store.state().usage).toHaveLength(4);
  expectSound(done.charged);
});

it("[M.A2] survives the manager at any moment", () => {
  for (let moment = 1; moment < 12; moment += 2) {
    desk = new Desk(nodeCryptography, createSigner);
    desk.join(describeNode("corner", "ningbo"), QUICK, true);
    pass(100);
    const id = submit(desk.application("diamond", DIAMOND));
    pass(moment * 37);
    desk.restartManager();
    pass(4000);
    const done = view(id);
    expect([moment, done.phase]).toEqual([moment, "succeeded"]);
    expect(desk.store.state().usage).toHaveLength(4);
    expectSound(done.charged);
  }
});

it("[M.A2] reads what was kept when all steps were in one document", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK, true);
  pass(100);
  const id = submit(desk.application("diamond", DIAMOND));
  pass(250);
  const state = desk.store.state();
  const steps = state.documents.filter(({ collection }) => collection === "application-steps");
  expect(steps.length).toBeGreaterThan(0);
  const documents = state.documents
    .filter((row) => !steps.includes(row))
    .map((row) => ({
      ...row,
      body: { ...(row.body as object), steps: desk.manager.core.applications.entry(id)!.kept.steps },
    }));
  const now = desk.manager.core.applications.entry(id)!.kept;
  for (const kept of [state, { ...state, documents }]) {
    expect(new Applications(kept).entry(id)!.kept).toEqual(now);
  }
});

it("[M.A5] a step that fails ends the application, and its other steps are stopped", () => {
  desk.join(describeNode("corner", "ningbo"), { ...QUICK, ends: "memory_exceeded" });
  pass(100);
  const id = submit(desk.application("diamond", DIAMOND));
  pass(1000);
  expect(view(id)).toMatchObject({ phase: "failed", reason: { code: "memory_exceeded" }, charged: 0n });
  expect(view(id).steps.map(({ task }) => task === null)).toEqual([false, true, true, true]);
  expectSound(0n as Money);
});

it("delete stops all its steps at once", () => {
  desk.join(describeNode("corner", "ningbo", 4), SLOW);
  pass(100);
  const id = submit(desk.application("two", [DIAMOND[0]!, { name: "other", needs }, DIAMOND[1]!]));
  pass(500);
  const other = { account: "bob", role: "consumer" } as const;
  const refused = desk.command({ kind: "cancel-application", caller: other, application: id });
  expect(refused).toMatchObject({ ok: false, refusal: { code: "E_NOT_FOUND" } });
  desk.command({ kind: "cancel-application", caller: ANN, application: "two" });
  pass(500);
  expect(view(id).phase).toBe("cancelled");
  expect(view(id).steps.map(({ phase }) => phase)).toEqual(["cancelled", "cancelled", "waiting"]);
  expectSound(0n as Money);
});

it("the same orders again are the same application; a name means the asker's newest", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const given = desk.application("diamond", DIAMOND);
  const id = submit(given);
  expect(submit(given)).toBe(id);
  const changed = { ...given, manifest: '{"name":"other"}' };
  expect(desk.command({ kind: "submit-application", caller: ANN, submission: changed })).toMatchObject({
    ok: false,
    refusal: { code: "E_ORDER_REUSED" },
  });
  expect(desk.manager.core.applications.find("diamond", "ann")?.kept.id).toBe(id);
  expect(desk.manager.core.applications.find(id, "bob")).toBeUndefined();
});

it("waits for a plan until its orders end, and says why", () => {
  const id = submit(desk.application("diamond", DIAMOND));
  expect(view(id)).toMatchObject({ phase: "pending", reason: { code: "no_suitable_node" } });
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(2000);
  expect(view(id).phase).toBe("succeeded");
  const late = submit(desk.application("late", [{ name: "never", needs: deskNeeds({ tier: "cloud" }) }]));
  pass(3_700_000);
  expect(view(late)).toMatchObject({ phase: "failed", reason: { code: "no_suitable_node" } });
});

it("[M.A4] a gang starts whole or not at all", () => {
  desk.join(describeNode("corner", "ningbo", 2), SLOW);
  pass(100);
  const whole = { ...needs, algorithm: { ...needs.algorithm, space: 9e8 as Bytes } };
  const workers = ["a", "b", "c"].map((name) => ({ name, needs: whole }));
  const id = submit(desk.application("gang", workers, { gang: true }));
  expect(view(id)).toMatchObject({ phase: "pending", reason: { code: "gang_does_not_fit" } });
  expect(desk.manager.core.pool.reservations).toBe(0);
  desk.join(describeNode("backup", "shanghai", 1), SLOW);
  pass(100);
  expect(view(id).phase).toBe("running");
  expect(
    view(id)
      .steps.map(({ node }) => node)
      .sort(),
  ).toEqual(["backup", "corner", "corner"]);
  expect(desk.manager.core.pool.reservations).toBe(3);
});

it("[M.A4] what a gang's later step holds is nobody else's, and is given back when the gang is stopped", () => {
  desk.join(describeNode("corner", "ningbo", 2), { ...SLOW, lasts: (2 * SECOND) as Micros });
  pass(100);
  const whole = { ...needs, algorithm: { ...needs.algorithm, space: 9e8 as Bytes } };
  const steps = [
    { name: "first", needs: whole },
    { name: "second", needs: whole, from: ["first"] },
  ];
  const id = submit(desk.application("gang", steps, { gang: true }));
  const alone = desk.submit("alone", whole);
  if (!alone.ok) throw new Error(alone.refusal.message);
  expect(taskOf(alone.value).row.progress.phase).toBe("pending");
  pass(1000);
  desk.restartManager();
  pass(300);
  expect(taskOf(alone.value).row.progress.phase).toBe("pending");
  expect(desk.manager.core.pool.reservations).toBe(2);
  desk.command({ kind: "cancel-application", caller: ANN, application: id });
  expect(taskOf(alone.value).runs.at(-1)?.view.node).toBe("corner" as NodeId);
});

it("a batch is placed together: the small task leaves the one node that holds the large one", () => {
  const large = { ...describeNode("large", "ningbo"), memoryBytes: (4 * 2 ** 30) as Bytes };
  desk.join(describeNode("small", "shanghai"), SLOW);
  desk.join(large, SLOW);
  pass(100);
  const sized = (gib: number) => ({
    ...needs,
    algorithm: { ...needs.algorithm, space: (gib * 2 ** 30) as Bytes },
  });
  const submissions = [sized(1.5), sized(3.5)].map((one, i) =>
    desk.submission(`t${i}`, one, 1_000n as Money),
  );
  const answer = desk.command({ kind: "submit-batch", caller: ANN, submissions });
  if (!answer.ok) throw new Error(answer.refusal.message);
  const ids = answer.value.split(" ");
  expect(ids.map((id) => taskOf(id).runs[0]?.view.node)).toEqual(["small", "large"]);
  expect(desk.command({ kind: "submit-batch", caller: ANN, submissions })).toEqual(answer);
  pass(30_000);
  expect(ids.map((id) => taskOf(id).row.progress.phase)).toEqual(["succeeded", "succeeded"]);
});
