import type { Instant, Money } from "@weft/kernel";
import type { Hold, Posting, Transfer, TransferKind } from "@weft/market";
import { fromStoredText, type RunRow, type Store, type StoreChange, type StoreState } from "@weft/service";
import { Kysely, PostgresDialect, type PostgresPool, sql } from "kysely";
import type pg from "pg";
import { Batch } from "./batch.ts";
import { StoreError, storeError } from "./store-error.ts";
import type { Tables } from "./tables.ts";

const ENDED = ["succeeded", "failed", "cancelled"];

/** Kysely over the one connection that holds the writer's lock. */
export function queriesOver(client: pg.Client): Kysely<Tables> {
  const pool = {
    connect: async () => Object.assign(client, { release: () => {} }),
    end: async () => {},
  };
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) });
}

/** The store over PostgreSQL. One connection: what commits, reads back, and holds the writer's lock. */
export class PostgresStore implements Store {
  readonly #client: pg.Client;
  readonly #queries: Kysely<Tables>;
  readonly #stop: () => Promise<void>;
  #failed: StoreError | null = null;
  /** Resolves when the database goes away while the store is open and nothing has failed yet. */
  readonly lost: Promise<StoreError>;

  constructor(client: pg.Client, stop: () => Promise<void>) {
    this.#client = client;
    this.#queries = queriesOver(client);
    this.#stop = stop;
    this.lost = new Promise((resolve) => {
      client.once("end", () => {
        if (this.#failed === null) resolve(storeError(new Error("it has closed the connection")));
      });
    });
  }

  async commit(changes: readonly StoreChange[]): Promise<void> {
    if (this.#failed !== null) throw this.#failed;
    if (changes.length === 0) return;
    const statements = new Batch(latestNodes(changes)).statements();
    const answers: Promise<unknown>[] = [this.#client.query("BEGIN")];
    for (const { name, text, values } of statements) {
      answers.push(this.#client.query({ name, text, values: values as unknown[] }));
    }
    answers.push(this.#client.query("COMMIT")); // after an error PostgreSQL takes it for a rollback
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === "rejected") {
        this.#failed = storeError(answer.reason); // what is durable is now for a new start to find out
        throw this.#failed;
      }
    }
  }

  async load(options: { readonly ended?: number } = {}): Promise<StoreState> {
    try {
      return await this.#load(options.ended ?? 10_000);
    } catch (error) {
      throw storeError(error);
    }
  }

  async #load(ended: number): Promise<StoreState> {
    const db = this.#queries;
    const bodies = async <Row>(
      name: "accounts" | "tokens" | "nodes",
      key: "id" = "id",
    ): Promise<readonly Row[]> => {
      const rows = await db.selectFrom(name).select("body").orderBy(key).execute();
      return rows.map((row) => fromStoredText<Row>(row.body));
    };
    const tasks = await this.#tasks(ended);
    const of = tasks.map((task) => task.id);
    const ofTasks = sql<boolean>`task = ANY (${of}::text[])`;
    const runs = await db
      .selectFrom("runs")
      .select(["task", "attempt", "body"])
      .where(ofTasks)
      .orderBy("task")
      .orderBy("attempt")
      .execute();
    const contracts = await db.selectFrom("contracts").select("body").where(ofTasks).orderBy("id").execute();
    const usage = await db.selectFrom("usage").select("body").where(ofTasks).orderBy("id").execute();
    const keys = await db.selectFrom("keys").select("body").orderBy("key").execute();
    const documents = await db
      .selectFrom("documents")
      .selectAll()
      .orderBy("collection")
      .orderBy("id")
      .execute();
    const balances = await db.selectFrom("balances").selectAll().orderBy("account").execute();
    const holds = await db
      .selectFrom("holds")
      .selectAll()
      .where("closed", "=", false)
      .orderBy("id")
      .execute();
    const log = await db.selectFrom("log").select("leaf").orderBy("index").execute();
    return {
      accounts: await bodies("accounts"),
      tokens: await bodies("tokens"),
      nodes: await bodies("nodes"),
      keys: keys.map((row) => fromStoredText(row.body)),
      tasks,
      runs: runs.map(({ task, attempt, body }) => ({
        task,
        attempt,
        ...fromStoredText<Pick<RunRow, "view" | "live">>(body),
      })),
      contracts: contracts.map((row) => fromStoredText(row.body)),
      usage: usage.map((row) => fromStoredText(row.body)),
      documents: documents.map((row) => ({
        collection: row.collection,
        id: row.id,
        body: fromStoredText(row.body),
        at: Number(row.at) as Instant,
      })),
      balances: balances.map((row) => ({ account: row.account, posted: row.posted as Money })),
      holds: holds.map(
        ({ id, account, amount, at, reference }): Hold => ({
          id,
          account,
          amount: amount as Money,
          at: Number(at) as Instant,
          reference,
        }),
      ),
      transfers: await this.#transfers(Math.max(ended, 1) * 2),
      logLeaves: log.map((row) => row.leaf.toString("hex")),
    };
  }

  async #tasks(ended: number): Promise<StoreState["tasks"]> {
    const columns = ["id", "consumer", "submitted_at", "submission", "progress"] as const;
    const all = this.#queries.selectFrom("tasks").select(columns);
    const latest = await all
      .where("phase", "in", ENDED)
      .orderBy("submitted_at", "desc")
      .orderBy("id", "desc")
      .limit(ended)
      .execute();
    const open = await all.where("phase", "not in", ENDED).execute();
    return [...latest, ...open]
      .map((row) => ({
        id: row.id,
        consumer: row.consumer,
        submittedAt: Number(row.submitted_at) as Instant,
        submission: fromStoredText<StoreState["tasks"][number]["submission"]>(row.submission),
        progress: fromStoredText<StoreState["tasks"][number]["progress"]>(row.progress),
      }))
      .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1));
  }

  /** The latest transfers with their postings, oldest first. */
  async #transfers(latest: number): Promise<readonly Transfer[]> {
    const db = this.#queries;
    const heads = await db
      .selectFrom("transfers")
      .selectAll()
      .orderBy("serial", "desc")
      .limit(latest)
      .execute();
    const postings = await db
      .selectFrom("postings")
      .select(["transfer", "account", "amount"])
      .where(sql<boolean>`transfer = ANY (${heads.map((head) => head.id)}::text[])`)
      .orderBy("transfer")
      .orderBy("ordinal")
      .execute();
    const byTransfer = new Map<string, Posting[]>();
    for (const { transfer, account, amount } of postings) {
      const list = byTransfer.get(transfer) ?? [];
      if (list.length === 0) byTransfer.set(transfer, list);
      list.push({ account, amount: amount as Money });
    }
    return heads.reverse().map((head) => ({
      id: head.id,
      at: Number(head.at) as Instant,
      kind: head.kind as TransferKind,
      reference: head.reference,
      postings: byTransfer.get(head.id) ?? [],
      closes: head.closes,
    }));
  }

  async close(): Promise<void> {
    this.#failed ??= new StoreError("E_STORE_LOST", "the store is closed", "open it again");
    await this.#client.end().catch(() => {});
    await this.#stop();
  }
}

/** A node's row is put at every settlement, and long: of those in one batch only the last is worth writing down. */
function latestNodes(changes: readonly StoreChange[]): readonly StoreChange[] {
  const last = new Map<string, StoreChange>();
  for (const change of changes) if (change.kind === "put-node") last.set(change.row.id, change);
  if (last.size === 0) return changes;
  return changes.filter((change) => change.kind !== "put-node" || last.get(change.row.id) === change);
}
