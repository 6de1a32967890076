import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { processTree, readProcess, treeCpuSeconds } from "./process-tree.ts";
import { limitShare, type ShareLimit } from "./share.ts";

/*
 * That a process gets no more than its share holds on any machine, however busy; that it gets all of it does not.
 */

const CORES = availableParallelism();
const SPIN = "for(;;);";
const children: ChildProcess[] = [];
const limits: ShareLimit[] = [];
afterEach(() => {
  for (const limit of limits.splice(0)) limit.release();
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function start(code: string): Promise<number> {
  const child = spawn(process.execPath, ["-e", code], { stdio: "ignore" });
  children.push(child);
  await once(child, "spawn");
  return child.pid as number;
}

async function limited(pid: number, share: number, means: ("cgroup" | "duty-cycle")[]): Promise<ShareLimit> {
  const limit = await limitShare(share, { pid, means });
  limits.push(limit);
  return limit;
}

async function coresUsed(pid: number, ms: number): Promise<number> {
  const before = treeCpuSeconds(pid);
  const startedAt = performance.now();
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ((treeCpuSeconds(pid) - before) / (performance.now() - startedAt)) * 1000;
}

/** Whether this machine has what a test needs, found by trying. */
const probe = await limitShare(0.5, { means: ["cgroup"] });
probe.release();
const noGroup = probe.by === "cgroup" ? "" : " (skipped: no control group may be written here)";
const noProc = readProcess(process.pid) === null ? " (skipped: there is no /proc here)" : "";

describe("limitShare", () => {
  it.skipIf(noGroup !== "")(`holds a process to its share by a control group${noGroup}`, async () => {
    const pid = await start(SPIN);
    const limit = await limited(pid, 0.25 / CORES, ["cgroup"]);
    expect(limit).toMatchObject({ by: "cgroup", cores: 0.25, threads: 1 });
    expect(await coresUsed(pid, 1000)).toBeLessThan(0.4);
  });

  it.skipIf(noProc !== "")(`holds a process and its children to it by pausing them${noProc}`, async () => {
    const spawning = `require("node:child_process").spawn(process.execPath, ["-e", "${SPIN}"]); ${SPIN}`;
    const pid = await start(spawning);
    const limit = await limited(pid, 0.25 / CORES, ["duty-cycle"]);
    expect(limit).toMatchObject({ by: "duty-cycle", cores: 0.25 });
    await coresUsed(pid, 500); // what was used before the limit is paid back first
    expect(processTree(pid)).toHaveLength(2);
    expect(await coresUsed(pid, 1500)).toBeLessThan(0.4);
    for (const each of processTree(pid).reverse()) process.kill(each, "SIGKILL");
  });

  it("says so where neither is possible, and lifts nothing", async () => {
    const limit = await limited(await start("setTimeout(() => {}, 10000)"), 0.5, []);
    expect(limit.by).toBe("threads");
    expect(limit.words).toMatch(/^50 % of \d+ cores?, held only by the number of threads/);
  });

  it("the whole machine is no limit", async () => {
    expect(await limitShare(1)).toMatchObject({ by: "none", cores: CORES, threads: CORES });
  });
});

it.skipIf(noProc !== "")(`reads a process by its id${noProc}`, () => {
  expect(readProcess(process.pid)?.cpuSeconds).toBeGreaterThan(0);
  expect(readProcess(2 ** 30)).toBe(null);
  expect(processTree(process.pid)[0]).toBe(process.pid);
});
