import type { Pool } from "@weft/pool";
import { cellOf, memoryBandOf, type NodeBands, rateBandFor } from "./bands.ts";
import { ROUNDING } from "./column.ts";
import type { Contest } from "./contest.ts";
import type { Query } from "./query.ts";
import { KEY, LANE, MEMORY_PRICE, NODE, type Ranking, SEAT } from "./ranking.ts";
import type { Reach } from "./reach.ts";
import { EVERYWHERE, type SiteOffers } from "./site-offers.ts";
import { weightOfKey } from "./weights.ts";

/**
 * A walk over sites and their nodes, the most promising first, for objectives in which time has a weight: the site
 * decides then how long the bytes travel. The task's own site and the one that served such a task last are looked at first;
 * then every site whose best node with enough free could still win, its nodes by their key, up to where the bound passes
 * the best so far.
 */
export class SiteWalk {
  readonly #pool: Pool;
  readonly #reach: Reach;
  readonly #contest: Contest;
  readonly #offers: SiteOffers;
  readonly #bands: NodeBands;
  /** The bands a node has to be in that could do the task in time, their cell, and what a unit of the key adds to the score. */
  #rates = 0;
  #memories = 0;
  #cell = 0;
  #perKey = 0;
  #learnt = 1;
  /** Sites that may hold the best, their bounds and the least micros of the transfers. */
  #sites = new Int32Array(0);
  #bounds = new Float64Array(0);
  #leasts = new Float64Array(0);

  constructor(pool: Pool, reach: Reach, contest: Contest, offers: SiteOffers, bands: NodeBands) {
    this.#pool = pool;
    this.#reach = reach;
    this.#contest = contest;
    this.#offers = offers;
    this.#bands = bands;
  }

  /** Takes up a task. `rate`: what it needs to keep its time; null: nothing. */
  begin(query: Query, rate: number | null, learnt: number): void {
    this.#rates = rateBandFor(rate);
    this.#memories = memoryBandOf(query.memory);
    this.#cell = cellOf(this.#rates, this.#memories);
    this.#perKey = weightOfKey(query, learnt);
    this.#learnt = learnt;
  }

  /** Goes through the nodes: once, and again as long as the best does not hold. */
  walk(query: Query, ranking: Ranking): void {
    const { best } = this.#contest;
    const { lately } = ranking;
    const likely = lately[this.#cell] as number;
    this.#visit(query, ranking, query.source, 0);
    if (likely >= 0 && likely !== query.source) {
      const least = this.#reach.leastTo(query, likely);
      if (least < Number.POSITIVE_INFINITY) this.#visit(query, ranking, likely, least);
    }
    const count = this.#shortlist(query, ranking, likely);
    const [sites, bounds, leasts] = [this.#sites, this.#bounds, this.#leasts];
    let most = 0;
    for (let i = 1; i < count; i++) if ((bounds[i] as number) < (bounds[most] as number)) most = i;
    for (let i = -1; i < count; i++) {
      const at = i < 0 ? most : i;
      if (at >= count || i === most || (bounds[at] as number) > best.score) continue;
      this.#visit(query, ranking, sites[at] as number, leasts[at] as number);
    }
    if (best.node >= 0) lately[this.#cell] = this.#pool.nodes.site[best.node] as number;
  }

  /** Writes down the sites whose bound is no worse than the best so far; gives how many. */
  #shortlist(query: Query, ranking: Ranking, but: number): number {
    const { source, capabilities, perMicro } = query;
    const { best: keys, width } = ranking;
    const row = this.#cell * width;
    const perKey = this.#perKey;
    const offers = this.#offers.capabilities;
    const moving = this.#offers.moving(query, EVERYWHERE);
    const fee = this.#offers.feeEverywhere(query);
    const toBeat = this.#contest.best.score;
    if (fee > toBeat) return 0;
    if (this.#sites.length < width) this.#makeRoom(width);
    const [sites, bounds, leasts] = [this.#sites, this.#bounds, this.#leasts];
    const ceiling = perKey > 0 ? (toBeat - moving) / perKey : Number.POSITIVE_INFINITY;
    // But for rounding: the exact comparison follows.
    const highest = ceiling + Math.abs(ceiling) * 2 ** -40;
    const end = Math.min(width, offers.length - 1);
    let count = 0;
    for (let site = 0; site < end; site++) {
      const key = keys[row + site] as number;
      if (!(key <= highest)) continue; // too dear, or not a number: nobody there has enough free
      if (((offers[site + 1] as number) & capabilities) !== capabilities) continue;
      if (site === source || site === but) continue;
      const least = this.#reach.leastTo(query, site);
      if (least === Number.POSITIVE_INFINITY) continue;
      const bound = Math.max(moving + perKey * key, fee) + perMicro * least * ROUNDING;
      if (bound > toBeat) continue;
      sites[count] = site;
      bounds[count] = bound;
      leasts[count] = least;
      count++;
    }
    return count;
  }

  /** Looks at the nodes of one site reached in at least `micros`, best key first. */
  #visit(query: Query, ranking: Ranking, site: number, micros: number): void {
    if (site >= ranking.width) return;
    const { seats, whole, type } = ranking;
    const { capabilities, memory, work, atLeast, lanes, deadline, perMoney, perMicro } = query;
    const { nodes } = this.#pool;
    const free = nodes.free[type];
    const queues = nodes.queue[type];
    const rateBands = this.#bands.rates[type];
    const memoryBands = this.#bands.memories;
    const [rates, memories, perKey, learnt] = [this.#rates, this.#memories, this.#perKey, this.#learnt];
    const contest = this.#contest;
    const end = ranking.endOf(site);
    const hops = this.#reach.hopsTo(query, site);
    const fixed = this.#offers.moving(query, site + 1) + perMicro * micros * ROUNDING;
    let toBeat = contest.best.score;
    for (let p = ranking.firstOf(this.#cell, site); p < end; p++) {
      const at = p * SEAT;
      const least = fixed + perKey * (seats[at + KEY] as number);
      if (least > toBeat) return;
      const n = whole[at + NODE] as number;
      if ((rateBands[n] as number) < rates || (memoryBands[n] as number) < memories) continue;
      if (((nodes.capabilities[n] as number) & capabilities) !== capabilities) continue;
      if (work > 0) {
        const rate = Math.min(free[n] as number, lanes * (seats[at + LANE] as number)) * learnt;
        const compute = ((work * 1e6) / rate) * ROUNDING;
        const queue = queues[n] as number;
        if (rate < atLeast || micros + queue + compute > deadline) continue;
        const forMemory = perMoney * memory * (seats[at + MEMORY_PRICE] as number) * (compute / 1e6);
        const inTime = perMicro * queue;
        if ((least + forMemory + inTime) * ROUNDING > toBeat) continue;
        if ((fixed + perMicro * compute + inTime) * ROUNDING > toBeat) continue;
      }
      if (contest.tryOn(query, n, micros, hops)) toBeat = contest.best.score;
    }
  }

  #makeRoom(sites: number): void {
    this.#sites = new Int32Array(sites);
    this.#bounds = new Float64Array(sites);
    this.#leasts = new Float64Array(sites);
  }
}
