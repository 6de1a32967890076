import type { BitsPerSecond, Micros } from "@weft/kernel";

/** A place in a network. Coordinates in degrees; null where the source has none. */
export interface SitePlace {
  readonly name: string;
  readonly latitude: number | null;
  readonly longitude: number | null;
  /** Country, state or what else the source groups its places by; names the region whose power it draws. */
  readonly region: string | null;
}

/** A link in both directions. */
export interface Cable {
  readonly a: number;
  readonly b: number;
  /** One way; null: from the distance. */
  readonly delay: Micros | null;
  /** null: the scenario's default. */
  readonly rate: BitsPerSecond | null;
}

/** Traffic that a source says flows from one site to another. */
export interface Demand {
  readonly from: number;
  readonly to: number;
  readonly rate: BitsPerSecond;
}

/** A network as its source describes it: places, cables between them by index, and demands where it knows any. */
export interface Topology {
  readonly name: string;
  readonly sites: readonly SitePlace[];
  readonly cables: readonly Cable[];
  readonly demands: readonly Demand[];
}

const EARTH_RADIUS_KM = 6371.0088;
/** Light in glass fibre covers 200 km a millisecond (refractive index 1.468: 204 km). */
const KM_PER_MS = 200;
/** Cables do not follow the great circle: routes are half as long again (Bozkurt et al. 2018 measure 1.3 to 2). */
const ROUTE_FACTOR = 1.5;

/** Great-circle distance in kilometres on the mean sphere (haversine). */
export function distanceKm(a: SitePlace, b: SitePlace): number | null {
  if (a.latitude === null || a.longitude === null || b.latitude === null || b.longitude === null) return null;
  const rad = Math.PI / 180;
  const north = Math.sin(((b.latitude - a.latitude) * rad) / 2);
  const east = Math.sin(((b.longitude - a.longitude) * rad) / 2);
  const h = north * north + Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * east * east;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** One-way delay of a cable: what its source says, else its route at the speed of light in glass, at least 50 us. */
export function cableDelay(topology: Topology, cable: Cable, unknown: Micros): Micros {
  if (cable.delay !== null) return cable.delay;
  const km = distanceKm(topology.sites[cable.a] as SitePlace, topology.sites[cable.b] as SitePlace);
  if (km === null) return unknown;
  return Math.max(50, Math.round((km * ROUTE_FACTOR * 1000) / KM_PER_MS)) as Micros;
}

/** Names made unique by a number behind those that came before. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** The part of a topology that hangs together around most of its sites; what is not in it is left out. */
export function largestComponent(topology: Topology): Topology {
  const { sites, cables } = topology;
  const group = sites.map((_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (group[root] !== root) root = group[root] as number;
    group[i] = root;
    return root;
  };
  for (const { a, b } of cables) group[find(a)] = find(b);
  const sizes = new Map<number, number>();
  sites.forEach((_, i) => {
    sizes.set(find(i), (sizes.get(find(i)) ?? 0) + 1);
  });
  const largest = [...sizes].sort((x, y) => y[1] - x[1] || x[0] - y[0])[0]?.[0];
  if (largest === undefined || sizes.size === 1) return topology;
  const kept = sites.flatMap((_, i) => (find(i) === largest ? [i] : []));
  const index = new Map(kept.map((old, now) => [old, now]));
  return {
    ...topology,
    sites: kept.map((i) => sites[i] as SitePlace),
    cables: cables.flatMap((cable) => {
      const [a, b] = [index.get(cable.a), index.get(cable.b)];
      return a === undefined || b === undefined ? [] : [{ ...cable, a, b }];
    }),
    demands: topology.demands.flatMap((demand) => {
      const [from, to] = [index.get(demand.from), index.get(demand.to)];
      return from === undefined || to === undefined ? [] : [{ ...demand, from, to }];
    }),
  };
}
