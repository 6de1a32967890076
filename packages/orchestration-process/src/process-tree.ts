import { readdirSync, readFileSync } from "node:fs";
import { processUsage } from "@weft/orchestration-host";

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process and all that descend from it, as Linux tells (proc(5), task/TID/children); itself alone elsewhere. */
export function treeOf(root: number): number[] {
  const all = [root];
  for (let i = 0; i < all.length; i++) {
    for (const task of list(`/proc/${all[i]}/task`)) {
      for (const child of read(`/proc/${all[i]}/task/${task}/children`).split(" ")) {
        if (child !== "") all.push(Number(child));
      }
    }
  }
  return all;
}

/** Resident memory and CPU time of a tree now. Pages shared between processes count for each. */
export function usageOf(pids: readonly number[]): { residentBytes: number; cpuMicros: number } {
  let residentBytes = 0;
  let cpuMicros = 0;
  for (const pid of pids) {
    const usage = processUsage(pid);
    residentBytes += usage?.residentBytes ?? 0;
    cpuMicros += usage?.cpuTime ?? 0;
  }
  return { residentBytes, cpuMicros };
}

/** Processes that carry this variable: a run's children, wherever they have gone to in the tree. */
export function carrying(variable: string): number[] {
  const mark = `${variable}\0`;
  return list("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const environment = read(`/proc/${pid}/environ`);
      return environment.startsWith(mark) || environment.includes(`\0${mark}`);
    })
    .map(Number);
}

/** Ends processes; those that are gone are no matter. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone.
    }
  }
}
