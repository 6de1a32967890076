import type { Store } from "@weft/service";
import { openCluster } from "./cluster.ts";
import { becomeOnlyWriter, type Connection, connect } from "./connection.ts";
import { History } from "./history.ts";
import { MeterTable } from "./meter-table.ts";
import { migrate } from "./migrations.ts";
import { PostgresStore, queriesOver } from "./postgres-store.ts";
import { StoreError, storeError } from "./store-error.ts";

/** A folder for a PostgreSQL of our own, or the URL of an external one. */
export type StorePlace = { readonly dataDir: string } | { readonly databaseUrl: string };

export interface OpenedStore extends Store {
  /** The server was still running, left by a manager that was killed. */
  readonly adopted: boolean;
  /** What it is, in words, such as `PostgreSQL 18.4 (embedded)`. */
  readonly description: string;
  /** Resolves when the database goes away while the store is open, at once and unasked. */
  readonly lost: Promise<StoreError>;
  /** The table of meter readings, over a connection of its own. */
  openMeter(): Promise<MeterTable>;
  /** What has been, over a connection of its own. */
  openHistory(): Promise<History>;
}

/**
 * Opens the store, making or migrating it as needed, and becomes its only writer. Rejects with a `StoreError` whose code
 * says what is wrong: the disk full, the folder corrupt, in use, out of reach, or of another version.
 */
export async function openStore(place: StorePlace): Promise<OpenedStore> {
  if ("databaseUrl" in place) {
    checkUrl(place.databaseUrl);
    return begin({ connectionString: place.databaseUrl }, "external", false, async () => {});
  }
  const cluster = await openCluster(place.dataDir);
  return begin(cluster.connection, "embedded", cluster.adopted, cluster.stop);
}

/** What libpq takes, and nothing that pg would quietly take for something else. Its text may hold a password: not told. */
function checkUrl(url: string): void {
  if (/^(?:postgres(?:ql)?|socket):\/\/./.test(url)) return;
  throw new StoreError(
    "E_STORE_UNREACHABLE",
    "DATABASE_URL is no URL of a PostgreSQL",
    "expected such as postgresql://user:password@host:5432/database",
  );
}

async function begin(
  connection: Connection,
  kind: string,
  adopted: boolean,
  stop: () => Promise<void>,
): Promise<OpenedStore> {
  let onlyWriter = false;
  let end = async (): Promise<void> => {};
  try {
    const client = await connect(connection);
    end = () => client.end().catch(() => {});
    await becomeOnlyWriter(client);
    onlyWriter = true;
    await migrate(queriesOver(client));
    const { rows } = await client.query<{ server_version: string }>("SHOW server_version");
    const version = String(rows[0]?.server_version).split(" ")[0];
    const store = new PostgresStore(client, stop);
    const description = `PostgreSQL ${version} (${kind})`;
    const openMeter = async (): Promise<MeterTable> => new MeterTable(await connect(connection));
    const openHistory = async (): Promise<History> => new History(await connect(connection));
    return Object.assign(store, { adopted, description, openMeter, openHistory });
  } catch (error) {
    await end();
    // a server that another manager writes through is that manager's to stop
    if (onlyWriter || !adopted) await stop();
    throw storeError(error);
  }
}
