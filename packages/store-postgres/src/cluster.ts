import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { chown, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Binaries, ensureBinaries, type ServerUser, serverUser } from "./binaries.ts";
import { StoreError } from "./store-error.ts";

/*
 * One PostgreSQL of our own in one folder. It listens on a socket file that only its owner may open, on no
 * port, so no port can be taken. It outlives a killed parent; the next start finds and adopts it.
 *
 *   <folder>/cluster      the database
 *   <folder>/server.log   what PostgreSQL says
 *   <folder>/moved-to     where the database really is, when its user cannot reach <folder> (root's closed home)
 */
export interface Cluster {
  /** How to connect. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly adopted: boolean;
  /** Stops the server, everything committed on disk. */
  stop(): Promise<void>;
}

const USER = "weft";
const MOVED_TO = "moved-to";
/** In such a home: the folder it was moved from. */
const BELONGS_TO = "belongs-to";
const START_MS = 60_000;
const SETTINGS = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  max_connections: "24",
  shared_buffers: "64MB",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "1GB",
  checkpoint_timeout: "10min",
  jit: "off",
  log_min_messages: "warning",
  timezone: "UTC",
};

/**
 * How to stop a server, ever less gently: end sessions and write a checkpoint; else stop at once, and recover at the next
 * start, as after a power cut; a server that hangs on a full disk needs the last. Nothing committed is lost by any.
 */
const STOPS = [
  ["SIGINT", 15_000],
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

interface Place {
  readonly folder: string;
  readonly data: string;
  readonly log: string;
  readonly sockets: string;
  readonly binaries: Binaries;
  readonly user: ServerUser | null;
}

/** Opens the cluster in `folder`, made there when there is none; adopts a server that still runs there. */
export async function openCluster(folder: string): Promise<Cluster> {
  if (process.platform === "win32") {
    throw new StoreError("E_STORE_PLATFORM", "the embedded store needs Linux or macOS", "set DATABASE_URL");
  }
  const place = await findPlace(resolve(folder));
  await ensureInitialised(place);
  const until = Date.now() + START_MS;
  let reason = "";
  while (Date.now() < until) {
    const running = await adopt(place);
    if (running !== null) return running;
    const outcome = await start(place);
    if (typeof outcome !== "string") return outcome;
    reason = outcome;
    // a server that is just stopping, or one that another manager is just starting, holds the folder for a moment
    if (!/already exists|still in use|already in use/.test(reason)) break;
    await sleep(100);
  }
  throw startError(place, reason);
}

async function findPlace(folder: string): Promise<Place> {
  const binaries = await ensureBinaries();
  const user = serverUser();
  try {
    await mkdir(folder, { recursive: true });
    let home = folder;
    const pointer = join(folder, MOVED_TO);
    if (existsSync(pointer)) home = (await readFile(pointer, "utf8")).trim();
    else if (user !== null && !existsSync(join(folder, "cluster")) && !reachable(folder, user)) {
      const passing = folder.startsWith(`${tmpdir()}/`) ? tmpdir() : "/var/lib";
      home = await moveAway(folder, join(passing, "weft"));
    }
    if (home !== folder) await mkdir(home, { recursive: true, mode: 0o755 });
    const data = join(home, "cluster");
    const sockets = await socketFolder(data, user);
    return { folder, data, log: join(folder, "server.log"), sockets, binaries, user };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const full = (error as NodeJS.ErrnoException).code === "ENOSPC";
    throw new StoreError(
      full ? "E_STORE_FULL" : "E_STORE_FOLDER",
      `cannot use the folder ${folder}: ${(error as Error).message}`,
      full ? "free some space, then start again" : "choose a folder that you may write to",
      error,
    );
  }
}

/** Gives a folder's database another home, and clears those that belong to nobody any more. */
export async function moveAway(folder: string, homes: string): Promise<string> {
  const home = join(homes, randomBytes(8).toString("hex"));
  await writeFile(join(folder, MOVED_TO), `${home}\n`); // first: a home that nothing points to is swept
  await mkdir(home, { recursive: true, mode: 0o755 });
  await writeFile(join(home, BELONGS_TO), `${folder}\n`);
  await sweepHomes(homes);
  return home;
}

/** Removes homes whose folder is gone or points elsewhere, and where no server runs. What is in doubt stays. */
async function sweepHomes(homes: string): Promise<void> {
  for (const name of await readdir(homes)) {
    const home = join(homes, name);
    try {
      const owner = (await readFile(join(home, BELONGS_TO), "utf8")).trim();
      const pointsTo = await readFile(join(owner, MOVED_TO), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error; // it may well be there, out of our sight
      });
      if (owner === "" || pointsTo.trim() === home) continue;
      const server = postmaster(join(home, "cluster", "postmaster.pid"));
      if (server !== null && alive(server) && isPostgres(server)) continue;
      await rm(home, { recursive: true, force: true });
    } catch {
      // Nobody's word for whose it is, or somebody else's to remove.
    }
  }
}

