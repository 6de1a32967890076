import { assert } from "@weft/kernel";
import type { NodeTable } from "@weft/pool";
import { LANE_BANDS, laneBandOf, MEMORY_BANDS, type NodeBands, RATE_BANDS } from "./bands.ts";
import { BitPlanes, lowestOf, WORD } from "./bit-planes.ts";
import { atLeast, atMost, widened } from "./column.ts";
import type { Query } from "./query.ts";
import { Weights } from "./weights.ts";

/**
 * What a walk reads of a node before all else lies side by side, half a cache line, in the order of keys: the key; what a
 * byte of memory costs while one lane does one operation; what a lane gives, free power, the queue, the price of memory; and,
 * as whole numbers in the same memory, the node's index (-1: the seat is vacant) and its site's. Single precision, rounded
 * to the side on which a bound stays a bound.
 */
export const SEAT = 8;
export const [KEY, MEMORY_KEY, LANE, FREE, QUEUE, MEMORY_PRICE, NODE, SITE] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;

/*
 * Planes of bits: nodes in a band of free power or above, of free memory and of what a lane gives (but the lowest: all are),
 * with a capability.
 */
const MEMORY_PLANE = RATE_BANDS - 1;
const LANE_PLANE = MEMORY_PLANE + MEMORY_BANDS - 1;
const CAPABILITY_PLANE = LANE_PLANE + LANE_BANDS;
const PLANES = CAPABILITY_PLANE + 32;

/** No memory costs more, as far as single precision goes. */
const DEAREST = 3e38;

/** How full one row may be, and all of them together, before nodes are spread anew; and how full they are then. */
const [FULL_ROW, FULL_ORDER, ROOMY] = [0.95, 0.7, 0.6] as const;

/**
 * All nodes in the order of their keys (`Weights`), for objectives in which time has no weight: where a node is matters
 * to its score then by the prices of a byte alone. A walk in that order meets the best early, if it passes unseen the
 * nodes that are full, too slow or not of the kind asked for: by a bit a node for every band of what is free or of what a
 * lane gives, and every capability.
 *
 * Nodes sit in rows of 32 seats, some of them vacant: no key of a row is greater than the next row's least, while within
 * one the order is free. A node that comes takes a vacant seat of its row; where there is none, the nodes of the
 * smallest stretch of rows around it that is not too full are spread evenly over it (a packed-memory array: Itai, Konheim
 * and Rodeh 1981), so O(log^2 n) seats are written for one that comes, on average. What a reservation changes is a bit a
 * band crossed, mostly none.
 *
 * Memory: 47 bytes a seat and 4 a node; mostly 71 to 82 bytes a node, as six or seven seats of ten are taken.
 */
export class KeyOrder {
  readonly #table: NodeTable;
  readonly #weights: Weights;
  readonly #bands: NodeBands;
  /** By seat, `SEAT` numbers each; the same memory as whole numbers. */
  seats: Float32Array = new Float32Array(0);
  whole: Int32Array = new Int32Array(0);
  planes: BitPlanes = new BitPlanes(PLANES, 0);
  /** By row: no key in it or after it is less, and none before it greater. */
  least: Float32Array = new Float32Array(0);
  /** By row: memory costs no less on any node in it (`MEMORY_KEY`); and anywhere. */
  leastMemory: Float32Array = new Float32Array(0);
  leastMemoryAnywhere = 0;
  /** By row: how many seats are taken. */
  #taken = new Uint8Array(0);
  #size = 0;
  /** By node: its seat; -1 where it has none. */
  #seatOf = new Int32Array(0);

  /** For tasks of the kind of `like`. The owner announces where `bands` changed. */
  constructor(nodes: NodeTable, bands: NodeBands, like: Query) {
    this.#table = nodes;
    this.#weights = new Weights(like);
    this.#bands = bands;
  }

  get type(): 0 | 1 | 2 {
    return this.#weights.type;
  }

  serves(query: Query): boolean {
    return this.#weights.holdFor(query);
  }

  /** Seats these nodes and no others. */
  rebuild(nodes: readonly number[]): void {
    this.#seatOf.fill(-1);
    this.#seatAll(Float64Array.from(nodes, (n) => entryOf(this.#keyOf(n), n)).sort());
  }

