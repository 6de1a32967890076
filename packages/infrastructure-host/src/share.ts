import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { assert, type Ratio } from "@weft/kernel";
import { limitByCgroup } from "./cgroup.ts";
import { readProcess } from "./process-tree.ts";

/** What holds a process to its share. */
export type ShareEnforcement = "none" | "cgroup" | "duty-cycle" | "threads";

/** A share of this machine in force for one process and all it starts. */
export interface ShareLimit {
  readonly share: Ratio;
  /** CPU seconds a second that the share comes to. */
  readonly cores: number;
  /** Threads worth running at once. */
  readonly threads: number;
  readonly by: ShareEnforcement;
  /** The same for people, such as `25 % of 2 cores, held by cgroup v1`. */
  readonly words: string;
  /** Lifts the limit; done by itself when this process ends. */
  release(): void;
}

export interface ShareOptions {
  /** The process to limit; this one unless said otherwise. */
  readonly pid?: number;
  /** What may be used, in this order; all unless said otherwise. */
  readonly means?: readonly ("cgroup" | "duty-cycle")[];
}

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/duty-process.js" : "./duty-process.js",
  import.meta.url,
);

/**
 * Holds a process to a share (above 0 up to 1) of this machine's CPU time: by a control group where one may be
 * made, else by stopping and continuing it, else, where neither can be, only by the number of threads its runtimes start.
 */
export async function limitShare(share: number, options: ShareOptions = {}): Promise<ShareLimit> {
  assert(share > 0 && share <= 1, "a share lies above 0 and at most at 1");
  const { pid = process.pid, means = ["cgroup", "duty-cycle"] } = options;
  const all = availableParallelism();
  const cores = all * share;
  const limit = (by: ShareEnforcement, how: string, release: () => void): ShareLimit => ({
    share: share as Ratio,
    cores,
    threads: Math.max(1, Math.ceil(cores - 0.01)),
    by,
    words: `${Math.round(share * 1000) / 10} % of ${all} ${all === 1 ? "core" : "cores"}, ${how}`,
    release,
  });
  if (share === 1) return limit("none", "the whole machine", () => {});
  if (means.includes("cgroup")) {
    const group = limitByCgroup(pid, cores);
    if (group !== null) {
      return limit("cgroup", `held by cgroup v${group.version}`, atExit(group.release));
    }
  }
  if (means.includes("duty-cycle") && mayBeStopped(pid)) {
    const governor = await startGovernor(pid, cores);
    if (governor !== null) {
      return limit("duty-cycle", "held by pausing it (no cgroup may be written)", () => governor.kill());
    }
  }
  return limit(
    "threads",
    "held only by the number of threads (neither cgroup nor pausing is possible)",
    () => {},
  );
}

/**
 * Whether stopping a process disturbs nobody: its figures must be readable, and it must not be what a shell runs in its
 * foreground, for the shell would take a stopped job back into its own hands.
 */
function mayBeStopped(pid: number): boolean {
  const stat = readProcess(pid);
  return stat !== null && (stat.terminal === 0 || stat.group !== pid);
}

async function startGovernor(pid: number, cores: number): Promise<ChildProcess | null> {
  const child = fork(fileURLToPath(ENTRY), [String(pid), String(cores)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = await Promise.race([
    once(child, "message").then(() => true),
    once(child, "exit").then(
      () => false,
      () => false,
    ),
  ]).catch(() => false);
  child.unref();
  child.channel?.unref();
  return ready ? child : null;
}

function atExit(release: () => void): () => void {
  process.once("exit", release);
  return () => {
    process.off("exit", release);
    release();
  };
}
