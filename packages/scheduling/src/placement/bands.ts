import type { NodeTable } from "@weft/pool";
import { widened } from "./column.ts";
import { LEAST_SHARE } from "./fit.ts";

/*
 * Nodes by what they have, in bands, so that a task walks past those that have too little unseen. A node is in every band
 * up to its own; a task looks in the highest that has every node which could serve it. Bands are half an octave wide: a floor
 * at each power of two, and one half way to the next.
 *
 * Of free computing power: band -1 is a node that takes no tasks, 0 any other, 1 one that a task may start on
 * (`LEAST_SHARE`), each further one those with at least its floor, from 2.1 GOPS. Of memory: 0 is any, then from 64 MiB. Of
 * what one lane gives: 0 is any, then from 1.1 GOPS.
 */
const RATE = { first: 31, count: 24 } as const;
const MEMORY = { first: 26, count: 24 } as const;
const LANE = { first: 30, count: 26 } as const;
export const RATE_BANDS: number = RATE.count + 2;
export const MEMORY_BANDS: number = MEMORY.count + 1;
export const LANE_BANDS: number = LANE.count + 1;

const single = new Float32Array(1);
const bitsOfSingle = new Uint32Array(single.buffer);

/** How many floors an amount reaches: a float's exponent and the first bit after it count half octaves. */
function floorsReached(
  amount: number,
  { first, count }: { readonly first: number; readonly count: number },
): number {
  if (!(amount > 0)) return 0;
  single[0] = amount;
  const band = ((bitsOfSingle[0] as number) >>> 22) - 2 * (127 + first) + 1;
  return band < 0 ? 0 : band > count ? count : band;
}

/** The band where a task has to look that needs a rate, or none at all: null. */
export const rateBandFor = (rate: number | null): number =>
  rate === null ? 0 : 1 + floorsReached(rate, RATE);
export const memoryBandOf = (bytes: number): number => floorsReached(bytes, MEMORY);
export const laneBandOf = (rate: number): number => floorsReached(rate, LANE);

/** Free operations a second that a task may start on; 0 where these are too few, -1 where no task is taken. */
function startable(nodes: NodeTable, type: number, n: number): number {
  if (nodes.accepting[n] !== 1) return -1;
  const free = nodes.free[type as 0 | 1 | 2][n] as number;
  const least = Math.floor(LEAST_SHARE * (nodes.lane[type as 0 | 1 | 2][n] as number));
  return free >= 1 && free >= least ? free : 0;
}

/** The highest band of free power a node is in. */
export function rateBandOf(nodes: NodeTable, type: number, n: number): number {
  const free = startable(nodes, type, n);
  return free > 0 ? rateBandFor(free) : free;
}

/*
 * Cells: a band of power and one of memory together, both wider, for rankings that know the first node of each cell
 * at every site. Power from 4.3 GOPS, doubling; memory as below.
 */
const MEMORY_FLOORS = [27, 29, 30, 31, 32, 34, 36];
const MEMORY_CELL_OF = Uint8Array.from(
  { length: MEMORY_BANDS },
  (_, band) => MEMORY_FLOORS.filter((floor) => floor <= MEMORY.first + (band - 1) / 2).length,
);
export const MEMORY_CELLS: number = MEMORY_FLOORS.length + 1;
const RATE_CELLS = Math.floor(RATE.count / 2) + 1;
export const CELLS: number = RATE_CELLS * MEMORY_CELLS;

/** The cell of two bands; -1: in none. */
export function cellOf(rateBand: number, memoryBand: number): number {
  if (rateBand < 0) return -1;
  // Bands 0 and 1 are cells of their own; of the others every second one's floor is a power of two.
  const rates = rateBand < 2 ? rateBand : rateBand >> 1;
  return rates * MEMORY_CELLS + (MEMORY_CELL_OF[memoryBand] as number);
}

/** The bands of every node as last looked at. */
export class NodeBands {
  /** By type and node, of free power; by node, of free memory. */
  readonly rates: [Int8Array, Int8Array, Int8Array] = [new Int8Array(), new Int8Array(), new Int8Array()];
  memories: Int8Array = new Int8Array();

  cellOf(type: 0 | 1 | 2, n: number): number {
    return cellOf(this.rates[type][n] as number, this.memories[n] as number);
  }

  makeRoom(nodes: number): void {
    for (const type of [0, 1, 2] as const) this.rates[type] = widened(this.rates[type], nodes, -1);
    this.memories = widened(this.memories, nodes);
  }
}
