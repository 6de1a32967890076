import type { Posting, Transfer } from "@weft/market";
import { type StoreChange, storedText, type TaskProgress, type TaskRow } from "@weft/service";
import { binaryArray, type ElementType } from "./array.ts";

/*
 * A batch of changes as a few statements over arrays. Changes of one row in one batch fold into the last one, since a
 * statement may not touch a row twice; the order of a batch therefore matters only within a row and within
 * the books, and both are kept.
 */

/** One statement of a batch: `name` lets PostgreSQL keep its plan. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** One array a parameter. */
  readonly values: readonly Buffer[];
}

type Value = string | number | bigint | Uint8Array | null;
type Columns = Readonly<Record<string, ElementType>>;

interface Table {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: Columns;
}

const table = (name: string, key: readonly string[], columns: Columns): Table => ({ name, key, columns });

const TABLES = {
  accounts: table("accounts", ["id"], { id: "text", currency: "text", credit_limit: "int8", body: "text" }),
  tokens: table("tokens", ["id"], { id: "text", body: "text" }),
  keys: table("keys", ["key"], { key: "text", account: "text", body: "text" }),
  nodes: table("nodes", ["id"], { id: "text", provider: "text", body: "text" }),
  tasks: table("tasks", ["id"], {
    id: "text",
    consumer: "text",
    submitted_at: "int8",
    phase: "text",
    submission: "text",
    progress: "text",
  }),
  runs: table("runs", ["id"], { id: "text", task: "text", attempt: "int4", body: "text" }),
  contracts: table("contracts", ["id"], { id: "text", task: "text", state: "text", body: "text" }),
  usage: table("usage", ["id"], {
    id: "text",
    task: "text",
    contract: "text",
    node: "text",
    sequence: "int8",
    body: "text",
  }),
  documents: table("documents", ["collection", "id"], {
    collection: "text",
    id: "text",
    at: "int8",
    body: "text",
  }),
  holds: table("holds", ["id"], {
    id: "text",
    account: "text",
    amount: "int8",
    at: "int8",
    reference: "text",
  }),
  log: table("log", ["index"], { index: "int8", leaf: "bytea", body: "text" }),
} as const;
type TableName = keyof typeof TABLES;

/** What is known once is never replaced: a hold may be closed already, a log entry stands for ever. */
const KEPT: readonly TableName[] = ["holds", "log"];

function upsert(name: TableName): { readonly text: string; readonly columns: readonly string[] } {
  const { key, columns } = TABLES[name];
  const names = Object.keys(columns);
  const arrays = names.map((column, i) => `$${i + 1}::${columns[column]}[]`);
  const changed = names.filter((column) => !key.includes(column));
  const onConflict = KEPT.includes(name)
    ? "DO NOTHING"
    : `(${key.join(", ")}) DO UPDATE SET ${changed.map((c) => `${c} = excluded.${c}`).join(", ")}`;
  const text = `INSERT INTO ${name} (${names.join(", ")}) SELECT * FROM unnest(${arrays.join(", ")}) ON CONFLICT ${onConflict}`;
  return { text, columns: names };
}

function removal(name: TableName): string {
  const { key, columns } = TABLES[name];
  const arrays = key.map((column, i) => `$${i + 1}::${columns[column]}[]`);
  return `DELETE FROM ${name} WHERE (${key.join(", ")}) IN (SELECT * FROM unnest(${arrays.join(", ")}))`;
}

const UPSERTS = new Map(Object.keys(TABLES).map((name) => [name as TableName, upsert(name as TableName)]));
const REMOVALS = new Map(Object.keys(TABLES).map((name) => [name as TableName, removal(name as TableName)]));
const PROGRESS = `UPDATE tasks SET phase = p.phase, progress = p.progress
  FROM unnest($1::text[], $2::text[], $3::text[]) AS p (id, phase, progress) WHERE tasks.id = p.id`;
