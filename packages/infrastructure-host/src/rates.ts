import type { Measured } from "@weft/infrastructure";
import { type Instant, instant, micros, type OperationsPerSecond, type Ratio } from "@weft/kernel";

/** Something whose rate is measured. */
export interface Subject {
  readonly name: string;
  /** How the figure comes about, for people. */
  readonly method: string;
  /**
   * Works for about so many milliseconds in pieces of a few, and gives each piece's rate: operations a second that one
   * busy core did.
   */
  readonly work: (forMs: number) => Promise<readonly number[]>;
}

/** What one subject's slices came to. */
export interface RateSamples {
  /** Operations per second of one busy core, one figure a round. */
  readonly perCore: number[];
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
 * rather than all slices of one. Whatever else a machine does can only slow (a piece interrupted, a cache or core shared), and
 * comes and goes within milliseconds, so pieces are short and the undisturbed ones count: of a round the second best
 * (one lucky reading of a clock is no rate), of the rounds the best.
 */
export async function sampleRates(
  subjects: readonly Subject[],
  budget: Budget,
): Promise<ReadonlyMap<string, RateSamples>> {
  const samples = new Map<string, RateSamples>();
  for (const { name } of subjects) samples.set(name, { perCore: [], coresGot: [], tookMs: 0 });
  for (let round = 0; round < budget.rounds; round++) {
    if (round >= 2 && performance.now() > budget.limitMs) break;
    for (const { name, work } of subjects) {
      const slice = samples.get(name) as RateSamples;
      const wallBefore = performance.now();
      const cpuBefore = process.cpuUsage();
      slice.perCore.push(secondBest(await work(budget.sliceMs)));
      const { user, system } = process.cpuUsage(cpuBefore);
      const wallMs = performance.now() - wallBefore;
      slice.coresGot.push((user + system) / (wallMs * 1e3));
      slice.tookMs += wallMs;
    }
  }
  return samples;
}

function secondBest(rates: readonly number[]): number {
  const sorted = [...rates].sort((a, b) => b - a);
  return sorted[1] ?? sorted[0] ?? 0;
}

/** The best round times `cores`, as a measured figure. `at` is when the measuring ended. */
export function rateFrom(
  { method }: Subject,
  { perCore, tookMs }: RateSamples,
  cores: number,
  at: Instant,
): Measured<OperationsPerSecond> {
  const share = cores === 1 ? "" : ` times ${round3(cores)} cores`;
  return {
    value: (Math.max(...perCore) * cores) as OperationsPerSecond,
    method: `${method}; best of ${perCore.length} rounds, one busy core${share}`,
    spread: spreadOf(perCore),
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

const round3 = (value: number): number => Math.round(value * 1000) / 1000;

/** The wall clock, as instants count it. */
export const wallClock = (): Instant => instant(Date.now() * 1000);
