import type { ChangeFeed, Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { Fit, fitOn, hasRoom, isAhead, isBetter, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";
import { cellFor, cellOf, Ranking, rankedLanes } from "./ranking.ts";
import type { Search } from "./scan.ts";

/** Rankings kept at the same time; the one longest unused makes room for another objective's. */
const RANKINGS = 64;

/** A node's card for one type of computing power: one cache line. */
const CARD = 8;
const [LANE, FREE, MEMORY, QUEUE, MEMORY_PRICE] = [0, 1, 2, 3, 4] as const;

/** Where the columns by site have what holds for all sites. */
const EVERYWHERE = 0;

/** Keeps a bound below what it bounds, whatever the order in which the same factors were multiplied. */
const ROUNDING = 1 - 2 ** -40;

/**
 * The best node and path without looking at most of them, and exactly the ones a full scan finds.
 *
 * Every objective is a sum of parts that are never negative, so what the work adds at a node (its ranking key), what
 * moving the bytes costs there and what the least round trip accounts for together bound the score from below. Sites
 * are taken in order of their best key among nodes with enough free, nodes of a site likewise; both walks end where the
 * bound passes the best score so far. Paths are bounded at first, too; only the winner's is searched for. If it keeps
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
  /** By node and type, side by side what most often rules a node out; and the best correction of the task's function. */
  #cards = new Float64Array(0);
  #learnt = 1;
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
    this.#feed = pool.follow();
    this.#paths = paths;
  }

  refresh(): void {
    const { nodes, loads, links, residuals } = this.#feed;
    links.clear();
    residuals.clear();
    if (nodes.size > 0) this.#takeInNodes();
    for (let i = 0; i < loads.size; i++) this.#takeInLoad(loads.at(i));
    loads.clear();
  }

  best(query: Query, best: Fit): void {
    this.#paths.begin(query);
    this.#resolved++;
    best.node = -1;
    best.score = Number.POSITIVE_INFINITY;
    if (query.source < 0) return;
    do {
      this.#rival.node = -1;
      this.#pass(query, best);
    } while (best.node >= 0 && !this.#confirm(query, best));
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

  /** One walk over sites and nodes, best keys first; unknown paths count as good as their bound. */
  #pass(query: Query, best: Fit): void {
    const learnt = query.corrections?.greatest ?? 1;
    this.#learnt = learnt;
    const ranking = this.#rankingFor(query);
    const cell = this.#cellFor(query, learnt);
    const perKey = this.#weightOfKey(query, learnt);
    const { sites, keys } = ranking.order();
    const row = cell * ranking.width;
    const { source, capabilities, perMicro, deadline, serial } = query;
    const { distances, leastSending } = this.#paths;
    const { limited } = this.#paths;
    const moving = this.#moving(query, EVERYWHERE);
    const fee = query.perMoney * (this.#fee[EVERYWHERE] as number);
    this.#visit(query, ranking, cell, perKey, source, 0, best);
    for (let i = 0; i < sites.length; i++) {
      if (Math.max(moving + perKey * (keys[i] as number), fee) > best.score) break;
      const site = sites[i] as number;
      const key = ranking.best[row + site] as number;
      if (Number.isNaN(key)) continue; // nobody there has enough free
      const byKey = Math.max(moving + perKey * key, fee);
      if (byKey > best.score) continue;
      if (((this.#offers[site + 1] as number) & capabilities) !== capabilities) continue;
      if (query.bounded && query.allowed[site] !== serial) continue;
      if (site === source || site >= distances.length) continue;
      const known = this.#known[site] === this.#resolved;
      const least = known ? (this.#transfer[site] as number) : (distances[site] as number) + leastSending;
      if (!(least <= deadline) || least === Number.POSITIVE_INFINITY) continue;
      if (limited && !known && this.#paths.rulesOut(site)) continue;
      if (byKey + perMicro * least * ROUNDING > best.score) continue;
      this.#visit(query, ranking, cell, perKey, site, least, best);
    }
  }

  /** What bringing the bytes to and from a site costs at the least there. */
  #moving(query: Query, at: number): number {
    if (query.perMoney === 0) return 0;
    const inward = query.inputBytes * (this.#priceIn[at] as number);
    return ROUNDING * (inward + query.resultBytes * (this.#priceOut[at] as number));
  }

  /** Looks at the nodes of one site reached in at least `bound` micros, best key first. */
  #visit(
    query: Query,
    ranking: Ranking,
    cell: number,
    perKey: number,
    site: number,
    bound: number,
    best: Fit,
  ): void {
    if (site >= ranking.width) return;
    const { nodes, keys, capabilities } = ranking;
    const from = ranking.firstOf(cell, site);
    const end = ranking.endOf(site);
    const pool = this.#pool;
    const fit = this.#fit;
    const known = site === query.source || this.#known[site] === this.#resolved;
    const hops = known && site !== query.source ? (this.#hops[site] as number) : 0;
    const fixed = this.#moving(query, site + 1) + query.perMicro * bound * ROUNDING;
    for (let i = from; i < end; i++) {
      const least = fixed + perKey * (keys[i] as number);
      if (least > best.score) return;
      if (((capabilities[i] as number) & query.capabilities) !== query.capabilities) continue;
      const n = nodes[i] as number;
      if (!this.#mayFit(query, n, bound, least, best.score)) continue;
      if (!hasRoom(pool, query, n) || !isSuitable(pool, query, n)) continue;
      if (!fitOn(pool, query, n, bound, hops, fit)) continue;
      if (best.node >= 0 && !isBetter(pool, fit, best)) {
        this.#keepRival(fit);
        continue;
      }
      if (best.node >= 0) this.#keepRival(best);
      best.take(fit);
    }
  }

  /** A look at one cache line of the node, to pass over most of those that would not do: false if it surely would not. */
  #mayFit(query: Query, n: number, bound: number, least: number, toBeat: number): boolean {
    const cards = this.#cards;
    const card = (n * 3 + query.type) * CARD;
    if (query.memory > 0 && (cards[card + MEMORY] as number) < query.memory) return false;
    const own = query.lanes * (cards[card + LANE] as number);
    const free = cards[card + FREE] as number;
    const rate = Math.min(own, free) * this.#learnt;
    if (rate < query.atLeast) return false;
    if (query.work === 0) return true;
    const compute = ((query.work * 1e6) / rate) * ROUNDING;
    if (!(bound + (cards[card + QUEUE] as number) + compute <= query.deadline)) return false;
    const forMemory =
      query.perMoney * query.memory * (cards[card + MEMORY_PRICE] as number) * (compute / 1e6);
    return least + forMemory * ROUNDING <= toBeat;
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
    rankings.length = Math.min(rankings.length, RANKINGS);
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
      if (site >= 0) this.#writeCards(n);
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

  #takeInLoad(n: number): void {
    const site = n < this.#siteOf.length ? (this.#siteOf[n] as number) : -1;
    if (site < 0) return;
    this.#writeCards(n);
    for (let type = 0; type < 3; type++) {
      const cells = this.#cells[type as 0 | 1 | 2];
      const from = cells[n] as number;
      const to = cellOf(this.#pool.nodes, type, n);
      if (from === to) continue;
      cells[n] = to;
      for (let i = 0; i < this.#rankings.length; i++) {
        const ranking = this.#rankings[i] as Ranking;
        if (ranking.type === type) ranking.move(n, site, from, to);
      }
    }
  }

  #writeCards(n: number): void {
    const { lane, free, freeMemory, queue, pricePerByteSecondMemory } = this.#pool.nodes;
    const cards = this.#cards;
    for (let type = 0; type < 3; type++) {
      const card = (n * 3 + type) * CARD;
      cards[card + LANE] = lane[type as 0][n] as number;
      cards[card + FREE] = free[type as 0][n] as number;
      cards[card + MEMORY] = freeMemory[n] as number;
      cards[card + QUEUE] = queue[type as 0][n] as number;
      cards[card + MEMORY_PRICE] = pricePerByteSecondMemory[n] as number;
    }
  }

  #makeRoomForSites(sites: number): void {
    if (this.#offers.length > sites) return;
    const length = 2 * sites + 1;
    this.#offers = widened(this.#offers, new Int32Array(length));
    this.#priceIn = widened(this.#priceIn, new Float64Array(length));
    this.#priceOut = widened(this.#priceOut, new Float64Array(length));
    this.#fee = widened(this.#fee, new Float64Array(length));
    this.#known = new Int32Array(length);
    this.#transfer = new Float64Array(length);
    this.#hops = new Int32Array(length);
  }

  #makeRoom(nodes: number): void {
    if (this.#siteOf.length >= nodes) return;
    const length = Math.max(nodes, this.#siteOf.length * 2, 16);
    this.#cards = widened(this.#cards, new Float64Array(length * 3 * CARD));
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
