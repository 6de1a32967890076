import type { LinkId, NodeId } from "@weft/infrastructure";
import { type Instant, MILLISECOND, type Micros, type Money, money, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { verifyContract } from "@weft/market";
import { beforeEach, expect, it } from "vitest";
import { challengeText, type FromAgent, PROTOCOL_VERSION } from "../protocol.ts";
import { DESK_PRICES, Desk, describeNode, deskNeeds } from "../testing/index.ts";
import { decodeFromAgent, encodeMessage } from "../wire.ts";
import { highestPrice } from "./drafting.ts";
import { setLinks } from "./perceiving.ts";

const QUICK = { lasts: (100 * MILLISECOND) as Micros, ends: "finished" } as const;
const SLOW = { lasts: (20 * SECOND) as Micros, ends: "finished" } as const;
let desk: Desk;

beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const balance = (account: string): Money => desk.manager.core.books.balance(account)!.posted;

function expectSoundBooks(): void {
  for (const total of desk.manager.core.books.totals().values()) expect(total).toBe(0n);
  const stored = desk.store.state();
  expect(stored.balances.reduce((sum, row) => sum + row.posted, 0n)).toBe(0n);
  for (const row of stored.balances) expect(balance(row.account)).toBe(row.posted);
}

it("a task is placed, contracted by all three, run, metered, and settled", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const id = desk.submitted("one");
  expect(desk.task(id).row.progress.phase).toBe("launched");
  expect(desk.manager.core.books.balance("ann")!.held).toBeGreaterThan(0n);
  pass(1000);
  const { row, runs } = desk.task(id);
  expect(row.progress.phase).toBe("succeeded");
  expect(runs).toHaveLength(1);
  expect(verifyContract(runs[0]!.contract.contract, nodeCryptography)).toBeNull();
  expect(runs[0]!.contract).toMatchObject({ state: "settled", charged: row.progress.charged });
  expect(row.progress.charged).toBeGreaterThan(0n);
  expect(balance("pat") + balance("manager")).toBe(row.progress.charged);
  expect(desk.manager.core.books.balance("ann")!.held).toBe(0n);
  expect(desk.manager.core.pool.reservations).toBe(0);
  expectSoundBooks();
});

