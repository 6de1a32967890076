import { aligned } from "./report/table.ts";
import { short, valuesOf } from "./results.ts";
import { holm, mannWhitney, summarise, welch } from "./statistics.ts";
import type { MetricSpec, Results } from "./study.ts";

/** One metric of one case in two runs. */
export interface Difference {
  readonly case: string;
  readonly metric: MetricSpec;
  readonly before: number;
  readonly after: number;
  /** (after - before) / |before|; null where before is 0. */
  readonly change: number | null;
  /** Of Welch's t-test, corrected by Holm for all comparisons made; null: too few seeds. */
  readonly welch: number | null;
  /** Of the Mann-Whitney test, as it is: a guard against a few outliers making the means differ. */
  readonly mannWhitney: number | null;
  /** Both below the level: the difference is not chance. */
  readonly significant: boolean;
  readonly verdict: "better" | "worse" | "different" | "same";
}

/** Which figures of two runs differ by more than chance, at a family-wise level (0.05 where left out). */
export function compareResults(before: Results, after: Results, level = 0.05): readonly Difference[] {
  const pairs = before.cases
    .filter((name) => after.cases.includes(name))
    .flatMap((name) =>
      before.metrics.flatMap((metric) => {
        const [a, b] = [valuesOf(before, name, metric.name), valuesOf(after, name, metric.name)];
        return a.length === 0 || b.length === 0 ? [] : [{ name, metric, a, b }];
      }),
    );
  const testable = pairs.filter(({ a, b }) => a.length > 1 && b.length > 1);
  const byWelch = holm(testable.map(({ a, b }) => welch(a, b)));
  const byRank = testable.map(({ a, b }) => mannWhitney(a, b));
  return pairs.map((pair): Difference => {
    const at = testable.indexOf(pair);
    const [from, to] = [summarise(pair.a).mean, summarise(pair.b).mean];
    const [p, q] = at < 0 ? [null, null] : [byWelch[at] as number, byRank[at] as number];
    const significant = p !== null && q !== null && p < level && q < level;
    return {
      case: pair.name,
      metric: pair.metric,
      before: from,
      after: to,
      change: from === 0 ? null : (to - from) / Math.abs(from),
      welch: p,
      mannWhitney: q,
      significant,
      verdict: significant ? verdictOf(pair.metric, from, to) : "same",
    };
  });
}

function verdictOf({ better }: MetricSpec, before: number, after: number): Difference["verdict"] {
  if (better === null) return "different";
  return after < before === (better === "less") ? "better" : "worse";
}

/** The comparison as a table; only what differs unless `all`. */
export function comparisonTable(differences: readonly Difference[], all = false): string {
  const shown = differences.filter(({ significant }) => all || significant);
  if (shown.length === 0) {
    const untested = differences.length > 0 && differences.every(({ welch: p }) => p === null);
    return untested
      ? "nothing can be tested: four seeds or more are needed on each side"
      : `nothing differs significantly (${differences.length} figures compared; with less than four seeds a side nothing can)`;
  }
  const percent = (change: number | null): string =>
    change === null ? "-" : `${change >= 0 ? "+" : ""}${(100 * change).toFixed(1)} %`;
  const chance = (p: number | null): string => (p === null ? "-" : p < 0.0001 ? "<0.0001" : p.toFixed(4));
  return aligned([
    ["case", "figure", "before", "after", "change", "Welch p", "Mann-Whitney p", ""],
    ...shown.map((one) => [
      one.case,
      `${one.metric.label}${one.metric.unit === "" ? "" : ` ${one.metric.unit}`}`,
      short(one.before),
      short(one.after),
      percent(one.change),
      chance(one.welch),
      chance(one.mannWhitney),
      one.verdict,
    ]),
  ]);
}
