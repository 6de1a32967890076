import pg from "pg";
import { StoreError, storeError } from "./store-error.ts";

export interface Connection {
  readonly host?: string;
  readonly user?: string;
  readonly database?: string;
  readonly connectionString?: string;
}

const LOCK_WAIT_MS = 3_000;

/** int8 and numeric come back as bigint, JSON as its text: money never passes through a float. */
const TYPES = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC)
      return (text: string) => BigInt(text);
    if (oid === pg.types.builtins.JSON) return (text: string) => text;
    return pg.types.getTypeParser(oid, format);
  },
};

/** A connection whose statements travel together instead of waiting for each other's answer. */
export async function connect(connection: Connection): Promise<pg.Client> {
  const config = {
    ...connection,
    types: TYPES,
    pipeline: true,
    application_name: `weft manager ${process.pid}`,
    connectionTimeoutMillis: 10_000,
  };
  const client = new pg.Client(config as pg.ClientConfig);
  client.on("error", () => {}); // the query that is under way, or the next one, tells it
  try {
    await client.connect();
    await client.query("CREATE SCHEMA IF NOT EXISTS weft");
    await client.query("SET search_path TO weft");
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    const known = storeError(error);
    if (known.code === "E_STORE_FULL") throw known;
    throw new StoreError(
      "E_STORE_UNREACHABLE",
      `cannot use the database: ${(error as Error).message || (error as { code?: string }).code}`,
      "check DATABASE_URL and that PostgreSQL is running there",
      error,
    );
  }
}

/**
 * Makes this session the store's only writer. The lock lives and dies with the connection, so a manager that lost
 * its connection cannot write behind the back of the one that came after it.
 */
export async function becomeOnlyWriter(client: pg.Client): Promise<void> {
  const until = Date.now() + LOCK_WAIT_MS; // a killed manager's session takes a moment to end
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      "SELECT pg_try_advisory_lock(hashtext('weft'), hashtext('writer')) AS held",
    );
    if (rows[0]?.held === true) return;
    if (Date.now() > until) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  const { rows } = await client.query<{ application_name: string }>(
    `SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND objid = (hashtext('writer')::int8 & 4294967295)::oid LIMIT 1`,
  );
  throw new StoreError(
    "E_STORE_HELD",
    `the store is in use by ${rows[0]?.application_name ?? "another manager"}`,
    "stop that one first, or choose another folder",
  );
}