  /** A node came, moved, or was described or priced anew. */
  put(n: number): void {
    this.remove(n);
    const key = this.#keyOf(n);
    let row = this.#rowFor(key);
    if (row < 0 || this.#taken[row] === WORD) {
      if (!this.#spread(row, key, n)) return; // all were seated anew, this one with them
      row = this.#rowFor(key);
    }
    if (key < (this.least[row] as number)) this.least[row] = key;
    let seat = row * WORD;
    while ((this.whole[seat * SEAT + NODE] as number) >= 0) seat++;
    this.#sit(n, seat, key);
  }

  /** A node left. */
  remove(n: number): void {
    const seat = this.#seat(n);
    if (seat < 0) return;
    this.#vacate(seat);
    if (this.#size * 8 < this.#taken.length * WORD) this.#seatAll(this.#takeOut(0, this.#taken.length));
  }

  /** Free power on a node, or its queue, changed. */
  write(n: number): void {
    const seat = this.#seat(n);
    if (seat < 0) return;
    const { type } = this.#weights;
    this.seats[seat * SEAT + FREE] = atMost(this.#table.free[type][n] as number);
    this.seats[seat * SEAT + QUEUE] = atLeast(this.#table.queue[type][n] as number);
  }

  /** Free power on a node went from one band to another. */
  moveRate(n: number, from: number, to: number): void {
    const seat = this.#seat(n);
    if (seat >= 0) this.#mark(seat, 0, from, to);
  }

  moveMemory(n: number, from: number, to: number): void {
    const seat = this.#seat(n);
    if (seat >= 0) this.#mark(seat, MEMORY_PLANE, from, to);
  }

  /**
   * Writes down the planes whose common nodes might serve a task that looks in these bands of free power and memory, needs so
   * much of a lane, and these capabilities; gives how many.
   */
  planesFor(rates: number, memories: number, lane: number, capabilities: number, into: Int32Array): number {
    let count = 0;
    into[count++] = rates;
    if (memories > 0) into[count++] = MEMORY_PLANE + memories;
    const lanes = laneBandOf(lane);
    if (lanes > 0) into[count++] = LANE_PLANE + lanes;
    for (let rest = capabilities; rest !== 0; rest &= rest - 1)
      into[count++] = CAPABILITY_PLANE + lowestOf(rest);
    return count;
  }

  #seat(n: number): number {
    return n < this.#seatOf.length ? (this.#seatOf[n] as number) : -1;
  }

  #keyOf(n: number): number {
    return atLeast(this.#weights.keyOf(this.#table, n));
  }

  /** The last row whose least is no greater, else the first; -1 where there are no rows. */
  #rowFor(key: number): number {
    const { least } = this;
    let [low, high] = [0, least.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((least[middle] as number) <= key) low = middle;
      else high = middle;
    }
    return least.length === 0 ? -1 : low;
  }

  /**
   * Makes vacant seats where a row is full: spreads the nodes of the smallest stretch of rows around it that is not too
   * full. False when that was the whole order: then it was made anew, with the node that comes in it.
   */
  #spread(row: number, key: number, n: number): boolean {
    const rows = this.#taken.length;
    const levels = Math.ceil(Math.log2(rows));
    for (let level = 1; level < levels; level++) {
      const from = row & -(2 ** level);
      const to = Math.min(rows, from + 2 ** level);
      let taken = 1;
      for (let r = from; r < to; r++) taken += this.#taken[r] as number;
      const most = FULL_ROW + ((FULL_ORDER - FULL_ROW) * level) / levels;
      if (taken > most * (to - from) * WORD) continue;
      this.#seatEvenly(this.#takeOut(from, to), from, to);
      return true;
    }
    const others = this.#takeOut(0, rows);
    const all = new Float64Array(others.length + 1);
    all.set(others, 1);
    all[0] = entryOf(key, n);
    this.#seatAll(all.sort());
    return false;
  }

  /** Vacates some rows; gives the entries of those who sat there, sorted. */
  #takeOut(from: number, to: number): Float64Array {
    const taken: number[] = [];
    for (let seat = from * WORD; seat < to * WORD; seat++) {
      const n = this.whole[seat * SEAT + NODE] as number;
      if (n < 0) continue;
      taken.push(entryOf(this.seats[seat * SEAT + KEY] as number, n));
      this.#vacate(seat);
    }
    return Float64Array.from(taken).sort();
  }

