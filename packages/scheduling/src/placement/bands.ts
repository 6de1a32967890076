import type { NodeTable } from "@weft/pool";
import { LEAST_SHARE } from "./fit.ts";

/*
 * Nodes by what they have free, in bands, so that a task walks past full ones unseen. Of computing power: band 0 is any
 * node that accepts tasks, 1 those a task may start on (`LEAST_SHARE`), each further one those with at least its
 * floor of operations a second, doubling from 4.3 GOPS to 4.4 TOPS. Of memory: 0 is any, then at least the floor. A
 * node is in every cell (a band of each) up to its own; a task looks at the highest cell that has every node which could
 * serve it.
 */
const RATES: Float64Array = Float64Array.from({ length: 11 }, (_, i) => 2 ** (32 + i));
const MEMORIES: Float64Array = Float64Array.of(27, 29, 30, 31, 32, 34, 36).map((log) => 2 ** log);
export const RATE_BANDS: number = RATES.length + 2;
export const MEMORY_BANDS: number = MEMORIES.length + 1;
export const CELLS: number = RATE_BANDS * MEMORY_BANDS;

/** The cell where a task has to look that needs a rate (or none at all: null) and memory. */
export function cellFor(rate: number | null, memory: number): number {
  return (rate === null ? 0 : 1 + bandOf(RATES, rate)) * MEMORY_BANDS + bandOf(MEMORIES, memory);
}

/** The highest cell a node is in, for one type of computing power; -1: in none. */
export function cellOf(nodes: NodeTable, type: number, n: number): number {
  const free = startable(nodes, type, n);
  if (free < 0) return -1;
  const rates = free > 0 ? 1 + bandOf(RATES, free) : 0;
  return rates * MEMORY_BANDS + bandOf(MEMORIES, nodes.freeMemory[n] as number);
}

/** Free operations a second that a task may start on; 0 where these are too few, -1 where no task is taken. */
export function startable(nodes: NodeTable, type: number, n: number): number {
  if (nodes.accepting[n] !== 1) return -1;
  const free = nodes.free[type as 0 | 1 | 2][n] as number;
  const least = Math.floor(LEAST_SHARE * (nodes.lane[type as 0 | 1 | 2][n] as number));
  return free >= 1 && free >= least ? free : 0;
}

/** How many floors an amount reaches. */
function bandOf(floors: Float64Array, amount: number): number {
  let band = 0;
  while (band < floors.length && (floors[band] as number) <= amount) band++;
  return band;
}
