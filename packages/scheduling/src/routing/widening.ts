import { ROUNDING } from "../placement/column.ts";
import { Query } from "../placement/query.ts";
import { HEAD, HOP, type Network, PER_BYTE_BACK, PER_BYTE_THERE, ROUND_TRIP, serves } from "./network.ts";
import { NO_TREE, type Tree } from "./tree.ts";
import { Way } from "./way.ts";
import { WayMemory } from "./way-memory.ts";
import { Bounds, WayRound } from "./way-round.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
/**
 * A set of ways: the least round trip; every hop sends in less than so many micros, in and out; what sending takes on
 * any of its ways at the least, in and out.
 */
const SET = 5;
const [DELAY, BELOW_IN, BELOW_OUT, LEAST_IN, LEAST_OUT] = [0, 1, 2, 3, 4] as const;
/** Sets put by at most; behind them is the one that is being searched. */
const SETS = 32;
const CURRENT = SETS * SET;

/** Micros that no way takes, but for one over a hop without any rate. */
const LONGEST = 1e90;

/** What a search ends with: the best way, none at all, or not enough to tell which of several is the best. */
export type Verdict = "found" | "none" | "unproven";

/**
 * The quickest way by shortest ones over ever wider hops (Chen and Chin 1990), for bytes in both directions.
 *
 * A way takes its delay and the time of sending: in, as long as its slowest hop takes inwards, and so out. Take
 * the shortest way of all, and say it sends in `a` and out `b` micros. Any other is longer, so one that sends no quicker
 * either way is no better: a better one is among those with every hop quicker than `a` inwards, or among those that are not,
 * but have every hop quicker than `b` outwards. Both sets are searched the same way, until the delay, with the least
 * that sending can take in the set, passes the best time so far. The tree of the data has the shortest way of all, and tells
 * mostly that none of a set can be as good; where it does not, the set is searched (`WayRound`): only bytes that take
 * longer than a detour ask for that.
 *
 * Where two ways may take the same time, nothing is proven: what to prefer is not known here.
 */
export class WideningSearch {
  readonly #network: Network;
  readonly #round: WayRound;
  readonly #bounds = new Bounds();
  readonly #memory = new WayMemory();
  /** The best way, once found. */
  best: Way = new Way();
  #next: Way = new Way();
  #query = new Query();
  #tree: Tree = NO_TREE;
  #view = -1;
  /** Whether there is a best, and its time; else the limit. */
  found = false;
  #time = 0;
  /** Whether a way that was left out may be as good as the best. */
  #tied = false;
  /** Whether a shortest way passed the task's limit on delay one way: another might not. */
  #tooFar = false;

  /** Sets of ways still to search: `SET` numbers each. */
  readonly #sets: Float64Array = new Float64Array(CURRENT + SET);
  #size = 0;

  /** Whether every hop that is up serves the task. */
  #servesAll = false;
  /** By hop of a way: the least by which another is longer that avoids it. */
  #detours: Float64Array = new Float64Array(64);

  constructor(network: Network) {
    this.#network = network;
    this.#round = new WayRound(network);
  }