/** Whether a user with no rights of its own gets through every folder above. */
function reachable(folder: string, user: ServerUser): boolean {
  for (let at = folder; ; at = dirname(at)) {
    const { mode, uid } = statSync(at);
    if ((mode & 0o001) === 0 && !(uid === user.uid && (mode & 0o100) !== 0)) return false;
    if (at === dirname(at)) return true;
  }
}

/** Socket paths end at 107 bytes, so a deep folder keeps its socket elsewhere, under a name of its own. */
async function socketFolder(data: string, user: ServerUser | null): Promise<string> {
  if (Buffer.byteLength(data) <= 85) return data;
  const uid = user?.uid ?? process.getuid?.() ?? 0;
  const name = createHash("sha256").update(data).digest("hex").slice(0, 16);
  const folder = join(tmpdir(), `weft-${uid}-${name}`);
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  if (user !== null && statSync(folder).uid === 0) await chown(folder, user.uid, user.gid);
  const { uid: owner, mode } = statSync(folder);
  if (owner !== uid || (mode & 0o077) !== 0) {
    throw new StoreError("E_STORE_FOLDER", `${folder} belongs to somebody else`, "remove it, or set TMPDIR");
  }
  return folder;
}

async function ensureInitialised(place: Place): Promise<void> {
  const { data, binaries } = place;
  if (existsSync(data)) {
    const versionFile = join(data, "PG_VERSION");
    if (!existsSync(versionFile)) {
      throw new StoreError(
        "E_STORE_CORRUPT",
        `${data} holds no database`,
        "restore it from a backup, or remove it to begin anew",
      );
    }
    const found = readFileSync(versionFile, "utf8").trim();
    if (!/^\d{1,3}$/.test(found)) throw damaged(data, `${versionFile} names no version`);
    const wanted = binaries.version.split(".")[0] as string;
    if (found !== wanted) {
      throw new StoreError(
        "E_STORE_VERSION",
        `${data} was made by PostgreSQL ${found}, this is ${wanted}`,
        "carry it over with pg_dump and pg_restore",
      );
    }
    return;
  }
  await clearAbandoned(data);
  const building = `${data}.${randomBytes(4).toString("hex")}`;
  await mkdir(building, { mode: 0o700 });
  if (place.user !== null) await chown(building, place.user.uid, place.user.gid);
  const flags = ["-D", building, "-U", USER, "-E", "UTF8", "--locale=C", "--no-instructions"];
  const auth = ["--auth-local=trust", "--auth-host=reject"];
  const { code, text } = await runToEnd(binaries.initdb, [...flags, ...auth], place);
  if (code !== 0) {
    await rm(building, { recursive: true, force: true });
    throw startError(place, text);
  }
  await rename(building, data).catch(async (error) => {
    await rm(building, { recursive: true, force: true });
    if (!existsSync(data)) throw error; // else another manager was faster
  });
}

/** Half-made databases of starts that were killed; the name carries the maker's chance, and making takes a second. */
async function clearAbandoned(data: string): Promise<void> {
  const parent = dirname(data);
  for (const name of await readdir(parent)) {
    if (!/^cluster\.[0-9a-f]{8}$/.test(name)) continue;
    const path = join(parent, name);
    if (Date.now() - statSync(path).mtimeMs > START_MS) await rm(path, { recursive: true, force: true });
  }
}

const environment = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
const identity = (user: ServerUser | null): { uid?: number; gid?: number } => user ?? {};

