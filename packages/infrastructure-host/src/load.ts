import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem } from "node:os";
import { join } from "node:path";
import type { ComputingPower } from "@weft/infrastructure";
import type { Bytes, Instant, OperationsPerSecond, Ratio } from "@weft/kernel";
import { TICKS_A_SECOND, treeCpuSeconds } from "./process-tree.ts";
import { wallClock } from "./rates.ts";
import { storageSpace } from "./storage.ts";

/** What others than this process and its children take of the machine now. */
export interface HostLoad {
  /** CPU seconds a second used by others, stolen by a hypervisor included; null before the second look. */
  readonly othersCores: number | null;
  readonly ownCores: number | null;
  /** The same, or on a machine with nothing idle how many cores others would use if they could. */
  readonly othersWant: number | null;
  readonly freeMemoryBytes: Bytes;
  readonly freeStorageBytes: Bytes;
  /** Charge of the battery the machine runs on; null on mains power. */
  readonly battery: Ratio | null;
  readonly at: Instant;
}

/** Counters a load is worked out from; the machine's own unless said otherwise. */
export interface LoadSources {
  /** CPU seconds all processes have used since some start. */
  readonly busySeconds: () => number;
  /** CPU seconds this process and its children have used since some start. */
  readonly ownSeconds: () => number;
  /** Threads that run or could run at this moment; null where the system does not say. */
  readonly runnable: () => number | null;
  /** Seconds of a clock that never goes back. */
  readonly seconds: () => number;
  readonly battery: () => Ratio | null;
}

const HERE: LoadSources = {
  busySeconds,
  ownSeconds: () => treeCpuSeconds(process.pid) || ownCpuSeconds(),
  runnable: runnableThreads,
  seconds: () => performance.now() / 1000,
  battery: () => readBattery(),
};

/** The counters tick every ten milliseconds: over less than this, their difference says little. */
const SHORTEST_SECONDS = 0.25;
/** Weight of the newest count of threads: one count says little, ten seconds of them much. */
const NEWEST = 0.3;
/** Below this part of the machine idle, those who wait for a core are counted. */
const LITTLE_IDLE = 0.1;
/** Waiting threads counted at most, a core: most of a long queue is gone before a task of ours has its turn. */
const MOST_WAITING = 4;

/** Looks at the machine's load from time to time; one look costs well under a millisecond. */
export class LoadMeter {
  readonly #storageDir: string;
  readonly #sources: LoadSources;
  readonly #cores: number;
  #waiting: number | null = null;
  #last: { readonly seconds: number; readonly busy: number; readonly own: number };
  #rates: { readonly others: number; readonly own: number } | null = null;

  /** Storage is that of the file system `storageDir` lies on. */
  constructor(storageDir: string, sources: LoadSources = HERE, cores: number = availableParallelism()) {
    this.#storageDir = storageDir;
    this.#cores = cores;
    this.#sources = sources;
    this.#last = this.#count();
  }

  /** The load since the last look, or the one found then when that was less than a quarter of a second ago. */
  sample(): HostLoad {
    const now = this.#count();
    const elapsed = now.seconds - this.#last.seconds;
    if (elapsed >= SHORTEST_SECONDS) {
      const busy = Math.max(0, now.busy - this.#last.busy) / elapsed;
      const own = Math.max(0, now.own - this.#last.own) / elapsed;
      this.#rates = { own, others: Math.max(0, busy - own) };
      this.#last = now;
      this.#lookForWaiting(own);
    }
    return {
      othersWant: this.#rates && this.#want(this.#rates),
      othersCores: this.#rates?.others ?? null,
      ownCores: this.#rates?.own ?? null,
      freeMemoryBytes: (process.availableMemory?.() ?? freemem()) as Bytes,
      freeStorageBytes: storageSpace(this.#storageDir).freeBytes,
      battery: this.#sources.battery(),
      at: wallClock(),
    };
  }

  /** What others use; where they leave nothing idle, as many threads as they have ready. */
  #want({ others, own }: { readonly others: number; readonly own: number }): number {
    const idle = this.#cores - others - own;
    if (this.#waiting === null || idle > LITTLE_IDLE * this.#cores) return others;
    return Math.max(others, Math.min(this.#waiting, MOST_WAITING * this.#cores));
  }

  #lookForWaiting(own: number): void {
    const runnable = this.#sources.runnable();
    if (runnable === null) return;
    const others = Math.max(0, runnable - Math.max(1, own)); // whoever looks runs
    this.#waiting = this.#waiting === null ? others : this.#waiting + NEWEST * (others - this.#waiting);
  }

  #count() {
    const { seconds, busySeconds, ownSeconds } = this.#sources;
    return { seconds: seconds(), busy: busySeconds(), own: ownSeconds() };
  }
}

/**
 * The part of a node's power that others' use takes from it. What is left is what they leave idle or, where that is
 * less, what a fair scheduler gives to whoever asks for `allowedCores` beside them: a busy machine is slower, not full.
 */
export function othersUse(
  power: ComputingPower,
  allowedCores: number,
  othersWant: number,
  allCores: number = availableParallelism(),
): ComputingPower {
  const idle = allCores - othersWant;
  const fair = (allCores * allowedCores) / (allowedCores + othersWant);
  const part = 1 - Math.min(allowedCores, Math.max(idle, fair)) / allowedCores;
  return {
    logical: (power.logical * part) as OperationsPerSecond,
    parallel: (power.parallel * part) as OperationsPerSecond,
    neural: (power.neural * part) as OperationsPerSecond,
  };
}

/** From /proc/stat, or from what Node finds where there is none. */
function busySeconds(): number {
  try {
    const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] as string;
    const [user, nice, system, , , irq, softirq, steal] = line.trim().split(/\s+/).slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return (user + nice + system + irq + softirq + steal) / TICKS_A_SECOND;
  } catch {
    return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
  }
}

function runnableThreads(): number | null {
  try {
    const running = /^procs_running (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
    return running === undefined ? null : Number(running);
  } catch {
    return null;
  }
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Charge of the batteries under /sys/class/power_supply (the least of them), when the machine runs on them; null
 * on mains power, without batteries, or where there is no such folder. A peripheral's battery does not count.
 */
export function readBattery(dir = "/sys/class/power_supply"): Ratio | null {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return null;
  }
  const read = (name: string, file: string): string => {
    try {
      return readFileSync(join(dir, name, file), "utf8").trim();
    } catch {
      return "";
    }
  };
  const charges: number[] = [];
  for (const name of names) {
    if (read(name, "type") === "Mains" && read(name, "online") === "1") return null;
    if (read(name, "type") !== "Battery" || read(name, "scope") === "Device") continue;
    const charge = Number(read(name, "capacity") || Number.NaN);
    if (read(name, "status") === "Discharging" && charge >= 0 && charge <= 100) charges.push(charge / 100);
  }
  return charges.length === 0 ? null : (Math.min(...charges) as Ratio);
}
