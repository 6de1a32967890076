import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeId } from "@weft/infrastructure";
import { money } from "@weft/kernel";
import type { Transfer } from "@weft/market";
import { MemoryStore, type Store, type StoreChange, type TaskPhase } from "@weft/service";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenedStore, openStore } from "./index.ts";
import {
  at,
  contract,
  hold,
  node,
  opening,
  progress,
  run,
  task,
  transfer,
  unbalanced,
  usage,
} from "./testing/changes.ts";

/** What every store keeps to, whatever it is made of. */
function storeContract(name: string, make: () => Promise<Store>): void {
  describe(name, () => {
    it("[S3] gives back everything, as it was written", async () => {
      const store = await make();
      await store.commit([...opening, transfer("in", "world", "ann", 100n)]);
      await store.commit([
        task("t1", 1),
        contract("c1", "t1", "signed"),
        { kind: "place-hold", hold: hold("h1", 60n) },
      ]);
      await store.commit([
        run("r1", "t1", 1),
        usage("r1", "t1"),
        contract("c1", "t1", "settled"),
        transfer("pay", "ann", "bob", 40n, "h1"),
        progress("t1", "succeeded", 40n),
        { kind: "append-log", row: { index: 0, leaf: "ab".repeat(32), body: "first" } },
      ]);
      await store.commit([
        node("n1"),
        node("n2"),
        { kind: "remove-node", id: "n1" as NodeId },
        { kind: "put-document", row: { collection: "invoice", id: "i1", body: { total: 5n }, at: at(4) } },
        { kind: "put-document", row: { collection: "invoice", id: "i2", body: null, at: at(4) } },
        { kind: "remove-document", collection: "invoice", id: "i2" },
      ]);
      const state = await store.load();
      expect(state.tasks).toEqual([
        {
          ...task("t1", 1).row,
          progress: (progress("t1", "succeeded", 40n) as { progress: unknown }).progress,
        },
      ]);
      expect(state.balances).toEqual([
        { account: "ann", posted: 60n },
        { account: "bob", posted: 40n },
        { account: "world", posted: -100n },
      ]);
      expect(state.holds).toEqual([]);
      expect(state.contracts.map((row) => row.state)).toEqual(["settled"]);
      expect(state.nodes.map((row) => row.id)).toEqual(["n2"]);
      expect(state.documents.map((row) => row.body)).toEqual([{ total: 5n }]);
      expect(state.transfers.map((row) => row.id)).toEqual(["in", "pay"]);
      expect(state.logLeaves).toEqual(["ab".repeat(32)]);
      await store.close();
    });

    it("[S2] takes the same changes again without changing anything", async () => {
      const store = await make();
      const changes = [
        ...opening,
        transfer("in", "world", "ann", 100n),
        { kind: "place-hold", hold: hold("h1", 60n) } as const,
        transfer("pay", "ann", "bob", 40n, "h1"),
        task("t1", 1),
        progress("t1", "running"),
      ];
      await store.commit(changes);
      const once = await store.load();
      await store.commit(changes);
      await store.commit([transfer("new", "world", "bob", 1n), transfer("in", "world", "ann", 100n)]);
      const twice = await store.load();
      expect(twice.tasks).toEqual(once.tasks);
      expect(twice.holds).toEqual([]);
      expect(twice.balances).toEqual([
        { account: "ann", posted: 60n },
        { account: "bob", posted: 41n },
        { account: "world", posted: -101n },
      ]);
      await store.close();
    });

    it("loads every open task, and of those that ended the latest", async () => {
      const store = await make();
      await store.commit([
        task("old", 1),
        task("t2", 2, "failed"),
        task("t3", 3, "failed"),
        task("t4", 4, "failed"),
      ]);
      await store.commit([run("r3", "t3", 2), run("r2", "t3", 1), run("r1", "t2", 1)]);
      const state = await store.load({ ended: 2 });
      expect(state.tasks.map((row) => row.id)).toEqual(["old", "t3", "t4"]);
      expect(state.runs.map((row) => row.view.id)).toEqual(["r2", "r3"]);
      await store.close();
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), "weft-store-"));
chmodSync(folder, 0o755); // as root, the server runs as another user
afterAll(() => rmSync(folder, { recursive: true, force: true }));

storeContract("memory", async () => new MemoryStore());

describe("PostgreSQL", () => {
  let admin: OpenedStore;
  beforeAll(async () => {
    admin = await openStore({ dataDir: join(folder, "shared") });
  });
  afterAll(() => admin.close());

  /** A store on a database of its own in the shared server. */
  let made = 0;
  const databaseUrl = async (): Promise<string> => {
    const socket = readFileSync(join(folder, "shared", "cluster", "postmaster.pid"), "utf8").split(
      "\n",
    )[4] as string;
    const client = new pg.Client({ host: socket, user: "weft", database: "postgres" });
    await client.connect();
    const name = `test${++made}`;
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    return `postgresql://weft@/${name}?host=${encodeURIComponent(socket)}`;
  };
  const emptied = async (url: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    for (const name of "accounts nodes tasks runs contracts usage documents transfers postings balances holds".split(
      " ",
    )) {
      await client.query(`DELETE FROM weft.${name}`);
    }
    await client.end();
  };
  const fresh = async (): Promise<OpenedStore> => openStore({ databaseUrl: await databaseUrl() });

  storeContract("store", fresh);

  it("[S3] equals the store in memory after any history", async () => {
    const ids = ["a", "b", "c"];
    const id = fc.constantFrom(...ids);
    const phase = fc.constantFrom<TaskPhase>("pending", "running", "succeeded", "cancelled");
    const change: fc.Arbitrary<StoreChange> = fc.oneof(
      fc.tuple(id, phase).map(([i, p]) => task(i, ids.indexOf(i), p)),
      fc.tuple(id, phase).map(([i, p]) => progress(i, p)),
      fc.tuple(id, id).map(([r, t]) => run(r, t, ids.indexOf(r))),
      fc.tuple(id, id).map(([c, t]) => contract(c, t, "signed")),
      fc.tuple(id, id).map(([u, t]) => usage(u, t)),
      id.map((i): StoreChange => node(i)),
      id.map((i): StoreChange => ({ kind: "remove-node", id: i as NodeId })),
      id.map(
        (i): StoreChange => ({ kind: "put-document", row: { collection: i, id: i, body: { i }, at: at(1) } }),
      ),
      id.map((i): StoreChange => ({ kind: "remove-document", collection: i, id: i })),
      id.map((i): StoreChange => ({ kind: "place-hold", hold: hold(`hold-${i}`, BigInt(ids.indexOf(i))) })),
      id.map((i): StoreChange => ({ kind: "release-hold", id: `hold-${i}` })),
      fc.tuple(id, fc.bigInt(1n, 9n)).map(([i, n]) => transfer(`${i}${n}`, "world", "ann", n, `hold-${i}`)),
    );
    const batches = fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 5 });
    // progress is of tasks that exist, and only a hold that was placed is closed
    const placed = ids.map(
      (i, n): StoreChange => ({ kind: "place-hold", hold: hold(`hold-${i}`, BigInt(n)) }),
    );
    const begin = [...opening, ...placed, ...ids.map((i, n) => task(i, n))];
    const url = await databaseUrl();
    await fc.assert(
      fc.asyncProperty(batches, async (history) => {
        const memory = new MemoryStore();
        const store = await openStore({ databaseUrl: url });
        for (const batch of [begin, ...history]) {
          await store.commit(batch);
          await memory.commit(batch);
        }
        const { transfers: order, ...rest } = await store.load({ ended: 1 });
        const { transfers, ...expected } = await memory.load({ ended: 1 });
        expect(rest).toEqual(expected);
        expect(order.length).toBe(transfers.length);
        await store.close();
        await emptied(url);
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it("[S1] keeps all of a batch or nothing, and holds the books' rules by itself", async () => {
    const wrong: readonly (readonly [string, StoreChange])[] = [
      ["does not balance", { ...transfer("x", "ann", "bob", 5n), ...unbalanced("x") }],
      ["overdrawn", transfer("x", "ann", "bob", 101n)],
      ["names no account", transfer("x", "ann", "nobody", 5n)],
    ];
    for (const [words, change] of wrong) {
      const url = await databaseUrl();
      const store = await openStore({ databaseUrl: url });
      await store.commit([...opening, transfer("in", "world", "ann", 100n)]);
      const attempt = store.commit([task("t1", 1), transfer("ok", "ann", "bob", 1n), change]);
      await expect(attempt).rejects.toMatchObject({ code: "E_STORE_RULE" });
      await expect(attempt).rejects.toThrow(words);
      await store.close();
      const again = await openStore({ databaseUrl: url });
      const state = await again.load();
      expect(state.tasks).toEqual([]);
      expect(state.balances.find((row) => row.account === "ann")?.posted).toBe(100n);
      await again.close();
    }
  });

  it("reads back what has been, page by page, and audits the books", async () => {
    const store = await fresh();
    await store.commit([
      ...opening,
      ...[1, 2, 3, 4, 5].map((n) => transfer(`t${n}`, "world", "ann", BigInt(n))),
    ]);
    await store.commit([
      transfer("pay", "ann", "bob", 4n),
      contract("c1", "t1", "settled"),
      usage("r1", "t1"),
      { kind: "append-log", row: { index: 0, leaf: "ab".repeat(32), body: "first" } },
    ]);
    const history = await store.openHistory();
    const first = await history.transfersOf("ann", 4);
    expect(first.transfers.map((row) => row.id)).toEqual(["pay", "t5", "t4", "t3"]);
    const second = await history.transfersOf("ann", 4, first.next);
    expect(second.transfers.map((row) => row.id)).toEqual(["t2", "t1"]);
    expect(second.next).toBeNull();
    expect(second.transfers[1]).toEqual(transfer("t1", "world", "ann", 1n).transfer);
    expect((await history.transfersWithin("bob", at(0), at(3))).map((row) => row.id)).toEqual(["pay"]);
    expect(await history.balanceAt("ann", at(3))).toBe(11n);
    expect(await history.balanceAt("ann", at(2))).toBe(0n);
    expect(await history.logEntries(0, 9)).toEqual([{ index: 0, leaf: "ab".repeat(32), body: "first" }]);
    expect((await history.contract("c1"))?.state).toBe("settled");
    expect(await history.contract("none")).toBeNull();
    expect((await history.usageOf("c")).length).toBe(1);
    expect(await history.audit()).toEqual([]);
    await history.close();
    await store.close();
  });

  it("tells what contracts cost as the store in memory does: penalties and refunds taken off", async () => {
    const entry = (id: string, kind: Transfer["kind"], contractId: string, amount: bigint, n: number) => {
      const postings = [
        { account: "ann", amount: money(-amount) },
        { account: kind === "deposit" ? "world" : "bob", amount: money(amount) },
      ];
      const made: Transfer = { id, at: at(n), kind, reference: contractId, postings, closes: null };
      return { kind: "transfer", transfer: made } as const;
    };
    const changes: readonly StoreChange[] = [
      ...opening,
      entry("in", "deposit", "in", -1000n, 1),
      contract("c1", "t1", "settled"),
      entry("settle/c1", "settlement", "c1", 100n, 3),
      entry("penalty/c1", "penalty", "c1", -10n, 3),
      entry("settle/c2", "settlement", "c2", 50n, 4),
      entry("resolve/c2", "refund", "c2", -50n, 8),
      entry("settle/c3", "settlement", "c3", 7n, 6),
    ];
    const store = await fresh();
    await store.commit(changes);
    const memory = new MemoryStore();
    await memory.commit(changes);
    const history = await store.openHistory();
    for (const [from, to] of [
      [0, 9],
      [4, 6],
      [0, 4],
    ] as const) {
      const charges = await history.chargesWithin("ann", at(from), at(to));
      expect(charges).toEqual(await memory.chargesWithin("ann", at(from), at(to)));
    }
    expect((await history.chargesWithin("ann", at(0), at(9))).map(({ amount }) => amount)).toEqual([
      90n,
      0n,
      7n,
    ]);
    expect((await history.chargesWithin("ann", at(0), at(9)))[0]?.task).toBe("t1");
    await history.close();
    await store.close();
  });

  it("[S4] is open by one manager at a time", async () => {
    const url = await databaseUrl();
    const first = await openStore({ databaseUrl: url });
    await expect(openStore({ databaseUrl: url })).rejects.toMatchObject({ code: "E_STORE_HELD" });
    await first.close();
    await (await openStore({ databaseUrl: url })).close();
  });
});
