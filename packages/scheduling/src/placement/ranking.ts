import type { NodeTable } from "@weft/pool";
import { CELLS, MEMORY_CELLS, type NodeBands } from "./bands.ts";
import { atLeast, atMost, widened } from "./column.ts";
import type { Query } from "./query.ts";
import { devicesOf, Weights } from "./weights.ts";

/**
 * What a search reads first of a node lies side by side, in the order of a site's row: the ranking key, what a lane gives, the
 * price of memory, and, as a whole number in the same memory, its index. Single precision, rounded to the side on which a
 * bound stays a bound.
 */
export const SEAT = 4;
export const [KEY, LANE, MEMORY_PRICE, NODE] = [0, 1, 2, 3] as const;

/**
 * All nodes by what one operation of a kind of task adds to its score there (price, time, energy, carbon, as the
 * objective weighs them; less is better): a row a site, its nodes by their key, with the first that is in each cell. A
 * search walks a row in ascending order and stops where the bound is worse than what it has. What is free on a node stands
 * in no ranking, as there may be many: a reservation changes one only where the node goes from one cell to another, mostly
 * not.
 *
 * Rows lie one after another, with room to grow. Memory: 20 bytes a node ranked and its share of the room (up to a
 * half more), 0.8 kB a site.
 */
export class Ranking {
  readonly #table: NodeTable;
  readonly #weights: Weights;
  /** The accelerators a task asks for: rare enough to rank the nodes that have them by themselves. */
  readonly #devices: number;
  readonly #bands: NodeBands;
  /** By site: where its row starts, and how far it may grow. */
  #start = new Int32Array(0);
  #limit = new Int32Array(0);
  #end = new Int32Array(0);
  /** By site and cell (`site * CELLS + cell`): the position of the first node in the cell, or the row's end. */
  #first = new Int32Array(0);
  /** By cell and site (`cell * width + site`), as a search reads those of one cell: that node's key; NaN where there is none. */
  best: Float32Array = new Float32Array(0);
  width = 0;
  /** By position, `SEAT` numbers each; the same memory as whole numbers. */
  seats: Float32Array = new Float32Array(0);
  whole: Int32Array = new Int32Array(0);
  #used = 0;
  /** By node: its position; -1 where it is not ranked. */
  #position = new Int32Array(0);
  /** By cell: the site that served last; it is looked at first. */
  readonly lately: Int32Array = new Int32Array(CELLS).fill(-1);

  /** For tasks of the type, objective and lanes of `like`. The owner announces with `move` where `bands` changed. */
  constructor(nodes: NodeTable, bands: NodeBands, like: Query) {
    this.#table = nodes;
    this.#weights = new Weights(like);
    this.#devices = devicesOf(like);
    this.#bands = bands;
  }

  get type(): 0 | 1 | 2 {
    return this.#weights.type;
  }

  /** Whether this is the ranking for a task. */
  serves(query: Query): boolean {
    return this.#weights.holdFor(query) && this.#devices === devicesOf(query);
  }

