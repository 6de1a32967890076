import { DirtySet, type NodeTable } from "@weft/pool";
import { LEAST_SHARE } from "./fit.ts";
import type { Query } from "./query.ts";

/**
 * Nodes by what they have free, in bands: 0 takes any node that accepts tasks, 1 those a task may start on
 * (`LEAST_SHARE`), and each further one those with at least its floor of operations a second, doubling from 4.3 GOPS
 * to 17.6 TOPS. A task that needs a certain rate looks at one band only, and whatever is full is not in it.
 */
const FLOORS: Float64Array = Float64Array.from({ length: 13 }, (_, i) => 2 ** (32 + i));
export const BANDS: number = FLOORS.length + 2;

/** The highest band whose every node may have less than `rate` free: where a task needing `rate` has to look. */
export function bandFor(rate: number): number {
  let band = 1;
  while (band < BANDS - 1 && (FLOORS[band - 1] as number) <= rate) band++;
  return band;
}

/** The highest band a node is in, for one type of computing power; -1: in none. */
export function bandOf(nodes: NodeTable, type: number, n: number): number {
  if (nodes.accepting[n] !== 1) return -1;
  const free = nodes.free[type as 0 | 1 | 2][n] as number;
  if (free < 1 || free < LEAST_SHARE * (nodes.lane[type as 0 | 1 | 2][n] as number)) return 0;
  return bandFor(free);
}

/** The nodes of one site, by ascending key; `first[band]` is the position of the first node in the band. */
interface SiteRow {
  readonly nodes: Int32Array;
  readonly keys: Float64Array;
  readonly first: Int32Array;
}

const NOBODY: SiteRow = {
  nodes: new Int32Array(0),
  keys: new Float64Array(0),
  first: new Int32Array(BANDS),
};

/**
 * All nodes by what one operation of a kind of task adds to its score there (price, time, energy, carbon, as the
 * objective weighs them; less is better): in each site by key, and in each band the sites by their best node's key. A search walks both in ascending order and
 * stops where the key alone is worse than what it has, so it sees little more than what it returns. A
 * reservation moves a node between bands in O(bands it crosses); the order of sites is mended when a search next
 * needs that band.
 *
 * Memory: 16 bytes a node, about 20 bytes a site and band.
 */
export class Ranking {
  readonly type: number;
  readonly #nodes: NodeTable;
  readonly #perMoney: number;
  readonly #perMicro: number;
  readonly #perJoule: number;
  readonly #perGram: number;
  /** Lanes of the task; 0 where time does not count. */
  readonly #lanes: number;
  readonly #bandOf: (node: number) => number;
  #rows: SiteRow[] = [];
  /** By node: its position in its site's row. */
  #position = new Int32Array(0);
  readonly #orders: SiteOrder[] = [];

  /**
   * For tasks of the type, objective and lanes of `like`. `bandOf` must give the band that the owner last announced
   * with `rebuild` or `move`.
   */
  constructor(nodes: NodeTable, like: Query, bandOf: (node: number) => number) {
    this.type = like.type;
    this.#nodes = nodes;
    this.#perMoney = like.perMoney;
    this.#perMicro = like.perMicro;
    this.#perJoule = like.perJoule;
    this.#perGram = like.perGram;
    this.#lanes = like.perMicro > 0 ? like.lanes : 0;
    this.#bandOf = bandOf;
    for (let band = 0; band < BANDS; band++) this.#orders.push(new SiteOrder());
  }

