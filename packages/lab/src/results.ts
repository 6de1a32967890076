import { type Summary, summarise } from "./statistics.ts";
import type { MetricSpec, Outcome, Prepared, Results } from "./study.ts";

/** One finished run: a case under a seed. */
export interface Finished {
  readonly case: string;
  readonly seed: number;
  readonly outcome: Outcome;
}

/** Results in the order of cases and seeds, whatever the order in which they finished. */
export function resultsOf(
  prepared: Prepared,
  fingerprint: string,
  metrics: readonly MetricSpec[],
  finished: readonly Finished[],
): Results {
  const { name, title, study, cases } = prepared;
  const order = new Map(cases.map((one, i) => [one, i]));
  const runs = [...finished]
    .sort((a, b) => (order.get(a.case) as number) - (order.get(b.case) as number) || a.seed - b.seed)
    .map(({ outcome, ...run }) => ({ ...run, metrics: outcome.metrics, digest: outcome.digest }));
  return { name, title, study, fingerprint, cases, metrics, runs };
}

/** The values of one metric over the seeds of a case; what was not measured is left out. */
export function valuesOf(results: Results, caseName: string, metric: string): number[] {
  return results.runs.flatMap((run) => {
    const value = run.case === caseName ? run.metrics[metric] : null;
    return value === null || value === undefined ? [] : [value];
  });
}

export function summaryOf(results: Results, caseName: string, metric: string): Summary {
  return summarise(valuesOf(results, caseName, metric));
}

/** One line a run, one column a metric. */
export function resultsCsv({ runs, metrics }: Results): string {
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = ["case", "seed", ...metrics.map(({ name }) => name), "digest"];
  const rows = runs.map((run) => [
    quoted(run.case),
    run.seed,
    ...metrics.map(({ name }) => run.metrics[name] ?? ""),
    run.digest,
  ]);
  return `${[head, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}

/** `0.0123`, `4.57`, `1,234`: three significant digits, whole from a hundred on. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  if (value === 0) return "0";
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  return value.toPrecision(3);
}

/** `4.57 ±0.12`, in one precision. */
export function shortWithMargin({ count, mean, margin }: Summary): string {
  if (count === 0) return "-";
  if (count === 1 || margin === 0) return short(mean);
  const digits =
    Math.abs(mean) >= 100 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(mean), 1e-3))));
  return `${short(mean)} ±${margin.toFixed(Math.min(digits, 6))}`;
}
