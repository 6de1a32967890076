import { ROUNDING } from "../placement/column.ts";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { HEAD, HOP, type Network, PER_BYTE_BACK, PER_BYTE_THERE, ROUND_TRIP, serves } from "./network.ts";
import type { TreeWays } from "./tree-ways.ts";
import { Way } from "./way.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
/**
 * A set of ways: the least round trip; every hop sends in less than so many micros, in and out; what sending takes on
 * any of its ways at the least, in and out.
 */
const SET = 5;
const [DELAY, BELOW_IN, BELOW_OUT, LEAST_IN, LEAST_OUT] = [0, 1, 2, 3, 4] as const;
const [OPEN, CLOSED] = [0, 1] as const;
/** Sets put by at most. */
const SETS = 32;

/** Micros that no way takes: sums with it stay finite. */
const LONGEST = Number.MAX_VALUE / 4;

/** What a search ends with: the best way, none at all, or not enough to tell which of several is the best. */
export type Verdict = "found" | "none" | "unproven";

/**
 * The quickest way by shortest ones over ever wider hops (Chen and Chin 1990), for bytes in both directions.
 *
 * A way takes its delay and the time of sending: in, as long as its slowest hop takes inwards, and so out. Take
 * the shortest way of all, and say it sends in `a` and out `b` micros. Any other is longer, so one that sends no quicker
 * either way is no better: a better one is among those with every hop quicker than `a` inwards, or among those that are not,
 * but have every hop quicker than `b` outwards. Both sets are searched the same way, until the delay, with the least
 * that sending can take in the set, passes the best time so far. Each search goes straight towards the data (A*, the
 * distances of the data's tree being what remains at the least), and mostly there is one or none: only bytes that take
 * longer than a detour ask for more.
 *
 * Where two ways may take the same time, nothing is proven: what to prefer is not known here.
 */
export class WideningSearch {
  readonly #network: Network;
  readonly #heap = new MinHeap();
  /** The best way, once found. */
  best: Way = new Way();
  #next: Way = new Way();
  #query = new Query();
  #distances: Float64Array = new Float64Array(0);
  /** Whether there is a best, and its time; else the limit. */
  found = false;
  #time = 0;
  /** Whether a way that was left out may be as good as the best. */
  #tied = false;
  /** Whether a shortest way passed the task's limit on delay one way: another might not. */
  #tooFar = false;

  /** Sets of ways still to search: `SET` numbers each. */
  readonly #sets: Float64Array = new Float64Array(SETS * SET);
  #size = 0;

  /** Whether every hop that is up serves the task. */
  #servesAll = false;
  /** By hop of a way: the least by which another is longer that avoids it. */
  #detours: Float64Array = new Float64Array(64);

  /* By vertex, valid where stamped (OPEN or CLOSED past the serial): its least delay from the site, the next that was turned
   * down, the hop by which it was reached, and from where. */
  #serial = 0;
  #stamp = new Int32Array(0);
  #reached = new Float64Array(0);
  #turnedDown = new Float64Array(0);
  #by = new Int32Array(0);
  #from = new Int32Array(0);

  constructor(network: Network) {
    this.#network = network;
  }

