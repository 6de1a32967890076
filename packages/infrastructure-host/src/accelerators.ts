import { execFile } from "node:child_process";
import type { Accelerator } from "@weft/infrastructure";
import type { Bytes } from "@weft/kernel";

/** Runs a program and gives what it wrote; rejects when it is missing, fails, or takes too long. */
export type Execute = (command: string, args: readonly string[]) => Promise<string>;

const execute: Execute = (command, args) =>
  new Promise((resolve, reject) => {
    execFile(command, [...args], { timeout: 5_000, windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });

/** A GPU as its driver tells of it; null where the driver does not say. Hertz, watts, bytes. */
export interface GpuFacts {
  /** Place among the machine's GPUs, as the driver counts. */
  readonly index: number;
  readonly name: string;
  /** Names this very device. */
  readonly uuid: string | null;
  readonly driver: string | null;
  /** Version of the instruction set, such as 9.0. */
  readonly computeCapability: string | null;
  readonly memoryBytes: Bytes | null;
  readonly freeMemoryBytes: Bytes | null;
  /** What its owner lets it draw. */
  readonly powerLimitWatts: number | null;
  readonly clockHz: number | null;
  readonly mostClockHz: number | null;
  readonly mostMemoryClockHz: number | null;
  /** `Enabled` where it is cut into instances. */
  readonly instances: "Enabled" | "Disabled" | null;
}

/** What every version of the program has known: asked for where it does not know one of the others. */
const OLD_FIELDS = ["index", "name", "uuid", "driver_version", "memory.total", "memory.free"] as const;
/** Asked for in this order. The program counts MiB, watts and MHz, and writes `[N/A]` or the like for what it does not know. */
const FIELDS = [
  ...OLD_FIELDS,
  "power.limit",
  "clocks.sm",
  "clocks.max.sm",
  "clocks.max.memory",
  "compute_cap",
  "mig.mode.current",
] as const;

/** The GPUs `nvidia-smi` tells of; none where there is no such program, or no driver. */
export async function findGpus(run: Execute = execute): Promise<readonly GpuFacts[]> {
  for (const fields of [FIELDS, OLD_FIELDS]) {
    try {
      const query = [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"];
      return parseGpus(await run("nvidia-smi", query), fields);
    } catch {
      // No program, no driver, or an old one that refuses the whole query for one field.
    }
  }
  return [];
}

/** Reads what `nvidia-smi --query-gpu=FIELDS --format=csv,noheader,nounits` wrote. A line that names no GPU is left out. */
export function parseGpus(listing: string, fields: readonly string[] = FIELDS): readonly GpuFacts[] {
  return listing.split("\n").flatMap((line): GpuFacts[] => {
    const cells = line.split(",").map((cell) => cell.trim());
    if (cells.length !== fields.length) return [];
    const text = (field: string): string | null => {
      const cell = cells[fields.indexOf(field)];
      return cell === undefined || cell === "" || /^\[.*\]$|^N\/A$/i.test(cell) ? null : cell;
    };
    const number = (field: string, unit: number): number | null => {
      const value = Number(text(field) ?? Number.NaN);
      return value > 0 ? Math.round(value * unit) : null;
    };
    const name = text("name");
    const index = Number(text("index") ?? Number.NaN);
    if (name === null || !Number.isInteger(index)) return [];
    const mode = text("mig.mode.current");
    return [
      {
        index,
        name,
        uuid: text("uuid"),
        driver: text("driver_version"),
        computeCapability: text("compute_cap"),
        memoryBytes: number("memory.total", 2 ** 20) as Bytes | null,
        freeMemoryBytes: number("memory.free", 2 ** 20) as Bytes | null,
        powerLimitWatts: number("power.limit", 1),
        clockHz: number("clocks.sm", 1e6),
        mostClockHz: number("clocks.max.sm", 1e6),
        mostMemoryClockHz: number("clocks.max.memory", 1e6),
        instances: mode === "Enabled" || mode === "Disabled" ? mode : null,
      },
    ];
  });
}

/** The GPUs as a node offers them: those whose memory is known, since tasks ask for memory. */
export const acceleratorsOf = (gpus: readonly GpuFacts[]): readonly Accelerator[] =>
  gpus.flatMap(({ name, memoryBytes }) =>
    memoryBytes === null ? [] : [{ kind: "gpu" as const, model: name, memoryBytes }],
  );
