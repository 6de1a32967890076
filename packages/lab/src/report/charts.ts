import { summarise } from "../statistics.ts";
import type { Distribution, NetworkMap, Series } from "../study.ts";
import { escapeXml, FRAME, frame, linearScale, logScale, pathThrough, type Scale, svg } from "./svg.ts";

/** One curve or dot: whose it is, and the colour's number. */
export interface Named<T> {
  readonly name: string;
  readonly colour: number;
  readonly values: T;
}

const { width, height, left, right, top, bottom } = FRAME;
const INSET = top + 8;

/** Mean over the seeds by time, in a band of its 95 % confidence interval. */
export function seriesChart(
  title: string,
  unit: string,
  all: readonly Named<readonly Series[]>[],
): string | null {
  const curves = all.flatMap(({ values: [first], values, ...rest }) => {
    if (first === undefined) return [];
    const steps = first.at.map((at, i) => {
      const here = values.flatMap((one) => one.values[i] ?? []);
      return here.length === 0 ? null : { at, ...summarise(here) };
    });
    return [{ ...rest, steps }];
  });
  const points = curves.flatMap(({ steps }) => steps.filter((step) => step !== null));
  if (points.length === 0) return null;
  const minutes = Math.max(...points.map(({ at }) => at)) > 300;
  const per = minutes ? 60 : 1;
  const x = linearScale(0, Math.max(...points.map(({ at }) => at)) / per, left, width - right, 6);
  const greatest = Math.max(...points.map(({ mean, margin }) => mean + margin));
  const y = linearScale(0, greatest, height - bottom, INSET);
  const body = curves.map(({ name, colour, steps }) => {
    const at = (step: { at: number }, value: number): [number, number] => [
      x(step.at / per),
      y(Math.max(0, value)),
    ];
    const upper = steps.flatMap((step) => (step === null ? [] : [at(step, step.mean + step.margin)]));
    const lower = steps.flatMap((step) => (step === null ? [] : [at(step, step.mean - step.margin)]));
    const line = steps.map((step) => (step === null ? null : at(step, step.mean)));
    return (
      `<path class="band c${colour}" d="${pathThrough([...upper, ...lower.reverse()])}Z"/>` +
      `<path class="line c${colour}" d="${pathThrough(line)}"><title>${escapeXml(name)}</title></path>`
    );
  });
  return svg(frame(x, y, minutes ? "minutes" : "seconds", unit) + body.join(""), title);
}

/** Share of values above x, both axes logarithmic: the tail is where systems differ. */
export function tailChart(
  title: string,
  unit: string,
  all: readonly Named<readonly Distribution[]>[],
  of = "tasks",
): string | null {
  const curves = all.flatMap(({ values, ...rest }) => {
    const bins = new Map<number, { to: number; count: number }>();
    let total = 0;
    for (const { from, to, count } of values) {
      from.forEach((low, i) => {
        const bin = bins.get(low) ?? { to: to[i] as number, count: 0 };
        bin.count += count[i] as number;
        total += count[i] as number;
        bins.set(low, bin);
      });
    }
    if (total === 0) return [];
    const sorted = [...bins].sort(([a], [b]) => a - b);
    let above = total;
    const points = sorted.map(([from, { to, count }]) => {
      above -= count;
      return { from, to, above: above / total };
    });
    return [{ ...rest, points }];
  });
  if (curves.length === 0) return null;
  const values = curves.flatMap(({ points }) => points);
  // The axis begins where the first thousandth of some case's values lies below: the rest is a flat line.
  const least = Math.min(
    ...curves.map(({ points }) => (points.find(({ above }) => above < 0.999) ?? points[0])?.from ?? 1),
  );
  const x = logScale(least, Math.max(...values.map(({ to }) => to)), left, width - right);
  const floor = 1e-4;
  const y = logScale(floor, 1, height - bottom, INSET);
  const percent = Object.assign((share: number) => y(share), {
    ticks: [0.0001, 0.001, 0.01, 0.1, 1],
  }) as Scale;
  const body = curves.map(({ name, colour, points }) => {
    const [first] = points;
    const shown = points
      .filter(({ above }) => above >= floor)
      .map(({ to, above }): [number, number] => [x(to), y(above)]);
    const line = first === undefined ? [] : [[x(Math.max(first.from, least)), y(1)] as const, ...shown];
    return `<path class="line c${colour}" d="${pathThrough(line)}"><title>${escapeXml(name)}</title></path>`;
  });
  return svg(frame(x, percent, unit, `share of ${of} above`) + body.join(""), title);
}

/** Width of a letter of a case's name, by the widest of the fonts that machines take for it. */
const LETTER = 7.4;

