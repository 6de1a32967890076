import type { Pool } from "@weft/pool";
import { ROUNDING } from "./column.ts";
import type { Contest } from "./contest.ts";
import type { Query } from "./query.ts";
import {
  BLOCK,
  CAPABILITIES,
  FREE,
  KEY,
  LANE,
  MEMORY,
  MEMORY_PRICE,
  NODE,
  QUEUE,
  type Ranking,
  SEAT,
} from "./ranking.ts";
import type { Reach } from "./reach.ts";
import { EVERYWHERE, type SiteOffers } from "./site-offers.ts";
import { weightOfKey } from "./weights.ts";

const BLOCK_BITS = Math.log2(BLOCK);

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
  /** Sites that may hold the best, their bounds and the least micros of the transfers. */
  #sites = new Int32Array(0);
  #bounds = new Float64Array(0);
  #leasts = new Float64Array(0);

  constructor(pool: Pool, reach: Reach, contest: Contest, offers: SiteOffers) {
    this.#pool = pool;
    this.#reach = reach;
    this.#contest = contest;
    this.#offers = offers;
  }

  /** Goes through the nodes once. `cell`: the one in which every node is that could do the task in time. */
  walk(query: Query, ranking: Ranking, cell: number, learnt: number): void {
    const { best } = this.#contest;
    const { lately } = ranking;
    const perKey = weightOfKey(query, learnt);
    const likely = lately[cell] as number;
    this.#visit(query, ranking, cell, perKey, learnt, query.source, 0);
    if (likely >= 0 && likely !== query.source) {
      const least = this.#reach.leastTo(query, likely);
      if (least < Number.POSITIVE_INFINITY) this.#visit(query, ranking, cell, perKey, learnt, likely, least);
    }
    const count = this.#shortlist(query, ranking, cell, perKey, likely);
    const [sites, bounds, leasts] = [this.#sites, this.#bounds, this.#leasts];
    let most = 0;
    for (let i = 1; i < count; i++) if ((bounds[i] as number) < (bounds[most] as number)) most = i;
    for (let i = -1; i < count; i++) {
      const at = i < 0 ? most : i;
      if (at >= count || i === most || (bounds[at] as number) > best.score) continue;
      this.#visit(query, ranking, cell, perKey, learnt, sites[at] as number, leasts[at] as number);
    }
    if (best.node >= 0) lately[cell] = this.#pool.nodes.site[best.node] as number;
  }

  /** Writes down the sites whose bound is no worse than the best so far; gives how many. */
  #shortlist(query: Query, ranking: Ranking, cell: number, perKey: number, but: number): number {
    const { source, capabilities, perMicro } = query;
    const { best: keys, width } = ranking;
    const row = cell * width;
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
  #visit(
    query: Query,
    ranking: Ranking,
    cell: number,
    perKey: number,
    learnt: number,
    site: number,
    micros: number,
  ): void {
    if (site >= ranking.width) return;
    const { seats, whole, blockFree, blockMemory } = ranking;
    const { capabilities, memory, work, atLeast, lanes, deadline, perMoney, perMicro } = query;
    const contest = this.#contest;
    const end = ranking.endOf(site);
    const hops = this.#reach.hopsTo(query, site);
    const fixed = this.#offers.moving(query, site + 1) + perMicro * micros * ROUNDING;
    const needed = Math.max(work > 0 ? 1 : 0, (atLeast / learnt) * ROUNDING);
    const space = memory > 0 ? memory : Number.NEGATIVE_INFINITY;
    let toBeat = contest.best.score;
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
        if (rate < atLeast || micros + queue + compute > deadline) continue;
        const forMemory = perMoney * memory * (seats[at + MEMORY_PRICE] as number) * (compute / 1e6);
        const inTime = perMicro * queue;
        if ((least + forMemory + inTime) * ROUNDING > toBeat) continue;
        if ((fixed + perMicro * compute + inTime) * ROUNDING > toBeat) continue;
      }
      if (contest.tryOn(query, whole[at + NODE] as number, micros, hops)) toBeat = contest.best.score;
    }
  }

  #makeRoom(sites: number): void {
    this.#sites = new Int32Array(sites);
    this.#bounds = new Float64Array(sites);
    this.#leasts = new Float64Array(sites);
  }
}
