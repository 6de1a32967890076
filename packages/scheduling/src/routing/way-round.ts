import type { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { HEAD, HOP, type Network, PER_BYTE_BACK, PER_BYTE_THERE, ROUND_TRIP, serves } from "./network.ts";
import type { Way } from "./way.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
const [OPEN, CLOSED] = [0, 1] as const;

/** What ways a search is for, all in micros: filled again for every search. */
export class Bounds {
  /** Every hop takes so long at the most, in and out. */
  mostIn = 0;
  mostOut = 0;
  /** Any of the ways takes so long to send over at the least, in and out; and so long in all at the most. */
  leastIn = 0;
  leastOut = 0;
  most = 0;
}

/**
 * The shortest way between a site and a task's data over the hops within some bounds, and how much longer any other is: A*,
 * straight towards the goal, by the distances that a tree of it tells.
 *
 * It may set out from either end. From the end that what has to be gone round is nearer to, that is soon behind it and the
 * rest is straight on; from the other, many ways look as good for long.
 */
export class WayRound {
  readonly #network: Network;
  readonly #heap = new MinHeap();
  #query: Query | null = null;
  /** Whether every hop that is up serves the task. */
  #servesAll = false;
  #distance: Float64Array = new Float64Array(0);
  #start = 0;
  #goal = 0;
  /** Whether it sets out from the data. */
  #backwards = false;
  /** The most promising is held back from the heap: mostly it is the next, straight ahead. */
  #held = 0;
  #heldKey = ENDLESS;

  /* By vertex, valid where stamped (OPEN or CLOSED past the serial): its least delay from the start, the next that was turned
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

  /** Round trip of the way found. */
  get delay(): number {
    return this.#reached[this.#goal] as number;
  }

  /** Sets out to the one end of which `distance` has the least round trips. `backwards`: from the data to the site. */
  begin(query: Query, start: number, goal: number, distance: Float64Array, backwards: boolean): void {
    this.#makeRoom();
    this.#query = query;
    this.#servesAll = this.#network.servesEverywhere(query);
    this.#distance = distance;
    this.#start = start;
    this.#goal = goal;
    this.#backwards = backwards;
    this.#serial = (this.#serial + 2) | 0;
    this.#heap.clear();
    this.#held = start;
    this.#heldKey = distance[start] as number;
    this.#stamp[start] = this.#serial + OPEN;
    this.#reached[start] = 0;
    this.#turnedDown[start] = ENDLESS;
    this.#from[start] = -1;
  }

  /** Goes on until the goal is reached: true; or until all that is left is longer than `limit`, a round trip. */
  goOn(bounds: Bounds, limit: number): boolean {
    const network = this.#network;
    const { graph, hops: figures } = network;
    const { start } = graph;
    const query = this.#query as Query;
    const { inputBytes, resultBytes } = query;
    const servesAll = this.#servesAll;
    const { mostIn, mostOut, leastIn, leastOut, most } = bounds;
    const perByteIn = this.#backwards ? PER_BYTE_THERE : PER_BYTE_BACK;
    const perByteOut = this.#backwards ? PER_BYTE_BACK : PER_BYTE_THERE;
    const goal = this.#goal;
    const distance = this.#distance;
    const heap = this.#heap;
    const open = this.#serial + OPEN;
    const closed = this.#serial + CLOSED;
    const stamp = this.#stamp;
    const reached = this.#reached;
    const turnedDown = this.#turnedDown;
    const by = this.#by;
    const from = this.#from;
    let held = this.#held;
    let heldKey = this.#heldKey;
    for (;;) {
      const least = heap.least;
      const ahead = heldKey <= least;
      if (!((ahead ? heldKey : least) <= limit)) return false;
      const v = ahead ? held : heap.pop();
      if (ahead) heldKey = ENDLESS;
      if (stamp[v] === closed) continue;
      stamp[v] = closed;
      if (v === goal) {
        this.#held = held;
        this.#heldKey = heldKey;
        return true;
      }
      const gone = reached[v] as number;
      const before = from[v] as number;
      const end = (start[v + 1] as number) * HOP;
      for (let at = (start[v] as number) * HOP; at < end; at += HOP) {
        const length = gone + (figures[at + ROUND_TRIP] as number);
        const u = figures[at + HEAD] as number;
        const key = length + (distance[u] as number);
        if (!(key <= limit) || u === before) continue;
        const inward = inputBytes * (figures[at + perByteIn] as number);
        if (inward > mostIn) continue;
        const outward = resultBytes * (figures[at + perByteOut] as number);
        if (outward > mostOut) continue;
        if (key + Math.max(inward, leastIn) + Math.max(outward, leastOut) > most) continue;
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
  }

  /** Writes down the way by which the goal was reached, from the site to the data whichever it set out from. */
  trace(way: Way): void {
    const { twin } = this.#network;
    const start = this.#start;
    const by = this.#by;
    const from = this.#from;
    let count = 0;
    for (let v = this.#goal; v !== start; v = from[v] as number) count++;
    way.count = count;
    let i = 0;
    for (let v = this.#goal; v !== start; v = from[v] as number, i++) {
      if (this.#backwards) way.hops[i] = twin[by[v] as number] as number;
      else way.hops[count - 1 - i] = by[v] as number;
    }
  }

  /**
   * Any other way joins the one found where it was turned down last, and is longer by as much at the least; one that avoids a
   * hop joins it nearer to the goal. Writes down the latter for each of its `count` hops, and gives the least of all. What was
   * not gone on to is longer than the limit.
   */
  measureDetours(count: number, detours: Float64Array): number {
    let least = ENDLESS;
    let v = this.#goal;
    let next = -1;
    for (let i = 0; i < count; i++) {
      const longer = (this.#turnedDown[v] as number) - (this.#reached[v] as number);
      least = Math.min(least, longer, this.#turnBack(v, next));
      detours[this.#backwards ? i : count - 1 - i] = least;
      next = v;
      v = this.#from[v] as number;
    }
    return least;
  }

  /**
   * A way may also join at a vertex from one that was itself reached from there, and never went back for that: it came to
   * it otherwise then, no sooner. `next`: where the way found goes on to.
   */
  #turnBack(vertex: number, next: number): number {
    const { graph, hops: figures } = this.#network;
    const closed = this.#serial + CLOSED;
    const end = (graph.start[vertex + 1] as number) * HOP;
    let least = ENDLESS;
    for (let at = (graph.start[vertex] as number) * HOP; at < end; at += HOP) {
      const u = figures[at + HEAD] as number;
      if (u === next || this.#stamp[u] !== closed || this.#from[u] !== vertex) continue;
      least = Math.min(least, 2 * (figures[at + ROUND_TRIP] as number));
    }
    return least;
  }

  #makeRoom(): void {
    const { vertices } = this.#network.graph;
    if (this.#stamp.length >= vertices) return;
    this.#stamp = new Int32Array(vertices);
    this.#reached = new Float64Array(vertices);
    this.#turnedDown = new Float64Array(vertices);
    this.#by = new Int32Array(vertices);
    this.#from = new Int32Array(vertices);
  }
}
