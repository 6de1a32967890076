import { summaryOf } from "../results.ts";
import type { Conclusion, Results } from "../study.ts";

/*
 * The survey's table of announcement architectures (A4) beside what was measured. It ranks three: low, middle, high.
 * A word holds where the measured figure has that rank among the three; figures closer than `alike` to each other have none.
 */

type Survey = "centralised" | "distributed" | "hybrid";

interface Row {
  readonly title: string;
  readonly metric: string;
  readonly words: Readonly<Record<Survey, string>>;
  /** The words from the least figure to the greatest. */
  readonly ascending: readonly [string, string, string];
  /** Figures this close count as one: a share of the greater where `relative`, else in the metric's unit. */
  readonly alike: number;
  readonly relative: boolean;
}

const ROWS: readonly Row[] = [
  {
    title: "collection speed",
    metric: "timeRatioP99",
    words: { centralised: "low", distributed: "high", hybrid: "middle" },
    ascending: ["high", "middle", "low"],
    alike: 0.1,
    relative: true,
  },
  {
    title: "mapping",
    metric: "accuracy",
    words: { centralised: "accurate", distributed: "limited", hybrid: "compromise" },
    ascending: ["limited", "compromise", "accurate"],
    alike: 2,
    relative: false,
  },
  {
    title: "deployment cost",
    metric: "routers",
    words: { centralised: "low", distributed: "high", hybrid: "middle" },
    ascending: ["low", "middle", "high"],
    alike: 0.5,
    relative: false,
  },
];

const MEASURED: readonly { readonly name: string; readonly as: Survey }[] = [
  { name: "centralised", as: "centralised" },
  { name: "link-state", as: "distributed" },
  { name: "path-vector", as: "distributed" },
  { name: "hybrid", as: "hybrid" },
];
const VIEWS: Readonly<Record<Survey, "global" | "partial">> = {
  centralised: "global",
  distributed: "partial",
  hybrid: "global",
};

/** Whether each word of the survey's table holds on each network, from the means over the seeds. */
export function surveyVerdicts(results: Results): Conclusion {
  const networks = [...new Set(results.cases.map((name) => name.slice(0, name.lastIndexOf(" / "))))];
  const rows = networks.flatMap((network) => {
    const of = (name: string, metric: string) => summaryOf(results, `${network} / ${name}`, metric).mean;
    const views = MEASURED.flatMap(({ name, as }) => viewCell(network, name, VIEWS[as], of));
    return [
      ...ROWS.flatMap((row) => MEASURED.flatMap(({ name, as }) => rankCell(network, row, name, as, of))),
      ...views,
    ];
  });
  const held = rows.filter((row) => row[5] === "holds").length;
  return {
    title: "Does the survey's table hold?",
    note: `${held} of ${rows.length} cells hold. Speed is judged by the p99 of the time until all know, ranks among centralised, this distributed protocol and hybrid; "alike": too close to rank.${networks.some(isGenerated) ? EXTRAPOLATED : ""}`,
    head: ["network", "architecture", "of", "survey", "measured", "verdict"],
    rows,
  };
}

const isGenerated = (network: string): boolean => network.startsWith("generated-");
const EXTRAPOLATED =
  " On generated networks three origins speak: state and busy are extrapolated to all of them speaking, but the canopy's, whose nodes all do.";

type FigureOf = (architecture: string, metric: string) => number;

function rankCell(network: string, row: Row, name: string, as: Survey, of: FigureOf): string[][] {
  const distributed = as === "distributed" ? name : "link-state";
  const figures = ["centralised", distributed, "hybrid"].map((one) => of(one, row.metric));
  const own = of(name, row.metric);
  if ([own, ...figures].some((value) => !Number.isFinite(value))) return [];
  const near = (a: number, b: number): boolean =>
    Math.abs(a - b) <= (row.relative ? row.alike * Math.max(Math.abs(a), Math.abs(b)) : row.alike);
  const [less, more] = [
    figures.filter((other) => other < own && !near(other, own)).length,
    figures.filter((other) => other > own && !near(other, own)).length,
  ];
  const found = less + more === 2 ? (row.ascending[less] as string) : rankAlike(row, less, more);
  const verdict = found.startsWith(row.words[as]) ? "holds" : "does not hold";
  return [[network, name, row.title, row.words[as], `${found} (${own.toPrecision(3)})`, verdict]];
}

/** Where another is as good: the two share a rank, from one end. */
function rankAlike({ ascending }: Row, less: number, more: number): string {
  if (less === 0 && more === 0) return "alike";
  return `${more > less ? ascending[0] : ascending[2]}, shared`;
}

/** Global: every node known one by one, or at least as part of its region. */
function viewCell(network: string, name: string, word: string, of: FigureOf): string[][] {
  const [one, covered] = [of(name, "view"), of(name, "covered")];
  if (!Number.isFinite(one) || !Number.isFinite(covered)) return [];
  const found = covered > 99 ? "global" : "partial";
  const detail = one > 99 ? "one by one" : `${one.toFixed(0)} % one by one, the rest by region`;
  return [[network, name, "view", word, `${found} (${detail})`, found === word ? "holds" : "does not hold"]];
}