  /** The nodes of a site, or their keys, changed. */
  rebuild(site: number, members: readonly number[]): void {
    const { capabilities } = this.#table;
    const sorted: { node: number; key: number }[] = [];
    for (const node of members) {
      if (node >= this.#position.length) this.#position = widened(this.#position, node + 1, -1);
      this.#position[node] = -1;
      if (((capabilities[node] as number) & this.#devices) !== this.#devices) continue;
      sorted.push({ node, key: this.#weights.keyOf(this.#table, node) });
    }
    sorted.sort(byKey);
    this.#makeRow(site, sorted.length);
    const start = this.#start[site] as number;
    const end = start + sorted.length;
    this.#end[site] = end;
    for (let cell = 0; cell < CELLS; cell++) this.#setFirst(cell, site, end, end);
    for (let i = 0; i < sorted.length; i++) {
      const { node, key } = sorted[i] as { node: number; key: number };
      this.#position[node] = start + i;
      this.#seat(node, start + i, key);
      this.#enter(site, start + i, this.#bands.cellOf(this.type, node), -1);
    }
  }

  #seat(node: number, position: number, key: number): void {
    const nodes = this.#table;
    const at = position * SEAT;
    this.seats[at + KEY] = atLeast(key);
    this.seats[at + LANE] = atMost(nodes.lane[this.type][node] as number);
    this.seats[at + MEMORY_PRICE] = atLeast(nodes.pricePerByteSecondMemory[node] as number);
    this.whole[at + NODE] = node;
  }

  /** Gives a site room for so many nodes: where it is if they fit, else at the end. */
  #makeRow(site: number, length: number): void {
    if (site >= this.width) this.#widen(site + 1);
    const start = this.#start[site] as number;
    if (start + length <= (this.#limit[site] as number)) return;
    this.#start[site] = this.#used;
    this.#used += length + (length >> 1) + 1;
    this.#limit[site] = this.#used;
    this.seats = widened(this.seats, this.#used * SEAT);
    this.whole = new Int32Array(this.seats.buffer);
  }

  #widen(sites: number): void {
    const former = this.width;
    const { best } = this;
    this.width = Math.max(sites, former * 2, 16);
    this.#start = widened(this.#start, this.width, 0);
    this.#end = widened(this.#end, this.width, 0);
    this.#limit = widened(this.#limit, this.width, 0);
    this.#first = widened(this.#first, CELLS * this.width);
    this.best = new Float32Array(CELLS * this.width).fill(Number.NaN);
    for (let cell = 0; cell < CELLS; cell++) {
      this.best.set(best.subarray(cell * former, (cell + 1) * former), cell * this.width);
    }
  }

  /** Where the walk over a site's nodes of a cell begins, and where every walk over the site ends. */
  firstOf(cell: number, site: number): number {
    return this.#first[site * CELLS + cell] as number;
  }
  endOf(site: number): number {
    return this.#end[site] as number;
  }

  #setFirst(cell: number, site: number, at: number, end: number): void {
    this.#first[site * CELLS + cell] = at;
    this.best[cell * this.width + site] = at < end ? (this.seats[at * SEAT + KEY] as number) : Number.NaN;
  }

  /** A node went from one cell to another; -1: none. */
  move(node: number, site: number, from: number, to: number): void {
    const at = this.#position[node] as number;
    if (at < 0) return; // not one of those ranked
    this.#enter(site, at, to, from);
    this.#leave(site, at, from, to);
  }

  /** Makes the node at a position first where it comes before, in the cells up to `cell` that are not up to `but`. */
  #enter(site: number, at: number, cell: number, but: number): void {
    const memories = cell % MEMORY_CELLS;
    for (let low = 0; low <= cell; low += MEMORY_CELLS) {
      const from = low <= but ? (but % MEMORY_CELLS) + 1 : 0;
      for (let c = low + from; c <= low + memories; c++) {
        if (at < this.firstOf(c, site)) this.#setFirst(c, site, at, at + 1);
      }
    }
  }

  /** Finds the next after it where the node was first, in the cells up to `cell` that are not up to `but`. */
  #leave(site: number, at: number, cell: number, but: number): void {
    const memories = cell % MEMORY_CELLS;
    const end = this.endOf(site);
    for (let low = 0; low <= cell; low += MEMORY_CELLS) {
      const from = low <= but ? (but % MEMORY_CELLS) + 1 : 0;
      for (let c = low + from; c <= low + memories; c++) {
        if (this.firstOf(c, site) === at) this.#setFirst(c, site, this.#nextIn(c, at, end), end);
      }
    }
  }

  /** The first position after one whose node is in a cell. */
  #nextIn(cell: number, at: number, end: number): number {
    const memory = cell % MEMORY_CELLS;
    const rates = cell - memory;
    let next = at + 1;
    for (; next < end; next++) {
      const own = this.#bands.cellOf(this.type, this.whole[next * SEAT + NODE] as number);
      if (own >= rates && own % MEMORY_CELLS >= memory) break;
    }
    return next;
  }
}

/** Ascending; keys may be endless. */
const byKey = (a: { key: number }, b: { key: number }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
