import { CHANGED, type ChangeFeed, type Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { Fit, fitOn, hasRoom, isAhead, isBetter, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";
import {
  BLOCK,
  CAPABILITIES,
  cellFor,
  cellOf,
  FREE,
  KEY,
  LANE,
  MEMORY,
  MEMORY_PRICE,
  NODE,
  QUEUE,
  Ranking,
  rankedLanes,
  SEAT,
} from "./ranking.ts";
import type { Search } from "./scan.ts";

/**
 * Rankings kept at the same time, and nodes in all of them together; the one longest unused makes room for another
 * objective's. Three always fit: one for each type of computing power.
 */
const RANKINGS = 64;
const RANKED = 4e6;

/** Where the columns by site have what holds for all sites. */
const EVERYWHERE = 0;

/** Keeps a bound below what it bounds, whatever the order in which the same factors were multiplied. */
const ROUNDING = 1 - 2 ** -40;
/** Stands for the least micros to a site that nobody has looked up yet. */
const LATER = -1;
const BLOCK_BITS = Math.log2(BLOCK);

/**
 * The best node and path without looking at most of them, and exactly the ones a full scan finds.
 *
 * Every objective is a sum of parts that are never negative, so what the work adds at a node (its ranking key), what
 * moving the bytes costs there and what the least round trip accounts for together bound the score from below. The
 * site that served such a task last is looked at first; then every site whose best node with enough free could still win,
 * the most promising first, and its nodes by their key, up to where the bound passes the best score so far. Paths are bounded at first, too; only the winner's is searched for. If it keeps
 * its lead over its real path it is the best of all, else the walk is done again with what was learnt of that path.
 */
export class IndexedSearch implements Search {
  readonly #pool: Pool;
  readonly #feed: ChangeFeed;
  readonly #paths: QuickestPath;
  readonly #fit = new Fit();
  readonly #rival = new Fit();
  /** By site: the real path's micros and hops, where stamped with the number of the task. */
  #known = new Int32Array(0);
  #transfer = new Float64Array(0);
  #hops = new Int32Array(0);
  #resolved = 0;
  /** By site + 1, and EVERYWHERE: the OR of the nodes' capabilities, the least price of a byte in and out, the least fee. */
  #offers = new Int32Array(1);
  #priceIn = new Float64Array(1);
  #priceOut = new Float64Array(1);
  #fee = new Float64Array(1);
  readonly #rankings: Ranking[] = [];
  /** Whether a task does not mind how far a site is: none is looked up then until one turns out to be cut off. */
  #anywhere = false;
  /** Sites that may hold the best, their bounds and the least micros of the transfers. */
  #sites = new Int32Array(0);
  #bounds = new Float64Array(0);
  #leasts = new Float64Array(0);
  /** Nodes by site; by node its site here (-1: none) and its cell by type. */
  readonly #members: number[][] = [];
  #siteOf = new Int32Array(0);
  readonly #cells: [Int16Array, Int16Array, Int16Array] = [
    new Int16Array(),
    new Int16Array(),
    new Int16Array(),
  ];

  constructor(pool: Pool, paths: QuickestPath) {
    this.#pool = pool;
    this.#feed = pool.follow("nodes");
    this.#paths = paths;
  }

  refresh(): void {
    const { nodes, loads } = this.#feed;
    if (nodes.size > 0) this.#takeInNodes();
    for (let i = 0; i < loads.size; i++) this.#takeInLoad(loads.at(i), loads.whatOf(loads.at(i)));
    loads.clear();
  }

  best(query: Query, best: Fit): void {
    this.#paths.begin(query);
    this.#anywhere =
      query.deadline === Number.POSITIVE_INFINITY &&
      query.perMicro === 0 &&
      !query.bounded &&
      !this.#paths.limited;
    this.#resolved++;
    best.node = -1;
    best.score = Number.POSITIVE_INFINITY;
    if (query.source < 0) return;
    this.#rival.node = -1;
    this.#pass(query, best);
    while (best.node >= 0 && !this.#confirm(query, best)) {
      this.#anywhere = false;
      this.#rival.node = -1;
      this.#pass(query, best);
    }
  }

  /**
   * Finds the real path of the best fit so far, if it was only bounded. True when the fit is the best of all; else the
   * walk has to be done again with what was learnt, `best` being the one to beat, or none.
   */
  #confirm(query: Query, best: Fit): boolean {
    const { node, score } = best;
    const site = this.#pool.nodes.site[node] as number;
    if (site === query.source || this.#known[site] === this.#resolved) return true;
    const paths = this.#paths;
    const found = paths.find(site, query.deadline);
    const transfer = found ? paths.transferIn + paths.transferOut : Number.POSITIVE_INFINITY;
    this.#known[site] = this.#resolved;
    this.#transfer[site] = transfer;
    this.#hops[site] = paths.hops;
    if (!found || !fitOn(this.#pool, query, node, transfer, paths.hops, best)) {
      best.node = -1;
      best.score = Number.POSITIVE_INFINITY;
      return false;
    }
    // What the walk left out is worse than the score it had; what it saw and put aside is behind the rival.
    return best.score === score && (this.#rival.node < 0 || isAhead(best, this.#rival));
  }

  /** One walk over sites and nodes, the most promising first; unknown paths count as good as their bound. */
  #pass(query: Query, best: Fit): void {
    const learnt = query.corrections?.greatest ?? 1;
    const ranking = this.#rankingFor(query);
    const cell = this.#cellFor(query, learnt);
    const perKey = this.#weightOfKey(query, learnt);
    const { lately } = ranking;
    const likely = lately[cell] as number;
    this.#visit(query, ranking, cell, perKey, learnt, query.source, 0, best);
    if (likely >= 0 && likely !== query.source)
      this.#visit(query, ranking, cell, perKey, learnt, likely, LATER, best);
    const count = this.#shortlist(query, ranking, cell, perKey, likely, best);
    const [sites, bounds, leasts] = [this.#sites, this.#bounds, this.#leasts];
    let most = 0;
    for (let i = 1; i < count; i++) if ((bounds[i] as number) < (bounds[most] as number)) most = i;
    for (let i = -1; i < count; i++) {
      const at = i < 0 ? most : i;
      if (at >= count || i === most || (bounds[at] as number) > best.score) continue;
      this.#visit(query, ranking, cell, perKey, learnt, sites[at] as number, leasts[at] as number, best);
    }
    if (best.node >= 0) lately[cell] = this.#pool.nodes.site[best.node] as number;
  }

  /** Writes down the sites whose bound is no worse than the best so far; gives how many. */
  #shortlist(query: Query, ranking: Ranking, cell: number, perKey: number, but: number, best: Fit): number {
    const { source, capabilities, perMicro } = query;
    const { best: keys, width } = ranking;
    const row = cell * width;
    const offers = this.#offers;
    const [sites, bounds, leasts] = [this.#sites, this.#bounds, this.#leasts];
    const moving = this.#moving(query, EVERYWHERE);
    const fee = query.perMoney * (this.#fee[EVERYWHERE] as number);
    const toBeat = best.score;
    if (fee > toBeat) return 0;
    const ceiling = perKey > 0 ? (toBeat - moving) / perKey : Number.POSITIVE_INFINITY;
    // But for rounding: the exact comparison follows.
    const highest = ceiling + Math.abs(ceiling) * 2 ** -40;
    const members = Math.min(width, this.#members.length);
    let count = 0;
    for (let site = 0; site < members; site++) {
      const key = keys[row + site] as number;
      if (!(key <= highest)) continue; // too dear, or not a number: nobody there has enough free
      if (((offers[site + 1] as number) & capabilities) !== capabilities) continue;
      if (site === source || site === but) continue;
      const least = perMicro > 0 ? this.#leastTo(query, site) : LATER;
      if (least === Number.POSITIVE_INFINITY) continue;
      const bound = Math.max(moving + perKey * key, fee) + (perMicro > 0 ? perMicro * least * ROUNDING : 0);
      if (bound > toBeat) continue;
      sites[count] = site;
      bounds[count] = bound;
      leasts[count] = least;
      count++;
    }
    return count;
  }

  /** Micros the transfers to and from a site take at the least; Infinity where they take too long, or no way leads. */
  #leastTo(query: Query, site: number): number {
    if (this.#anywhere) return 0;
    const paths = this.#paths;
    const { distances } = paths;
    if (query.bounded && query.allowed[site] !== query.serial) return Number.POSITIVE_INFINITY;
    if (site >= distances.length) return Number.POSITIVE_INFINITY;
    const known = this.#known[site] === this.#resolved;
    const least = known ? (this.#transfer[site] as number) : (distances[site] as number) + paths.leastSending;
    if (!(least <= query.deadline)) return Number.POSITIVE_INFINITY;
    return paths.limited && !known && paths.rulesOut(site) ? Number.POSITIVE_INFINITY : least;
  }

  /** What bringing the bytes to and from a site costs at the least there. */
  #moving(query: Query, at: number): number {
    if (query.perMoney === 0) return 0;
    const inward = query.inputBytes * (this.#priceIn[at] as number);
    return ROUNDING * (inward + query.resultBytes * (this.#priceOut[at] as number));
  }

  /**
   * Looks at the nodes of one site reached in at least `micros`, best key first. `LATER`: that is looked up when a node
   * would do.
   */
  #visit(
    query: Query,
    ranking: Ranking,
    cell: number,
    perKey: number,
    learnt: number,
    site: number,
    micros: number,
    best: Fit,
  ): void {
    if (site >= ranking.width || site >= this.#members.length) return;
    const { seats, whole, blockFree, blockMemory } = ranking;
    const { capabilities, memory, work, atLeast, lanes, deadline, perMoney, perMicro } = query;
    const end = ranking.endOf(site);
    const known = site === query.source || this.#known[site] === this.#resolved;
    const hops = known && site !== query.source ? (this.#hops[site] as number) : 0;
    let bound = perMicro > 0 && micros === LATER ? this.#leastTo(query, site) : micros;
    if (bound === Number.POSITIVE_INFINITY) return;
    const fixed = this.#moving(query, site + 1) + (perMicro > 0 ? perMicro * bound * ROUNDING : 0);
    const needed = Math.max(work > 0 ? 1 : 0, (atLeast / learnt) * ROUNDING);
    const space = memory > 0 ? memory : Number.NEGATIVE_INFINITY;
    let toBeat = best.score;
    for (let p = ranking.firstOf(cell, site); p < end; p++) {
      const block = p >> BLOCK_BITS;
      if ((blockFree[block] as number) < needed || (blockMemory[block] as number) < space) {
        p |= BLOCK - 1; // the last of its block
        continue;
      }
      const at = p * SEAT;
      const least = fixed + perKey * (seats[at + KEY] as number);
      if (least > toBeat) return;
      if (((whole[at + CAPABILITIES] as number) & capabilities) !== capabilities) continue;
      const free = seats[at + FREE] as number;
      if (free < needed || (seats[at + MEMORY] as number) < space) continue;
      if (work > 0) {
        const lane = seats[at + LANE] as number;
        const rate = Math.min(free, lanes * lane) * learnt;
        const compute = ((work * 1e6) / rate) * ROUNDING;
        const queue = seats[at + QUEUE] as number;
        if (rate < atLeast || Math.max(bound, 0) + queue + compute > deadline) continue;
        const forMemory = perMoney * memory * (seats[at + MEMORY_PRICE] as number) * (compute / 1e6);
        const inTime = perMicro * queue;
        if ((least + forMemory + inTime) * ROUNDING > toBeat) continue;
        if ((fixed + perMicro * compute + inTime) * ROUNDING > toBeat) continue;
      }
      if (bound === LATER) {
        bound = this.#leastTo(query, site);
        if (bound === Number.POSITIVE_INFINITY) return;
      }
      if (this.#tryOn(query, whole[at + NODE] as number, bound, hops, best)) toBeat = best.score;
    }
  }

  /** Fits the task on a node in all detail; true where it is the best so far. */
  #tryOn(query: Query, n: number, bound: number, hops: number, best: Fit): boolean {
    const pool = this.#pool;
    const fit = this.#fit;
    if (!hasRoom(pool, query, n) || !isSuitable(pool, query, n)) return false;
    if (!fitOn(pool, query, n, bound, hops, fit)) return false;
    if (best.node >= 0 && !isBetter(pool, fit, best)) {
      this.#keepRival(fit);
      return false;
    }
    if (best.node >= 0) this.#keepRival(best);
    best.take(fit);
    return true;
  }

  /** Remembers the best of what lost to the best so far. */
  #keepRival(fit: Fit): void {
    if (this.#rival.node < 0 || isAhead(fit, this.#rival)) this.#rival.take(fit);
  }

  /** What one unit of the ranking's key adds to the score at the least. `learnt`: the best correction there is. */
  #weightOfKey(query: Query, learnt: number): number {
    const { work, perMicro, perJoule, perGram } = query;
    const onlyMoney = perMicro === 0 && perJoule === 0 && perGram === 0;
    const ranked = rankedLanes(query);
    const more = ranked > 0 && ranked < query.lanes ? query.lanes : 1;
    return (work * ROUNDING) / (onlyMoney ? 1 : learnt) / more;
  }

  /** The cell in which every node is that could do the task in time. */
  #cellFor(query: Query, learnt: number): number {
    const { work, atLeast, deadline, memory } = query;
    if (work === 0 && atLeast === 0) return cellFor(null, memory);
    return cellFor(Math.max(atLeast, (work * 1e6) / deadline) / learnt, memory);
  }

  /** The ranking of the task's objective, made when first needed; the latest used stands first. */
  #rankingFor(query: Query): Ranking {
    const rankings = this.#rankings;
    for (let i = 0; i < rankings.length; i++) {
      const ranking = rankings[i] as Ranking;
      if (!ranking.serves(query)) continue;
      rankings.copyWithin(1, 0, i);
      rankings[0] = ranking;
      return ranking;
    }
    const cells = this.#cells;
    const { type } = query;
    const ranking = new Ranking(this.#pool.nodes, query, (n) => cells[type as 0 | 1 | 2][n] as number);
    for (let site = 0; site < this.#members.length; site++)
      ranking.rebuild(site, this.#members[site] as number[]);
    rankings.unshift(ranking);
    const room = Math.max(3, Math.floor(RANKED / Math.max(1, this.#siteOf.length)));
    rankings.length = Math.min(rankings.length, RANKINGS, room);
    return ranking;
  }

  /** Nodes came, left, moved, or were described or priced anew: their sites' rows are made again. */
  #takeInNodes(): void {
    const { nodes } = this.#feed;
    const table = this.#pool.nodes;
    const touched = new Set<number>();
    this.#makeRoom(table.bound);
    for (let i = 0; i < nodes.size; i++) {
      const n = nodes.at(i);
      const before = this.#siteOf[n] as number;
      const site = table.slots.has(n) ? (table.site[n] as number) : -1;
      if (before !== site) {
        if (before >= 0)
          this.#members[before] = (this.#members[before] as number[]).filter((other) => other !== n);
        while (this.#members.length <= site) this.#members.push([]);
        if (site >= 0) (this.#members[site] as number[]).push(n);
        this.#siteOf[n] = site;
      }
      for (const type of [0, 1, 2] as const) this.#cells[type][n] = site < 0 ? -1 : cellOf(table, type, n);
      if (before >= 0) touched.add(before);
      if (site >= 0) touched.add(site);
    }
    this.#makeRoomForSites(this.#members.length);
    for (const site of touched) {
      const members = this.#members[site] as number[];
      this.#offers[site + 1] = members.reduce((bits, n) => bits | (table.capabilities[n] as number), 0);
      this.#priceIn[site + 1] = leastOf(table.pricePerByteIn, members);
      this.#priceOut[site + 1] = leastOf(table.pricePerByteOut, members);
      this.#fee[site + 1] = leastOf(table.pricePerTask, members);
      for (const ranking of this.#rankings) ranking.rebuild(site, members);
    }
    for (const column of [this.#priceIn, this.#priceOut, this.#fee]) {
      column[EVERYWHERE] = column
        .subarray(1, this.#members.length + 1)
        .reduce((a, b) => Math.min(a, b), Number.MAX_VALUE);
    }
    nodes.clear();
  }

  #takeInLoad(n: number, what: number): void {
    const site = n < this.#siteOf.length ? (this.#siteOf[n] as number) : -1;
    if (site < 0) return;
    const rankings = this.#rankings;
    for (let type = 0; type < 3; type++) {
      const { power, memory, anything } = CHANGED;
      if ((what & ((power[type as 0] as number) | memory)) === 0 && what !== anything) continue;
      const cells = this.#cells[type as 0 | 1 | 2];
      const from = cells[n] as number;
      const to = cellOf(this.#pool.nodes, type, n);
      cells[n] = to;
      for (let i = 0; i < rankings.length; i++) {
        const ranking = rankings[i] as Ranking;
        if (ranking.type !== type) continue;
        ranking.write(n);
        if (from !== to) ranking.move(n, site, from, to);
      }
    }
  }

  #makeRoomForSites(sites: number): void {
    if (this.#offers.length > sites) return;
    const length = 2 * sites + 1;
    this.#offers = widened(this.#offers, new Int32Array(length));
    this.#priceIn = widened(this.#priceIn, new Float64Array(length));
    this.#priceOut = widened(this.#priceOut, new Float64Array(length));
    this.#fee = widened(this.#fee, new Float64Array(length));
    this.#sites = new Int32Array(length);
    this.#bounds = new Float64Array(length);
    this.#leasts = new Float64Array(length);
    this.#known = new Int32Array(length);
    this.#transfer = new Float64Array(length);
    this.#hops = new Int32Array(length);
  }

  #makeRoom(nodes: number): void {
    if (this.#siteOf.length >= nodes) return;
    const length = Math.max(nodes, this.#siteOf.length * 2, 16);
    this.#siteOf = widened(this.#siteOf, new Int32Array(length).fill(-1));
    for (const type of [0, 1, 2] as const) {
      this.#cells[type] = widened(this.#cells[type], new Int16Array(length).fill(-1));
    }
  }
}

/** The entries of `column` in the wider `into`. */
function widened<C extends Float64Array | Int32Array | Int16Array>(column: C, into: C): C {
  into.set(column);
  return into;
}

/** The least entry of a column over some nodes; a site without nodes rules nothing in. */
function leastOf(column: Float64Array, members: readonly number[]): number {
  let least = Number.MAX_VALUE;
  for (const n of members) least = Math.min(least, column[n] as number);
  return least;
}