/** Each case's mean with its 95 % confidence interval, and every seed's value as a faint dot. */
export function dotChart(
  title: string,
  unit: string,
  all: readonly Named<readonly number[]>[],
): string | null {
  const rows = all.filter(({ values }) => values.length > 0);
  if (rows.length === 0) return null;
  const step = 26;
  const tall = rows.length * step + 44;
  const room = Math.min(190, Math.max(...rows.map(({ name }) => name.length)) * LETTER + 14);
  const values = rows.flatMap(({ values: all }) => all);
  const [least, greatest] = [Math.min(0, ...values), Math.max(...values)];
  const wide =
    least >= 0 && greatest / Math.max(1e-12, Math.min(...values.filter((value) => value > 0))) > 50;
  const positive = values.filter((value) => value > 0);
  const x =
    wide && positive.length === values.length
      ? logScale(Math.min(...positive) / 1.2, greatest * 1.2, room, width - right)
      : linearScale(least, greatest, room, width - right, 4);
  const grid = x.ticks.map(
    (tick) =>
      `<line class="grid" x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="8" y2="${tall - 32}"/>` +
      `<text class="tick" x="${x(tick).toFixed(1)}" y="${tall - 17}" text-anchor="middle">${escapeXml(tickLabel(tick))}</text>`,
  );
  const body = rows.map(({ name, colour, values: own }, i) => {
    const { mean, margin } = summarise(own);
    const y = 8 + (i + 0.5) * step;
    const floor = x.ticks[0] as number;
    const low = x(Math.max(mean - margin, Math.min(floor, mean)));
    const seeds = own.map(
      (value) => `<circle class="seed c${colour}" cx="${x(value).toFixed(1)}" cy="${y}" r="3"/>`,
    );
    const fitted =
      name.length * LETTER > room - 14 ? ` textLength="${room - 14}" lengthAdjust="spacingAndGlyphs"` : "";
    return (
      `<text class="name" x="${room - 10}" y="${y + 4}" text-anchor="end"${fitted}>${escapeXml(name)}</text>${seeds.join("")}` +
      `<line class="bar c${colour}" x1="${low.toFixed(1)}" x2="${x(mean + margin).toFixed(1)}" y1="${y}" y2="${y}"/>` +
      `<circle class="mean c${colour}" cx="${x(mean).toFixed(1)}" cy="${y}" r="5"><title>${escapeXml(name)}: ${mean.toPrecision(4)} ±${margin.toPrecision(2)} ${escapeXml(unit)}</title></circle>`
    );
  });
  const label = `<text class="label" x="${width - right}" y="${tall - 3}" text-anchor="end">${escapeXml(unit)}</text>`;
  return svg(grid.join("") + body.join("") + label, title, width, tall);
}

const tickLabel = (value: number): string => (Math.abs(value) >= 1e4 ? `${value / 1000}k` : String(value));

/** Where the work was done: a disc a site, its area the site's share; links as wide as they were loaded. */
export function mapChart(title: string, { sites, links }: NetworkMap): string {
  const middle =
    (Math.max(...sites.map(({ latitude }) => latitude)) +
      Math.min(...sites.map(({ latitude }) => latitude))) /
    2;
  const flat = Math.cos((middle * Math.PI) / 180);
  const at = sites.map(({ latitude, longitude }): [number, number] => [longitude * flat, -latitude]);
  const [xs, ys] = [at.map(([x]) => x), at.map(([, y]) => y)];
  const span = (values: readonly number[]): number => Math.max(...values) - Math.min(...values) || 1;
  const pad = 34;
  const tall = Math.max(200, Math.min(380, (span(ys) / span(xs)) * (width - 2 * pad) + 2 * pad));
  const scale = Math.min((width - 2 * pad) / span(xs), (tall - 2 * pad) / span(ys));
  const [dx, dy] = [
    (width - span(xs) * scale) / 2 - Math.min(...xs) * scale,
    (tall - span(ys) * scale) / 2 - Math.min(...ys) * scale,
  ];
  const point = (site: number): [number, number] => {
    const [x, y] = at[site] as [number, number];
    return [x * scale + dx, y * scale + dy];
  };
  const wires = links.map(({ a, b, load }) => {
    const [[x1, y1], [x2, y2]] = [point(a), point(b)];
    const name = `${sites[a]?.name} - ${sites[b]?.name}: ${(100 * load).toFixed(1)} % used`;
    return `<line class="wire" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke-width="${(0.8 + 6 * load).toFixed(2)}"><title>${escapeXml(name)}</title></line>`;
  });
  const few = sites.length <= 30;
  const labels = new Labels(width);
  const order = sites.map((_, i) => i).sort((i, j) => (sites[j]?.share ?? 0) - (sites[i]?.share ?? 0));
  const discs = order.map((i) => {
    const site = sites[i] as NetworkMap["sites"][number];
    const [x, y] = point(i);
    const radius = 3 + 26 * Math.sqrt(site.share);
    const disc = `<circle class="site ${site.tier ?? "none"}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}"><title>${escapeXml(site.name)}: ${(100 * site.share).toFixed(1)} % of the work</title></circle>`;
    return few || site.share > 0.03 ? disc + labels.place(site.name, x, y, radius) : disc;
  });
  return svg(wires.join("") + discs.join(""), title, width, tall);
}

/** Puts names beside their discs where no other name is. */
class Labels {
  readonly #taken: { x: number; y: number; width: number }[] = [];
  readonly #width: number;

  constructor(width: number) {
    this.#width = width;
  }

  place(name: string, x: number, y: number, radius: number): string {
    const size = name.length * 5.6;
    const places: readonly (readonly [number, number])[] = [
      [x + radius + 4, y + 3.5],
      [x - radius - 4 - size, y + 3.5],
      [x - size / 2, y - radius - 4],
      [x - size / 2, y + radius + 11],
    ];
    const free = places.find(
      ([left, base]) =>
        left > 2 &&
        left + size < this.#width - 2 &&
        this.#taken.every(
          (one) => left > one.x + one.width || left + size < one.x || Math.abs(base - one.y) > 11,
        ),
    );
    if (free === undefined) return "";
    this.#taken.push({ x: free[0], y: free[1], width: size });
    return `<text class="place" x="${free[0].toFixed(1)}" y="${free[1].toFixed(1)}">${escapeXml(name)}</text>`;
  }
}
