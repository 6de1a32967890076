import type { ChangeFeed, Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { Fit, fitOn, hasRoom, isAhead, isBetter, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";
import { bandFor, bandOf, Ranking, rankedLanes } from "./ranking.ts";
import type { Search } from "./scan.ts";

/** Rankings kept at the same time; the one longest unused makes room for another objective's. */
const RANKINGS = 64;

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
  /** Nodes by site; by node its site here (-1: none) and its band by type. */
  readonly #members: number[][] = [];
  #siteOf = new Int32Array(0);
  readonly #bands: [Int8Array, Int8Array, Int8Array] = [new Int8Array(), new Int8Array(), new Int8Array()];

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
    const ranking = this.#rankingFor(query);
    const band = this.#bandFor(query, learnt);
    const perKey = this.#weightOfKey(query, learnt);
    const { sites, keys } = ranking.order();
    const { source, capabilities, perMicro, deadline, serial } = query;
    const { distances, leastSending } = this.#paths;
    const moving = this.#moving(query, EVERYWHERE);
    const fee = query.perMoney * (this.#fee[EVERYWHERE] as number);
    this.#visit(query, ranking, band, perKey, source, 0, best);
    for (let i = 0; i < sites.length; i++) {
      const byKey = Math.max(moving + perKey * (keys[i] as number), fee);
      if (byKey > best.score) break;
      const site = sites[i] as number;
      if (((this.#offers[site + 1] as number) & capabilities) !== capabilities) continue;
      if (query.bounded && query.allowed[site] !== serial) continue;
      if (site === source || site >= distances.length) continue;
      const known = this.#known[site] === this.#resolved;
      const least = known ? (this.#transfer[site] as number) : (distances[site] as number) + leastSending;
      if (!(least <= deadline) || least === Number.POSITIVE_INFINITY) continue;
      if (byKey + perMicro * least * ROUNDING > best.score) continue;
      this.#visit(query, ranking, band, perKey, site, least, best);
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
    band: number,
    perKey: number,
    site: number,
    bound: number,
    best: Fit,
  ): void {
    const pool = this.#pool;
    const fit = this.#fit;
    const { nodes, keys, capabilities, first } = ranking.row(site);
    const known = site === query.source || this.#known[site] === this.#resolved;
    const hops = known && site !== query.source ? (this.#hops[site] as number) : 0;
    const moving = this.#moving(query, site + 1);
    for (let i = first[band] as number; i < nodes.length; i++) {
      if (moving + perKey * (keys[i] as number) + query.perMicro * bound * ROUNDING > best.score) return;
      if (((capabilities[i] as number) & query.capabilities) !== query.capabilities) continue;
      const n = nodes[i] as number;
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

  /** The band in which every node is that could do the task in time. */
  #bandFor(query: Query, learnt: number): number {
    if (query.work === 0 && query.atLeast === 0) return 0;
    return bandFor(Math.max(query.atLeast, (query.work * 1e6) / query.deadline) / learnt);
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
    const bands = this.#bands;
    const { type } = query;
    const ranking = new Ranking(this.#pool.nodes, query, (n) => bands[type as 0 | 1 | 2][n] as number);
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
      for (const type of [0, 1, 2] as const) this.#bands[type][n] = site < 0 ? -1 : bandOf(table, type, n);
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
    for (let type = 0; type < 3; type++) {
      const bands = this.#bands[type as 0 | 1 | 2];
      const from = bands[n] as number;
      const to = bandOf(this.#pool.nodes, type, n);
      if (from === to) continue;
      bands[n] = to;
      for (let i = 0; i < this.#rankings.length; i++) {
        const ranking = this.#rankings[i] as Ranking;
        if (ranking.type === type) ranking.move(n, site, from, to);
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
    this.#known = new Int32Array(length);
    this.#transfer = new Float64Array(length);
    this.#hops = new Int32Array(length);
  }

  #makeRoom(nodes: number): void {
    if (this.#siteOf.length >= nodes) return;
    const length = Math.max(nodes, this.#siteOf.length * 2, 16);
    this.#siteOf = widened(this.#siteOf, new Int32Array(length).fill(-1));
    for (const type of [0, 1, 2] as const) {
      this.#bands[type] = widened(this.#bands[type], new Int8Array(length).fill(-1));
    }
  }
}

/** The entries of `column` in the wider `into`. */
function widened<C extends Float64Array | Int32Array | Int8Array>(column: C, into: C): C {
  into.set(column);
  return into;
}

/** The least entry of a column over some nodes; a site without nodes rules nothing in. */
function leastOf(column: Float64Array, members: readonly number[]): number {
  let least = Number.MAX_VALUE;
  for (const n of members) least = Math.min(least, column[n] as number);
  return least;
}
