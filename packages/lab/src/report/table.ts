import { shortWithMargin, summaryOf } from "../results.ts";
import type { Conclusion, Results } from "../study.ts";

/** The results as a table for a terminal: cases by metrics, mean and 95 % confidence over the seeds. */
export function resultsTable(results: Results): string {
  const shown = results.metrics.filter(
    ({ name, detail }) =>
      detail !== true &&
      results.runs.some((run) => run.metrics[name] !== null && run.metrics[name] !== undefined),
  );
  const head = ["", ...shown.map(({ label, unit }) => (unit === "" ? label : `${label} ${unit}`))];
  const rows = results.cases.map((name) => [
    name,
    ...shown.map((metric) => shortWithMargin(summaryOf(results, name, metric.name))),
  ]);
  return aligned([head, ...rows]);
}

/** A conclusion as a table for a terminal. */
export const conclusionTable = ({ title, note, head, rows }: Conclusion): string =>
  `${title}\n${aligned([head, ...rows])}\n${note}`;

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
