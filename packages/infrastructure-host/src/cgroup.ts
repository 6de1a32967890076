import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A control group that holds a process to a quota of CPU time. */
export interface CpuGroup {
  readonly version: 1 | 2;
  /** Moves the processes back to where they were, and removes the group. Never throws. */
  release(): void;
}

/**
 * Quota is dealt out this often. Short, since a process that has spent its part stands still until the next: twenty
 * milliseconds are a delay nobody reports a node missing for.
 */
const PERIOD_US = 20_000;
/** The least quota the kernel takes. */
const LEAST_QUOTA_US = 1_000;
const PREFIX = "weft-";

/** Where the kernel shows its control groups. */
export interface Hierarchies {
  readonly mount: string;
  /** The text of /proc/<pid>/cgroup; empty where there is none. */
  readonly membership: (pid: number) => string;
}

const HERE: Hierarchies = {
  mount: "/sys/fs/cgroup",
  membership: (pid) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, "utf8");
    } catch {
      return "";
    }
  },
};

/**
 * Puts a process, and so all it will start, into a control group of its own with `cores` CPU seconds a second. null where
 * no hierarchy with the cpu controller may be written: not Linux, not root and nothing delegated.
 */
export function limitByCgroup(pid: number, cores: number, at: Hierarchies = HERE): CpuGroup | null {
  const quota = Math.max(LEAST_QUOTA_US, Math.round(cores * PERIOD_US));
  for (const { version, base } of places(at.mount, at.membership(pid))) {
    const dir = join(base, `${PREFIX}${pid}`);
    try {
      sweep(base);
      if (version === 2) enableCpu(base);
      mkdirSync(dir, { recursive: true });
      if (version === 2) {
        writeFileSync(join(dir, "cpu.max"), `${quota} ${PERIOD_US}`);
      } else {
        writeFileSync(join(dir, "cpu.cfs_period_us"), String(PERIOD_US));
        writeFileSync(join(dir, "cpu.cfs_quota_us"), String(quota));
      }
      writeFileSync(join(dir, "cgroup.procs"), String(pid));
      return { version, release: () => release(dir, base) };
    } catch {
      release(dir, base);
    }
  }
  return null;
}

/** Folders a group may be made in: version 2 first, the nearest to where the process is now first. */
function places(mount: string, membership: string): { readonly version: 1 | 2; readonly base: string }[] {
  const found: { version: 1 | 2; base: string }[] = [];
  for (const line of membership.trim().split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === "") {
      // A group with processes of its own may have no limited children, so its parent is tried next, then the root.
      for (const base of new Set([path, dirname(path), "/"].map((each) => join(mount, each)))) {
        if (listsCpu(join(base, "cgroup.controllers"))) found.push({ version: 2, base });
      }
    } else if (controllers?.split(",").includes("cpu")) {
      for (const hierarchy of ["cpu", "cpu,cpuacct"]) {
        const base = join(mount, hierarchy, path);
        if (existsSync(join(base, "cgroup.procs"))) found.push({ version: 1, base });
      }
    }
  }
  return found.sort((a, b) => b.version - a.version);
}

function listsCpu(path: string): boolean {
  try {
    return readFileSync(path, "utf8").split(/\s+/).includes("cpu");
  } catch {
    return false;
  }
}

function enableCpu(base: string): void {
  const control = join(base, "cgroup.subtree_control");
  if (!listsCpu(control)) writeFileSync(control, "+cpu");
}

/** Removes groups of processes that were killed before they could; the kernel keeps those still in use. */
function sweep(base: string): void {
  for (const name of readdirSync(base)) {
    if (name.startsWith(PREFIX)) tryTo(() => rmdirSync(join(base, name)));
  }
}

function release(dir: string, base: string): void {
  tryTo(() => {
    for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) {
      tryTo(() => writeFileSync(join(base, "cgroup.procs"), pid));
    }
  });
  tryTo(() => rmdirSync(dir));
}

function tryTo(deed: () => void): void {
  try {
    deed();
  } catch {
    // The next limit sweeps up what stays.
  }
}
