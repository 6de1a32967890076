import type { SiteId } from "@weft/infrastructure";
import type { Pool } from "@weft/pool";
import { Fit, factorOn, fitOn, hasRoom, isSuitable, LEAST_SHARE } from "../placement/fit.ts";
import { Query } from "../placement/query.ts";
import { Network } from "../routing/network.ts";
import { QuickestPath } from "../routing/quickest.ts";
import type { TaskNeeds } from "../task.ts";

/** How one node would serve one task if it had the pool, as it is, to itself. */
export interface Offer {
  /** Index in the pool. */
  readonly node: number;
  /** The computing powers it could be given there, greatest first, each half of the one before. */
  readonly levels: readonly OfferLevel[];
  /** No placement there takes less computing power than this. */
  readonly leastRate: number;
}

export interface OfferLevel {
  /** Whole operations a second. */
  readonly rate: number;
  /** The lanes that a task asking for just this rate would name. */
  readonly lanes: number;
  /** What the objective makes of it; Infinity where a figure it needs is unknown. */
  readonly score: number;
  /** Micros from hand-over to the result being back, and of these the computing alone. */
  readonly total: number;
  readonly compute: number;
  /** Micro-units of money. */
  readonly cost: number;
}

/** At most so many levels a node: a task on less than an eighth of what it could use had better wait. */
const LEVELS = 4;

/**
 * Lists where tasks could run: per task the best nodes, each over its best path, under every constraint of the task's
 * needs. What `Scheduler.place` looks for one of, for searches that weigh several tasks at once. Reads the pool as
 * it is when asked.
 */
export class Offers {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #paths: QuickestPath;
  readonly #query = new Query();
  readonly #fit = new Fit();

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#network = new Network(pool);
    this.#paths = new QuickestPath(pool, this.#network);
  }

  /** The `most` best nodes for a task, best first (by score, then sooner, then cheaper, then pool order). */
  of(needs: TaskNeeds, most: number): readonly Offer[] {
    const { nodes, links } = this.#pool;
    const query = this.#query;
    this.#network.refresh();
    query.fill(this.#pool, needs, []);
    this.#paths.begin(query);
    const transfer = new Float64Array(links.sites.bound).fill(-1);
    const found: { readonly node: number; readonly score: number; readonly total: number }[] = [];
    for (let n = 0; n < nodes.bound; n++) {
      if (!nodes.slots.has(n) || !isSuitable(this.#pool, query, n) || !hasRoom(this.#pool, query, n))
        continue;
      const site = nodes.site[n]!;
      if (transfer[site] === -1) {
        const reached = this.#paths.find(site, Number.MAX_VALUE);
        transfer[site] = reached
          ? this.#paths.transferIn + this.#paths.transferOut
          : Number.POSITIVE_INFINITY;
      }
      if (transfer[site] === Number.POSITIVE_INFINITY) continue;
      if (!fitOn(this.#pool, query, n, transfer[site]!, 0, this.#fit)) continue;
      found.push({ node: n, score: this.#fit.score, total: this.#fit.total });
    }
    // Two unknown scores are equal: their difference would be no number.
    const byScore = (a: number, b: number): number => (a === b ? 0 : a - b);
    found.sort((a, b) => byScore(a.score, b.score) || a.total - b.total || a.node - b.node);
    return found.slice(0, most).map(({ node }) => this.#offer(node, transfer[nodes.site[node]!]!));
  }

  /** The best path of the task that was listed last from its data to a node it was offered; ends included. */
  pathTo(node: number): readonly SiteId[] {
    const { nodes, links } = this.#pool;
    const site = nodes.site[node]!;
    this.#paths.find(site, Number.MAX_VALUE);
    const { linksIn } = this.#paths.links();
    return [this.#query.source, ...linksIn.map((link) => links.to[link]!)].map((s) => links.sites.idOf(s));
  }

  #offer(node: number, transfer: number): Offer {
    const query = this.#query;
    const asked = query.lanes;
    const lane = this.#pool.nodes.lane[query.type as 0 | 1 | 2][node]!;
    const levels: OfferLevel[] = [];
    for (let i = 0; i < LEVELS; i++) {
      if (!fitOn(this.#pool, query, node, transfer, 0, this.#fit)) break;
      const { rate, score, total, compute, cost } = this.#fit;
      levels.push({ rate, lanes: query.lanes, score, total, compute, cost });
      if (query.work === 0 || lane === 0) break;
      query.lanes = rate / 2 / lane;
    }
    query.lanes = asked;
    return { node, levels, leastRate: this.#leastRate(node, lane, transfer) };
  }

  /** What start, rate and deadline ask for at the least; price limits are left out of it. */
  #leastRate(node: number, lane: number, transfer: number): number {
    const query = this.#query;
    if (query.work === 0) return 0;
    const factor = factorOn(query, node);
    const queue = this.#pool.nodes.queue[query.type as 0 | 1 | 2][node]!;
    const left = query.deadline - transfer - queue;
    const forDeadline = left > 0 && left < Number.POSITIVE_INFINITY ? (query.work * 1e6) / left / factor : 0;
    return Math.max(
      Math.floor(LEAST_SHARE * lane),
      query.atLeast / factor,
      Math.floor(forDeadline * (1 - 1e-9)),
    );
  }
}
