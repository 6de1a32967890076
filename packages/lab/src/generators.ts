import type { BitsPerSecond, Micros, Rng } from "@weft/kernel";
import type { Cable, SitePlace, Topology } from "./topology.ts";

/** Sites in a square of `side` kilometres around 50 N, 10 E. */
function scattered(rng: Rng, count: number, side: number): SitePlace[] {
  const degree = 111.2;
  return Array.from({ length: count }, (_, i) => ({
    name: `s${i + 1}`,
    latitude: 50 + ((rng.float() - 0.5) * side) / degree,
    longitude: 10 + ((rng.float() - 0.5) * side) / (degree * Math.cos((50 * Math.PI) / 180)),
    region: null,
  }));
}

/** Joins what chance left apart: each further component by the pair of sites nearest to the first. */
function joined(sites: readonly SitePlace[], cables: Cable[]): Cable[] {
  const group = sites.map((_, i) => i);
  const find = (i: number): number => {
    while (group[i] !== i) i = group[i] = group[group[i] as number] as number;
    return i;
  };
  for (const { a, b } of cables) group[find(a)] = find(b);
  for (let i = 1; i < sites.length; i++) {
    if (find(i) === find(0)) continue;
    let nearest = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < i; j++) {
      const apart = squared(sites[i] as SitePlace, sites[j] as SitePlace);
      if (find(j) !== find(i) && apart < least) {
        least = apart;
        nearest = j;
      }
    }
    cables.push({ a: nearest, b: i, delay: null, rate: null });
    group[find(i)] = find(nearest);
  }
  return cables;
}

const squared = (a: SitePlace, b: SitePlace): number =>
  ((a.latitude as number) - (b.latitude as number)) ** 2 +
  ((a.longitude as number) - (b.longitude as number)) ** 2;

/**
 * Waxman's random network (1988): two sites at distance d are joined with chance alpha * exp(-d / (beta * L)), where
 * L is the greatest distance; then made one piece.
 */
export function waxman(
  rng: Rng,
  options: { sites: number; alpha: number; beta: number; side: number },
): Topology {
  const sites = scattered(rng, options.sites, options.side);
  let longest = 0;
  for (const [i, a] of sites.entries())
    for (const b of sites.slice(i + 1)) longest = Math.max(longest, squared(a, b));
  const cables: Cable[] = [];
  for (let a = 0; a < sites.length; a++) {
    for (let b = a + 1; b < sites.length; b++) {
      const apart = Math.sqrt(squared(sites[a] as SitePlace, sites[b] as SitePlace) / longest);
      if (rng.chance(options.alpha * Math.exp(-apart / options.beta)))
        cables.push({ a, b, delay: null, rate: null });
    }
  }
  return { name: `waxman-${options.sites}`, sites, cables: joined(sites, cables), demands: [] };
}

/** Barabasi and Albert's network (1999): each new site is joined to `links` others, chosen by how many links they have. */
export function barabasiAlbert(rng: Rng, options: { sites: number; links: number; side: number }): Topology {
  const { links } = options;
  const sites = scattered(rng, options.sites, options.side);
  const ends: number[] = [];
  const cables: Cable[] = [];
  const join = (a: number, b: number): void => {
    cables.push({ a, b, delay: null, rate: null });
    ends.push(a, b);
  };
  for (let i = 1; i <= Math.min(links, sites.length - 1); i++) for (let j = 0; j < i; j++) join(i, j);
  for (let i = links + 1; i < sites.length; i++) {
    const chosen = new Set<number>();
    while (chosen.size < links) chosen.add(rng.pick(ends));
    for (const j of chosen) join(i, j);
  }
  return { name: `barabasi-albert-${options.sites}`, sites, cables, demands: [] };
}

/** Clouds joined to each other, `edges` edge sites under each, `ends` end sites under each edge: a tree of three tiers. */
export function hierarchical(
  rng: Rng,
  options: {
    clouds: number;
    edges: number;
    ends: number;
    side: number;
    rates: readonly [BitsPerSecond, BitsPerSecond, BitsPerSecond];
  },
): Topology {
  const { clouds, edges, ends, side, rates } = options;
  const sites: SitePlace[] = [];
  const cables: Cable[] = [];
  const near = (name: string, around: SitePlace, radius: number): number => {
    const [dLat, dLong] = [(rng.float() - 0.5) * radius, (rng.float() - 0.5) * radius];
    const latitude = (around.latitude as number) + dLat / 111.2;
    sites.push({ name, latitude, longitude: (around.longitude as number) + dLong / 71.5, region: null });
    return sites.length - 1;
  };
  const centres = scattered(rng, clouds, side).map((place, c) => near(`cloud-${c + 1}`, place, 0));
  for (const [c, cloud] of centres.entries()) {
    for (const other of centres.slice(0, c)) cables.push({ a: other, b: cloud, delay: null, rate: rates[0] });
    for (let e = 1; e <= edges; e++) {
      const edge = near(`edge-${c + 1}-${e}`, sites[cloud] as SitePlace, side / 2);
      cables.push({ a: cloud, b: edge, delay: null, rate: rates[1] });
      for (let n = 1; n <= ends; n++) {
        const end = near(`end-${c + 1}-${e}-${n}`, sites[edge] as SitePlace, 5);
        cables.push({ a: edge, b: end, delay: 2000 as Micros, rate: rates[2] });
      }
    }
  }
  return { name: `hierarchy-${sites.length}`, sites, cables, demands: [] };
}
