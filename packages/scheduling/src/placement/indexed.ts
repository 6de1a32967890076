import { CHANGED, type ChangeFeed, type Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { cellOf, memoryBandOf, NodeBands, rateBandOf } from "./bands.ts";
import { widened } from "./column.ts";
import { Contest } from "./contest.ts";
import type { Fit } from "./fit.ts";
import { KeyOrder } from "./key-order.ts";
import { KeyWalk } from "./key-walk.ts";
import type { Query } from "./query.ts";
import { Ranking } from "./ranking.ts";
import { Reach } from "./reach.ts";
import type { Search } from "./scan.ts";
import { SiteOffers } from "./site-offers.ts";
import { SiteWalk } from "./site-walk.ts";

/**
 * Rankings of a sort kept at the same time, and nodes in all of them together; the one longest unused makes room for
 * another objective's. Three always fit: one for each type of computing power.
 */
const RANKINGS = 64;
const RANKED = 4e6;
/** Where more than this share of the nodes changed, an order is made anew rather than mended. */
const MANY = 1 / 8;

/**
 * The best node and path without looking at most of them, and exactly the ones a full scan finds.
 *
 * Every objective is a sum of parts that are never negative, so what the work adds at a node (its key), what
 * moving the bytes costs there and what the least round trip accounts for together bound the score from below. Where
 * time has no weight nodes are walked in the order of their keys (`KeyWalk`), else site by site (`SiteWalk`), up to where
 * the bound passes the best score so far. Paths are only bounded, too; the winner's alone is searched for. If it keeps its
 * lead over its real path it is the best of all, else the walk is done again with what was learnt of that path.
 */
export class IndexedSearch implements Search {
  readonly #pool: Pool;
  readonly #feed: ChangeFeed;
  readonly #reach: Reach;
  readonly #contest: Contest;
  readonly #offers = new SiteOffers();
  readonly #byKey: KeyWalk;
  readonly #bySite: SiteWalk;
  readonly #orders: KeyOrder[] = [];
  readonly #rankings: Ranking[] = [];
  /** Nodes by site, and how many; by node its site here (-1: none). */
  readonly #members: number[][] = [];
  #size = 0;
  #siteOf = new Int32Array(0);
  readonly #bands = new NodeBands();

  constructor(pool: Pool, paths: QuickestPath) {
    this.#pool = pool;
    this.#feed = pool.follow("nodes");
    this.#reach = new Reach(pool, paths);
    this.#contest = new Contest(pool, this.#reach);
    this.#byKey = new KeyWalk(this.#reach, this.#contest, this.#offers);
    this.#bySite = new SiteWalk(pool, this.#reach, this.#contest, this.#offers, this.#bands);
  }

  refresh(): void {
    const { nodes, loads } = this.#feed;
    if (nodes.size > 0) this.#takeInNodes();
    for (let i = 0; i < loads.size; i++) this.#takeInLoad(loads.at(i), loads.whatOf(loads.at(i)));
    loads.clear();
  }

  best(query: Query, best: Fit): void {
    const contest = this.#contest;
    this.#reach.begin(query);
    contest.begin(best);
    if (query.source < 0) return;
    const learnt = query.corrections?.greatest ?? 1;
    const rate = rateNeeded(query, learnt);
    if (query.perMicro > 0) {
      const ranking = this.#rankingFor(query);
      this.#bySite.begin(query, rate, learnt);
      do this.#bySite.walk(query, ranking);
      while (!contest.confirm(query));
    } else {
      const order = this.#orderFor(query);
      this.#byKey.begin(query, order, rate, learnt);
      do this.#byKey.walk(query, order);
      while (!contest.confirm(query));
    }
  }

  /** The order of nodes for the task's objective, made when first needed. */
  #orderFor(query: Query): KeyOrder {
    const known = latest(this.#orders, query);
    if (known !== null) return known;
    const order = new KeyOrder(this.#pool.nodes, this.#bands, query);
    order.rebuild(this.#members.flat());
    return this.#keep(this.#orders, order);
  }

  /** The ranking by site for the task's objective, made when first needed. */
  #rankingFor(query: Query): Ranking {
    const known = latest(this.#rankings, query);
    if (known !== null) return known;
    const ranking = new Ranking(this.#pool.nodes, this.#bands, query);
    for (let site = 0; site < this.#members.length; site++)
      ranking.rebuild(site, this.#members[site] as number[]);
    return this.#keep(this.#rankings, ranking);
  }

  #keep<R>(rankings: R[], one: R): R {
    rankings.unshift(one);
    const room = Math.max(3, Math.floor(RANKED / Math.max(1, this.#siteOf.length)));
    rankings.length = Math.min(rankings.length, RANKINGS, room);
    return one;
  }

  /** Nodes came, left, moved, or were described or priced anew. */
  #takeInNodes(): void {
    const { nodes } = this.#feed;
    const touched = new Set<number>();
    this.#makeRoom(this.#pool.nodes.bound);
    for (let i = 0; i < nodes.size; i++) this.#takeInNode(nodes.at(i), touched);
    for (const site of touched) {
      const members = this.#members[site] as number[];
      this.#offers.take(this.#pool.nodes, site, members);
      for (const ranking of this.#rankings) ranking.rebuild(site, members);
    }
    this.#offers.sumUp();
    if (nodes.size > this.#size * MANY) for (const order of this.#orders) order.rebuild(this.#members.flat());
    else for (let i = 0; i < nodes.size; i++) this.#seat(nodes.at(i));
    nodes.clear();
  }

  /** Puts a node with those of its site; `touched` are the sites whose nodes changed. */
  #takeInNode(n: number, touched: Set<number>): void {
    const table = this.#pool.nodes;
    const before = this.#siteOf[n] as number;
    const site = table.slots.has(n) ? (table.site[n] as number) : -1;
    if (before !== site) {
      if (before >= 0)
        this.#members[before] = (this.#members[before] as number[]).filter((other) => other !== n);
      while (this.#members.length <= site) this.#members.push([]);
      if (site >= 0) (this.#members[site] as number[]).push(n);
      this.#size += (site >= 0 ? 1 : 0) - (before >= 0 ? 1 : 0);
      this.#siteOf[n] = site;
    }
    for (const type of [0, 1, 2] as const)
      this.#bands.rates[type][n] = site < 0 ? -1 : rateBandOf(table, type, n);
    this.#bands.memories[n] = site < 0 ? 0 : memoryBandOf(table.freeMemory[n] as number);
    if (before >= 0) touched.add(before);
    if (site >= 0) touched.add(site);
  }

  #seat(n: number): void {
    for (const order of this.#orders) {
      if ((this.#siteOf[n] as number) >= 0) order.put(n);
      else order.remove(n);
    }
  }

  #takeInLoad(n: number, what: number): void {
    const site = n < this.#siteOf.length ? (this.#siteOf[n] as number) : -1;
    if (site < 0) return;
    const table = this.#pool.nodes;
    const { memories } = this.#bands;
    const memoryFrom = memories[n] as number;
    const memoryTo = (what & CHANGED.memory) === 0 ? memoryFrom : memoryBandOf(table.freeMemory[n] as number);
    memories[n] = memoryTo;
    for (const type of [0, 1, 2] as const) {
      const powerChanged = (what & CHANGED.power[type]) !== 0;
      if (!powerChanged && memoryFrom === memoryTo) continue;
      const rates = this.#bands.rates[type];
      const from = rates[n] as number;
      const to = powerChanged ? rateBandOf(table, type, n) : from;
      rates[n] = to;
      this.#move(type, n, site, cellOf(from, memoryFrom), cellOf(to, memoryTo));
      for (let i = 0; i < this.#orders.length; i++) {
        const order = this.#orders[i] as KeyOrder;
        if (order.type !== type) continue;
        order.write(n);
        if (from !== to) order.moveRate(n, from, to);
        if (memoryFrom !== memoryTo) order.moveMemory(n, memoryFrom, memoryTo);
      }
    }
  }

  /** A node went from one cell to another: tells the rankings of one type. */
  #move(type: number, n: number, site: number, from: number, to: number): void {
    if (from === to) return;
    for (let i = 0; i < this.#rankings.length; i++) {
      const ranking = this.#rankings[i] as Ranking;
      if (ranking.type === type) ranking.move(n, site, from, to);
    }
  }

  #makeRoom(nodes: number): void {
    this.#siteOf = widened(this.#siteOf, nodes, -1);
    this.#bands.makeRoom(nodes);
  }
}

/** The ranking for a task, if there is one, which then stands first. */
function latest<R extends { serves(query: Query): boolean }>(rankings: R[], query: Query): R | null {
  for (let i = 0; i < rankings.length; i++) {
    const ranking = rankings[i] as R;
    if (!ranking.serves(query)) continue;
    if (i > 0) {
      rankings.copyWithin(1, 0, i);
      rankings[0] = ranking;
    }
    return ranking;
  }
  return null;
}

/** Operations a second, as measured, without which the task does not keep its time; null where it needs none. */
function rateNeeded({ work, atLeast, deadline }: Query, learnt: number): number | null {
  if (work === 0 && atLeast === 0) return null;
  return (work > 0 ? Math.max(atLeast, (work * 1e6) / deadline) : atLeast) / learnt;
}
