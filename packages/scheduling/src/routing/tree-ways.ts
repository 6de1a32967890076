import { BAND, HOP, type Network, ROUND_TRIP } from "./network.ts";

/** An entry: what it is for, the round trip, what the least detour adds, how many hops, and the hops. */
const ENTRY = 24;
const [KEY, STAMP, NEAREST, DETOUR, COUNT, HOPS] = [0, 1, 2, 3, 4, 5] as const;
/** Entries, 192 bytes each: 6 MB at most. */
const ENTRIES = 2 ** 15;

/**
 * The ways that trees show, remembered: from each of the latest pairs of data and site the hops in a row, read without a
 * walk through the tree, whose every step would be a look at another part of memory. Void as soon as the tree could be
 * another.
 */
export class TreeWays {
  readonly #network: Network;
  #entries: Float64Array = new Float64Array(0);
  #mask = 0;
  #at = 0;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Where the hops of the way recalled last begin, and where they are. */
  get first(): number {
    return this.#at + HOPS;
  }
  get entries(): Float64Array {
    return this.#entries;
  }
  get count(): number {
    return this.#entries[this.#at + COUNT] as number;
  }
  /** Micros of the round trip. */
  get nearest(): number {
    return this.#entries[this.#at + NEAREST] as number;
  }
  /** Micros by which any other way over the view is longer at the least. */
  get detour(): number {
    return this.#entries[this.#at + DETOUR] as number;
  }

  /** Finds the way from `site` to `source` over a view; false where there is none, or too long a one. */
  recall(source: number, site: number, view: number, band: number): boolean {
    const { vertices } = this.#network.graph;
    if (this.#entries.length === 0) this.#makeRoom(vertices);
    const key = (view * vertices + source) * vertices + site;
    const stamp = this.#network.stampOf(view);
    this.#at = ((Math.imul(source, 0x9e3779b1) + Math.imul(site, 0x85ebca6b) + view) & this.#mask) * ENTRY;
    const entries = this.#entries;
    if (entries[this.#at + KEY] === key && entries[this.#at + STAMP] === stamp) return true;
    entries[this.#at + KEY] = -1;
    if (!this.#read(source, site, view, band)) return false;
    entries[this.#at + KEY] = key;
    entries[this.#at + STAMP] = stamp;
    return true;
  }

  #makeRoom(vertices: number): void {
    let entries = 64;
    while (entries < ENTRIES && entries < vertices * vertices) entries *= 2;
    this.#entries = new Float64Array(entries * ENTRY);
    this.#mask = entries - 1;
  }

  /** Reads a way off the tree. */
  #read(source: number, site: number, view: number, band: number): boolean {
    const { graph, hops: figures } = this.#network;
    const { start, head } = graph;
    const { distance, parent } = this.#network.treeOf(source, view);
    const entries = this.#entries;
    let [count, detour] = [0, Number.POSITIVE_INFINITY];
    if (!((distance[site] as number) < Number.POSITIVE_INFINITY)) return false;
    for (let v = site; v !== source; v = parent[v] as number) {
      const next = parent[v] as number;
      const from = distance[v] as number;
      const end = start[v + 1] as number;
      let along = -1;
      for (let hop = start[v] as number; hop < end; hop++) {
        const u = head[hop] as number;
        if (u === next) along = hop;
        else if ((figures[hop * HOP + BAND] as number) >= band) {
          const longer = (figures[hop * HOP + ROUND_TRIP] as number) + (distance[u] as number) - from;
          if (longer < detour) detour = longer;
        }
      }
      if (along < 0 || count === ENTRY - HOPS) return false;
      entries[this.#at + HOPS + count++] = along;
    }
    entries[this.#at + NEAREST] = distance[site] as number;
    entries[this.#at + DETOUR] = detour;
    entries[this.#at + COUNT] = count;
    return true;
  }
}
