import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { HEAD, HOP, type Network, RATE_BACK, RATE_THERE, ROUND_TRIP, serves } from "./network.ts";
import { TreeWays } from "./tree-ways.ts";
import { sending, Way } from "./way.ts";

/** Keeps a bound below what it bounds, whatever the order in which the same terms were added. */
const ROUNDING = 1 - 2 ** -40;

/** Micros that no way takes: sums with it stay finite. */
const LONGEST = Number.MAX_VALUE / 4;

/** What a search ends with: the best way, none at all, or not enough to tell which of several is the best. */
export type Verdict = "found" | "none" | "unproven";

/**
 * The quickest way by shortest ones over ever wider hops (Chen and Chin 1990).
 *
 * A way takes its delay D plus the time of sending, which is no less than what any one of its hops stands for alone. So
 * once a way of time T is known and none of delay below D is left, a quicker one has no hop slower than T - D: the
 * shortest way over the others is looked for next, and so on until D itself, with the bytes at the best rate
 * either end has, passes T. Each round is one search straight towards the data (A*, the distances of the data's tree
 * being what remains at the least), and there are few: only bytes that take longer than a detour ask for a second.
 *
 * What a round leaves behind are the ways over its slowest hop but for the shortest of them. They take at least that
 * hop's time and the delay of the second shortest, which the search learns from what it turned down. If that may be
 * as good as the best, nothing is proven: so it is where ways tie, and where the slowest hop of one direction is not that of
 * the other.
 */
export class WideningSearch {
  readonly #network: Network;
  readonly #ways: TreeWays;
  readonly #heap = new MinHeap();
  /** The best way, once found. */
  best: Way = new Way();
  #next: Way = new Way();
  #query = new Query();
  #distances: Float64Array = new Float64Array(0);
  /** Whether there is a best; its time, else the limit; and the least time that a way left behind may take. */
  found = false;
  #time = 0;
  #behind = 0;
  /** Whether a shortest way passed the task's limit on delay one way: one behind it might not. */
  #tooFar = false;
  /** Of the shortest way looked at last: the time of its slowest hop. */
  #slowest = 0;

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
    this.#ways = new TreeWays(network);
  }

  /**
   * Looks for the quickest way from `site` to the data of a task within so many micros; limits on jitter, loss and bit
   * errors are not looked at. `distances`: the least round trips to the data from every site, over all hops that may serve
   * the task; `view`: the part of the network they are of, -1 where of none that is kept. `leastSending`: whole micros
   * that sending takes over any way.
   */
  search(
    query: Query,
    site: number,
    within: number,
    distances: Float64Array,
    view: number,
    leastSending: number,
  ): Verdict {
    this.#makeRoom();
    this.#query = query;
    this.#distances = distances;
    this.found = false;
    this.#tooFar = false;
    this.#time = Math.min(within, LONGEST);
    this.#behind = Number.POSITIVE_INFINITY;
    this.#slowest = Number.POSITIVE_INFINITY;
    let delay = distances[site] as number;
    if (view >= 0 && this.#ways.recall(query.source, site, view, this.#next)) {
      delay += this.#ways.detour;
      if (this.#allServe(this.#next)) {
        this.#consider();
        this.#behind = Math.min(this.#behind, delay + this.#slowest);
      }
    }
    while (!this.#tooFar && (delay + leastSending) * ROUNDING <= this.#time) {
      const arrived = this.#round(site, leastSending);
      if (arrived === Number.POSITIVE_INFINITY) break;
      delay = Math.max(delay, arrived);
    }
    if (this.#tooFar || this.#behind * ROUNDING <= this.#time) return "unproven";
    return this.found ? "found" : "none";
  }

  /** Takes the next way for the best, if it is, and notes how slow its slowest hop is. */
  #consider(): void {
    const next = this.#next;
    next.measure(this.#network.hops, this.#query);
    this.#slowest = next.slowest;
    const { delay } = this.#query;
    if (next.delayIn > delay || next.delayOut > delay) {
      this.#tooFar = true;
      return;
    }
    const time = next.total;
    if (time < this.#time || (time === this.#time && !this.found)) {
      this.#next = this.best;
      this.best = next;
      this.found = true;
      this.#time = time;
    } else if (time === this.#time) this.#behind = time;
  }

  /**
   * Finds the shortest way over hops quicker than the slowest so far and considers it; gives its delay, Infinity where
   * there is none that could be as good as the best.
   */
  #round(site: number, leastSending: number): number {
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
    const below = this.#slowest;
    const most = this.#time / ROUNDING;
    let limit = (this.#time - leastSending) / ROUNDING;
    let arrived = Number.POSITIVE_INFINITY;
    stamp[site] = serial;
    reached[site] = 0;
    turnedDown[site] = Number.POSITIVE_INFINITY;
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
      if (ahead) heldKey = Number.POSITIVE_INFINITY;
      if (closed[v] === serial) continue;
      closed[v] = serial;
      const gone = reached[v] as number;
      if (v === source) {
        this.#trace(site);
        this.#consider();
        arrived = gone;
        limit = (this.#time - this.#slowest) / ROUNDING; // for what is left behind only
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
        const sent =
          sending(inputBytes, figures[at + RATE_BACK] as number) +
          sending(resultBytes, figures[at + RATE_THERE] as number);
        if (sent >= below || key + sent > most || !serves(figures, at, query)) continue;
        if (stamp[u] !== serial) {
          stamp[u] = serial;
          turnedDown[u] = Number.POSITIVE_INFINITY;
        } else if (closed[u] === serial || length >= (reached[u] as number)) {
          if (length < (turnedDown[u] as number)) turnedDown[u] = length;
          continue;
        } else turnedDown[u] = reached[u] as number;
        reached[u] = length;
        by[u] = hop;
        from[u] = v;
        if (key < heldKey) {
          if (heldKey < Number.POSITIVE_INFINITY) heap.push(heldKey, held);
          held = u;
          heldKey = key;
        } else heap.push(key, u);
      }
    }
    if (arrived < Number.POSITIVE_INFINITY) this.#lookBehind(arrived);
    return arrived;
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

  /** Any other way of the round joins the shortest where it was turned down, and is longer by as much at the least. */
  #lookBehind(arrived: number): void {
    let longer = Number.POSITIVE_INFINITY;
    for (let v = this.#query.source; v >= 0; v = this.#from[v] as number)
      longer = Math.min(longer, (this.#turnedDown[v] as number) - (this.#reached[v] as number));
    this.#behind = Math.min(this.#behind, arrived + longer + this.#slowest);
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
