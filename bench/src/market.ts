import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bytes, type Instant, type Micros, money, type OperationsPerSecond, Rng } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import {
  type ContractTerms,
  checkUsage,
  doubleAuction,
  leafHash,
  MerkleTree,
  type MeterBounds,
  type Posting,
  type PriceList,
  rateTotal,
  recordLine,
  signContract,
  signHead,
  signOrder,
  signUsageBatch,
  type Transfer,
  type UsageBatch,
  UsageIntake,
  type UsageRecord,
  verifyContract,
  verifyUsageBatch,
} from "@weft/market";
import type { StoreChange } from "@weft/service";
import { type OpenedStore, openStore, type RatedReading } from "@weft/store-postgres";
import sqlite from "node-sqlite3-wasm";
import { type Bench, cpuSeconds, type Figure } from "./bench.ts";

/** The market's speed: what people's money goes through. Everything that says durable has reached the disk. */
export const market: Bench = {
  name: "market",
  async run(size, report) {
    const full = size === "full";
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-market-"));
    chmodSync(folder, 0o755); // as root, PostgreSQL runs as another user
    const store = await openStore({ dataDir: join(folder, "store") });
    try {
      await store.commit(ACCOUNTS.map(accountOf));
      await ledger(store, join(folder, "books.sqlite"), full, report);
      await metering(store, full, report);
      await log(store, full, report);
      auction(full, report);
      contracts(full, report);
    } finally {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const ACCOUNTS = Array.from({ length: 200 }, (_, i) => `account-${i}`);
const accountOf = (id: string): StoreChange => ({
  kind: "put-account",
  row: { id, currency: "CNY", limit: null, name: id, role: "consumer", createdAt: 0 as Instant },
});

/** Runs `step` until the time is over; gives how much it did in a second. */
async function perSecond(seconds: number, step: () => Promise<number>): Promise<number> {
  const begun = performance.now();
  let done = 0;
  do done += await step();
  while (performance.now() - begun < seconds * 1000);
  return done / ((performance.now() - begun) / 1000);
}

let serial = 0;
/** A settlement between random parties: three postings. */
function transferOf(rng: Rng): Transfer {
  const id = `transfer-${++serial}`;
  const postings: Posting[] = [
    { account: rng.pick(ACCOUNTS), amount: money(-100n) },
    { account: rng.pick(ACCOUNTS), amount: money(95n) },
    { account: rng.pick(ACCOUNTS), amount: money(5n) },
  ];
  return { id, at: serial as Instant, kind: "settlement", reference: id, postings, closes: null };
}

const BATCH = 2_000;

async function ledger(
  store: OpenedStore,
  file: string,
  full: boolean,
  report: (figure: Figure) => void,
): Promise<void> {
  const rng = new Rng(5);
  const commit = async (count: number): Promise<number> => {
    const changes: StoreChange[] = [];
    for (let i = 0; i < count; i++) changes.push({ kind: "transfer", transfer: transferOf(rng) });
    await store.commit(changes);
    return 3 * count;
  };
  const seconds = full ? 4 : 0.1;
  const batched = await perSecond(seconds, () => commit(full ? BATCH : 50));
  const single = await perSecond(seconds, () => commit(1));
  const other = sqliteBooks(file, rng, seconds, full ? BATCH : 50);
  report({
    name: "ledger/postings",
    value: batched,
    unit: "posting/s",
    against: "one transfer a transaction",
    ratio: batched / single,
    note: `durable, ${full ? BATCH : 50} transfers of 3 postings a batch, limits and sums checked in the database`,
  });
  report({
    name: "ledger/postings/sqlite",
    value: other.batched,
    unit: "posting/s",
    against: "PostgreSQL in batches",
    ratio: other.batched / batched,
    note: `SQLite as WebAssembly, synchronous=FULL, the same batches; ${Math.round(other.single)} posting/s one by one`,
  });
}

/** The same double entry on SQLite: ids taken once, balances kept, each batch flushed to the disk. */
function sqliteBooks(
  file: string,
  rng: Rng,
  seconds: number,
  batch: number,
): { batched: number; single: number } {
  const db = new sqlite.Database(file);
  db.exec(`PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;
    CREATE TABLE transfers (id TEXT PRIMARY KEY, at INTEGER, kind TEXT, reference TEXT) WITHOUT ROWID;
    CREATE TABLE postings (transfer TEXT, ordinal INTEGER, account TEXT, amount INTEGER,
      PRIMARY KEY (transfer, ordinal)) WITHOUT ROWID;
    CREATE TABLE balances (account TEXT PRIMARY KEY, posted INTEGER) WITHOUT ROWID;`);
  const transfer = db.prepare("INSERT INTO transfers VALUES (?, ?, ?, ?)");
  const posting = db.prepare("INSERT INTO postings VALUES (?, ?, ?, ?)");
  const balance = db.prepare(
    "INSERT INTO balances VALUES (?, ?) ON CONFLICT DO UPDATE SET posted = posted + excluded.posted",
  );
  const enter = (count: number): number => {
    db.exec("BEGIN");
    for (let i = 0; i < count; i++) {
      const { id, at, kind, reference, postings } = transferOf(rng);
      transfer.run([id, at, kind, reference]);
      postings.forEach(({ account, amount }, ordinal) => {
        posting.run([id, ordinal, account, amount]);
        balance.run([account, amount]);
      });
    }
    db.exec("COMMIT");
    return 3 * count;
  };
  const timed = (count: number): number => {
    const begun = performance.now();
    let done = 0;
    do done += enter(count);
    while (performance.now() - begun < seconds * 1000);
    return done / ((performance.now() - begun) / 1000);
  };
  const figures = { batched: timed(batch), single: timed(1) };
  for (const statement of [transfer, posting, balance]) statement.finalize();
  db.close();
  return figures;
}

const consumer = createSigner();
const provider = createSigner();
const manager = createSigner();
const PRICES: PriceList = {
  petaOperation: { logical: money(40_000_000n), parallel: money(20_000_000n), neural: money(30_000_000n) },
  memoryGibHour: money(30_000n),
  storageGibHour: money(500n),
  transferGb: money(400_000n),
  bandwidthGbpsHour: money(2_000_000n),
  perTask: money(5n),
};
const END = 4e15 as Instant;

function termsOf(id: string): ContractTerms {
  const order = {
    id,
    consumer: consumer.publicKey,
    taskDigest: "ab".repeat(32),
    payAtMost: money(10_000n),
    notAfter: END,
  };
  return {
    id,
    order: signOrder(order, consumer),
    task: id,
    attempt: 1,
    consumer: { account: "account-0", key: consumer.publicKey },
    provider: { account: "account-1", key: provider.publicKey },
    manager: { account: "account-2", key: manager.publicKey },
    node: { id: "node", key: provider.publicKey },
    compute: "neural",
    currency: "CNY",
    prices: PRICES,
    ceiling: money(10_000n),
    completeBy: null,
    validFrom: 0 as Instant,
    validUntil: END,
  };
}
const METERED = termsOf("service");
const BOUNDS: MeterBounds = {
  lanes: 2,
  rate: 1e11 as OperationsPerSecond,
  memoryBytes: 2e9 as Bytes,
  storageBytes: 1e9 as Bytes,
  movedBytes: null,
  reservedBps: 0,
};
const recordOf = (sequence: number): UsageRecord => ({
  id: `reading-${sequence}`,
  contract: "service",
  node: "node",
  sequence,
  startedAt: (sequence * 1e6) as Instant,
  endedAt: ((sequence + 1) * 1e6) as Instant,
  cpuTime: 700_000 as Micros,
  wallTime: 1_000_000 as Micros,
  operations: 9_100_000_000n + BigInt(sequence % 1000),
  memoryTime: 180_000_000_000_000n,
  storageTime: 0n,
  inputBytes: 2_300 as Bytes,
  outputBytes: 400 as Bytes,
  reservedBits: 0n,
  outcome: "completed",
  result: null,
});

/** Batches signed at a time before the clock starts: no more are held than a manager would have on hand. */
const SIGNED_AHEAD = 4;

/**
 * Signed batches in, durable rated rows out: signature, order and gaps, plausibility, price, then the disk. Only taking
 * them in is timed, from the first batch of a round until its last is durable.
 */
async function metering(store: OpenedStore, full: boolean, report: (figure: Figure) => void): Promise<void> {
  const perBatch = full ? 5_000 : 100;
  const rounds = full ? 20 : 1;
  const intake = new UsageIntake();
  const meter = await store.openMeter();
  let written = 0;
  let seconds = 0;
  let cpu = 0;
  for (let round = 0; round < rounds; round++) {
    const batches = Array.from({ length: SIGNED_AHEAD }, (_, b) => {
      const first = (round * SIGNED_AHEAD + b) * perBatch + 1;
      const records = Array.from({ length: perBatch }, (_, i) => recordOf(first + i));
      return signUsageBatch("node", records, provider, nodeCryptography);
    });
    const before = process.cpuUsage();
    const begun = performance.now();
    written += await takeIn(meter, intake, batches);
    seconds += (performance.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(before);
    cpu += user + system;
  }
  await meter.close();
  const count = rounds * SIGNED_AHEAD * perBatch;
  if (written !== count) throw new Error(`${written} of ${count} readings were written`);
  report({
    name: "metering/ingest",
    value: written / seconds,
    unit: "record/s",
    against: "the goal of 50,000",
    ratio: written / seconds / 50_000,
    note: `durable, ${perBatch} records a signed batch, each checked and rated; ${(cpu / written).toFixed(1)} us of CPU a record outside the database`,
  });
}

/** Takes batches in; resolves once all are durable, to how many readings were new. */
async function takeIn(
  meter: Awaited<ReturnType<OpenedStore["openMeter"]>>,
  intake: UsageIntake,
  batches: readonly UsageBatch[],
): Promise<number> {
  const terms = METERED;
  let written = 0;
  let last: Promise<number> = Promise.resolve(0);
  for (const batch of batches) {
    const lines = batch.records.map(recordLine);
    if (verifyUsageBatch(batch, terms.node.key, nodeCryptography, lines) !== null) throw new Error("refused");
    const rated: RatedReading[] = [];
    batch.records.forEach((record, i) => {
      const line = lines[i] as string;
      const taken = intake.take(record, line);
      if (!taken.ok || taken.value === "repeat" || checkUsage(record, terms, BOUNDS) !== null) return;
      rated.push({ record, line, account: "account-0", charge: rateTotal(record, terms) });
    });
    written += await last; // the database writes one batch while the next is checked
    last = meter.append(rated, batch.records[0]?.endedAt as Instant);
  }
  return written + (await last);
}

async function log(store: OpenedStore, full: boolean, report: (figure: Figure) => void): Promise<void> {
  const tree = new MerkleTree(nodeCryptography);
  const count = full ? 1_000 : 50;
  const value = await perSecond(full ? 3 : 0.1, async () => {
    const changes: StoreChange[] = [];
    for (let i = 0; i < count; i++) {
      const body = `{"kind":"settlement","contract":"c-${tree.size}","total":"410"}`;
      const leaf = leafHash(body, nodeCryptography);
      changes.push({ kind: "append-log", row: { index: tree.size, leaf, body } });
      tree.append(leaf);
    }
    await store.commit(changes);
    signHead({ log: manager.publicKey, size: tree.size, root: tree.root(), at: END }, manager);
    return count;
  });
  report({
    name: "log/append",
    value,
    unit: "entry/s",
    against: "the goal of 10,000",
    ratio: value / 10_000,
    note: `durable, a signed tree head every ${count}`,
  });
}

function auction(full: boolean, report: (figure: Figure) => void): void {
  const rng = new Rng(7);
  const count = 10_000;
  const bids = Array.from({ length: count }, (_, i) => ({
    id: `b${i}`,
    value: money(BigInt(rng.below(1e9))),
  }));
  const asks = Array.from({ length: count }, (_, i) => ({
    id: `a${i}`,
    cost: money(BigInt(rng.below(1e9))),
  }));
  const rounds = full ? 21 : 3;
  const seconds = cpuSeconds(() => {
    for (let i = 0; i < rounds; i++)
      if (doubleAuction(bids, asks).trades.length === 0) throw new Error("no trade");
  });
  const milliseconds = (seconds * 1000) / rounds;
  report({
    name: "auction/double/10000",
    value: milliseconds,
    unit: "ms",
    against: "the goal of 50 ms",
    ratio: milliseconds / 50,
    note: "McAfee, 10,000 bids and 10,000 asks, of one core",
  });
}

/** Everything of one contract that all three do: order, terms signed twice, and the check of all three signatures. */
function contracts(full: boolean, report: (figure: Figure) => void): void {
  const count = full ? 2_000 : 20;
  const seconds = cpuSeconds(() => {
    for (let i = 0; i < count; i++) {
      const terms = termsOf(`contract-${i}`);
      const contract = {
        terms,
        manager: signContract(terms, manager),
        provider: signContract(terms, provider),
      };
      if (verifyContract(contract, nodeCryptography) !== null)
        throw new Error("a sound contract was refused");
    }
  });
  report({
    name: "contracts/signed",
    value: count / seconds,
    unit: "contract/s",
    against: "a second of one core",
    ratio: null,
    note: "order signed, terms signed by manager and provider, all three verified",
  });
}
