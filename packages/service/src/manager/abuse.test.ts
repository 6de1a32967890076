import { type Bytes, MILLISECOND, type Micros, type Money, money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { type SignedUsage, signContract, signOrder, signUsage, type UsageRecord } from "@weft/market";
import type { Program } from "@weft/orchestration";
import { beforeEach, describe, expect, it } from "vitest";
import type { AgentOutput } from "../agent/agent.ts";
import { objection } from "../agent/objection.ts";
import type { FromAgent, Launch, Outcome } from "../protocol.ts";
import { DESK_PRICES, Desk, describeNode, deskNeeds } from "../testing/index.ts";

/*
 * Who tries to cheat a running manager: each attempt is refused with a stable code, the task still comes to its end where
 * an honest node is there, and the books balance. Tokens of one role on another's routes: service-http, `every route`;
 * a manager that edits its history: log.test.ts.
 */

const QUICK = { lasts: (100 * MILLISECOND) as Micros, ends: "finished" } as const;
let desk: Desk;
beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
});

const pass = (ms: number): void => desk.pass((ms * MILLISECOND) as Micros);
const balance = (account: string) => desk.manager.core.books.balance(account)!;
const submit = (name: string, payAtMost?: Money): string =>
  desk.submitted(name, deskNeeds(), "ann", payAtMost);
const contracts = (task: string) =>
  desk.task(task).runs.map(({ contract }) => [contract.state, contract.because]);

function expectSoundBooks(): void {
  for (const total of desk.manager.core.books.totals().values()) expect(total).toBe(0n);
  for (const { id, limit } of desk.manager.core.books.accounts) {
    const { posted, held } = balance(id);
    if (limit !== null) expect(posted - held + limit, id).toBeGreaterThanOrEqual(0n);
  }
  const stored = desk.store.state();
  expect(stored.balances.reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n);
}

/** A node whose outcomes are changed on their way out, by a program that holds the node's own key. */
function cheat(name: string, change: (said: Outcome, run: string) => Outcome): void {
  desk.join(describeNode(name, "ningbo"), QUICK);
  const { core } = desk.nodes.get(name)!;
  const handle = core.handle.bind(core);
  core.handle = (now, input) =>
    handle(now, input).map((output) => {
      if (output.kind !== "send" || output.message.kind !== "outcome") return output;
      const { run, outcome } = output.message;
      const message: FromAgent = { kind: "outcome", run, outcome: change(outcome, run) };
      return { kind: "send", message };
    });
}
const resigned = (name: string, usage: SignedUsage, change: Partial<UsageRecord>): SignedUsage =>
  signUsage({ ...usage.record, ...change }, desk.nodes.get(name)!.signer);

describe("a provider", () => {
  it.each<readonly [string, string, (record: UsageRecord) => Partial<UsageRecord>]>([
    ["more CPU time than time x lanes", "E_USAGE_CPU_TIME", () => ({ cpuTime: 60_000_000 as Micros })],
    ["more operations than it can do", "E_USAGE_OPERATIONS", () => ({ operations: 10n ** 15n })],
    ["more memory than it has", "E_USAGE_MEMORY", () => ({ memoryTime: 10n ** 20n })],
    ["more storage than it has", "E_USAGE_STORAGE", () => ({ storageTime: 10n ** 22n })],
    ["a path that was never reserved", "E_USAGE_BANDWIDTH", () => ({ reservedBits: 10n ** 12n })],
    ["a longer run than from start to end", "E_USAGE_TIME", () => ({ wallTime: 90_000_000 as Micros })],
    ["the usage of another run", "E_USAGE_CONTRACT", () => ({ id: "run-0" })],
    ["the usage of another contract", "E_USAGE_CONTRACT", () => ({ contract: "contract-0" })],
  ])("that meters %s is not paid, and the task goes elsewhere", (_what, code, change) => {
    cheat("corner", (said) =>
      said.usage === null
        ? said
        : { ...said, usage: resigned("corner", said.usage, change(said.usage.record)) },
    );
    pass(100);
    const task = submit("one");
    desk.join(describeNode("backup", "shanghai"), QUICK);
    pass(5000);
    expect(contracts(task)).toEqual([
      ["breached", "usage_refused"],
      ["settled", "completed"],
    ]);
    expect(desk.logs.join("\n")).toContain(code);
    expect(desk.store.state().usage).toHaveLength(1);
    expectSoundBooks();
  });

  it("that changes its record without signing it again is not paid", () => {
    cheat("corner", (said) =>
      said.usage === null
        ? said
        : { ...said, usage: { ...said.usage, record: { ...said.usage.record, operations: 1n } } },
    );
    pass(100);
    const task = submit("one");
    pass(1000);
    expect(contracts(task)[0]).toEqual(["breached", "usage_refused"]);
    expect(desk.logs.join("\n")).toContain("E_USAGE_SIGNATURE");
    expectSoundBooks();
  });

  it("that puts its signature of another paper under the contract has not signed it", () => {
    const other = createSigner();
    cheat("corner", (said) => said);
    const { core } = desk.nodes.get("corner")!;
    const handle = core.handle.bind(core);
    core.handle = (now, input) =>
      handle(now, input).map((output) =>
        output.kind === "send" && output.message.kind === "accepted"
          ? { kind: "send", message: { ...output.message, signature: other.sign("weft/usage/1") } }
          : output,
      );
    pass(100);
    const task = submit("one");
    pass(500);
    expect(contracts(task)[0]).toEqual(["breached", "node_refused"]);
    expect(desk.logs.join("\n")).toContain("E_CONTRACT_SIGNATURE");
    expectSoundBooks();
  });

  it("that tells an outcome again and again is paid once", () => {
    desk.join(describeNode("corner", "ningbo"), QUICK);
    const { core } = desk.nodes.get("corner")!;
    const handle = core.handle.bind(core);
    core.handle = (now, input) => {
      const outputs = handle(now, input);
      const told = outputs.filter((output) => output.kind === "send" && output.message.kind === "outcome");
      return [...outputs, ...told, ...told];
    };
    pass(100);
    submit("one");
    pass(3000);
    expect(desk.store.state().usage).toHaveLength(1);
    expect(desk.store.state().transfers.filter(({ kind }) => kind === "settlement")).toHaveLength(1);
    expectSoundBooks();
  });
});

