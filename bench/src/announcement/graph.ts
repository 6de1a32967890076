import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Micros } from "@weft/kernel";
import {
  cableDelay,
  formatImportProblem,
  largestComponent,
  readGraphml,
  readSndlib,
  type Topology,
} from "@weft/lab";
import { EventHeap } from "@weft/sim";

/** A topology with delays, and the fastest way between any two of its sites. */
export interface Graph {
  readonly name: string;
  readonly size: number;
  readonly cables: readonly { readonly a: number; readonly b: number; readonly delay: number }[];
  /** `delay[from * size + to]`, microseconds. */
  readonly delay: Float64Array;
  /** Links on that way. */
  readonly hops: Uint16Array;
  /** How much traffic starts at each site; all alike where the source knows no demands. */
  readonly weight: readonly number[];
}

const UNKNOWN = 1000 as Micros;

/** Reads every topology file at a path, which may be a folder. Stops with the importer's own words. */
export function readTopologies(path: string): Topology[] {
  if (!existsSync(path)) throw new Error(`${path}: no such file or folder`);
  if (statSync(path).isDirectory()) {
    return readdirSync(path)
      .filter((file) => file.endsWith(".graphml") || file.endsWith(".sndlib.json"))
      .sort()
      .flatMap((file) => readTopologies(join(path, file)));
  }
  const text = readFileSync(path, "utf8");
  const read = path.endsWith(".graphml") ? readGraphml(text, path) : readSndlib(text, path);
  if (!read.ok) throw new Error(formatImportProblem(read.refusal));
  const name = basename(path).replace(/\.(graphml|sndlib\.json)$/, "");
  return [{ ...read.value, name }];
}

/** Its largest component, with all fastest ways (Floyd and Warshall). */
export function graphOf(topology: Topology): Graph {
  const whole = largestComponent(topology);
  const size = whole.sites.length;
  const delay = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY);
  const hops = new Uint16Array(size * size);
  for (let i = 0; i < size; i++) delay[i * size + i] = 0;
  const cables = whole.cables.map((cable) => ({
    a: cable.a,
    b: cable.b,
    delay: cableDelay(whole, cable, UNKNOWN),
  }));
  for (const { a, b, delay: us } of cables) {
    delay[a * size + b] = delay[b * size + a] = us;
    hops[a * size + b] = hops[b * size + a] = 1;
  }
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const through = delay[i * size + k]! + delay[k * size + j]!;
        if (through >= delay[i * size + j]!) continue;
        delay[i * size + j] = through;
        hops[i * size + j] = hops[i * size + k]! + hops[k * size + j]!;
      }
    }
  }
  const weight = new Array<number>(size).fill(whole.demands.length === 0 ? 1 : 0);
  for (const { from, rate } of whole.demands) weight[from] = (weight[from] ?? 0) + rate;
  return { name: topology.name, size, cables, delay, hops, weight };
}

/** The latency eccentricity of a site: no news of it can be everywhere sooner. */
export function eccentricity(graph: Graph, site: number): number {
  let most = 0;
  for (let to = 0; to < graph.size; to++) most = Math.max(most, graph.delay[site * graph.size + to]!);
  return most;
}

/** The site from which the farthest one is nearest. */
export function centre(graph: Graph, among: readonly number[] = [...Array(graph.size).keys()]): number {
  const reach = (site: number) => Math.max(...among.map((to) => graph.delay[site * graph.size + to]!));
  return among.reduce((best, site) => (reach(site) < reach(best) ? site : best));
}

/** Sites in `count` regions, each around one of `count` sites far from each other; each with its centre. */
export function regionsOf(
  graph: Graph,
  count: number,
): { readonly of: readonly number[]; readonly centres: readonly number[] } {
  const seeds = [centre(graph)];
  const near = (site: number) => Math.min(...seeds.map((seed) => graph.delay[seed * graph.size + site]!));
  while (seeds.length < count) {
    let far = 0;
    for (let site = 1; site < graph.size; site++) if (near(site) > near(far)) far = site;
    seeds.push(far);
  }
  const of = Array.from({ length: graph.size }, (_, site) => {
    let best = 0;
    for (let r = 1; r < count; r++) {
      if (graph.delay[seeds[r]! * graph.size + site]! < graph.delay[seeds[best]! * graph.size + site]!)
        best = r;
    }
    return best;
  });
  const centres = seeds.map((_, r) =>
    centre(
      graph,
      of.flatMap((region, site) => (region === r ? [site] : [])),
    ),
  );
  return { of, centres };
}

/** A large topology: its cables with delays, and how far the farthest site is from one (Dijkstra on a binary heap). */
export function graphDelays(topology: Topology): {
  readonly cables: Graph["cables"];
  furthest(from: number): number;
} {
  const cables = topology.cables.map((cable) => ({
    a: cable.a,
    b: cable.b,
    delay: cableDelay(topology, cable, UNKNOWN) as number,
  }));
  const next: number[][] = topology.sites.map(() => []);
  for (const { a, b, delay } of cables) {
    next[a]?.push(b, delay);
    next[b]?.push(a, delay);
  }
  return { cables, furthest: (from) => distances(next, from).reduce((most, us) => Math.max(most, us), 0) };
}

function distances(next: readonly (readonly number[])[], from: number): number[] {
  const best = new Array<number>(next.length).fill(Number.POSITIVE_INFINITY);
  best[from] = 0;
  const queue = new EventHeap();
  queue.push(0, from);
  while (queue.size > 0) {
    const site = queue.pop();
    const at = queue.at;
    if (at > (best[site] as number)) continue;
    const ways = next[site] as readonly number[];
    for (let i = 0; i < ways.length; i += 2) {
      const there = at + (ways[i + 1] as number);
      if (there >= (best[ways[i] as number] as number)) continue;
      best[ways[i] as number] = there;
      queue.push(there, ways[i] as number);
    }
  }
  return best;
}
