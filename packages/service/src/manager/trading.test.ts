import { MILLISECOND, type Micros, type Money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { type ContractTerms, verifyMeasurement } from "@weft/market";
import { beforeEach, expect, it } from "vitest";
import { type Behaviour, Desk, describeNode, deskNeeds } from "../testing/index.ts";

const lasting = (ms: number, ends: Behaviour["ends"] = "finished"): Behaviour => ({
  lasts: (ms * MILLISECOND) as Micros,
  ends,
});
let desk: Desk;
beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const submit = (name: string, deadlineMs: number | null = null): string => {
  const needs = deskNeeds();
  const deadline = deadlineMs === null ? null : ((deadlineMs * MILLISECOND) as Micros);
  return desk.submitted(name, { ...needs, basic: { ...needs.basic, deadline } });
};
const contracts = (task: string) => desk.task(task).runs.map((run) => run.contract);
const told = (): string[] =>
  desk.events.filter(({ subject }) => subject === "contract").map(({ what }) => what);
const balance = (account: string): Money => desk.manager.core.books.balance(account)!.posted;

function expectSoundBooks(): void {
  for (const total of desk.manager.core.books.totals().values()) expect(total).toBe(0n);
  for (const account of desk.manager.core.books.accounts) {
    expect(desk.manager.core.books.balance(account.id)!.held).toBe(0n);
  }
  expect(desk.store.state().holds).toEqual([]);
}

it("[K3.1] a contract goes through every state on its way, and each is told once", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(100));
  pass(100);
  const task = submit("one");
  expect(contracts(task)[0]).toMatchObject({ state: "accepted", because: null });
  pass(50);
  expect(contracts(task)[0]!.state).toBe("active");
  pass(1000);
  expect(told()).toEqual(["accepted", "signed", "active", "fulfilled", "settled"]);
  const row = contracts(task)[0]!;
  expect(row).toMatchObject({ state: "settled", because: "completed", penalty: 0n });
  expect(row.steps!.map(([state]) => state)).toEqual(told());
  expect(desk.store.state().contracts[0]).toEqual(row);
  expectSoundBooks();
});

it("[K5.2] a result after its deadline is a breach, and its provider gives back a share", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(2000));
  pass(100);
  const before = balance("ann");
  const task = submit("late", 500);
  pass(4000);
  const row = contracts(task)[0]!;
  expect(told().slice(-2)).toEqual(["breached", "settled"]);
  expect(row).toMatchObject({ state: "settled", because: "completed_late" });
  const charge = row.charged!;
  expect(row.penalty).toBe((charge + 9n) / 10n);
  const { transfers } = desk.store.state();
  expect(
    transfers
      .slice(-2)
      .map(({ kind }) => kind)
      .sort(),
  ).toEqual(["penalty", "settlement"]);
  expect(before - balance("ann")).toBe(charge - row.penalty!);
  expect(desk.task(task).row.progress.charged).toBe(charge - row.penalty!);
  expect(desk.manager.core.fleet.member("corner" as never)!.row.earned).toBe(balance("pat"));
  expectSoundBooks();
});

it("[K5.1] what was missed is measured, and signed by the manager for anyone to check", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(2000));
  pass(100);
  const row = () => contracts(task)[0]!;
  const task = submit("late", 500);
  pass(4000);
  const terms: ContractTerms = row().contract.terms;
  expect(row().measurements).toHaveLength(1);
  expect(verifyMeasurement(row().measurements![0]!, terms, nodeCryptography)).toBeNull();
});

it("[K5.3] what was done while the manager was away is not late for that", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(400));
  pass(100);
  const task = submit("away", 1000);
  pass(100);
  desk.killManager();
  pass(2500);
  desk.restartManager();
  desk.mend("corner");
  pass(1000);
  expect(contracts(task)[0]).toMatchObject({ state: "settled", because: "completed", penalty: 0n });
  expectSoundBooks();
});

it("[K3.4] a contract that its node never signs lapses, and the task goes elsewhere", () => {
  desk.join(describeNode("mute", "ningbo"), lasting(100));
  pass(100);
  const { core } = desk.nodes.get("mute")!;
  const handle = core.handle.bind(core);
  core.handle = (now, input) =>
    input.kind === "message" && input.message.kind === "launch" ? [] : handle(now, input);
  const task = submit("one");
  desk.join(describeNode("backup", "shanghai"), lasting(100));
  pass(80_000);
  expect(contracts(task).map(({ state, because }) => [state, because])).toEqual([
    ["expired", "never_signed"],
    ["settled", "completed"],
  ]);
  expectSoundBooks();
});

it.each([
  ["program_failed", "program_failed"],
  ["memory_exceeded", "program_failed"],
  ["runtime_failed", "node_failed"],
] as const)(
  "[K3.2] a run that ends by %s closes its contract because %s, and costs nothing",
  (ends, because) => {
    desk.join(describeNode("corner", "ningbo"), lasting(100, ends));
    pass(100);
    const before = balance("ann");
    const task = submit("one");
    pass(2000);
    expect(contracts(task)[0]).toMatchObject({ state: "breached", because, charged: null });
    expect(balance("ann")).toBe(before);
    if (ends !== "runtime_failed") expectSoundBooks();
  },
);

it("[K3.3] a cancelled task frees its hold at once, and says who cancelled", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(20_000));
  pass(100);
  for (const [role, because] of [
    ["consumer", "consumer_cancelled"],
    ["manager", "manager_cancelled"],
  ] as const) {
    const task = submit(role);
    pass(100);
    desk.command({ kind: "cancel", caller: { account: "ann", role }, task });
    expect(contracts(task)[0]).toMatchObject({ state: "cancelled", because });
    expectSoundBooks();
  }
});

it("[K3.7] a run that outlives its contract while no manager is there may still be told of", () => {
  desk.join(describeNode("corner", "ningbo"), lasting(400));
  pass(100);
  const task = submit("away");
  pass(100);
  desk.killManager();
  pass(30 * 60 * 1000);
  desk.restartManager();
  desk.mend("corner");
  pass(1000);
  expect(contracts(task).map(({ state }) => state)).toContain("settled");
  expect(desk.store.state().usage).toHaveLength(1);
  expectSoundBooks();
});