describe("a manager", () => {
  it("that swaps a contract, or writes what the order does not allow, finds no node to sign it", () => {
    let launch: Launch | undefined;
    desk.join(describeNode("corner", "ningbo"), QUICK);
    const node = desk.nodes.get("corner")!;
    const handle = node.core.handle.bind(node.core);
    node.core.handle = (now, input) => {
      if (input.kind === "message" && input.message.kind === "launch") launch = input.message.launch;
      return handle(now, input);
    };
    pass(100);
    submit("one");
    pass(10);
    const manager = createSigner();
    const terms = launch!.contract.terms;
    const code = (change: Partial<typeof terms>, resign = true): string | undefined => {
      const changed = { ...terms, ...change };
      const own = { ...changed, manager: { account: "manager", key: manager.publicKey } };
      const contract = resign
        ? { terms: own, manager: signContract(own, manager), provider: null }
        : { ...launch!.contract, terms: changed };
      const said = { ...launch!, contract };
      const { publicKey } = node.signer;
      return objection(said, node.description, DESK_PRICES, publicKey, desk.now, nodeCryptography)?.code;
    };
    expect(code({})).toBeUndefined();
    expect(code({ node: { id: "backup", key: terms.node.key } })).toBe("E_CONTRACT_PARTY");
    expect(code({ ceiling: money(10n ** 9n) })).toBe("E_CONTRACT_CEILING");
    expect(code({ prices: { ...terms.prices, perTask: money(0n) } })).toBe("price_changed");
    expect(code({ validFrom: terms.validUntil })).toBe("E_CONTRACT_TIME");
    expect(code({ consumer: { account: "eve", key: manager.publicKey } })).toBe("E_CONTRACT_PARTY");
    expect(code({ levels: [{ kind: "completion", by: terms.validUntil, penaltyPpm: 900_000 }] })).toBe(
      "E_CONTRACT_LEVELS",
    );
    expect(code({ task: "another" }, false)).toBe("E_CONTRACT_SIGNATURE");
    const forged = signOrder({ ...terms.order.order, payAtMost: money(10n ** 9n) }, manager);
    expect(code({ order: { ...forged, order: { ...forged.order, consumer: terms.consumer.key } } })).toBe(
      "E_ORDER_SIGNATURE",
    );
  });

  it.each<readonly [string, (launch: Launch) => Partial<Launch>]>([
    ["another program", () => ({ program: { kind: "wasm", module: "11".repeat(32), args: [], env: {} } })],
    ["other arguments", ({ program }) => ({ program: { ...program, args: ["--mine"] } as Program })],
    ["an input of its own", () => ({ input: { digest: "22".repeat(32), size: 9 as Bytes } })],
    [
      "further input",
      ({ segments }) => ({ parts: [{ content: { digest: "22".repeat(32), size: 9 as Bytes }, segments }] }),
    ],
    ["a manifest that asks for it", ({ manifest }) => ({ manifest: manifest.replace("00", "11") })],
    ["no manifest", () => ({ manifest: "" })],
  ])("[K2.7] that hands out %s instead of the work that was signed is found out by the node", (_, swap) => {
    desk.join(describeNode("corner", "ningbo"), QUICK);
    const { core } = desk.nodes.get("corner")!;
    const handle = core.handle.bind(core);
    const said: AgentOutput[] = [];
    core.handle = (now, input) => {
      if (input.kind !== "message" || input.message.kind !== "launch") return handle(now, input);
      const { launch } = input.message;
      const swapped = { kind: "launch", launch: { ...launch, ...swap(launch) } } as const;
      said.push(...handle(now, { kind: "message", message: swapped }));
      return said.slice(-1);
    };
    desk.join(describeNode("spare", "ningbo"), QUICK);
    pass(100);
    const task = submit("one");
    pass(5000);
    expect(said[0]).toMatchObject({
      kind: "send",
      message: { kind: "declined", refusal: { code: "E_CONTRACT_TASK" } },
    });
    expect(said.filter(({ kind }) => kind !== "send")).toEqual([]);
    expect(contracts(task)).toEqual([
      ["breached", "node_refused"],
      ["settled", "completed"],
    ]);
    expectSoundBooks();
  });
});

