import { ACCELERATOR_BITS, type NodeTable } from "@weft/pool";
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

/**
 * The lanes by which a task's nodes are ranked: 0 where time does not count. Where nothing but time does, the order of
 * nodes is the same for any number of lanes, so one ranking by a single lane serves all.
 */
export function rankedLanes(query: Query): number {
  if (query.perMicro === 0) return 0;
  const onlyTime = query.perMoney === 0 && query.perJoule === 0 && query.perGram === 0;
  return onlyTime && query.lanes > 1 && query.lanes < Number.POSITIVE_INFINITY ? 1 : query.lanes;
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
  /** Capabilities beside the keys: most nodes passed over are passed over for these, without a look anywhere else. */
  readonly capabilities: Int32Array;
  readonly first: Int32Array;
}

const NOBODY: SiteRow = {
  nodes: new Int32Array(0),
  keys: new Float64Array(0),
  capabilities: new Int32Array(0),
  first: new Int32Array(BANDS),
};

/**
 * All nodes by what one operation of a kind of task adds to its score there (price, time, energy, carbon, as the
 * objective weighs them; less is better): in each site by key, and in each band the sites by their best node's key. A search walks both in ascending order and
 * stops where the key alone is worse than what it has, so it sees little more than what it returns. A
 * reservation moves a node between bands in O(bands it crosses); the order of sites is mended when a search next
 * needs that band.
 *
 * Memory: 20 bytes a node ranked, about 20 bytes a site and band.
 */
export class Ranking {
  readonly type: number;
  readonly #nodes: NodeTable;
  readonly #perMoney: number;
  readonly #perMicro: number;
  readonly #perJoule: number;
  readonly #perGram: number;
  readonly #lanes: number;
  /** The accelerators a task asks for: rare enough to rank the nodes that have them by themselves. */
  readonly #devices: number;
  readonly #bandOf: (node: number) => number;
  #rows: SiteRow[] = [];
  /** By node: its position in its site's row; -1 where it is not ranked. */
  #position = new Int32Array(0);
  #order = { sites: new Int32Array(0), keys: new Float64Array(0) };
  #sorted = false;

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
    this.#lanes = rankedLanes(like);
    this.#devices = like.capabilities & ACCELERATOR_BITS;
    this.#bandOf = bandOf;
  }

  /** Whether this is the ranking for a task. */
  serves(query: Query): boolean {
    return (
      this.type === query.type &&
      this.#perMoney === query.perMoney &&
      this.#perMicro === query.perMicro &&
      this.#perJoule === query.perJoule &&
      this.#perGram === query.perGram &&
      this.#lanes === rankedLanes(query) &&
      this.#devices === (query.capabilities & ACCELERATOR_BITS)
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

  /** The sites that have nodes, by the key of their best node, free or not: `keys` beside them. */
  order(): { readonly sites: Int32Array; readonly keys: Float64Array } {
    if (!this.#sorted) this.#sort();
    return this.#order;
  }

  /** The nodes of a site, or their keys, changed. */
  rebuild(site: number, members: readonly number[]): void {
    const { capabilities } = this.#nodes;
    const sorted: { node: number; key: number }[] = [];
    for (const node of members) {
      if (node >= this.#position.length) this.#makeRoom(node + 1);
      this.#position[node] = -1;
      if (((capabilities[node] as number) & this.#devices) !== this.#devices) continue;
      sorted.push({ node, key: this.#keyOf(node) });
    }
    sorted.sort(byKey);
    const row: SiteRow = {
      nodes: Int32Array.from(sorted, ({ node }) => node),
      keys: Float64Array.from(sorted, ({ key }) => key),
      capabilities: Int32Array.from(sorted, ({ node }) => capabilities[node] as number),
      first: new Int32Array(BANDS).fill(sorted.length),
    };
    sorted.forEach(({ node }, at) => {
      this.#position[node] = at;
      for (let band = this.#bandOf(node); band >= 0 && row.first[band] === sorted.length; band--)
        row.first[band] = at;
    });
    while (this.#rows.length <= site) this.#rows.push(NOBODY);
    this.#rows[site] = row;
    this.#sorted = false;
  }

  #sort(): void {
    const present: { site: number; key: number }[] = [];
    this.#rows.forEach((row, site) => {
      if (row.nodes.length > 0) present.push({ site, key: row.keys[0] as number });
    });
    present.sort(byKey);
    this.#order = {
      sites: Int32Array.from(present, ({ site }) => site),
      keys: Float64Array.from(present, ({ key }) => key),
    };
    this.#sorted = true;
  }

  #makeRoom(nodes: number): void {
    const wider = new Int32Array(Math.max(nodes, this.#position.length * 2)).fill(-1);
    wider.set(this.#position);
    this.#position = wider;
  }

  /** A node went from one band to another. */
  move(node: number, site: number, from: number, to: number): void {
    const row = this.row(site);
    const at = this.#position[node] as number;
    if (at < 0) return; // not one of those ranked
    const { first, nodes } = row;
    for (let band = from + 1; band <= to; band++) {
      if (at < (first[band] as number)) first[band] = at;
    }
    for (let band = to + 1; band <= from; band++) {
      if (at !== first[band]) continue;
      let next = at + 1;
      while (next < nodes.length && this.#bandOf(nodes[next] as number) < band) next++;
      first[band] = next;
    }
  }
}

/** Ascending; keys may be endless. */
const byKey = (a: { key: number }, b: { key: number }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
