import type { LogHistogram } from "@weft/sim";

/** One figure that a study measures. */
export interface MetricSpec {
  readonly name: string;
  /** As a table's head shows it. */
  readonly label: string;
  readonly unit: string;
  /** Which way is better; null where neither is. */
  readonly better: "less" | "more" | null;
  /** In the files and on the page, but not in the terminal's table. */
  readonly detail?: true;
}

/** Values over time, one curve; `at` in seconds of simulated time. */
export interface Series {
  readonly at: readonly number[];
  /** null where nothing was measured in that step. */
  readonly values: readonly (number | null)[];
}

/** A histogram as data: bin i lies from `from[i]` to `to[i]` and holds `count[i]`. */
export interface Distribution {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly count: readonly number[];
}

/** A network drawn as a map: where its sites are and what happened there. */
export interface NetworkMap {
  readonly sites: readonly {
    readonly name: string;
    readonly latitude: number;
    readonly longitude: number;
    /** Highest tier of the nodes there; null where there is none. */
    readonly tier: "cloud" | "edge" | "end" | null;
    /** Share of all work done there. */
    readonly share: number;
  }[];
  readonly links: readonly {
    readonly a: number;
    readonly b: number;
    /** Mean share of the rate in use. */
    readonly load: number;
  }[];
}

/** What one run (one case under one seed) measured. Plain data: it crosses threads and lies in files. */
export interface Outcome {
  /** By the names of the study's metrics; null where nothing was measured. */
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly series: Readonly<Record<string, Series>>;
  readonly map: NetworkMap | null;
  /** Fingerprint: equal for equal runs. */
  readonly digest: string;
}

/** Draws what a study's charts need to say about themselves. */
export interface ChartSpec {
  /** Key in `series` or `distributions`. */
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  /** What a distribution counts; tasks where left out. */
  readonly of?: string;
}

/** What a study concludes from its figures, as a table: such as whether each word of a published one holds. */
export interface Conclusion {
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A scenario ready to run: plain data that a worker thread can be given. */
export interface Prepared {
  readonly study: string;
  readonly name: string;
  readonly title: string;
  /** What is compared: policies, architectures, tiers. Each is run under every seed. */
  readonly cases: readonly string[];
  /** What the study's `run` reads; structured-cloneable. */
  readonly data: unknown;
}

/** All there is to say of a run of a scenario; what `results.json` holds, less the curves. */
export interface Results {
  readonly name: string;
  readonly title: string;
  readonly study: string;
  /** SHA-256 of the scenario as it was run. */
  readonly fingerprint: string;
  readonly cases: readonly string[];
  readonly metrics: readonly MetricSpec[];
  readonly runs: readonly {
    readonly case: string;
    readonly seed: number;
    readonly metrics: Outcome["metrics"];
    readonly digest: string;
  }[];
}

/** What runs a prepared scenario, and what it says of it. Loaded in worker threads: keep it light. */
export interface Study {
  readonly kind: string;
  readonly metrics: readonly MetricSpec[];
  readonly distributions: readonly ChartSpec[];
  readonly series: readonly ChartSpec[];
  /** What the maps show; where the work was done when left out. */
  readonly map?: { readonly title: string; readonly note: string };
  /** Drawn from the means over all seeds. */
  conclude?(results: Results): Conclusion;
  /** Runs one case under one seed. `progress` hears the share done now and then. */
  run(data: unknown, caseName: string, seed: number, progress: (done: number) => void): Outcome;
}

/** A histogram as plain data. */
export function distributionOf(histogram: LogHistogram): Distribution {
  const bins = histogram.bins();
  return {
    from: bins.map(({ from }) => from),
    to: bins.map(({ to }) => to),
    count: bins.map(({ count }) => count),
  };
}
