/*
 * What all charts share. Colours are CSS variables of the page, so that one picture reads in light and in dark.
 */

export const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Maps values to pixels; `ticks` are where an axis is labelled. */
export interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

/** Round steps of 1, 2, 2.5 or 5 that part a range into about `about` pieces, the range grown to whole steps. */
export function linearScale(least: number, greatest: number, from: number, to: number, about = 5): Scale {
  const span = greatest > least ? greatest - least : Math.abs(greatest) || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((times) => times * power >= rough * 0.999) ?? 10) * power;
  const low = Math.floor(least / step + 1e-9) * step;
  const high = Math.max(low + step, Math.ceil(greatest / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => tidy(low + i * step));
  return Object.assign((value: number) => from + ((value - low) / (high - low)) * (to - from), { ticks });
}

/** Powers of ten, with 2 and 5 between where there are few of them. */
export function logScale(least: number, greatest: number, from: number, to: number): Scale {
  const [low, high] = [Math.log10(least), Math.log10(greatest > least ? greatest : least * 10)];
  const decades = high - low;
  const times = decades <= 1.5 ? [1, 2, 5] : decades <= 3 ? [1, 3] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const one of times) {
      const tick = one * 10 ** power;
      if (Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9) ticks.push(tidy(tick));
    }
  }
  return Object.assign((value: number) => from + ((Math.log10(value) - low) / decades) * (to - from), {
    ticks,
  });
}

const tidy = (value: number): number => Number(value.toPrecision(10));

/** `0.02`, `1.5`, `20k`: what stands at a tick. */
function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${tidy(value / 1e9)}G`;
  if (size >= 1e6) return `${tidy(value / 1e6)}M`;
  if (size >= 1e4) return `${tidy(value / 1e3)}k`;
  return size > 0 && size < 1e-3 ? value.toExponential(0) : String(tidy(value));
}

/** A path through points; null parts it. */
export function pathThrough(points: readonly (readonly [number, number] | null)[]): string {
  let drawing = false;
  let path = "";
  for (const point of points) {
    if (point === null) {
      drawing = false;
      continue;
    }
    path += `${drawing ? "L" : "M"}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    drawing = true;
  }
  return path;
}

/** Size of one chart and the room for its axes. */
export const FRAME = { width: 460, height: 250, left: 52, right: 14, top: 12, bottom: 36 } as const;

/** Grid, tick labels and axis titles around a chart. */
export function frame(x: Scale, y: Scale, xTitle: string, yTitle: string): string {
  const { width, height, left, right, top, bottom } = FRAME;
  const rows = y.ticks.map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>` +
      `<text class="tick" x="${left - 7}" y="${(y(tick) + 3.5).toFixed(1)}" text-anchor="end">${tickText(tick)}</text>`,
  );
  const columns = x.ticks.map(
    (tick) =>
      `<text class="tick" x="${x(tick).toFixed(1)}" y="${height - bottom + 16}" text-anchor="middle">${tickText(tick)}</text>`,
  );
  return (
    `${rows.join("")}${columns.join("")}` +
    `<line class="axis" x1="${left}" x2="${width - right}" y1="${height - bottom}" y2="${height - bottom}"/>` +
    `<text class="label" x="${width - right}" y="${height - 5}" text-anchor="end">${escapeXml(xTitle)}</text>` +
    `<text class="label" x="${left}" y="${top - 2}">${escapeXml(yTitle)}</text>`
  );
}

export const svg = (
  body: string,
  title: string,
  width: number = FRAME.width,
  height: number = FRAME.height,
): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}"><title>${escapeXml(title)}</title>${body}</svg>`;
