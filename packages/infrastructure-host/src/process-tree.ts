import { readdirSync, readFileSync } from "node:fs";

/** What /proc/<pid>/stat tells of one process (proc(5)). Times in seconds. */
export interface ProcessStat {
  readonly group: number;
  /** 0: no controlling terminal. */
  readonly terminal: number;
  /** CPU time of all its threads, and of its children that have ended. */
  readonly cpuSeconds: number;
}

/** Clock ticks a second that /proc counts in: USER_HZ, 100 on every Linux. */
export const TICKS_A_SECOND = 100;

/** Reads a process's figures; null when it has ended or there is no /proc. */
export function readProcess(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The name, in brackets, may hold spaces and brackets itself: fields are counted behind its last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { group: field(5), terminal: field(7), cpuSeconds: ticks / TICKS_A_SECOND };
}

/** A process and all its descendants that live now, the process first. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) {
    for (const child of childrenOf(tree[i] as number)) if (!tree.includes(child)) tree.push(child);
  }
  return tree;
}

/** CPU seconds of a process and all its descendants, living or ended; never falls while the process lives. */
export function treeCpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + (readProcess(each)?.cpuSeconds ?? 0), 0);
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return []; // ended meanwhile, or no /proc
  }
}
