import type { Pool } from "@weft/pool";
import { Fit, fitOn, hasRoom, isAhead, isBetter, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";
import type { Reach } from "./reach.ts";

/**
 * The best fit of those tried, and the best of the others. Paths count as good as their bound until they are searched for,
 * which is done for the winner's alone.
 */
export class Contest {
  readonly #pool: Pool;
  readonly #reach: Reach;
  readonly #fit = new Fit();
  readonly #rival = new Fit();
  best: Fit = new Fit();

  constructor(pool: Pool, reach: Reach) {
    this.#pool = pool;
    this.#reach = reach;
  }

  begin(best: Fit): void {
    this.best = best;
    best.node = -1;
    best.score = Number.POSITIVE_INFINITY;
    this.#rival.node = -1;
  }

  /** Fits the task in all detail on a node whose site is reached in `transfer` at the least; true where it is the best. */
  tryOn(query: Query, n: number, transfer: number, hops: number): boolean {
    const pool = this.#pool;
    const fit = this.#fit;
    const { best } = this;
    if (!hasRoom(pool, query, n) || !isSuitable(pool, query, n)) return false;
    if (!fitOn(pool, query, n, transfer, hops, fit)) return false;
    if (best.node >= 0 && !isBetter(pool, fit, best)) {
      this.#keepRival(fit);
      return false;
    }
    if (best.node >= 0) this.#keepRival(best);
    best.take(fit);
    return true;
  }

  /** Passes a node whose score is no better than the best's and whose total, at the least, is greater. */
  putAside(n: number, total: number): void {
    const rival = this.#rival;
    const { score } = this.best;
    if (rival.node >= 0 && (rival.score < score || (rival.score === score && rival.total <= total))) return;
    rival.node = n;
    rival.score = score;
    rival.total = total;
    rival.cost = 0;
  }

  #keepRival(fit: Fit): void {
    if (this.#rival.node < 0 || isAhead(fit, this.#rival)) this.#rival.take(fit);
  }

  /**
   * Finds the real path of the best fit, if it was only bounded. True when the fit is the best of all, or none is left;
   * else the nodes have to be gone through again with what was learnt, the best being the one to beat, or none.
   */
  confirm(query: Query): boolean {
    const { best } = this;
    const { node, score } = best;
    if (node < 0) return true;
    const reach = this.#reach;
    const site = this.#pool.nodes.site[node] as number;
    if (reach.isKnown(query, site)) return true;
    const transfer = reach.resolve(query, site);
    const found = transfer < Number.POSITIVE_INFINITY;
    if (found && fitOn(this.#pool, query, node, transfer, reach.hopsTo(query, site), best)) {
      // What was passed unseen is worse than the score it had; what was seen and put aside is behind the rival.
      if (best.score === score && (this.#rival.node < 0 || isAhead(best, this.#rival))) return true;
    } else {
      best.node = -1;
      best.score = Number.POSITIVE_INFINITY;
    }
    this.#rival.node = -1;
    reach.lookEverywhereUp();
    return false;
  }
}
