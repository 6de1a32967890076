import { processTree, readProcess, treeCpuSeconds } from "./process-tree.ts";

/*
 * Holds another process, and all it started, to a quota of CPU time by stopping and continuing it, where no control group
 * may be written. A process of its own, since one that is stopped cannot continue itself.
 *
 * Arguments: the process's id, and the CPU seconds a second it may use.
 */

const [pid, cores] = process.argv.slice(2).map(Number) as [number, number];

const WATCH_BUSY_MS = 20;
const WATCH_IDLE_MS = 200;
/** The most time that may be saved up while idle, and used faster than the quota later. */
const BURST_SECONDS = 0.05 * cores;
/** The longest pause: a process that answers nobody for longer would be taken for dead. */
const LONGEST_PAUSE_MS = 200;

let stopped: readonly number[] = [];
let credit = BURST_SECONDS;
let used = treeCpuSeconds(pid);
let at = performance.now();

function signal(pids: readonly number[], name: "SIGSTOP" | "SIGCONT"): void {
  for (const each of pids) {
    try {
      process.kill(each, name);
    } catch {
      // It has ended.
    }
  }
}

function goOn(): void {
  signal(stopped, "SIGCONT");
  stopped = [];
}

function watch(): void {
  goOn();
  if (readProcess(pid) === null) process.exit(0);
  const now = performance.now();
  const total = treeCpuSeconds(pid);
  const spent = total - used;
  credit = Math.min(BURST_SECONDS, credit + (cores * (now - at)) / 1000 - spent);
  used = total;
  at = now;
  if (credit >= 0) {
    setTimeout(watch, spent > 0 ? WATCH_BUSY_MS : WATCH_IDLE_MS);
    return;
  }
  stopped = processTree(pid);
  signal(stopped, "SIGSTOP");
  setTimeout(watch, Math.min(LONGEST_PAUSE_MS, (-credit / cores) * 1000));
}

// Whatever ends this process, it must not leave the other standing still.
process.on("exit", goOn);
for (const ending of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(ending, () => process.exit(0));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
watch();