  /**
   * Looks for the quickest way from `site` to the data of a task within so many micros; limits on jitter, loss and bit
   * errors are not looked at. `tree`: of least round trips to the data, over all hops that may serve the task; `view`: the
   * part of the network it is of, -1 where it is the task's own. `leastIn`, `leastOut`: whole micros that sending takes over
   * any way.
   */
  search(
    query: Query,
    site: number,
    within: number,
    tree: Tree,
    view: number,
    leastIn: number,
    leastOut: number,
  ): Verdict {
    this.#makeRoom();
    this.#query = query;
    this.#tree = tree;
    this.#view = view;
    this.found = false;
    this.#tooFar = false;
    this.#tied = false;
    this.#time = Math.min(within, LONGEST);
    this.#size = 0;
    this.#servesAll = this.#network.servesEverywhere(query);
    this.#push(tree.distance[site] as number, ENDLESS, ENDLESS, leastIn, leastOut);
    if (this.#size === 0) return "none";
    this.#searchSet(site);
    const unsure = this.#size > 0;
    if (unsure) this.#tryFormer(site);
    while (this.#size > 0 && !this.#tooFar && !this.#tied) this.#searchSet(site);
    if (unsure && this.found) this.#memory.keep(this.#network.graph, query.source, site, this.best);
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
  #split(way: Way, second: number, othersIn: number, othersOut: number): void {
    const sets = this.#sets;
    const belowIn = sets[CURRENT + BELOW_IN] as number;
    const belowOut = sets[CURRENT + BELOW_OUT] as number;
    const leastIn = sets[CURRENT + LEAST_IN] as number;
    const leastOut = sets[CURRENT + LEAST_OUT] as number;
    const sentIn = way.transferIn - way.delayIn;
    const sentOut = way.transferOut - way.delayOut;
    if ((second + sentIn + sentOut) * ROUNDING <= this.#time) this.#tied = true;
    if (sentIn >= belowIn || sentOut >= belowOut) this.#tied = true; // a slow hop passed, by rounding, for a quicker one
    this.#push(othersOut, belowIn, sentOut, Math.max(leastIn, sentIn), leastOut);
    this.#push(othersIn, sentIn, belowOut, leastIn, leastOut);
  }

  /** Whether the next way keeps the limit on delay, once measured. */
  #measureNext(): boolean {
    const next = this.#next;
    const { delay } = this.#query;
    next.measure(this.#network.hops, this.#query);
    return next.delayIn <= delay && next.delayOut <= delay;
  }

  /** Takes the next way, the shortest of a set, for the best, if it is; gives it back. */
  #consider(): Way {
    const next = this.#next;
    if (this.#measureNext()) this.#offer();
    else this.#tooFar = true;
    return next;
  }

  /** Takes the next way, measured, for the best, if it is. */
  #offer(): void {
    const next = this.#next;
    const time = next.total;
    if (time < this.#time || (time === this.#time && !this.found)) {
      this.#next = this.best;
      this.best = next;
      this.found = true;
      this.#time = time;
    } else if (time === this.#time && !next.isSameAs(this.best)) this.#tied = true;
  }

  /** Takes the way that was the best between the two sites before for the best, if it is. Its hops may be down by now. */
  #tryFormer(site: number): void {
    const next = this.#next;
    if (!this.#memory.recall(this.#network.graph, this.#query.source, site, next)) return;
    if (this.#allServe(next) && this.#measureNext()) this.#offer();
  }

  /** Raises the least delay of the current set; false when nothing in it can be as good as the best any more. */
  #raise(delay: number): boolean {
    const sets = this.#sets;
    if (delay > (sets[CURRENT + DELAY] as number)) sets[CURRENT + DELAY] = delay;
    const least =
      (sets[CURRENT + DELAY] as number) +
      (sets[CURRENT + LEAST_IN] as number) +
      (sets[CURRENT + LEAST_OUT] as number);
    return least * ROUNDING <= this.#time;
  }

  /**
   * Searches the set put by last: takes its shortest way and puts by its others. The tree may have that way; if not, it tells
   * at least how much longer one is that avoids what bars the tree's.
   */
  #searchSet(site: number): void {
    const sets = this.#sets;
    const set = --this.#size * SET;
    for (let i = 0; i < SET; i++) sets[CURRENT + i] = sets[set + i] as number;
    if (!this.#raise(0)) return;
    const delay = this.#tree.distance[site] as number;
    const detours = this.#detours;
    const inSet = this.#readOff(site);
    const way = this.#next;
    const least = delay + (detours[way.count - 1] as number);
    if (inSet) {
      this.#consider();
      const othersIn = delay + (detours[way.firstSlowIn] as number);
      const othersOut = delay + (detours[way.firstSlowOut] as number);
      this.#split(way, least, othersIn, othersOut);
    } else if (this.#raise(least)) {
      const bar = this.#network.tail[way.hops[way.count - 1] as number] as number;
      this.#searchAnew(site, this.#view >= 0 && (this.#tree.distance[bar] as number) < delay / 2);
    }
  }

  /** What bounds the ways of the current set that may be as good as the best so far; but for rounding. */
  #readBounds(): Bounds {
    const sets = this.#sets;
    const bounds = this.#bounds;
    const leastIn = sets[CURRENT + LEAST_IN] as number;
    const leastOut = sets[CURRENT + LEAST_OUT] as number;
    const rest = this.#time - (sets[CURRENT + DELAY] as number);
    bounds.leastIn = leastIn;
    bounds.leastOut = leastOut;
    bounds.mostIn = Math.min((sets[CURRENT + BELOW_IN] as number) - 1, rest - leastOut) / ROUNDING;
    bounds.mostOut = Math.min((sets[CURRENT + BELOW_OUT] as number) - 1, rest - leastIn) / ROUNDING;
    bounds.most = this.#time / ROUNDING;
    return bounds;
  }

  /**
   * Finds the shortest way of the current set by a search of its own, and puts by the others; from the data to the site where
   * what bars the tree's way is nearer to the data.
   */
  #searchAnew(site: number, backwards: boolean): void {
    const query = this.#query;
    const round = this.#round;
    const bounds = this.#readBounds();
    const { leastIn, leastOut } = bounds;
    if (backwards) {
      const { distance } = this.#network.treeOf(site, this.#view);
      round.begin(query, query.source, site, distance, true);
    } else round.begin(query, site, query.source, this.#tree.distance, false);
    // A round trip longer than this keeps no limit on delay, whatever each direction's part is.
    const farthest = (2 * query.delay) / ROUNDING;
    if (!round.goOn(bounds, Math.min((this.#time - leastIn - leastOut) / ROUNDING, farthest))) return;
    round.trace(this.#next);
    const way = this.#consider();
    // From here on for others of the set that are as slow inwards, and at the best outwards.
    const sentIn = Math.max(leastIn, way.transferIn - way.delayIn);
    const limit = Math.min((this.#time - sentIn - leastOut) / ROUNDING, farthest);
    round.goOn(bounds, limit);
    const { delay } = round;
    const detours = this.#detours;
    const second = delay + round.measureDetours(way.count, detours);
    const othersIn = delay + (detours[backwards ? way.firstSlowIn : way.lastSlowIn] as number);
    const othersOut = delay + (detours[backwards ? way.firstSlowOut : way.lastSlowOut] as number);
    // What was not gone on to is longer than the limit: too long, if as slow inwards.
    this.#split(way, second, Math.min(limit, othersIn), othersOut > limit ? ENDLESS : othersOut);
  }

  /**
   * Writes down the way along the tree, up to the first hop that keeps it out of the current set or makes it worse than the
   * best so far; true where there is none. By hop, too, how much longer another such way is at the least that leaves it no later:
   * what the hops it might leave by say.
   */
  #readOff(site: number): boolean {
    const { distance, parent } = this.#tree;
    const way = this.#next;
    const network = this.#network;
    const { graph, hops: figures } = network;
    const { start } = graph;
    const query = this.#query;
    const { source, inputBytes, resultBytes } = query;
    const servesAll = this.#servesAll;
    const { mostIn, mostOut } = this.#readBounds();
    const detours = this.#detours;
    let least = ENDLESS;
    let count = 0;
    let before = -1;
    for (let v = site; v !== source; ) {
      const next = parent[v] as number;
      const straight = distance[v] as number;
      const end = (start[v + 1] as number) * HOP;
      let on = -1;
      let barred = false;
      for (let at = (start[v] as number) * HOP; at < end; at += HOP) {
        const u = figures[at + HEAD] as number;
        if (u === before) continue;
        const serving =
          inputBytes * (figures[at + PER_BYTE_BACK] as number) <= mostIn &&
          resultBytes * (figures[at + PER_BYTE_THERE] as number) <= mostOut &&
          (servesAll || serves(network, at / HOP, query));
        if (u === next) {
          on = at / HOP;
          barred = !serving;
        } else if (serving) {
          const longer = (figures[at + ROUND_TRIP] as number) + (distance[u] as number) - straight;
          if (longer < least) least = longer;
        }
      }
      way.hops[count] = on;
      detours[count++] = least;
      way.count = count;
      if (barred) return false;
      before = v;
      v = next;
    }
    return true;
  }

  #allServe({ hops, count }: Way): boolean {
    for (let i = 0; i < count; i++) if (!serves(this.#network, hops[i] as number, this.#query)) return false;
    return true;
  }

  #makeRoom(): void {
    const { vertices } = this.#network.graph;
    this.best.fitFor(vertices);
    this.#next.fitFor(vertices);
    if (this.#detours.length < vertices) this.#detours = new Float64Array(vertices);
  }
}