function runToEnd(program: string, args: string[], place: Place): Promise<{ code: number; text: string }> {
  return new Promise((done) => {
    const child = spawn(program, args, {
      ...identity(place.user),
      cwd: "/",
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.stderr.on("data", (chunk) => (text += chunk));
    child.on("error", (error) => done({ code: -1, text: error.message }));
    child.on("close", (code) => done({ code: code ?? -1, text }));
  });
}

const connectionOf = (place: Place) => ({ host: place.sockets, user: USER, database: "postgres" });

/** Whether a server answers on the socket: yes, no, it is on its way up or down, or it will serve nobody, and says why. */
async function answers(place: Place): Promise<"yes" | "no" | "soon" | { readonly because: string }> {
  const client = new pg.Client({ ...connectionOf(place), connectionTimeoutMillis: 2_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return "yes";
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "57P03" || code === "53300") return "soon"; // starting or stopping; every connection taken
    return error instanceof pg.DatabaseError ? { because: `${code}: ${message}` } : "no";
  } finally {
    await client.end().catch(() => {});
  }
}

/** The server that runs in this folder already, if one does: its parent was killed, or is another manager. */
async function adopt(place: Place): Promise<Cluster | null> {
  const file = join(place.data, "postmaster.pid");
  const pid = postmaster(file);
  if (pid === null) return null;
  const until = Date.now() + START_MS;
  while (alive(pid) && Date.now() < until) {
    const answered = await answers(place);
    if (answered === "yes") return running(place, pid, null);
    if (typeof answered === "object") {
      await running(place, pid, null).stop();
      throw unservable(place, answered.because);
    }
    if (!isPostgres(pid)) {
      await unlink(file).catch(() => {}); // the number went to a stranger: its owner is long gone
      return null;
    }
    await sleep(20);
  }
  return null;
}

/** The process that says it serves this folder; null: none does. */
function postmaster(file: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isPostgres(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres");
  } catch {
    return process.platform !== "linux"; // without /proc PostgreSQL's own check must do
  }
}

/** Starts the server. A string says why it did not. */
async function start(place: Place): Promise<Cluster | string> {
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: place.sockets });
  const args = ["-D", place.data, ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  const before = existsSync(place.log) ? statSync(place.log).size : 0;
  const log = openSync(place.log, "a");
  // a session of its own: Ctrl-C at the terminal reaches the manager alone, which stops the server when it is done
  const child = spawn(place.binaries.postgres, args, {
    ...identity(place.user),
    cwd: "/",
    env: environment,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  let failure: string | null = null;
  child.on("error", (error) => (failure = error.message));
  child.on("exit", () => (failure ??= ""));
  const until = Date.now() + START_MS;
  while (failure === null && Date.now() < until) {
    const answered = await answers(place);
    if (typeof answered === "object") {
      await running(place, child.pid as number, child).stop();
      throw unservable(place, answered.because);
    }
    if (answered === "yes" && postmaster(join(place.data, "postmaster.pid")) === child.pid) {
      child.unref();
      return running(place, child.pid as number, child);
    }
    await sleep(10);
  }
  if (failure === null) child.kill("SIGQUIT");
  return failure || readFileSync(place.log, "utf8").slice(before);
}

function running(place: Place, pid: number, child: ChildProcess | null): Cluster {
  return {
    connection: connectionOf(place),
    adopted: child === null,
    async stop() {
      const gone = (): boolean =>
        child === null ? !alive(pid) : child.exitCode !== null || child.signalCode !== null;
      for (const [signal, patience] of STOPS) {
        if (gone()) return;
        process.kill(pid, signal);
        const until = Date.now() + patience;
        while (!gone() && Date.now() < until) await sleep(5);
      }
    },
  };
}

const damaged = (data: string, told: string): StoreError =>
  new StoreError(
    "E_STORE_CORRUPT",
    `the database in ${data} is damaged\n${told}`,
    "restore it from a backup, or remove the folder to begin anew, without what it held",
  );

/** The server is up but lets nobody in: its own tables cannot be read. */
const unservable = ({ data }: Place, told: string): StoreError => damaged(data, told);

function startError(place: Place, reason: string): StoreError {
  const told = reason.trim().split("\n").slice(-6).join("\n");
  const make = (code: ConstructorParameters<typeof StoreError>[0], message: string, hint: string) =>
    new StoreError(code, `${message}\n${told}`, hint);
  if (/No space left on device/.test(reason)) {
    return make("E_STORE_FULL", `no space left for ${place.data}`, "free some space, then start again");
  }
  if (/Permission denied|could not access|could not change/.test(reason)) {
    return make("E_STORE_FOLDER", `cannot use ${place.data}`, "choose a folder that you may write to");
  }
  if (
    /invalid|corrupt|could not locate|could not open|not a valid|PANIC|could not read|files are incompatible/i.test(
      reason,
    )
  ) {
    return damaged(place.data, told);
  }
  return make("E_STORE_START", "PostgreSQL did not start", `see ${place.log}, or set DATABASE_URL`);
}
