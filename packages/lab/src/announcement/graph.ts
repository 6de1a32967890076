import type { Micros } from "@weft/kernel";
import { EventHeap } from "@weft/sim";
import { cableDelay, largestComponent, type SitePlace, type Topology } from "../topology.ts";

/** The fastest ways from one site to all others. */
export interface WaysFrom {
  /** Microseconds by site. */
  readonly delay: Float64Array;
  /** Links on that way. */
  readonly hops: Uint16Array;
}

const UNKNOWN = 1000 as Micros;
/** Networks up to so many sites are looked at whole; in larger ones a few sites stand for all. */
const SMALL = 300;
/** How many sources' ways are kept at a time in a large network: each is ten bytes a site. */
const KEPT_WAYS = 400;

/** A topology's largest component with the delays of its links, and the fastest ways, found when asked for. */
export class Graph {
  readonly name: string;
  readonly size: number;
  readonly sites: readonly SitePlace[];
  readonly cables: readonly { readonly a: number; readonly b: number; readonly delay: number }[];
  /** How much traffic starts at each site; all alike where the source knows no demands. */
  readonly weight: readonly number[];
  /** By site: neighbour and delay, one after the other. */
  readonly #next: number[][];
  readonly #ways = new Map<number, WaysFrom>();

  constructor(topology: Topology) {
    const whole = largestComponent(topology);
    this.name = topology.name;
    this.sites = whole.sites;
    this.size = whole.sites.length;
    this.cables = whole.cables.map((cable) => ({
      a: cable.a,
      b: cable.b,
      delay: cableDelay(whole, cable, UNKNOWN) as number,
    }));
    this.#next = whole.sites.map(() => []);
    for (const { a, b, delay } of this.cables) {
      this.#next[a]?.push(b, delay);
      this.#next[b]?.push(a, delay);
    }
    const weight = new Array<number>(this.size).fill(whole.demands.length === 0 ? 1 : 0);
    for (const { from, rate } of whole.demands) weight[from] = (weight[from] ?? 0) + rate;
    this.weight = weight;
  }

  from(site: number): WaysFrom {
    const known = this.#ways.get(site);
    if (known !== undefined) return known;
    if (this.#ways.size >= KEPT_WAYS) this.#ways.delete(this.#ways.keys().next().value as number);
    const { delay, hops } = this.nearest([site]);
    const ways = { delay, hops };
    this.#ways.set(site, ways);
    return ways;
  }

  delay(a: number, b: number): number {
    return this.from(a).delay[b] as number;
  }

  degree(site: number): number {
    return (this.#next[site] as number[]).length / 2;
  }

  /** The latency eccentricity of a site: no news of it can be everywhere sooner. */
  eccentricity(site: number): number {
    return this.from(site).delay.reduce((most, us) => Math.max(most, us), 0);
  }

  /** The ways to each site from the nearest of `sources`, and which of them that is (Dijkstra on a binary heap). */
  nearest(sources: readonly number[]): WaysFrom & { readonly source: Int32Array } {
    const delay = new Float64Array(this.size).fill(Number.POSITIVE_INFINITY);
    const hops = new Uint16Array(this.size);
    const source = new Int32Array(this.size).fill(-1);
    const queue = new EventHeap();
    for (const [i, site] of sources.entries()) {
      if (delay[site] === 0) continue;
      delay[site] = 0;
      source[site] = i;
      queue.push(0, site);
    }
    while (queue.size > 0) {
      const site = queue.pop();
      const at = queue.at;
      if (at > (delay[site] as number)) continue;
      const ways = this.#next[site] as readonly number[];
      for (let i = 0; i < ways.length; i += 2) {
        const other = ways[i] as number;
        const there = at + (ways[i + 1] as number);
        if (there >= (delay[other] as number)) continue;
        delay[other] = there;
        hops[other] = (hops[site] as number) + 1;
        source[other] = source[site] as number;
        queue.push(there, other);
      }
    }
    return { delay, hops, source };
  }
}

/** The site from which the farthest one is nearest; in a large network the best of those with the most links. */
export function centre(graph: Graph): number {
  const all = [...Array(graph.size).keys()];
  const tried =
    graph.size <= SMALL ? all : all.sort((a, b) => graph.degree(b) - graph.degree(a)).slice(0, 24);
  const reach = new Map(tried.map((site) => [site, graph.eccentricity(site)]));
  return tried.reduce((best, site) =>
    (reach.get(site) as number) < (reach.get(best) as number) ? site : best,
  );
}

export interface Regions {
  /** Region of each site. */
  readonly of: readonly number[];
  /** The site at the middle of each region. */
  readonly centres: readonly number[];
}

const regionsKnown = new WeakMap<Graph, Regions>();

/** Regions of about the square root of all sites. */
export function regionsIn(graph: Graph): Regions {
  const known = regionsKnown.get(graph) ?? regionsOf(graph, Math.max(2, Math.round(Math.sqrt(graph.size))));
  regionsKnown.set(graph, known);
  return known;
}

/** Sites in `count` regions, each around one of `count` sites far from each other; each with its centre. */
function regionsOf(graph: Graph, count: number): Regions {
  if (graph.size > SMALL) {
    const seeds = Array.from({ length: count }, (_, i) => Math.floor((i * graph.size) / count));
    return { of: [...graph.nearest(seeds).source], centres: seeds };
  }
  const seeds = [centre(graph)];
  while (seeds.length < count) {
    const { delay } = graph.nearest(seeds);
    seeds.push(delay.reduce((far, us, site) => (us > (delay[far] as number) ? site : far), 0));
  }
  const of = [...graph.nearest(seeds).source];
  const centres = seeds.map((seed, r) => {
    const members = of.flatMap((region, site) => (region === r ? [site] : []));
    const reach = (site: number): number => Math.max(...members.map((to) => graph.delay(site, to)));
    return members.reduce((best, site) => (reach(site) < reach(best) ? site : best), seed);
  });
  return { of, centres };
}
