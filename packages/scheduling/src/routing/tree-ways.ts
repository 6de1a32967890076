import { HEAD, HOP, type Network, ROUND_TRIP } from "./network.ts";
import type { Way } from "./way.ts";

/** An entry: what it is for, what the least detour adds, how many hops, and the hops. */
const ENTRY = 24;
const [KEY, STAMP, DETOUR, COUNT, HOPS] = [0, 1, 2, 3, 4] as const;
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

  /** Round-trip micros by which any other way is longer than the one recalled last, at the least. */
  get detour(): number {
    return this.#entries[this.#at + DETOUR] as number;
  }

  /** Reads the way from `site` to `source` over a view; false where there is none, or too long a one. */
  recall(source: number, site: number, view: number, into: Way): boolean {
    const { vertices } = this.#network.graph;
    if (this.#entries.length === 0) this.#makeRoom(vertices);
    const key = (view * vertices + source) * vertices + site;
    const stamp = this.#network.stampOf(view);
    this.#at = ((Math.imul(source, 0x9e3779b1) + Math.imul(site, 0x85ebca6b) + view) & this.#mask) * ENTRY;
    const entries = this.#entries;
    if (entries[this.#at + KEY] !== key || entries[this.#at + STAMP] !== stamp) {
      entries[this.#at + KEY] = -1;
      if (!this.#read(source, site, view)) return false;
      entries[this.#at + KEY] = key;
      entries[this.#at + STAMP] = stamp;
    }
    const count = entries[this.#at + COUNT] as number;
    const first = this.#at + HOPS;
    for (let i = 0; i < count; i++) into.hops[i] = entries[first + i] as number;
    into.count = count;
    return true;
  }

  #makeRoom(vertices: number): void {
    let entries = 64;
    while (entries < ENTRIES && entries < vertices * vertices) entries *= 2;
    this.#entries = new Float64Array(entries * ENTRY);
    this.#mask = entries - 1;
  }

  /** Reads a way off the tree. */
  #read(source: number, site: number, view: number): boolean {
    const { graph, hops: figures } = this.#network;
    const { start } = graph;
    const { distance, parent } = this.#network.treeOf(source, view);
    const entries = this.#entries;
    let count = 0;
    let detour = Number.POSITIVE_INFINITY;
    let before = -1;
    if (!((distance[site] as number) < Number.POSITIVE_INFINITY)) return false;
    for (let v = site; v !== source; before = v, v = parent[v] as number) {
      const next = parent[v] as number;
      const from = distance[v] as number;
      const end = start[v + 1] as number;
      let along = -1;
      for (let hop = start[v] as number; hop < end; hop++) {
        const at = hop * HOP;
        const u = figures[at + HEAD] as number;
        if (u === next) along = hop;
        else if (u !== before) {
          // A way that leaves here goes on over this hop; one that turns back would be a loop.
          const longer = (figures[at + ROUND_TRIP] as number) + (distance[u] as number) - from;
          if (longer < detour) detour = longer;
        }
      }
      if (along < 0 || count === ENTRY - HOPS) return false;
      entries[this.#at + HOPS + count++] = along;
    }
    entries[this.#at + DETOUR] = detour;
    entries[this.#at + COUNT] = count;
    return true;
  }
}
