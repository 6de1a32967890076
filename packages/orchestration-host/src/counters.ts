import { readFileSync } from "node:fs";
import { type Bytes, type Micros, micros } from "@weft/kernel";

/*
 * What Linux counts for a process or thread (proc(5)). Elsewhere these answer null, and a runtime says what it
 * can by other means.
 */

const PAGE_BYTES = 4096;
/** USER_HZ, the unit of times in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** CPU time of one thread of this process, to the nanosecond (schedstat); null where the system does not count it. */
export function threadCpuTime(threadId: number): Micros | null {
  const text = read(`/proc/self/task/${threadId}/schedstat`);
  return text === null ? null : micros(Number(text.slice(0, text.indexOf(" "))) / 1e3);
}

export interface ProcessUsage {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Its own and that of children it has waited for, to 10 ms. */
  readonly cpuTime: Micros;
  readonly residentBytes: Bytes;
}

/** One process as /proc/PID/stat shows it; null when it is gone or the system has no /proc. */
export function processUsage(pid: number): ProcessUsage | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is the command in brackets and may hold anything, brackets and blanks too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (index: number): number => Number(fields[index]);
  const ticks = number(11) + number(12) + number(13) + number(14);
  return {
    parent: number(1),
    group: number(2),
    session: number(3),
    cpuTime: micros((ticks * 1e6) / TICKS_PER_SECOND),
    residentBytes: (number(21) * PAGE_BYTES) as Bytes,
  };
}
