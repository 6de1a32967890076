/*
 * From the detector's map of "here is text" to boxes around lines of text: Liao et al., "Real-time Scene Text
 * Detection with Differentiable Binarization" (AAAI 2020), section 3.4, with rotated rectangles for polygons.
 */

/** A rotated rectangle: centre, unit vector along its width, width and height; v = (-uy, ux) points down the height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly ux: number;
  readonly uy: number;
  readonly width: number;
  readonly height: number;
}

const TEXT_FROM = 0.3;
const BOX_FROM = 0.6;
const UNCLIP = 1.5;
const LEAST_SIDE = 3;

interface Component {
  /** Corners of what the component covers, as x, y pairs: the ends of each of its rows. */
  readonly points: readonly (readonly [number, number])[];
}

/** The connected (eight neighbours) parts of the map above the threshold. map[y * width + x]. */
function components(map: Float32Array, width: number, height: number): Component[] {
  const seen = new Uint8Array(map.length);
  const stack: number[] = [];
  const found: Component[] = [];
  for (let start = 0; start < map.length; start++) {
    if (seen[start] === 1 || (map[start] as number) <= TEXT_FROM) continue;
    const rows = new Map<number, [number, number]>();
    seen[start] = 1;
    stack.push(start);
    while (stack.length > 0) {
      const at = stack.pop() as number;
      const y = Math.floor(at / width);
      const x = at - y * width;
      const ends = rows.get(y);
      if (ends === undefined) rows.set(y, [x, x]);
      else if (x < ends[0]) ends[0] = x;
      else if (x > ends[1]) ends[1] = x;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] === 1 || (map[next] as number) <= TEXT_FROM) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    const points = [...rows].flatMap(([y, [from, to]]): [number, number][] => [
      [from, y],
      [to + 1, y],
      [from, y + 1],
      [to + 1, y + 1],
    ]);
    found.push({ points });
  }
  return found;
}

type Point = readonly [number, number];

/** Convex hull, counter-clockwise (Andrew's monotone chain). */
export function hull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const p of ordered) {
      while (chain.length >= 2) {
        const a = chain[chain.length - 2] as Point;
        const b = chain[chain.length - 1] as Point;
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        chain.pop();
      }
      chain.push(p);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** The rectangle of least area around a convex hull: one of its sides lies on one of the hull's. */
export function leastBox(corners: readonly Point[]): Box | null {
  let best: Box | null = null;
  for (const [i, a] of corners.entries()) {
    const b = corners[(i + 1) % corners.length] as Point;
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (length === 0) continue;
    const ux = (b[0] - a[0]) / length;
    const uy = (b[1] - a[1]) / length;
    let [minU, maxU, minV, maxV] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const [x, y] of corners) {
      const u = x * ux + y * uy;
      const v = -x * uy + y * ux;
      minU = Math.min(minU, u);
      maxU = Math.max(maxU, u);
      minV = Math.min(minV, v);
      maxV = Math.max(maxV, v);
    }
    const width = maxU - minU;
    const height = maxV - minV;
    if (best !== null && width * height >= best.width * best.height) continue;
    const u = (minU + maxU) / 2;
    const v = (minV + maxV) / 2;
    best = { x: u * ux - v * uy, y: u * uy + v * ux, ux, uy, width, height };
  }
  return best;
}

const quarterTurn = ({ ux, uy, width, height, ...centre }: Box): Box => ({
  ...centre,
  ux: -uy,
  uy: ux,
  width: height,
  height: width,
});

/** Turned so that the width is the way one reads: level, or along the longer side of a box that stands upright. */
function readable(box: Box): Box {
  let turned = Math.abs(box.ux) >= Math.abs(box.uy) ? box : quarterTurn(box);
  if (turned.height >= 1.5 * turned.width) turned = quarterTurn(turned);
  const backwards = Math.abs(turned.ux) > 1e-6 ? turned.ux < 0 : turned.uy < 0;
  return backwards ? quarterTurn(quarterTurn(turned)) : turned;
}

/** Mean of the map over the pixels whose centres lie in the box. */
function score(map: Float32Array, width: number, height: number, box: Box): number {
  const reach = Math.hypot(box.width, box.height) / 2;
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, Math.floor(box.y - reach)); y < Math.min(height, box.y + reach); y++) {
    for (let x = Math.max(0, Math.floor(box.x - reach)); x < Math.min(width, box.x + reach); x++) {
      const dx = x + 0.5 - box.x;
      const dy = y + 0.5 - box.y;
      if (2 * Math.abs(dx * box.ux + dy * box.uy) > box.width) continue;
      if (2 * Math.abs(-dx * box.uy + dy * box.ux) > box.height) continue;
      sum += map[y * width + x] as number;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Undoes the shrinking of the training labels: every side moves out by area * ratio / perimeter. */
function unclipped(box: Box): Box {
  const out = (box.width * box.height * UNCLIP) / (2 * (box.width + box.height));
  return { ...box, width: box.width + 2 * out, height: box.height + 2 * out };
}

/** Boxes around the lines of text in a map of probabilities, in the map's coordinates, top to bottom. */
export function textBoxes(map: Float32Array, width: number, height: number): Box[] {
  const boxes: Box[] = [];
  for (const { points } of components(map, width, height)) {
    const box = leastBox(hull(points));
    if (box === null || Math.min(box.width, box.height) < LEAST_SIDE) continue;
    if (score(map, width, height, box) >= BOX_FROM) boxes.push(readable(unclipped(box)));
  }
  return boxes;
}

/** The way most of the text runs: the mean direction of the boxes, each by its width. Level where there are none. */
function tilt(boxes: readonly Box[]): readonly [number, number] {
  const level = boxes.filter(({ ux, uy }) => Math.abs(ux) > Math.abs(uy));
  const x = level.reduce((sum, box) => sum + box.ux * box.width * (box.width / box.height), 0);
  const y = level.reduce((sum, box) => sum + box.uy * box.width * (box.width / box.height), 0);
  const length = Math.hypot(x, y);
  return length === 0 ? [1, 0] : [x / length, y / length];
}

/**
 * Boxes as the rows one reads, each from left to right, seen along the way the text runs, so that rows of a picture
 * taken askew hold together. A box is of a row when its middle is within half a height of the row's first.
 */
export function rowsOf(boxes: readonly Box[]): Box[][] {
  const [ux, uy] = tilt(boxes);
  const along = (box: Box): number => box.x * ux + box.y * uy;
  const down = (box: Box): number => -box.x * uy + box.y * ux;
  const rows: Box[][] = [];
  for (const box of [...boxes].sort((a, b) => down(a) - down(b))) {
    const row = rows.at(-1);
    const first = row?.[0];
    const reach = first === undefined ? 0 : Math.min(box.height, first.height) / 2;
    if (row !== undefined && first !== undefined && down(box) - down(first) < reach) row.push(box);
    else rows.push([box]);
  }
  return rows.map((row) => row.sort((a, b) => along(a) - along(b)));
}
