import type { Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import { widened } from "./column.ts";
import type { Query } from "./query.ts";

const NOWHERE = new Float64Array(0);

/**
 * How far the sites are from one task's data: in micros that the transfers to and from a site take at the least, and
 * exactly where the path was searched for.
 */
export class Reach {
  readonly #pool: Pool;
  readonly #paths: QuickestPath;
  /** Whether a task does not mind how far a site is: none is looked up then until one turns out to be cut off. */
  #anywhere = false;
  /** By site: the real path's micros and hops, where stamped with the number of the task. */
  #known = new Int32Array(0);
  #transfer = new Float64Array(0);
  #hops = new Int32Array(0);
  #task = 0;
  /** What bounds the task's paths, once a site was looked up. */
  #looked = false;
  #distances: Float64Array = NOWHERE;
  #limited = false;

  constructor(pool: Pool, paths: QuickestPath) {
    this.#pool = pool;
    this.#paths = paths;
  }

  begin(query: Query): void {
    this.#paths.begin(query);
    this.#task = (this.#task + 1) | 0;
    this.#looked = false;
    this.#limited = this.#paths.limited;
    this.#anywhere =
      query.deadline === Number.POSITIVE_INFINITY && query.perMicro === 0 && !query.bounded && !this.#limited;
    const sites = this.#pool.links.sites.bound;
    if (this.#known.length >= sites) return;
    this.#known = widened(this.#known, sites);
    this.#transfer = widened(this.#transfer, sites);
    this.#hops = widened(this.#hops, sites);
  }

  /** Whether the path to a site needs no search any more. */
  isKnown(query: Query, site: number): boolean {
    return site === query.source || this.#known[site] === this.#task;
  }

  /** Hops of the path to a site; 0 where it was not searched for. */
  hopsTo(query: Query, site: number): number {
    return site !== query.source && this.#known[site] === this.#task ? (this.#hops[site] as number) : 0;
  }

  /** Micros the transfers take at the least; Infinity where they take too long, or no way leads there. */
  leastTo(query: Query, site: number): number {
    if (this.#anywhere || site === query.source) return 0;
    if (query.bounded && query.allowed[site] !== query.serial) return Number.POSITIVE_INFINITY;
    if (!this.#looked) this.#look();
    const distances = this.#distances;
    if (site >= distances.length) return Number.POSITIVE_INFINITY;
    const known = this.#known[site] === this.#task;
    const least = known
      ? (this.#transfer[site] as number)
      : (distances[site] as number) + this.#paths.leastSending;
    if (!(least <= query.deadline)) return Number.POSITIVE_INFINITY;
    return this.#limited && !known && this.#paths.rulesOut(site) ? Number.POSITIVE_INFINITY : least;
  }

  #look(): void {
    this.#looked = true;
    this.#distances = this.#paths.distances;
  }

  /** Searches for the path to a site; its micros, Infinity where none is in time. Known from here on, as others may be. */
  resolve(query: Query, site: number): number {
    const paths = this.#paths;
    const found = paths.find(site, query.deadline);
    const transfer = found ? paths.transferIn + paths.transferOut : Number.POSITIVE_INFINITY;
    if (!found) this.#looked = false; // in vain: the distances may tell more now
    this.#known[site] = this.#task;
    this.#transfer[site] = transfer;
    this.#hops[site] = paths.hops;
    this.#looked = false; // a search may have sharpened what bounds the others
    return transfer;
  }

  /** From here on every site is looked up: one that a path was not found to need not be the last. */
  lookEverywhereUp(): void {
    this.#anywhere = false;
  }
}
