import type { Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { Fit, fitOn, hasRoom, isBetter, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";

/** How the best node is looked for; every search gives the same answer. */
export interface Search {
  /** Takes in what changed in the pool. */
  refresh(): void;
  /** Leaves the best fit in `best` (node -1 when there is none). */
  best(query: Query, best: Fit): void;
}

/**
 * Looks at every node: the search that is obviously right. The index is tested against it and measured against it.
 */
export class FullScan implements Search {
  readonly #pool: Pool;
  readonly #paths: QuickestPath;
  readonly #fit = new Fit();

  constructor(pool: Pool, paths: QuickestPath) {
    this.#pool = pool;
    this.#paths = paths;
  }

  refresh(): void {}

  best(query: Query, best: Fit): void {
    const { nodes, links } = this.#pool;
    best.node = -1;
    best.score = Number.POSITIVE_INFINITY;
    this.#paths.begin(query);
    // By site, since the path is the same for all nodes of one: -1 not looked for yet, Infinity none.
    const transfer = new Float64Array(links.sites.bound).fill(-1);
    const hops = new Int32Array(links.sites.bound);
    for (let n = 0; n < nodes.bound; n++) {
      if (!nodes.slots.has(n) || !isSuitable(this.#pool, query, n) || !hasRoom(this.#pool, query, n))
        continue;
      const site = nodes.site[n] as number;
      if (transfer[site] === -1) {
        const found = this.#paths.find(site, Number.MAX_VALUE);
        transfer[site] = found ? this.#paths.transferIn + this.#paths.transferOut : Number.POSITIVE_INFINITY;
        hops[site] = this.#paths.hops;
      }
      if (transfer[site] === Number.POSITIVE_INFINITY) continue;
      if (!fitOn(this.#pool, query, n, transfer[site] as number, hops[site] as number, this.#fit)) continue;
      if (best.node < 0 || isBetter(this.#pool, this.#fit, best)) best.take(this.#fit);
    }
  }
}