  /**
   * Looks for the quickest way from `site` to the data of a task within so many micros; limits on jitter, loss and bit
   * errors are not looked at. `distances`: least round trips to the data over all hops that may serve the task; `view`: the
   * part of the network they are of, -1 where of none that is kept. `leastIn`, `leastOut`: whole
   * micros that sending takes over any way.
   */
  search(
    query: Query,
    site: number,
    within: number,
    distances: Float64Array,
    view: number,
    leastIn: number,
    leastOut: number,
  ): Verdict {
    this.#makeRoom();
    this.#query = query;
    this.#distances = distances;
    this.found = false;
    this.#tooFar = false;
    this.#tied = false;
    this.#time = Math.min(within, LONGEST);
    this.#size = 0;
    this.#servesAll = this.#network.servesEverywhere(query);
    const delay = distances[site] as number;
    if (view >= 0 && delay < ENDLESS) {
      const second = delay + this.#readOff(this.#network.waysOf(query.source, view), site);
      const detours = this.#detours;
      const barred = this.#firstBarred(this.#next);
      if (barred < 0) {
        const way = this.#consider();
        const othersIn = delay + (detours[way.firstSlowIn] as number);
        const othersOut = delay + (detours[way.firstSlowOut] as number);
        this.#split(way, second, othersIn, othersOut, ENDLESS, ENDLESS, leastIn, leastOut);
      } else this.#push(delay + (detours[barred] as number), ENDLESS, ENDLESS, leastIn, leastOut);
    } else this.#push(delay, ENDLESS, ENDLESS, leastIn, leastOut);
    while (this.#size > 0 && !this.#tooFar && !this.#tied) this.#searchSet(site, --this.#size * SET);
    if (this.#tooFar || this.#tied) return "unproven";
    return this.found ? "found" : "none";
  }

  /** Puts by a set of ways of at least so much delay, unless none in it can be as good as the best. */
  #push(delay: number, belowIn: number, belowOut: number, leastIn: number, leastOut: number): void {
    if (belowIn <= leastIn || belowOut <= leastOut) return;
    if (!((delay + leastIn + leastOut) * ROUNDING <= this.#time)) return;
    if (this.#size === SETS) {
      this.#tied = true; // so many ways that labels tell sooner
      return;
    }
    const sets = this.#sets;
    const at = this.#size++ * SET;
    sets[at + DELAY] = delay;
    sets[at + BELOW_IN] = belowIn;
    sets[at + BELOW_OUT] = belowOut;
    sets[at + LEAST_IN] = leastIn;
    sets[at + LEAST_OUT] = leastOut;
  }

  /**
   * Puts by what a set has besides its shortest way: of at least `second` delay where it sends no quicker either way, of at
   * least `othersIn` or `othersOut` where it does, avoiding the slowest hop of that direction.
   */
  #split(
    way: Way,
    second: number,
    othersIn: number,
    othersOut: number,
    belowIn: number,
    belowOut: number,
    leastIn: number,
    leastOut: number,
  ): void {
    const sentIn = way.transferIn - way.delayIn;
    const sentOut = way.transferOut - way.delayOut;
    if ((second + sentIn + sentOut) * ROUNDING <= this.#time) this.#tied = true;
    this.#push(othersOut, belowIn, sentOut, Math.max(leastIn, sentIn), leastOut);
    this.#push(othersIn, sentIn, belowOut, leastIn, leastOut);
  }

  /** Takes the next way for the best, if it is; gives it back. */
  #consider(): Way {
    const next = this.#next;
    next.measure(this.#network.hops, this.#query);
    const { delay } = this.#query;
    const time = next.total;
    if (next.delayIn > delay || next.delayOut > delay) this.#tooFar = true;
    else if (time < this.#time || (time === this.#time && !this.found)) {
      this.#next = this.best;
      this.best = next;
      this.found = true;
      this.#time = time;
    } else if (time === this.#time) this.#tied = true;
    return next;
  }

  /** Finds the shortest way of a set, considers it, and puts by the others of the set. */
  #searchSet(site: number, set: number): void {
    const sets = this.#sets;
    const belowIn = sets[set + BELOW_IN] as number;
    const belowOut = sets[set + BELOW_OUT] as number;
    const leastIn = sets[set + LEAST_IN] as number;
    const leastOut = sets[set + LEAST_OUT] as number;
    const most = this.#time / ROUNDING;
    if ((sets[set + DELAY] as number) + leastIn + leastOut > most) return;
    const network = this.#network;
    const { graph, hops: figures } = network;
    const { start } = graph;
    const query = this.#query;
    const { source, inputBytes, resultBytes } = query;
    const servesAll = this.#servesAll;
    // The most a hop may take, in and out: whole micros that are less. But for rounding: see below.
    const mostIn = (belowIn - 1) / ROUNDING;
    const mostOut = (belowOut - 1) / ROUNDING;
    const distances = this.#distances;
    const heap = this.#heap;
    this.#serial = (this.#serial + 2) | 0;
    const open = this.#serial + OPEN;
    const closed = this.#serial + CLOSED;
    const stamp = this.#stamp;
    const reached = this.#reached;
    const turnedDown = this.#turnedDown;
    const by = this.#by;
    const from = this.#from;
    // A round trip longer than this keeps no limit on delay, whatever each direction's part is.
    const farthest = (2 * query.delay) / ROUNDING;
    let limit = Math.min((this.#time - leastIn - leastOut) / ROUNDING, farthest);
    let way: Way | null = null;
    stamp[site] = open;
    reached[site] = 0;
    turnedDown[site] = ENDLESS;
    from[site] = -1;
    heap.clear();
    // The most promising is held back from the heap: mostly it is the next, straight ahead.
    let held = site;
    let heldKey = distances[site] as number;
    for (;;) {
      const least = heap.least;
      const ahead = heldKey <= least;
      if (!((ahead ? heldKey : least) <= limit)) break;
      const v = ahead ? held : heap.pop();
      if (ahead) heldKey = ENDLESS;
      if (stamp[v] === closed) continue;
      stamp[v] = closed;
      const gone = reached[v] as number;
      if (v === source) {
        this.#trace(site);
        way = this.#consider();
        // From here on for the second of the set only: as slow inwards, and at the best outwards.
        const sentIn = Math.max(leastIn, way.transferIn - way.delayIn);
        limit = Math.min((this.#time - sentIn - leastOut) / ROUNDING, farthest);
        continue;
      }
      const before = from[v] as number;
      const end = (start[v + 1] as number) * HOP;
      for (let at = (start[v] as number) * HOP; at < end; at += HOP) {
        const length = gone + (figures[at + ROUND_TRIP] as number);
        const u = figures[at + HEAD] as number;
        const key = length + (distances[u] as number);
        if (!(key <= limit) || u === before) continue;
        const inward = inputBytes * (figures[at + PER_BYTE_BACK] as number);
        if (inward > mostIn) continue;
        const outward = resultBytes * (figures[at + PER_BYTE_THERE] as number);
        if (outward > mostOut) continue;
        if (key + (inward > leastIn ? inward : leastIn) + (outward > leastOut ? outward : leastOut) > most)
          continue;
        if (!servesAll && !serves(network, at / HOP, query)) continue;
        const mark = stamp[u] as number;
        if (mark === open) {
          const known = reached[u] as number;
          if (length >= known) {
            if (length < (turnedDown[u] as number)) turnedDown[u] = length;
            continue;
          }
          turnedDown[u] = known;
        } else if (mark === closed) {
          if (length < (turnedDown[u] as number)) turnedDown[u] = length;
          continue;
        } else {
          stamp[u] = open;
          turnedDown[u] = ENDLESS;
        }
        reached[u] = length;
        by[u] = at / HOP;
        from[u] = v;
        if (key < heldKey) {
          if (heldKey < ENDLESS) heap.push(heldKey, held);
          held = u;
          heldKey = key;
        } else heap.push(key, u);
      }
    }
    if (way === null) return;
    const sentIn = way.transferIn - way.delayIn;
    const sentOut = way.transferOut - way.delayOut;
    if (sentIn >= belowIn || sentOut >= belowOut) {
      this.#tied = true; // a hop as slow as those left out passed for a quicker one by rounding
      return;
    }
    // What was not looked at any more is longer than the limit.
    const delay = reached[source] as number;
    const second = delay + this.#measureDetours(way);
    const detours = this.#detours;
    const othersIn = Math.min(limit, delay + (detours[way.lastSlowIn] as number));
    const othersOut = Math.min(limit, delay + (detours[way.lastSlowOut] as number));
    this.#split(way, second, othersIn, othersOut, belowIn, belowOut, leastIn, leastOut);
  }

  /** Writes down the way along the tree, and the detours from before each hop; gives the least there is of any. */
  #readOff({ arc, detour }: TreeWays, site: number): number {
    const way = this.#next;
    const { head } = this.#network.graph;
    const { source } = this.#query;
    const detours = this.#detours;
    let least = ENDLESS;
    let count = 0;
    for (let v = site; v !== source; ) {
      least = Math.min(least, detour[v] as number);
      detours[count] = least;
      const hop = arc[v] as number;
      way.hops[count++] = hop;
      v = head[hop] as number;
    }
    way.count = count;
    return least;
  }

  /** Writes down the way by which the data was reached. */
  #trace(site: number): void {
    const way = this.#next;
    let count = 0;
    for (let v = this.#query.source; v !== site; v = this.#from[v] as number) count++;
    way.count = count;
    for (let v = this.#query.source; v !== site; v = this.#from[v] as number)
      way.hops[--count] = this.#by[v] as number;
  }

  /**
   * Any other way joins the shortest of a set where it was turned down last, and is longer by as much at the least; one that
   * avoids a hop joins it after that. Writes down the latter by hop, and gives the least of all.
   */
  #measureDetours({ count }: Way): number {
    const detours = this.#detours;
    let least = ENDLESS;
    let v = this.#query.source;
    for (let i = count - 1; i >= 0; i--) {
      least = Math.min(least, (this.#turnedDown[v] as number) - (this.#reached[v] as number));
      detours[i] = least;
      v = this.#from[v] as number;
    }
    return least;
  }

  /** The first hop of a way that does not serve the task; -1 where all do. */
  #firstBarred({ hops, count }: Way): number {
    if (this.#servesAll) return -1;
    for (let i = 0; i < count; i++) if (!serves(this.#network, hops[i] as number, this.#query)) return i;
    return -1;
  }

  #makeRoom(): void {
    const { vertices } = this.#network.graph;
    this.best.fitFor(vertices);
    this.#next.fitFor(vertices);
    if (this.#stamp.length >= vertices) return;
    this.#detours = new Float64Array(vertices);
    this.#stamp = new Int32Array(vertices);
    this.#reached = new Float64Array(vertices);
    this.#turnedDown = new Float64Array(vertices);
    this.#by = new Int32Array(vertices);
    this.#from = new Int32Array(vertices);
  }
}