  /** Whether this is the ranking for a task. */
  serves(query: Query): boolean {
    return (
      this.type === query.type &&
      this.#perMoney === query.perMoney &&
      this.#perMicro === query.perMicro &&
      this.#perJoule === query.perJoule &&
      this.#perGram === query.perGram &&
      (this.#perMicro === 0 || this.#lanes === query.lanes)
    );
  }

  /** What one operation adds to the score on a node at the least; Infinity where a figure is unknown. */
  #keyOf(n: number): number {
    const nodes = this.#nodes;
    const type = this.type as 0 | 1 | 2;
    let key = this.#perMoney * (nodes.pricePerOperation[type][n] as number);
    if (this.#perMicro > 0) {
      const all = nodes.power[type][n] as number;
      const own = this.#lanes * (nodes.lane[type][n] as number);
      key += (this.#perMicro * 1e6) / (own < all ? own : all);
    }
    if (this.#perJoule === 0 && this.#perGram === 0) return key;
    const joules = nodes.joulesPerOperation[type][n] as number;
    const grams = nodes.gramsPerJoule[n] as number;
    if (joules < 0 || (this.#perGram > 0 && grams < 0)) return Number.POSITIVE_INFINITY;
    return key + this.#perJoule * joules + (this.#perGram > 0 ? this.#perGram * joules * grams : 0);
  }

  row(site: number): SiteRow {
    return this.#rows[site] ?? NOBODY;
  }

  /** The sites of a band by ascending best key; a site without a node in it is not among them. */
  order(band: number): SiteOrder {
    const order = this.#orders[band] as SiteOrder;
    order.mend(band, this.#rows);
    return order;
  }

  /** The nodes of a site, or their keys, changed. */
  rebuild(site: number, members: readonly number[]): void {
    const sorted = members.map((node) => ({ node, key: this.#keyOf(node) })).sort(byKey);
    const row: SiteRow = {
      nodes: Int32Array.from(sorted, ({ node }) => node),
      keys: Float64Array.from(sorted, ({ key }) => key),
      first: new Int32Array(BANDS).fill(sorted.length),
    };
    sorted.forEach(({ node }, at) => {
      if (node >= this.#position.length) {
        const wider = new Int32Array(Math.max(node + 1, this.#position.length * 2));
        wider.set(this.#position);
        this.#position = wider;
      }
      this.#position[node] = at;
      for (let band = this.#bandOf(node); band >= 0 && row.first[band] === sorted.length; band--)
        row.first[band] = at;
    });
    while (this.#rows.length <= site) this.#rows.push(NOBODY);
    this.#rows[site] = row;
    for (const order of this.#orders) order.changed.mark(site);
  }

  /** A node went from one band to another. */
  move(node: number, site: number, from: number, to: number): void {
    const row = this.row(site);
    const at = this.#position[node] as number;
    const { first, nodes } = row;
    for (let band = from + 1; band <= to; band++) {
      if (at >= (first[band] as number)) continue;
      first[band] = at;
      (this.#orders[band] as SiteOrder).changed.mark(site);
    }
    for (let band = to + 1; band <= from; band++) {
      if (at !== first[band]) continue;
      let next = at + 1;
      while (next < nodes.length && this.#bandOf(nodes[next] as number) < band) next++;
      first[band] = next;
      (this.#orders[band] as SiteOrder).changed.mark(site);
    }
  }
}

/** Sites of one band in ascending order of their best node's key. */
class SiteOrder {
  /** Sites whose best node may be another since the order was last mended. */
  readonly changed = new DirtySet();
  #sites = new Int32Array(16);
  #keys = new Float64Array(16);
  #size = 0;
  /** By site: the key it stands in the order with; NaN: it does not. */
  #standing = new Float64Array(0);

  get size(): number {
    return this.#size;
  }
  get sites(): Int32Array {
    return this.#sites;
  }
  get keys(): Float64Array {
    return this.#keys;
  }

  mend(band: number, rows: readonly SiteRow[]): void {
    const { changed } = this;
    if (changed.size === 0) return;
    this.#makeRoom(rows.length);
    if (changed.size > 64) this.#sortAll(band, rows);
    else
      for (let i = 0; i < changed.size; i++) this.#replace(changed.at(i), bestKey(rows, changed.at(i), band));
    changed.clear();
  }

  #replace(site: number, key: number): void {
    const before = this.#standing[site] as number;
    if (before === key || (Number.isNaN(before) && Number.isNaN(key))) return;
    if (!Number.isNaN(before)) this.#remove(site, before);
    if (!Number.isNaN(key)) this.#insert(site, key);
    this.#standing[site] = key;
  }

  #insert(site: number, key: number): void {
    const at = this.#lowerBound(key);
    this.#sites.copyWithin(at + 1, at, this.#size);
    this.#keys.copyWithin(at + 1, at, this.#size);
    this.#sites[at] = site;
    this.#keys[at] = key;
    this.#size++;
  }

  #remove(site: number, key: number): void {
    let at = this.#lowerBound(key);
    while (this.#sites[at] !== site) at++;
    this.#sites.copyWithin(at, at + 1, this.#size);
    this.#keys.copyWithin(at, at + 1, this.#size);
    this.#size--;
  }

  #lowerBound(key: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sortAll(band: number, rows: readonly SiteRow[]): void {
    const present: { site: number; key: number }[] = [];
    for (let site = 0; site < rows.length; site++) {
      const key = bestKey(rows, site, band);
      this.#standing[site] = key;
      if (!Number.isNaN(key)) present.push({ site, key });
    }
    present.sort(byKey);
    this.#size = present.length;
    present.forEach(({ site, key }, at) => {
      this.#sites[at] = site;
      this.#keys[at] = key;
    });
  }

  #makeRoom(sites: number): void {
    if (this.#standing.length >= sites) return;
    const length = Math.max(sites + 1, this.#standing.length * 2);
    const standing = new Float64Array(length).fill(Number.NaN);
    standing.set(this.#standing);
    this.#standing = standing;
    const order = new Int32Array(length + 1);
    order.set(this.#sites.subarray(0, this.#size));
    this.#sites = order;
    const keys = new Float64Array(length + 1);
    keys.set(this.#keys.subarray(0, this.#size));
    this.#keys = keys;
  }
}

/** Ascending; keys may be endless. */
const byKey = (a: { key: number }, b: { key: number }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** The key of the site's best node in the band; NaN where it has none. */
function bestKey(rows: readonly SiteRow[], site: number, band: number): number {
  const row = rows[site] as SiteRow;
  const at = row.first[band] as number;
  return at < row.nodes.length ? (row.keys[at] as number) : Number.NaN;
}
