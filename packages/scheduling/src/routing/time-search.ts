import { ROUNDING, widened } from "../placement/column.ts";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { HEAD, HOP, type Network, PER_BYTE_BACK, PER_BYTE_THERE, ROUND_TRIP, serves } from "./network.ts";
import { Way } from "./way.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
/** Micros that no way takes, but for one over a hop without any rate. */
const LONGEST = 1e90;
/** Hops after which going straight on has come to nothing. */
const FAR = 32;

/**
 * Of a label, half a cache line in micros: its delay so far, there and back; what the slowest hop so far takes for the bytes, in
 * and out.
 */
const LINE = 4;
const [DELAY, IN, OUT] = [0, 1, 2] as const;
/** The delay of a label that another has beaten. */
const VOID = -1;

/** What a search ends with: the best way, none at all, or not enough to tell which of several is the best. */
export type Verdict = "found" | "none" | "unproven";

/**
 * The quickest way for bytes in both directions, where time alone tells ways apart. A way takes its delay and the time of
 * sending: as long as its slowest hop takes, in and out.
 *
 * First it goes straight, from each vertex by the hop that promises the soonest end; mostly that is the best way, and what the
 * hops passed by promise proves it. If not, labels tell, the most promising first: each a way from the site that has come as
 * far as some vertex. Of two at a vertex one is beaten when it is later even if the other sent as slowly as the slower of them:
 * a slow hop still to come takes away what one is ahead by in sending, never more. So few labels live beside the soonest
 * (those with less delay that send slower), where keeping whatever has less delay or sends quicker (Martins 1984) keeps many.
 *
 * Where two ways may take the same time, nothing is proven: what to prefer is not known here.
 */
export class TimeSearch {
  readonly #network: Network;
  /** The best way, once found. */
  readonly best: Way = new Way();
  found = false;
  #query = new Query();
  #site = 0;
  #distance: Float64Array = new Float64Array(0);
  #leastIn = 0;
  #leastOut = 0;

  /* Labels, by column: `LINE` figures; the vertex, the hop that led there, the label before it, the next at the vertex. */
  #count = 0;
  #figures = new Float64Array(64 * LINE);
  #vertex = new Int32Array(64);
  #by = new Int32Array(64);
  #from = new Int32Array(64);
  #next = new Int32Array(64);
  readonly #heap = new MinHeap();
  /** By vertex: whether the search came there, and its latest label. */
  #stamp = new Int32Array(0);
  #latest = new Int32Array(0);
  #serial = 0;
  /** What the best takes at the least of the ways that were dropped for another as soon. */
  #rival = ENDLESS;

  constructor(network: Network) {
    this.#network = network;
  }

  /**
   * Looks for the quickest way from `site` to the data of a task within so many micros; limits on jitter, loss and bit
   * errors are not looked at. `distance`: least round trips to the data over all hops that may serve the task. `leastIn`,
   * `leastOut`: whole micros that sending takes over any way.
   */
  search(
    query: Query,
    site: number,
    within: number,
    distance: Float64Array,
    leastIn: number,
    leastOut: number,
  ): Verdict {
    this.#query = query;
    this.#site = site;
    this.#distance = distance;
    this.#leastIn = leastIn;
    this.#leastOut = leastOut;
    this.#makeRoom();
    this.found = false;
    let limit = Math.min(within, LONGEST);
    const rival = this.#goStraight(limit);
    if (rival >= 0 && this.#measure(limit)) {
      limit = this.best.total;
      if (rival * ROUNDING > limit) return "found";
    }
    return this.#searchByLabels(limit);
  }

  /** Measures the best way, which is found if it takes at most `limit` and keeps the task's limit on delay. */
  #measure(limit: number): boolean {
    const { best } = this;
    const { delay } = this.#query;
    best.measure(this.#network.hops, this.#query);
    this.found = best.total <= limit && best.delayIn <= delay && best.delayOut <= delay;
    return this.found;
  }