it("a killed node loses its run, the task is placed again elsewhere and billed once", () => {
  desk.join(describeNode("corner", "ningbo"), SLOW);
  pass(100);
  const id = desk.submitted("one");
  pass(1000);
  desk.join(describeNode("backup", "shanghai"), QUICK);
  desk.kill("corner");
  pass(8000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
  expect(desk.task(id).runs.map((run) => [run.view.node, run.view.state, run.view.because])).toEqual([
    ["corner", "lost", "node_silent"],
    ["backup", "finished", null],
  ]);
  expect(desk.store.state().usage).toHaveLength(1);
  expectSoundBooks();
});

it("[M.2] the late result of a run given up for lost is not billed", () => {
  desk.join(describeNode("corner", "ningbo"), { ...QUICK, lasts: (2 * SECOND) as Micros });
  pass(100);
  const id = desk.submitted("one");
  pass(500);
  desk.cut("corner");
  desk.join(describeNode("backup", "shanghai"), QUICK);
  pass(8000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
  const paid = balance("pat");
  desk.mend("corner");
  pass(2000);
  expect(desk.nodes.get("corner")!.core.holding).toEqual([]);
  expect(balance("pat")).toBe(paid);
  expect(desk.store.state().usage).toHaveLength(1);
  expectSoundBooks();
});

it("a connection that breaks and mends within the silence costs nothing", () => {
  desk.join(describeNode("corner", "ningbo"), { ...QUICK, lasts: (2 * SECOND) as Micros });
  pass(100);
  const id = desk.submitted("one");
  pass(500);
  desk.cut("corner");
  pass(1000);
  desk.mend("corner");
  pass(3000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
  expect(desk.task(id).runs).toHaveLength(1);
});

it("a node that restarts has lost its runs, and gets the task again when it is the only one", () => {
  desk.join(describeNode("corner", "ningbo"), SLOW);
  pass(100);
  const id = desk.submitted("one");
  pass(500);
  desk.kill("corner");
  pass(500);
  desk.nodes.get("corner")!.behaviour = QUICK;
  desk.revive("corner");
  pass(3000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
  expect(desk.task(id).runs.map((run) => run.view.because)).toEqual(["node_restarted", null]);
  expectSoundBooks();
});

it("a program that fails is not tried again and costs nothing", () => {
  desk.join(describeNode("corner", "ningbo"), { ...QUICK, ends: "memory_exceeded" });
  pass(100);
  const id = desk.submitted("one");
  pass(1000);
  expect(desk.task(id).row.progress).toMatchObject({ phase: "failed", reason: { code: "memory_exceeded" } });
  expect(balance("ann")).toBe(10_000_000n);
  expect(desk.manager.core.books.balance("ann")!.held).toBe(0n);
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("tasks beyond capacity wait their turn, and none is forgotten", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const ids = Array.from({ length: 20 }, (_, i) => desk.submitted(`t${i}`));
  expect(desk.manager.core.orchestrator.waiting).toBe(18);
  pass(5000);
  for (const id of ids) expect(desk.task(id).row.progress.phase).toBe("succeeded");
  expectSoundBooks();
});

it("a task nobody can serve waits with its reason, and runs once somebody comes", () => {
  const id = desk.submitted("one");
  expect(desk.task(id).row.progress).toMatchObject({
    phase: "pending",
    reason: { code: "no_suitable_node" },
  });
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(1000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
});

it("cancelling stops the run, frees what it held, and charges nothing", () => {
  desk.join(describeNode("corner", "ningbo"), SLOW);
  pass(100);
  const id = desk.submitted("one");
  pass(500);
  const ann = { account: "ann", role: "consumer" } as const;
  expect(desk.command({ kind: "cancel", caller: { ...ann, account: "eve" }, task: id })).toMatchObject({
    ok: false,
    refusal: { code: "E_NOT_FOUND" },
  });
  expect(desk.command({ kind: "cancel", caller: ann, task: id }).ok).toBe(true);
  expect(desk.task(id).row.progress.phase).toBe("cancelled");
  expect(desk.manager.core.books.balance("ann")!.held).toBe(0n);
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("the same order submitted twice is one task; its id for another task is refused", () => {
  const first = desk.submit("one", deskNeeds());
  expect(desk.submit("one", deskNeeds())).toEqual(first);
  const other = desk.submission("two", deskNeeds(), money(1_000n));
  const reused = { ...other, order: { ...other.order, order: { ...other.order.order, id: "order-one" } } };
  const ann = { account: "ann", role: "consumer" } as const;
  expect(desk.command({ kind: "submit", caller: ann, submission: reused })).toMatchObject({
    ok: false,
    refusal: { code: "E_ORDER_REUSED" },
  });
});

it("an order changed after it was signed, or by a stranger, is refused", () => {
  const ann = { account: "ann", role: "consumer" } as const;
  const good = desk.submission("one", deskNeeds(), money(1_000n));
  const dearer = {
    ...good,
    order: { ...good.order, order: { ...good.order.order, payAtMost: money(9n ** 9n) } },
  };
  const refusal = (submission: typeof good, caller = ann) => {
    const answer = desk.command({ kind: "submit", caller, submission });
    return answer.ok ? null : answer.refusal.code;
  };
  expect(refusal(dearer)).toBe("E_ORDER_SIGNATURE");
  expect(refusal({ ...good, manifest: "{}" })).toBe("E_ORDER_TASK");
  expect(refusal(good, { account: "pat", role: "consumer" } as never)).toBe("E_KEY_UNKNOWN");
  expect(refusal(good)).toBeNull();
});

it("a consumer without money waits until there is some", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const paid = desk.command({ kind: "deposit", id: "back", account: "ann", amount: money(-9_999_999n) });
  expect(paid.ok).toBe(true);
  const id = desk.submitted("one");
  expect(desk.task(id).row.progress).toMatchObject({
    phase: "pending",
    reason: { code: "E_LEDGER_OVERDRAWN" },
  });
  desk.command({ kind: "deposit", id: "second", account: "ann", amount: money(1_000_000n) });
  pass(1000);
  expect(desk.task(id).row.progress.phase).toBe("succeeded");
});

it("[M.3] a manager killed at any moment starts again into the same state", () => {
  for (let moment = 0; moment < 40; moment++) {
    desk = new Desk(nodeCryptography, createSigner);
    desk.join(describeNode("corner", "ningbo"), QUICK);
    desk.join(describeNode("backup", "shanghai"), QUICK);
    pass(100);
    const ids = Array.from({ length: 8 }, (_, i) => desk.submitted(`t${i}`));
    pass(moment * 10);
    desk.restartManager();
    pass(moment * 3);
    desk.restartManager();
    pass(8000);
    for (const id of ids) expect([moment, desk.task(id).row.progress.phase]).toEqual([moment, "succeeded"]);
    expect(new Set(desk.store.state().usage.map((row) => row.task)).size).toBe(8);
    expect(desk.store.state().usage).toHaveLength(8);
    expect(desk.manager.core.books.balance("ann")!.held).toBe(0n);
    expectSoundBooks();
  }
});

it("a name means the asker's own newest task, whatever others call theirs", () => {
  const mine = desk.submitted("report");
  const { tasks } = desk.manager.core;
  expect(tasks.find("report", "ann")?.row.id).toBe(mine);
  expect(tasks.find("report", "bob")).toBeUndefined();
  expect(tasks.find("report", null)?.row.id).toBe(mine);
});

it("a node that names the manager's site as its own does not move that site's links", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  desk.join(describeNode("thief", "you"), QUICK);
  pass(100);
  const { links } = desk.manager.core.pool;
  const seen = () => links.states[links.slots.find("you>ningbo" as LinkId)]?.delay;
  expect(seen()).toBe(5_000);
  const state = links.states[links.slots.find("you>ningbo" as LinkId)]!;
  const core = desk.manager.core as Parameters<typeof setLinks>[0];
  setLinks(core, desk.now, "thief" as NodeId, [{ ...state, delay: 1 as Micros }]);
  expect(seen()).toBe(5_000);
});

it("a knock tells whether a node would be taken, and changes nothing", () => {
  const { manager } = desk;
  const signer = createSigner();
  const knock = (node: string, joinToken: string | null, at = desk.now) => {
    const nonce = "5a".repeat(32);
    manager.handle(desk.now, { kind: "opened", connection: "k", nonce });
    const proof = signer.sign(challengeText(manager.core.options.signer.publicKey, nonce));
    const said = {
      at,
      protocol: PROTOCOL_VERSION,
      key: signer.publicKey,
      proof,
      joinToken,
      node: node as NodeId,
    };
    const out = manager.handle(desk.now, {
      kind: "control",
      connection: "k",
      message: { kind: "knock", ...said },
    });
    expect(out.at(-1)).toEqual({ kind: "hang-up", connection: "k" });
    const message = out[0]?.kind === "send" ? out[0].message : undefined;
    return message?.kind === "rejected" ? message.refusal.code : message?.kind;
  };
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  expect(knock("fresh", "join-secret")).toBe("admitted");
  expect(knock("fresh", "wrong-secret")).toBe("E_JOIN_TOKEN");
  expect(knock("fresh", null)).toBe("E_JOIN_TOKEN");
  expect(knock("corner", "join-secret")).toBe("E_NODE_NAME_TAKEN");
  expect(knock("@west", "join-secret")).toBe("E_NODE_NAME");
  const skewed = (seconds: number) => knock("fresh", "join-secret", (desk.now + seconds * SECOND) as Instant);
  expect([59, -59, 61, -61].map(skewed)).toEqual(["admitted", "admitted", "E_CLOCK_SKEW", "E_CLOCK_SKEW"]);
  expect([...desk.manager.core.fleet.members].map(({ row }) => row.id)).toEqual(["corner"]);
});

it("the highest price of a plan is what a contract made now states, never above what the task pays", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const { core } = desk.manager;
  const needs = deskNeeds();
  const decision = desk.manager.plan(needs, desk.now);
  const open = highestPrice(core, needs, decision, "ann", desk.now)!;
  expect(open).toBeGreaterThan(decision.outcome === "placed" ? decision.charge : 0n);
  expect(highestPrice(core, { ...needs, payAtMost: money(3n) }, decision, "ann", desk.now)).toBe(3n);
  const id = desk.submit("one", needs, open);
  expect(id.ok && desk.task(id.value).runs[0]!.contract.contract.terms.ceiling).toBe(open);
});

it("a node with a price, power draw or carbon below zero is not taken in, and none that is in goes there", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  pass(100);
  const { manager } = desk;
  const negative = (change: object) => ({ ...DESK_PRICES, ...change });
  const saying = (message: FromAgent, connection: string) => {
    const [said, then] = manager.handle(desk.now, { kind: "control", connection, message });
    const refusal = said?.kind === "send" && said.message.kind === "rejected" ? said.message.refusal : null;
    expect(then).toEqual({ kind: "hang-up", connection });
    return refusal;
  };
  const nonce = "5a".repeat(32);
  const signer = createSigner();
  const description = describeNode("mean", "ningbo");
  const hello = {
    ...{ kind: "hello", protocol: PROTOCOL_VERSION, at: desk.now, key: signer.publicKey },
    proof: signer.sign(challengeText(manager.core.options.signer.publicKey, nonce)),
    ...{ joinToken: "join-secret", gateway: null, holding: [], description },
    prices: negative({ perTask: money(-1n) }),
  } as const;
  manager.handle(desk.now, { kind: "opened", connection: "m", nonce });
  const said = decodeFromAgent(JSON.parse(JSON.stringify(encodeMessage(hello as unknown as FromAgent))));
  expect(saying(said.ok ? said.value : (null as never), "m")).toMatchObject({
    ...{ code: "E_PRICE_NEGATIVE", path: "prices.perTask", expected: "0 or more" },
    hint: expect.any(String),
  });
  const unread = (change: object) => {
    const read = decodeFromAgent(
      JSON.parse(
        JSON.stringify(
          encodeMessage({ ...hello, description: { ...description, ...change } } as unknown as FromAgent),
        ),
      ),
    );
    return read.ok ? null : [read.refusal.code, read.refusal.path];
  };
  expect(unread({ watts: { idle: -1, full: 5 } })).toEqual(["E_MESSAGE", "description.watts.idle"]);
  expect(unread({ gramsPerKwh: -1 })).toEqual(["E_MESSAGE", "description.gramsPerKwh"]);
  // A member's own change of prices, and of what it would not go below.
  const { connection } = manager.core.fleet.member("corner" as NodeId)!;
  const priced = {
    kind: "prices",
    prices: DESK_PRICES,
    floor: negative({ transferGb: money(-1n) }),
  } as const;
  expect(saying(priced, connection!)?.path).toBe("floor.transferGb");
  expect(manager.core.fleet.member("corner" as NodeId)!.row.prices).toEqual(DESK_PRICES);
  expect([...manager.core.fleet.members].map(({ row }) => row.id)).toEqual(["corner"]);
});
