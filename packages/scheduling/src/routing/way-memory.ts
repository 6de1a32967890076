import type { Graph } from "./graph.ts";
import type { Way } from "./way.ts";

/** Ways kept at most, and the longest that is kept, in hops: 136 bytes each, a megabyte in all. */
const WAYS = 8192;
const LONGEST = 31;
const WORDS = LONGEST + 1;

/**
 * The way that was the best last time between two sites, for as many pairs as there is room: the latest of those that share
 * a place. It is likely good again, and one that is good to begin with leaves a search little to look at.
 */
export class WayMemory {
  /** The graph the hops are of. */
  #graph: Graph | null = null;
  /** By place: the pair, -1 where there is none; how many hops, and which. */
  readonly #pairs = new Float64Array(WAYS).fill(-1);
  readonly #hops = new Int32Array(WAYS * WORDS);

  /** Fills `into` with the way kept from `site` to `source`; false where there is none. */
  recall(graph: Graph, source: number, site: number, into: Way): boolean {
    if (graph !== this.#graph) return false;
    const place = placeOf(source, site);
    if (this.#pairs[place] !== pairOf(source, site)) return false;
    const hops = this.#hops;
    const at = place * WORDS;
    into.count = hops[at] as number;
    for (let i = 0; i < into.count; i++) into.hops[i] = hops[at + 1 + i] as number;
    return true;
  }

  /** Keeps a way from `site` to `source`, unless it is too long. */
  keep(graph: Graph, source: number, site: number, way: Way): void {
    if (way.count > LONGEST) return;
    if (graph !== this.#graph) {
      this.#graph = graph;
      this.#pairs.fill(-1);
    }
    const place = placeOf(source, site);
    this.#pairs[place] = pairOf(source, site);
    const hops = this.#hops;
    const at = place * WORDS;
    hops[at] = way.count;
    for (let i = 0; i < way.count; i++) hops[at + 1 + i] = way.hops[i] as number;
  }
}

const pairOf = (source: number, site: number): number => source * 2 ** 24 + site;
const placeOf = (source: number, site: number): number =>
  (Math.imul(source, 0x9e3779b1) + Math.imul(site, 0x85ebca6b)) >>> (32 - Math.log2(WAYS));
