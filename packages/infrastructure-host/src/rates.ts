import type { Measured } from "@weft/infrastructure";
import { type Instant, instant, micros, type OperationsPerSecond, type Ratio } from "@weft/kernel";

/** Something whose rate is measured: works for about so many milliseconds and says how many operations it did. */
export interface Subject {
  readonly name: string;
  /** How the figure comes about, for people. */
  readonly method: string;
  readonly work: (forMs: number) => Promise<number>;
}

/** What one subject's slices came to. */
export interface RateSamples {
  /** Operations per second of CPU time, one figure a round. */
  readonly perCpuSecond: number[];
  /** CPU seconds got per second of wall time: less than the threads asked for when others, or a quota, took their part. */
  readonly coresGot: number[];
  tookMs: number;
}

export interface Budget {
  /** Length of one slice, in milliseconds of wall time. */
  readonly sliceMs: number;
  readonly rounds: number;
  /** No new round begins so long after this process started, once there are two. */
  readonly limitMs: number;
}

/**
 * Measures all subjects in turns, round after round, so that a burst of other work spoils one slice of each
 * rather than all slices of one. Rates are per second of CPU time of this process: time that others, or a quota, take away
 * does not lower them. What remains is noise that can only slow (shared caches and cores), hence `rateFrom` takes the best.
 */
export async function sampleRates(
  subjects: readonly Subject[],
  budget: Budget,
): Promise<ReadonlyMap<string, RateSamples>> {
  const samples = new Map<string, RateSamples>();
  for (const { name } of subjects) samples.set(name, { perCpuSecond: [], coresGot: [], tookMs: 0 });
  for (let round = 0; round < budget.rounds; round++) {
    if (round >= 2 && performance.now() > budget.limitMs) break;
    for (const { name, work } of subjects) {
      const slice = samples.get(name) as RateSamples;
      const wallBefore = performance.now();
      const cpuBefore = process.cpuUsage();
      const operations = await work(budget.sliceMs);
      const { user, system } = process.cpuUsage(cpuBefore);
      const wallMs = performance.now() - wallBefore;
      slice.perCpuSecond.push((operations / (user + system)) * 1e6);
      slice.coresGot.push((user + system) / (wallMs * 1e3));
      slice.tookMs += wallMs;
    }
  }
  return samples;
}

/** The best of the samples times `cores`, as a measured figure. `at` is when the measuring ended. */
export function rateFrom(
  { method }: Subject,
  { perCpuSecond, tookMs }: RateSamples,
  cores: number,
  at: Instant,
): Measured<OperationsPerSecond> {
  const share = cores === 1 ? "" : `, x ${round3(cores)} cores`;
  return {
    value: (Math.max(...perCpuSecond) * cores) as OperationsPerSecond,
    method: `${method}; best of ${perCpuSecond.length}, per CPU second${share}`,
    spread: spreadOf(perCpuSecond),
    took: micros(tookMs * 1e3),
    at,
  };
}

/** (max - min) / median; 0 of a single sample. */
export function spreadOf(samples: readonly number[]): Ratio {
  const middle = median(samples);
  return (middle === 0 ? 0 : (Math.max(...samples) - Math.min(...samples)) / middle) as Ratio;
}

/** The middle sample, or the mean of the middle two. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

export const round3 = (value: number): number => Math.round(value * 1000) / 1000;

/** The wall clock, as instants count it. */
export const wallClock = (): Instant => instant(Date.now() * 1000);