  /**
   * Takes the hop that promises the soonest end from each vertex, down to the data, and writes down that way; gives what any
   * other takes at the least, -1 when it comes to nothing.
   */
  #goStraight(limit: number): number {
    const network = this.#network;
    const { graph, hops } = network;
    const { start } = graph;
    const query = this.#query;
    const { source, inputBytes, resultBytes } = query;
    const servesAll = network.servesEverywhere(query);
    const distance = this.#distance;
    const way = this.best.hops;
    const stamp = this.#stamp;
    const serial = this.#nextSerial();
    let rival = ENDLESS;
    let delay = 0;
    let sentIn = this.#leastIn;
    let sentOut = this.#leastOut;
    let count = 0;
    for (let v = this.#site; v !== source; ) {
      stamp[v] = serial;
      let soonest = limit;
      let by = -1;
      let nextIn = 0;
      let nextOut = 0;
      const end = (start[v + 1] as number) * HOP;
      for (let at = (start[v] as number) * HOP; at < end; at += HOP) {
        const u = hops[at + HEAD] as number;
        if (stamp[u] === serial) continue; // goes round in a circle
        const trip = delay + (hops[at + ROUND_TRIP] as number) + (distance[u] as number);
        const slowerIn = Math.max(sentIn, inputBytes * (hops[at + PER_BYTE_BACK] as number));
        const slowerOut = Math.max(sentOut, resultBytes * (hops[at + PER_BYTE_THERE] as number));
        const key = trip + slowerIn + slowerOut;
        if (!(key < soonest || key < rival)) continue;
        if (!servesAll && !serves(network, at / HOP, query)) continue;
        if (key < soonest) {
          if (by >= 0) rival = Math.min(rival, soonest);
          soonest = key;
          by = at;
          nextIn = slowerIn;
          nextOut = slowerOut;
        } else rival = key;
      }
      if (by < 0 || count === FAR) return -1;
      way[count++] = by / HOP;
      delay += hops[by + ROUND_TRIP] as number;
      sentIn = nextIn;
      sentOut = nextOut;
      v = hops[by + HEAD] as number;
    }
    this.best.count = count;
    return rival;
  }

  #searchByLabels(limit: number): Verdict {
    this.#begin();
    const goal = this.#extendLabels(limit);
    if (goal < 0) return this.found ? "unproven" : "none";
    this.#trace(goal);
    // One that passes the limit on delay may not be the only one: of more delay in all, but less each way.
    if (!this.#measure(limit) && this.best.total <= limit) return "unproven";
    if (this.#rival * ROUNDING <= Math.min(this.best.total, limit)) return "unproven";
    return this.found ? "found" : "none";
  }

  /** Starts with a label at the site. */
  #begin(): void {
    this.#nextSerial();
    this.#heap.clear();
    this.#count = 0;
    this.#add(this.#site, -1, -1, 0, this.#leastIn, this.#leastOut);
    this.#rival = ENDLESS;
  }

  /** Extends labels, the most promising first, until one is at the data: gives that, -1 where none comes there in time. */
  #extendLabels(limit: number): number {
    const network = this.#network;
    const { graph, hops } = network;
    const { start } = graph;
    const query = this.#query;
    const { source, inputBytes, resultBytes } = query;
    const servesAll = network.servesEverywhere(query);
    const distance = this.#distance;
    const heap = this.#heap;
    const most = limit / ROUNDING;
    // A round trip longer than this keeps no limit on delay, whatever each direction's part is.
    const farthest = (2 * query.delay) / ROUNDING;
    // The most promising is held back from the heap: mostly it is the next, straight ahead.
    let held = 0;
    let heldKey = 0;
    for (;;) {
      const { least } = heap;
      const ahead = heldKey <= least;
      if (!((ahead ? heldKey : least) <= most)) return -1;
      const label = ahead ? held : heap.pop();
      if (ahead) heldKey = ENDLESS;
      const figures = this.#figures;
      const delay = figures[label * LINE + DELAY] as number;
      if (delay === VOID) continue;
      const v = this.#vertex[label] as number;
      if (v === source) {
        this.#rival = Math.min(this.#rival, heldKey, heap.least);
        return label;
      }
      const sentIn = figures[label * LINE + IN] as number;
      const sentOut = figures[label * LINE + OUT] as number;
      const end = (start[v + 1] as number) * HOP;
      for (let at = (start[v] as number) * HOP; at < end; at += HOP) {
        const u = hops[at + HEAD] as number;
        const longer = delay + (hops[at + ROUND_TRIP] as number);
        const trip = longer + (distance[u] as number);
        const slowerIn = Math.max(sentIn, inputBytes * (hops[at + PER_BYTE_BACK] as number));
        const slowerOut = Math.max(sentOut, resultBytes * (hops[at + PER_BYTE_THERE] as number));
        const key = trip + slowerIn + slowerOut;
        if (!(key <= most) || trip > farthest) continue;
        if (!servesAll && !serves(network, at / HOP, query)) continue;
        if (this.#isBeaten(u, longer, slowerIn, slowerOut, key)) continue;
        const made = this.#add(u, at / HOP, label, longer, slowerIn, slowerOut);
        if (key < heldKey) {
          if (heldKey < ENDLESS) heap.push(heldKey, held);
          held = made;
          heldKey = key;
        } else heap.push(key, made);
      }
    }
  }

  /**
   * Whether some label at a vertex beats such a one, or is as soon whatever comes; makes those void that it beats. Where both
   * may be as soon in the end, the way dropped is a rival.
   */
  #isBeaten(vertex: number, delay: number, sentIn: number, sentOut: number, key: number): boolean {
    if (this.#stamp[vertex] !== this.#serial) return false;
    const figures = this.#figures;
    const time = delay + sentIn + sentOut;
    for (let l = this.#latest[vertex] as number; l >= 0; l = this.#next[l] as number) {
      const former = figures[l * LINE + DELAY] as number;
      if (former === VOID) continue;
      const formerIn = figures[l * LINE + IN] as number;
      const formerOut = figures[l * LINE + OUT] as number;
      const slower = Math.max(sentIn, formerIn) + Math.max(sentOut, formerOut);
      if ((former + slower) * ROUNDING <= time) {
        if (former + slower >= time * ROUNDING) this.#rival = Math.min(this.#rival, key);
        return true;
      }
      const formerTime = former + formerIn + formerOut;
      if ((delay + slower) * ROUNDING > formerTime) continue;
      if (delay + slower >= formerTime * ROUNDING)
        this.#rival = Math.min(this.#rival, key - time + formerTime);
      figures[l * LINE + DELAY] = VOID;
    }
    return false;
  }

  #add(vertex: number, by: number, from: number, delay: number, sentIn: number, sentOut: number): number {
    const label = this.#count++;
    if (label === this.#vertex.length) this.#widen();
    this.#figures[label * LINE + DELAY] = delay;
    this.#figures[label * LINE + IN] = sentIn;
    this.#figures[label * LINE + OUT] = sentOut;
    this.#vertex[label] = vertex;
    this.#by[label] = by;
    this.#from[label] = from;
    this.#next[label] = this.#stamp[vertex] === this.#serial ? (this.#latest[vertex] as number) : -1;
    this.#latest[vertex] = label;
    this.#stamp[vertex] = this.#serial;
    return label;
  }

  /** Writes down the way of a label. */
  #trace(label: number): void {
    const { best } = this;
    best.count = 0;
    for (let l = label; l > 0; l = this.#from[l] as number) best.count++;
    let i = best.count;
    for (let l = label; l > 0; l = this.#from[l] as number) best.hops[--i] = this.#by[l] as number;
  }

  #nextSerial(): number {
    this.#serial = (this.#serial + 1) | 0; // stamps are 32 bits
    return this.#serial;
  }

  #makeRoom(): void {
    const { vertices } = this.#network.graph;
    if (this.#stamp.length >= vertices) return;
    this.#stamp = new Int32Array(vertices);
    this.#latest = new Int32Array(vertices);
    this.best.fitFor(vertices);
  }

  #widen(): void {
    const room = 2 * this.#vertex.length;
    this.#figures = widened(this.#figures, room * LINE);
    this.#vertex = widened(this.#vertex, room);
    this.#by = widened(this.#by, room);
    this.#from = widened(this.#from, room);
    this.#next = widened(this.#next, room);
  }
}
