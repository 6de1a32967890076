/** One measured number and what it stands against. */
export interface Figure {
  /** Such as `sim/tasks/app1`: the bench, then what was measured. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, in words: a peer measured elsewhere, another way in the same run, a bound, or nothing. */
  readonly against: string;
  /** Value over what it stands against; null where nothing comparable was measured or is known. */
  readonly ratio: number | null;
  readonly note?: string;
}

/** What a bench was asked to work on is not as it should be: told in a line, not as a fault of the bench. */
export class WrongInput extends Error {}

export interface Bench {
  readonly name: string;
  /** `smoke` finishes in a second or two: it shows that the bench still runs, not how fast the code is. */
  run(
    size: "smoke" | "full",
    report: (figure: Figure) => void,
    options?: Readonly<Record<string, string>>,
  ): Promise<void> | void;
  /** Names of the options it takes from the command line, each with a value: `--name VALUE`. */
  readonly options?: readonly string[];
}

/** Seconds of CPU (user and system) that `work` took in this process. */
export function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The value that a share of the values lies below; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
