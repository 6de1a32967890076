import { assert, type BitsPerSecond, type Micros, Rng } from "@weft/kernel";
import { barabasiAlbert, hierarchical, waxman } from "../generators.ts";
import { readGraphml } from "../importers/graphml.ts";
import { readPlaces } from "../importers/places.ts";
import { readSndlib } from "../importers/sndlib.ts";
import { type Cable, distanceKm, largestComponent, type SitePlace, type Topology } from "../topology.ts";
import type { ScenarioFiles } from "./files.ts";
import { type FieldProblems, imported } from "./problems.ts";
import type { NetworkDocument } from "./schema.ts";

type NetworkField = NetworkDocument["network"];
const SOURCES = ["graphml", "sndlib", "places", "waxman", "barabasiAlbert", "hierarchy", "sites"] as const;

/** The network a scenario names, generates or writes out; in one piece. Generated ones are the same for every seed. */
export function buildTopology(
  field: NetworkField,
  name: string,
  files: ScenarioFiles,
  problems: FieldProblems,
): Topology {
  const given = SOURCES.filter((source) => field[source] !== undefined);
  if (given.length !== 1) {
    problems.say(
      ["network"],
      `exactly one of ${SOURCES.join(", ")} is expected, found ${given.length === 0 ? "none" : given.join(", ")}`,
    );
    problems.check();
  }
  const topology = { ...sourced(field, files, problems), name };
  const whole = largestComponent(topology);
  if (whole.sites.length < topology.sites.length && field.sites !== undefined) {
    const left = topology.sites.find(({ name: site }) => !whole.sites.some((kept) => kept.name === site));
    problems.say(["network", "links"], `site "${left?.name}" is not joined to the others`);
  }
  return whole;
}

function sourced(field: NetworkField, files: ScenarioFiles, problems: FieldProblems): Topology {
  const rng = new Rng(1).fork("topology");
  if (field.graphml !== undefined) return imported(readGraphml(files.text(field.graphml), field.graphml));
  if (field.sndlib !== undefined) {
    const { file, unit } = field.sndlib;
    return imported(readSndlib(files.text(file), file, unit));
  }
  if (field.places !== undefined) {
    const { file, neighbours = 3 } = field.places;
    return meshed(imported(readPlaces(files.text(file), file)), neighbours);
  }
  return generated(field, rng) ?? written(field, problems);
}

type Generators = Pick<NetworkField, "waxman" | "barabasiAlbert" | "hierarchy">;

/** A generated network, the same every time; named by how it was made. */
export function generatedTopology(field: Generators): Topology {
  const topology = generated(field, new Rng(1).fork("topology"));
  assert(topology !== null, "one of the generators is named");
  return topology;
}

function generated(field: Generators, rng: Rng): Topology | null {
  if (field.waxman !== undefined) {
    const { sites, alpha = 0.4, beta = 0.15, side = 1000 } = field.waxman;
    return waxman(rng, { sites, alpha, beta, side });
  }
  if (field.barabasiAlbert !== undefined) {
    const { sites, links = 2, side = 1000 } = field.barabasiAlbert;
    return barabasiAlbert(rng, { sites, links, side });
  }
  if (field.hierarchy !== undefined) {
    const { side = 500, ...rest } = field.hierarchy;
    const rates = [1e11, 1e10, 1e8] as unknown as readonly [BitsPerSecond, BitsPerSecond, BitsPerSecond];
    return hierarchical(rng, { ...rest, side, rates });
  }
  return null;
}

function written(field: NetworkField, problems: FieldProblems): Topology {
  const places = (field.sites ?? []).map(
    (site): SitePlace => ({
      name: site.name,
      latitude: site.at?.[0] ?? null,
      longitude: site.at?.[1] ?? null,
      region: site.region ?? null,
    }),
  );
  const names = places.map(({ name }) => name);
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) problems.say(["network", "sites", i, "name"], `a second site "${name}"`);
  });
  const cables = (field.links ?? []).map((link, i): Cable => {
    const [a, b] = link.between.map((name, k) =>
      problems.find(["network", "links", i, "between", k], name, names, "site"),
    );
    if (a === b) problems.say(["network", "links", i, "between"], "a link joins two sites");
    return { a: a as number, b: b as number, delay: link.delay ?? null, rate: link.rate ?? null };
  });
  return { name: "written", sites: places, cables, demands: [] };
}

/** Joins every place to the `neighbours` nearest, and what is left apart to the nearest of the rest. */
function meshed(sites: readonly SitePlace[], neighbours: number): Topology {
  const cables = new Map<string, Cable>();
  const join = (a: number, b: number): void => {
    cables.set(`${Math.min(a, b)}-${Math.max(a, b)}`, { a, b, delay: null, rate: null });
  };
  const apart = (a: number, b: number): number =>
    distanceKm(sites[a] as SitePlace, sites[b] as SitePlace) ?? 0;
  const order = sites.map((_, a) =>
    sites
      .map((__, b) => b)
      .filter((b) => b !== a)
      .sort((x, y) => apart(a, x) - apart(a, y) || x - y),
  );
  for (const [a, near] of order.entries()) for (const b of near.slice(0, neighbours)) join(a, b);
  // One more link at a time from the piece around the first site to the nearest place outside of it.
  for (;;) {
    const topology: Topology = { name: "places", sites, cables: [...cables.values()], demands: [] };
    const inside = reached(topology);
    if (inside.size === sites.length) return topology;
    let best: readonly [number, number] = [0, 0];
    let least = Number.POSITIVE_INFINITY;
    for (const a of inside) {
      const b = order[a]?.find((other) => !inside.has(other));
      if (b !== undefined && apart(a, b) < least) {
        least = apart(a, b);
        best = [a, b];
      }
    }
    join(...best);
  }
}

function reached({ sites, cables }: Topology): Set<number> {
  const next: number[][] = sites.map(() => []);
  for (const { a, b } of cables) {
    next[a]?.push(b);
    next[b]?.push(a);
  }
  const seen = new Set([0]);
  for (const site of seen) for (const other of next[site] ?? []) seen.add(other);
  return seen;
}

export const DEFAULT_DELAY = 1000 as Micros;
export const DEFAULT_RATE = 1e10 as BitsPerSecond;