  /** Seats sorted entries in as many rows as leave room. */
  #seatAll(sorted: Float64Array): void {
    const rows = Math.ceil(sorted.length / (ROOMY * WORD));
    this.seats = new Float32Array(rows * WORD * SEAT);
    this.whole = new Int32Array(this.seats.buffer).fill(-1);
    this.planes = new BitPlanes(PLANES, rows);
    this.least = new Float32Array(rows);
    this.leastMemory = new Float32Array(rows).fill(DEAREST);
    this.leastMemoryAnywhere = DEAREST;
    this.#taken = new Uint8Array(rows);
    this.#size = 0;
    this.#seatEvenly(sorted, 0, rows);
  }

  #seatEvenly(sorted: Float64Array, from: number, to: number): void {
    let next = 0;
    for (let row = from; row < to; row++) {
      const end = Math.floor(((row + 1 - from) / (to - from)) * sorted.length);
      // The first row's may stay lower: a key between the last before and the first now still finds room here.
      if (row > from) this.least[row] = keyIn(sorted[next] as number);
      for (let seat = row * WORD; next < end; seat++, next++) {
        const entry = sorted[next] as number;
        this.#sit(entry % NODES, seat, keyIn(entry));
      }
    }
  }

  #sit(n: number, seat: number, key: number): void {
    const nodes = this.#table;
    const at = seat * SEAT;
    const lane = nodes.lane[this.#weights.type][n] as number;
    const forMemory = nodes.pricePerByteSecondMemory[n] as number;
    this.seats[at + KEY] = key;
    const memoryKey = lane > 0 ? atLeast(forMemory / lane) : 0;
    const row = Math.floor(seat / WORD);
    this.seats[at + MEMORY_KEY] = memoryKey;
    this.leastMemory[row] = Math.min(this.leastMemory[row] as number, memoryKey);
    this.leastMemoryAnywhere = Math.min(this.leastMemoryAnywhere, memoryKey);
    this.seats[at + LANE] = atMost(lane);
    this.seats[at + MEMORY_PRICE] = atLeast(forMemory);
    this.whole[at + NODE] = n;
    this.whole[at + SITE] = nodes.site[n] as number;
    if (n >= this.#seatOf.length) this.#seatOf = widened(this.#seatOf, n + 1, -1);
    this.#seatOf[n] = seat;
    this.write(n);
    this.#count(seat, 1);
    for (let rest = nodes.capabilities[n] as number; rest !== 0; rest &= rest - 1)
      this.planes.add(CAPABILITY_PLANE + lowestOf(rest), seat);
    this.#mark(seat, LANE_PLANE, 0, laneBandOf(lane));
    this.#mark(seat, 0, -1, this.#bands.rates[this.#weights.type][n] as number);
    this.#mark(seat, MEMORY_PLANE, 0, this.#bands.memories[n] as number);
  }

  #vacate(seat: number): void {
    const at = seat * SEAT + NODE;
    this.#seatOf[this.whole[at] as number] = -1;
    this.whole[at] = -1;
    this.planes.removeAll(seat);
    this.#count(seat, -1);
  }

  #count(seat: number, more: number): void {
    const row = Math.floor(seat / WORD);
    this.#taken[row] = (this.#taken[row] as number) + more;
    if (this.#taken[row] === 0) this.leastMemory[row] = DEAREST;
    this.#size += more;
  }

  /** A seat went from one band to another: it is in the planes of all bands up to its own. */
  #mark(seat: number, plane: number, from: number, to: number): void {
    for (let band = from + 1; band <= to; band++) this.planes.add(plane + band, seat);
    for (let band = to + 1; band <= from; band++) this.planes.remove(plane + band, seat);
  }
}

/*
 * A key and a node as one number, which sorts by the key: the bits of a float that is not negative, taken as a whole number,
 * grow with it.
 */
const NODES = 2 ** 22;
const single = new Float32Array(1);
const bitsOfSingle = new Uint32Array(single.buffer);

function entryOf(key: number, node: number): number {
  assert(key >= 0 && node < NODES, "keys are not negative, nodes at most four million");
  single[0] = key + 0; // never -0
  return (bitsOfSingle[0] as number) * NODES + node;
}

function keyIn(entry: number): number {
  bitsOfSingle[0] = Math.floor(entry / NODES);
  return single[0] as number;
}
