import { type Finished, short, shortWithMargin, summaryOf, valuesOf } from "../results.ts";
import type { ChartSpec, Conclusion, MetricSpec, Results, Study } from "../study.ts";
import { dotChart, mapChart, type Named, seriesChart, tailChart } from "./charts.ts";
import { STYLE } from "./style.ts";
import { escapeXml } from "./svg.ts";

/** Cases named `condition / policy` are drawn in one panel a condition, each policy in its own colour. */
interface Panel {
  readonly title: string;
  readonly members: readonly { readonly case: string; readonly name: string; readonly colour: number }[];
}

/** How many colours the page has; more cases than that share them. */
const COLOURS = 8;

/** The report: one HTML page that needs nothing else, readable in light and in dark. */
export function reportHtml(
  results: Results,
  study: Study,
  finished: readonly Finished[],
  replay: string,
): string {
  const panels = panelsOf(results.cases);
  const seeds = [...new Set(results.runs.map(({ seed }) => seed))];
  const names = [
    ...new Map(panels.flatMap(({ members }) => members).map((one) => [one.name, one.colour])).entries(),
  ];
  const legend = names.map(
    ([name, colour]) => `<span class="key"><i class="c${colour}"></i>${escapeXml(name)}</span>`,
  );
  const sections = [
    section(
      "Figures",
      `mean ± 95 % confidence over ${seeds.length} ${seeds.length === 1 ? "seed" : "seeds"}; best of each column in bold`,
      figures(results, panels),
    ),
    concluded(study.conclude?.(results) ?? null),
    section(
      "Compared",
      "large dot and bar: mean and its 95 % confidence interval; small dots: seeds",
      compared(results, panels),
    ),
    ...study.distributions.map((chart) =>
      section(
        chart.title,
        `share of ${chart.of ?? "tasks"} above a value, both axes logarithmic`,
        distributions(chart, panels, finished),
      ),
    ),
    section(
      "Over time",
      "mean over the seeds in a band of its 95 % confidence interval",
      overTime(study.series, panels, finished),
    ),
    section(
      study.map?.title ?? "Where the work was done",
      study.map?.note ?? "a disc's area is the site's share of all work; a line's width the load of the link",
      maps(panels, finished),
    ),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escapeXml(results.title)}</title><style>${STYLE}</style></head>
<body><header><p class="brand">weft lab</p><h1>${escapeXml(results.title)}</h1>
<p class="facts"><b>${results.cases.length}</b> cases <b>${seeds.length}</b> ${seeds.length === 1 ? "seed" : "seeds"} <b>${results.runs.length}</b> runs</p>
<p class="legend">${legend.join("")}</p></header>
<main>${sections.join("\n")}</main>
<footer><p>scenario <code>${escapeXml(results.name)}</code> ${results.fingerprint.slice(0, 16)}</p>
<p>replay <code>${escapeXml(replay)}</code></p></footer></body></html>
`;
}

function concluded(conclusion: Conclusion | null): string {
  if (conclusion === null || conclusion.rows.length === 0) return "";
  const cells = (tag: string, row: readonly string[]): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join("")}</tr>`;
  const table = `<table><thead>${cells("th", conclusion.head)}</thead><tbody>${conclusion.rows.map((row) => cells("td", row)).join("")}</tbody></table>`;
  return section(conclusion.title, conclusion.note, `<div class="scroll words">${table}</div>`);
}

function panelsOf(cases: readonly string[]): Panel[] {
  const parts = cases.map((name) => name.split(" / "));
  const faceted = parts.every(({ length }) => length === 2);
  const name = (i: number): string => (faceted ? (parts[i]?.[1] as string) : (cases[i] as string));
  const order = [...new Set(cases.map((_, i) => name(i)))];
  const titles = faceted ? [...new Set(parts.map(([title]) => title as string))] : [""];
  return titles.map((title) => ({
    title,
    members: cases.flatMap((one, i) =>
      !faceted || parts[i]?.[0] === title
        ? [{ case: one, name: name(i), colour: order.indexOf(name(i)) % COLOURS }]
        : [],
    ),
  }));
}

function section(title: string, note: string, body: string): string {
  if (body === "") return "";
  return `<section><h2>${escapeXml(title)}</h2><p class="note">${escapeXml(note)}</p>${body}</section>`;
}

const measured = (results: Results): MetricSpec[] =>
  results.metrics.filter(({ name }) => results.cases.some((one) => valuesOf(results, one, name).length > 0));