describe("a consumer", () => {
  it("that empties its account in parallel requests is stopped at what there is", () => {
    for (let i = 0; i < 4; i++) desk.join(describeNode(`node-${i}`, "ningbo", 8), QUICK);
    pass(100);
    const tasks = Array.from({ length: 24 }, (_, i) => submit(`task-${i}`, money(3_000_000n)));
    desk.command({ kind: "open-account", id: "ann", name: "Ann", role: "consumer", limit: 0n as Money });
    expectSoundBooks();
    const { posted, held } = balance("ann");
    expect(held).toBeLessThanOrEqual(posted);
    pass(20_000);
    for (const task of tasks) {
      expect(desk.phase(task)).toBe("succeeded");
    }
    expect(balance("ann").posted).toBeGreaterThanOrEqual(0n);
    expectSoundBooks();
  });

  it("without money waits for it, and pays once it is there", () => {
    desk.join(describeNode("corner", "ningbo"), QUICK);
    pass(100);
    const drained = { kind: "deposit", id: "drain", account: "ann", amount: money(-9_999_999n) } as const;
    expect(desk.command(drained).ok).toBe(true);
    const task = submit("one");
    const waiting = desk.task(task).row.progress;
    expect(waiting).toMatchObject({ phase: "pending", reason: { code: "E_LEDGER_OVERDRAWN" } });
    desk.command({ kind: "deposit", id: "more", account: "ann", amount: money(1_000n) });
    pass(2000);
    expect(desk.phase(task)).toBe("succeeded");
    expectSoundBooks();
  });

  it("gains nothing by an order twice, a quote that has expired, a forged or another's order", () => {
    desk.join(describeNode("corner", "ningbo"), QUICK);
    pass(100);
    const good = desk.submission("one", deskNeeds(), money(1_000n));
    const caller = { account: "ann", role: "consumer" } as const;
    const told = (submission: typeof good): string => {
      const answer = desk.command({ kind: "submit", caller, submission });
      return answer.ok ? answer.value : answer.refusal.code;
    };
    const first = told(good);
    expect(told(good)).toBe(first);
    expect(
      told({ ...good, order: { ...good.order, order: { ...good.order.order, taskDigest: "00" } } }),
    ).toBe("E_ORDER_REUSED");
    const eve = createSigner();
    const order = { ...good.order.order, id: "o-2", consumer: eve.publicKey };
    expect(told({ ...good, order: signOrder(order, eve) })).toBe("E_KEY_UNKNOWN");
    expect(told({ ...good, order: signOrder({ ...good.order.order, id: "o-3" }, eve) })).toBe(
      "E_ORDER_SIGNATURE",
    );
    expect(
      told({
        ...good,
        order: { ...good.order, order: { ...good.order.order, id: "o-4", notAfter: desk.now } },
      }),
    ).toBe("E_ORDER_EXPIRED");
    expectSoundBooks();
  });

  it("gains nothing by cutting work into crumbs: every charge and commission is rounded up", () => {
    desk.join(describeNode("corner", "ningbo", 8), { lasts: 1 as Micros, ends: "finished" });
    pass(100);
    for (let i = 0; i < 40; i++) submit(`crumb-${i}`);
    pass(5000);
    const settled = desk.store.state().transfers.filter(({ kind }) => kind === "settlement");
    expect(settled).toHaveLength(40);
    for (const { postings } of settled) {
      const of = (account: string) => postings.find((posting) => posting.account === account)?.amount ?? 0n;
      expect(-of("ann")).toBeGreaterThanOrEqual(DESK_PRICES.perTask);
      expect(of("manager") * 20n).toBeGreaterThanOrEqual(-of("ann"));
    }
    expectSoundBooks();
  });
});

it("a node's proof of its key on one connection opens no other", () => {
  desk.join(describeNode("corner", "ningbo"), QUICK);
  const { core, signer } = desk.nodes.get("corner")!;
  const challenge = { kind: "challenge", manager: "ab", nonce: "cd".repeat(32) } as const;
  const [hello] = core.handle(desk.now, { kind: "message", message: challenge });
  expect(hello).toMatchObject({ kind: "send", message: { kind: "hello", key: signer.publicKey } });
  const outputs = desk.manager.handle(desk.now, { kind: "opened", connection: "x", nonce: "ef".repeat(32) });
  expect(outputs).toHaveLength(1);
  const message = (hello as { readonly message: FromAgent }).message;
  const said = desk.manager.handle(desk.now, { kind: "control", connection: "x", message });
  expect(said).toContainEqual({
    kind: "send",
    connection: "x",
    message: { kind: "rejected", refusal: expect.objectContaining({ code: "E_UNAUTHENTICATED" }) },
  });
});