const BOOK = `SELECT book($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
const RELEASE = `UPDATE holds SET closed = true WHERE id = ANY ($1::text[]) AND NOT closed`;

type Row = readonly Value[];

interface RowChange {
  readonly table: TableName;
  readonly key: Row;
  /** All columns, in the table's order; null to remove it. */
  readonly row: Row | null;
}
const put = (table: TableName, key: Row, ...rest: Row): RowChange => ({ table, key, row: [...key, ...rest] });
const remove = (table: TableName, ...key: Row): RowChange => ({ table, key, row: null });

/** The changes that replace or remove one row whole. */
type PlainChange = Exclude<StoreChange, { kind: "put-task" | "progress-task" | "release-hold" | "transfer" }>;

function rowChange(change: PlainChange): RowChange {
  switch (change.kind) {
    case "put-account": {
      const { row } = change;
      return put("accounts", [row.id], row.currency, row.limit, storedText(row));
    }
    case "put-token":
      return put("tokens", [change.row.id], storedText(change.row));
    case "put-key":
      return put("keys", [change.row.key], change.row.account, storedText(change.row));
    case "put-node":
      return put("nodes", [change.row.id], change.row.provider, storedText(change.row));
    case "put-run": {
      const { task, attempt, ...body } = change.row;
      return put("runs", [body.view.id], task, attempt, storedText(body));
    }
    case "put-contract": {
      const { id, task } = change.row.contract.terms;
      return put("contracts", [id], task, change.row.state, storedText(change.row));
    }
    case "put-usage": {
      const { id, contract, node, sequence } = change.row.usage.record;
      return put("usage", [id], change.row.task, contract, node, sequence, storedText(change.row));
    }
    case "put-document": {
      const { collection, id, at, body } = change.row;
      return put("documents", [collection, id], at, storedText(body));
    }
    case "place-hold": {
      const { id, account, amount, at, reference } = change.hold;
      return put("holds", [id], account, amount, at, reference);
    }
    case "append-log": {
      const { index, leaf, body } = change.row;
      return put("log", [index], Buffer.from(leaf, "hex"), body);
    }
    case "remove-token":
      return remove("tokens", change.id);
    case "remove-key":
      return remove("keys", change.id);
    case "remove-node":
      return remove("nodes", change.id);
    case "remove-document":
      return remove("documents", change.collection, change.id);
  }
}

/** Folds the changes and lays them out by column. */
export class Batch {
  /** By table, then key: the row to write, or null to remove it. */
  readonly #rows = new Map<TableName, Map<string, { readonly key: Row; readonly row: Row | null }>>();
  readonly #tasks = new Map<string, TaskRow>();
  readonly #progress = new Map<string, TaskProgress>();
  readonly #transfers = new Map<string, Transfer>();
  readonly #released: string[] = [];

  constructor(changes: readonly StoreChange[]) {
    for (const change of changes) this.#add(change);
  }

  #put({ table, key, row }: RowChange): void {
    let rows = this.#rows.get(table);
    if (rows === undefined) this.#rows.set(table, (rows = new Map()));
    const id = key.join("\u0000");
    if (KEPT.includes(table) && rows.has(id)) return;
    rows.set(id, { key, row });
  }

  #add(change: StoreChange): void {
    switch (change.kind) {
      case "put-task":
        this.#tasks.set(change.row.id, change.row);
        this.#progress.delete(change.row.id);
        break;
      case "progress-task":
        this.#progress.set(change.id, change.progress);
        break;
      case "release-hold":
        this.#released.push(change.id);
        break;
      case "transfer":
        if (!this.#transfers.has(change.transfer.id))
          this.#transfers.set(change.transfer.id, change.transfer);
        break;
      default:
        this.#put(rowChange(change));
    }
  }

  /** The statements to run, in order, in one transaction. */
  statements(): readonly Statement[] {
    for (const [id, task] of this.#tasks) {
      const progress = this.#progress.get(id) ?? task.progress;
      this.#progress.delete(id);
      const { consumer, submittedAt, submission } = task;
      const texts = [storedText(submission), storedText(progress)];
      this.#put(put("tasks", [id], consumer, submittedAt, progress.phase, ...texts));
    }
    const statements: Statement[] = [];
    for (const [name, rows] of this.#rows) {
      const written = [...rows.values()].flatMap(({ row }) => (row === null ? [] : [row]));
      const removed = [...rows.values()].flatMap(({ key, row }) => (row === null ? [key] : []));
      if (removed.length > 0) {
        const text = REMOVALS.get(name) as string;
        const types = TABLES[name].key.map(
          (column) => (TABLES[name].columns as Columns)[column] as ElementType,
        );
        statements.push({ name: `remove ${name}`, text, values: columnsOf(removed, types) });
      }
      if (written.length > 0) {
        const { text } = UPSERTS.get(name) as { text: string };
        statements.push({
          name: `put ${name}`,
          text,
          values: columnsOf(written, Object.values(TABLES[name].columns)),
        });
      }
    }
    if (this.#progress.size > 0) {
      const rows = [...this.#progress].map(([id, progress]) => [id, progress.phase, storedText(progress)]);
      statements.push({
        name: "progress",
        text: PROGRESS,
        values: columnsOf(rows, ["text", "text", "text"]),
      });
    }
    if (this.#transfers.size > 0) statements.push(bookStatement([...this.#transfers.values()]));
    if (this.#released.length > 0) {
      statements.push({ name: "release", text: RELEASE, values: [binaryArray("text", this.#released)] });
    }
    return statements;
  }
}

/** Enters transfers through the database's own rules; those known by id change nothing. */
function bookStatement(transfers: readonly Transfer[]): Statement {
  const of: string[] = [];
  const ordinals: number[] = [];
  const postings: Posting[] = [];
  for (const transfer of transfers) {
    for (let i = 0; i < transfer.postings.length; i++) {
      of.push(transfer.id);
      ordinals.push(i);
      postings.push(transfer.postings[i] as Posting);
    }
  }
  const texts = (values: readonly (string | null)[]): Buffer => binaryArray("text", values);
  const values = [
    texts(transfers.map((transfer) => transfer.id)),
    binaryArray(
      "int8",
      transfers.map((transfer) => transfer.at),
    ),
    texts(transfers.map((transfer) => transfer.kind)),
    texts(transfers.map((transfer) => transfer.reference)),
    texts(transfers.map((transfer) => transfer.closes)),
    texts(of),
    binaryArray("int4", ordinals),
    texts(postings.map((posting) => posting.account)),
    binaryArray(
      "int8",
      postings.map((posting) => posting.amount),
    ),
  ];
  return { name: "book", text: BOOK, values };
}

const columnsOf = (rows: readonly Row[], types: readonly ElementType[]): Buffer[] =>
  types.map((type, column) =>
    binaryArray(
      type,
      rows.map((row) => row[column] as Value),
    ),
  );
