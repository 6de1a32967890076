import type { NodeTable } from "@weft/pool";
import { ROUNDING, widened } from "./column.ts";
import type { Query } from "./query.ts";

/** Where the columns by site have what holds for all sites. */
export const EVERYWHERE = 0;

/** What the nodes of a site can at the most and charge at the least. */
export class SiteOffers {
  /** By site + 1, and EVERYWHERE: the OR of the nodes' capabilities, the least price of a byte in and out, the least fee. */
  capabilities: Int32Array = new Int32Array(1);
  #priceIn = new Float64Array(1);
  #priceOut = new Float64Array(1);
  #fee = new Float64Array(1);
  #sites = 0;

  /** The nodes of a site, or what they charge, changed. */
  take(table: NodeTable, site: number, members: readonly number[]): void {
    this.#sites = Math.max(this.#sites, site + 1);
    this.capabilities = widened(this.capabilities, this.#sites + 1);
    this.#priceIn = widened(this.#priceIn, this.#sites + 1, Number.MAX_VALUE);
    this.#priceOut = widened(this.#priceOut, this.#sites + 1, Number.MAX_VALUE);
    this.#fee = widened(this.#fee, this.#sites + 1, Number.MAX_VALUE);
    this.capabilities[site + 1] = members.reduce((bits, n) => bits | (table.capabilities[n] as number), 0);
    this.#priceIn[site + 1] = leastOf(table.pricePerByteIn, members);
    this.#priceOut[site + 1] = leastOf(table.pricePerByteOut, members);
    this.#fee[site + 1] = leastOf(table.pricePerTask, members);
  }

  /** Sums up all sites, once all that changed were taken in. */
  sumUp(): void {
    for (const column of [this.#priceIn, this.#priceOut, this.#fee])
      column[EVERYWHERE] = column
        .subarray(1, this.#sites + 1)
        .reduce((a, b) => Math.min(a, b), Number.MAX_VALUE);
  }

  /** What bringing the bytes to and from a site (by index + 1) costs at the least, as part of a score. */
  moving(query: Query, at: number): number {
    if (query.perMoney === 0) return 0;
    const inward = query.inputBytes * (this.#priceIn[at] as number);
    return query.perMoney * ROUNDING * (inward + query.resultBytes * (this.#priceOut[at] as number));
  }

  /** What any task costs at the least, as part of a score. */
  feeEverywhere(query: Query): number {
    return query.perMoney * (this.#fee[EVERYWHERE] as number);
  }
}

/** The least entry of a column over some nodes; a site without nodes rules nothing in. */
function leastOf(column: Float64Array, members: readonly number[]): number {
  let least = Number.MAX_VALUE;
  for (const n of members) least = Math.min(least, column[n] as number);
  return least;
}
