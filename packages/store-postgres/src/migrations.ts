import { type Kysely, type Migration, Migrator, sql } from "kysely";
import { BOOK } from "./book.ts";
import { METER } from "./meter.ts";
import { StoreError } from "./store-error.ts";
import type { Tables } from "./tables.ts";

/*
 * The tables, version by version. A migration that has been released is never edited: the next one changes
 * what it made. Rows that programs read back whole are kept as JSON in text beside the columns that questions are
 * asked by. Keys sort by bytes (COLLATE "C"), as they do in memory.
 */

const statements =
  (...texts: readonly string[]): Migration["up"] =>
  async (db: Kysely<unknown>) => {
    for (const text of texts) await sql.raw(text).execute(db);
  };

const key = `text COLLATE "C" NOT NULL`;

const MIGRATIONS: Record<string, Migration> = {
  "0001_network": {
    up: statements(
      `CREATE TABLE accounts (id ${key} PRIMARY KEY, currency text NOT NULL, credit_limit int8, body json NOT NULL)`,
      `CREATE TABLE tokens (id ${key} PRIMARY KEY, body json NOT NULL)`,
      `CREATE TABLE keys (key ${key} PRIMARY KEY, account ${key}, body json NOT NULL)`,
      `CREATE TABLE nodes (id ${key} PRIMARY KEY, provider ${key}, body json NOT NULL)`,
      `CREATE TABLE tasks (id ${key} PRIMARY KEY, consumer ${key}, submitted_at int8 NOT NULL,
         phase text NOT NULL, submission json NOT NULL, progress json NOT NULL)`,
      `CREATE INDEX tasks_open ON tasks (submitted_at)
         WHERE phase NOT IN ('succeeded', 'failed', 'cancelled')`,
      `CREATE INDEX tasks_by_time ON tasks (submitted_at)`,
      `CREATE TABLE runs (id ${key} PRIMARY KEY, task ${key}, attempt int4 NOT NULL, body json NOT NULL)`,
      `CREATE INDEX runs_by_task ON runs (task)`,
      `CREATE TABLE contracts (id ${key} PRIMARY KEY, task ${key}, state text NOT NULL, body json NOT NULL)`,
      `CREATE INDEX contracts_by_task ON contracts (task)`,
      `CREATE TABLE usage (id ${key} PRIMARY KEY, task ${key}, contract ${key}, node ${key},
         sequence int8 NOT NULL, body json NOT NULL)`,
      `CREATE INDEX usage_by_task ON usage (task)`,
      `CREATE TABLE documents (collection ${key}, id ${key}, at int8 NOT NULL, body json NOT NULL,
         PRIMARY KEY (collection, id))`,
      `CREATE TABLE log (index int8 PRIMARY KEY, leaf bytea NOT NULL, body text NOT NULL)`,
    ),
  },
  "0002_books": {
    up: statements(
      `CREATE TABLE transfers (id ${key} PRIMARY KEY, serial int8 GENERATED ALWAYS AS IDENTITY, at int8 NOT NULL,
         kind text NOT NULL, reference ${key}, closes text COLLATE "C")`,
      `CREATE INDEX transfers_by_serial ON transfers (serial)`,
      `CREATE TABLE postings (transfer ${key}, ordinal int4 NOT NULL, account ${key}, amount int8 NOT NULL,
         PRIMARY KEY (transfer, ordinal))`,
      `CREATE TABLE balances (account ${key} PRIMARY KEY, posted int8 NOT NULL) WITH (fillfactor = 50)`,
      `CREATE TABLE holds (id ${key} PRIMARY KEY, account ${key}, amount int8 NOT NULL CHECK (amount >= 0),
         at int8 NOT NULL, reference text NOT NULL, closed bool NOT NULL DEFAULT false)`,
      `CREATE INDEX holds_open ON holds (id) WHERE NOT closed`,
      BOOK,
    ),
  },
  "0003_meter": {
    up: statements(
      `CREATE TABLE meter (node ${key}, first int8 NOT NULL, last int8 NOT NULL CHECK (last >= first),
         received_at int8 NOT NULL, lines text NOT NULL, PRIMARY KEY (node, first))`,
      `CREATE INDEX meter_by_time ON meter USING brin (received_at)`,
      `CREATE TABLE meter_charges (node ${key}, first int8 NOT NULL, account ${key}, contract ${key},
         received_at int8 NOT NULL, records int8 NOT NULL, charge int8 NOT NULL,
         PRIMARY KEY (node, first, account, contract))`,
      `CREATE INDEX meter_charges_by_time ON meter_charges (received_at)`,
      METER,
    ),
  },
  "0004_history": {
    up: statements(
      `CREATE INDEX postings_by_account ON postings (account, transfer)`,
      `CREATE INDEX usage_by_contract ON usage (contract)`,
    ),
  },
  // Programs read bodies back whole: checking their form at every write bought nothing.
  "0005_text": {
    up: statements(
      ...["accounts", "tokens", "keys", "nodes", "runs", "contracts", "usage", "documents"].map(
        (name) => `ALTER TABLE ${name} ALTER COLUMN body TYPE text`,
      ),
      `ALTER TABLE tasks ALTER COLUMN submission TYPE text, ALTER COLUMN progress TYPE text`,
    ),
  },
  // Meters write more text than all else together: lz4 where the server has it takes a fraction of the time of its own.
  "0007_meter_text": {
    up: statements(
      `DO $$ BEGIN
         ALTER TABLE meter ALTER COLUMN lines SET COMPRESSION lz4;
       EXCEPTION WHEN feature_not_supported THEN
         ALTER TABLE meter ALTER COLUMN lines SET STORAGE EXTERNAL;
       END $$`,
    ),
  },
  "0006_billing": {
    up: statements(
      `CREATE INDEX transfers_by_time ON transfers USING brin (at)`,
      `CREATE INDEX transfers_by_reference ON transfers (reference) WHERE kind <> 'settlement'`,
    ),
  },
};

/** Brings the tables up to this program's version. Refuses tables made by a later one. */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (/previously executed migration .* is missing/.test(String(error))) {
    throw new StoreError(
      "E_STORE_VERSION",
      "the store was made by a later version of this program",
      "run that version, or restore a backup from before it",
      error,
    );
  }
  throw error;
}