function figures(results: Results, panels: readonly Panel[]): string {
  const metrics = measured(results);
  const head = metrics.map(
    ({ label, unit }) =>
      `<th>${escapeXml(label)}${unit === "" ? "" : `<small>${escapeXml(unit)}</small>`}</th>`,
  );
  const rows = panels.map(({ title, members }) => {
    const lines = members.map((member) => {
      const cells = metrics.map((metric) => {
        const summary = summaryOf(results, member.case, metric.name);
        const best = isBest(
          results,
          metric,
          member.case,
          members.map((other) => other.case),
        );
        const [mean, margin] = shortWithMargin(summary).split(" ");
        return `<td${best ? ' class="best"' : ""}>${mean}${margin === undefined ? "" : `<small>${margin}</small>`}</td>`;
      });
      return `<tr><th scope="row"><i class="c${member.colour}"></i>${escapeXml(member.name)}</th>${cells.join("")}</tr>`;
    });
    const group =
      title === ""
        ? ""
        : `<tr class="group"><th colspan="${metrics.length + 1}">${escapeXml(title)}</th></tr>`;
    return group + lines.join("");
  });
  return `<div class="scroll"><table><thead><tr><th></th>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function isBest(results: Results, metric: MetricSpec, own: string, cases: readonly string[]): boolean {
  if (metric.better === null || cases.length < 2) return false;
  const means = cases
    .map((one) => summaryOf(results, one, metric.name).mean)
    .filter((mean) => !Number.isNaN(mean));
  const best = metric.better === "less" ? Math.min(...means) : Math.max(...means);
  const mean = summaryOf(results, own, metric.name).mean;
  return short(mean) === short(best) && means.some((other) => short(other) !== short(best));
}

const figure = (title: string, chart: string | null): string =>
  chart === null ? "" : `<figure><figcaption>${escapeXml(title)}</figcaption>${chart}</figure>`;
const grid = (figures: readonly string[]): string => {
  const body = figures.join("");
  return body === "" ? "" : `<div class="charts">${body}</div>`;
};

function compared(results: Results, panels: readonly Panel[]): string {
  const many = panels.length > 1;
  const shown = measured(results).filter(({ better }) => better !== null);
  return grid(
    shown.map((metric) => {
      const rows = panels.flatMap(({ title, members }) =>
        members.map(
          (member): Named<readonly number[]> => ({
            name: many ? `${title} / ${member.name}` : member.name,
            colour: member.colour,
            values: valuesOf(results, member.case, metric.name),
          }),
        ),
      );
      return figure(metric.label, dotChart(metric.label, metric.unit, rows));
    }),
  );
}

/** What one chart of one panel draws: each member's outcomes under all its seeds. */
function named<T>(
  panel: Panel,
  finished: readonly Finished[],
  of: (one: Finished) => T | undefined,
): Named<readonly T[]>[] {
  return panel.members.map(({ name, colour, case: own }) => ({
    name,
    colour,
    values: finished.flatMap((one) => {
      const value = one.case === own ? of(one) : undefined;
      return value === undefined ? [] : [value];
    }),
  }));
}

function distributions(chart: ChartSpec, panels: readonly Panel[], finished: readonly Finished[]): string {
  return grid(
    panels.map((panel) => {
      const rows = named(panel, finished, ({ outcome }) => outcome.distributions[chart.key]);
      return figure(panel.title || chart.title, tailChart(chart.title, chart.unit, rows, chart.of));
    }),
  );
}

function overTime(
  charts: readonly ChartSpec[],
  panels: readonly Panel[],
  finished: readonly Finished[],
): string {
  return grid(
    charts.flatMap((chart) =>
      panels.map((panel) => {
        const rows = named(panel, finished, ({ outcome }) => outcome.series[chart.key]);
        const title = panel.title === "" ? chart.title : `${chart.title}: ${panel.title}`;
        return figure(title, seriesChart(chart.title, chart.unit, rows));
      }),
    ),
  );
}

function maps(panels: readonly Panel[], finished: readonly Finished[]): string {
  return grid(
    panels.flatMap((panel) =>
      panel.members.map((member) => {
        const first = finished.find((one) => one.case === member.case && one.outcome.map !== null);
        const title = panel.title === "" ? member.name : `${panel.title}: ${member.name}`;
        const map = first?.outcome.map ?? null;
        return figure(title, map === null ? null : mapChart(title, map));
      }),
    ),
  );
}
