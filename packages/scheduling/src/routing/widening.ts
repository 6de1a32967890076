import { ROUNDING } from "../placement/column.ts";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { HEAD, HOP, type Network, RATE_BACK, RATE_THERE, ROUND_TRIP, serves } from "./network.ts";
import { sending, Way } from "./way.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
/**
 * A set of ways: the least round trip; every hop sends in less than so many micros, in and out; what sending takes on
 * any of its ways at the least, in and out.
 */
const SET = 5;
const [DELAY, BELOW_IN, BELOW_OUT, LEAST_IN, LEAST_OUT] = [0, 1, 2, 3, 4] as const;
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

  /* By vertex, valid where stamped: its least delay from the site, the next that was turned down, the hop by which it was
   * reached, and from where. */
  #serial = 0;
  #stamp = new Int32Array(0);
  #closed = new Int32Array(0);
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
    const delay = distances[site] as number;
    if (view >= 0 && delay < ENDLESS) {
      const { arc, detour } = this.#network.waysOf(query.source, view);
      const second = delay + (detour[site] as number);
      this.#readOff(arc, site);
      if (this.#allServe(this.#next)) {
        this.#split(this.#consider(), second, second, ENDLESS, ENDLESS, leastIn, leastOut);
      } else this.#push(second, ENDLESS, ENDLESS, leastIn, leastOut);
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
   * least `others` where it does and might be better.
   */
  #split(
    way: Way,
    second: number,
    others: number,
    belowIn: number,
    belowOut: number,
    leastIn: number,
    leastOut: number,
  ): void {
    const sentIn = way.transferIn - way.delayIn;
    const sentOut = way.transferOut - way.delayOut;
    if ((second + sentIn + sentOut) * ROUNDING <= this.#time) this.#tied = true;
    this.#push(others, belowIn, sentOut, Math.max(leastIn, sentIn), leastOut);
    this.#push(others, sentIn, belowOut, leastIn, leastOut);
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
    const { graph, hops: figures } = this.#network;
    const { start } = graph;
    const query = this.#query;
    const { source, inputBytes, resultBytes } = query;
    const distances = this.#distances;
    const heap = this.#heap;
    const serial = ++this.#serial;
    const stamp = this.#stamp;
    const closed = this.#closed;
    const reached = this.#reached;
    const turnedDown = this.#turnedDown;
    const by = this.#by;
    const from = this.#from;
    // A round trip longer than this keeps no limit on delay, whatever each direction's part is.
    const farthest = (2 * query.delay) / ROUNDING;
    let limit = Math.min((this.#time - leastIn - leastOut) / ROUNDING, farthest);
    let way: Way | null = null;
    stamp[site] = serial;
    reached[site] = 0;
    turnedDown[site] = ENDLESS;
    from[site] = -1;
    heap.clear();
    // The most promising is held back from the heap: mostly it is the next, straight ahead.
    let held = site;
    let heldKey = distances[site] as number;
    for (;;) {
      const least = heap.least;
      if (!(Math.min(least, heldKey) <= limit)) break;
      const ahead = heldKey <= least;
      const v = ahead ? held : heap.pop();
      if (ahead) heldKey = ENDLESS;
      if (closed[v] === serial) continue;
      closed[v] = serial;
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
      const end = start[v + 1] as number;
      for (let hop = start[v] as number; hop < end; hop++) {
        const at = hop * HOP;
        const u = figures[at + HEAD] as number;
        const length = gone + (figures[at + ROUND_TRIP] as number);
        const key = length + (distances[u] as number);
        if (u === before || !(key <= limit)) continue;
        const sentIn = sending(inputBytes, figures[at + RATE_BACK] as number);
        const sentOut = sending(resultBytes, figures[at + RATE_THERE] as number);
        if (sentIn >= belowIn || sentOut >= belowOut) continue;
        if (key + Math.max(sentIn, leastIn) + Math.max(sentOut, leastOut) > most) continue;
        if (!serves(figures, at, query)) continue;
        if (stamp[u] !== serial) {
          stamp[u] = serial;
          turnedDown[u] = ENDLESS;
        } else if (closed[u] === serial || length >= (reached[u] as number)) {
          if (length < (turnedDown[u] as number)) turnedDown[u] = length;
          continue;
        } else turnedDown[u] = reached[u] as number;
        reached[u] = length;
        by[u] = hop;
        from[u] = v;
        if (key < heldKey) {
          if (heldKey < ENDLESS) heap.push(heldKey, held);
          held = u;
          heldKey = key;
        } else heap.push(key, u);
      }
    }
    if (way === null) return;
    // What was not looked at any more is longer than the limit.
    const second = (reached[source] as number) + this.#longer();
    this.#split(way, second, Math.min(second, limit), belowIn, belowOut, leastIn, leastOut);
  }

  /** Writes down the way along the tree. */
  #readOff(arc: Int32Array, site: number): void {
    const way = this.#next;
    const { hops: figures } = this.#network;
    const { source } = this.#query;
    let count = 0;
    for (let v = site; v !== source; ) {
      const hop = arc[v] as number;
      way.hops[count++] = hop;
      v = figures[hop * HOP + HEAD] as number;
    }
    way.count = count;
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

  /** Any other way joins the shortest where it was turned down last, and is longer by as much at the least. */
  #longer(): number {
    let longer = ENDLESS;
    for (let v = this.#query.source; v >= 0; v = this.#from[v] as number)
      longer = Math.min(longer, (this.#turnedDown[v] as number) - (this.#reached[v] as number));
    return longer;
  }

  #allServe({ hops, count }: Way): boolean {
    for (let i = 0; i < count; i++)
      if (!serves(this.#network.hops, (hops[i] as number) * HOP, this.#query)) return false;
    return true;
  }

  #makeRoom(): void {
    const { vertices } = this.#network.graph;
    this.best.fitFor(vertices);
    this.#next.fitFor(vertices);
    if (this.#stamp.length >= vertices) return;
    this.#stamp = new Int32Array(vertices);
    this.#closed = new Int32Array(vertices);
    this.#reached = new Float64Array(vertices);
    this.#turnedDown = new Float64Array(vertices);
    this.#by = new Int32Array(vertices);
    this.#from = new Int32Array(vertices);
  }
}
