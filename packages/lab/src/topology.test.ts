import { type BitsPerSecond, type Micros, Rng } from "@weft/kernel";
import { expect, it } from "vitest";
import { barabasiAlbert, hierarchical, waxman } from "./generators.ts";
import {
  cableDelay,
  distanceKm,
  largestComponent,
  type SitePlace,
  type Topology,
  uniqueNames,
} from "./topology.ts";

const place = (name: string, latitude: number | null, longitude: number | null): SitePlace => ({
  name,
  latitude,
  longitude,
  region: null,
});

it("measures the great circle", () => {
  const km = distanceKm(place("Berlin", 52.52, 13.405), place("Paris", 48.8566, 2.3522));
  expect(km).toBeGreaterThan(875);
  expect(km).toBeLessThan(880);
  expect(distanceKm(place("pole", 90, 0), place("antipole", -90, 40))).toBeCloseTo(Math.PI * 6371.0088, 3);
  expect(distanceKm(place("a", null, 1), place("b", 1, 1))).toBeNull();
});

it("takes a cable's delay from the source, the distance, or the default", () => {
  const sites = [place("Berlin", 52.52, 13.405), place("Paris", 48.8566, 2.3522), place("?", null, null)];
  const topology: Topology = { name: "t", sites, cables: [], demands: [] };
  const cable = (b: number, delay: Micros | null) => ({ a: 0, b, delay, rate: null });
  expect(cableDelay(topology, cable(1, 7 as Micros), 1 as Micros)).toBe(7);
  expect(cableDelay(topology, cable(1, null), 1 as Micros)).toBeCloseTo(6583, -2);
  expect(cableDelay(topology, cable(2, null), 1000 as Micros)).toBe(1000);
});

const connected = ({ sites, cables }: Topology): boolean => {
  const seen = new Set([0]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const { a, b } of cables) {
      if (seen.has(a) !== seen.has(b)) {
        seen.add(a).add(b);
        grew = true;
      }
    }
  }
  return seen.size === sites.length;
};

it("generates connected networks, the same for the same stream", () => {
  const make = (seed: number): Topology[] => [
    waxman(new Rng(seed), { sites: 60, alpha: 0.2, beta: 0.15, side: 500 }),
    barabasiAlbert(new Rng(seed), { sites: 80, links: 2, side: 500 }),
    hierarchical(new Rng(seed), {
      clouds: 2,
      edges: 3,
      ends: 4,
      side: 300,
      rates: [1e11, 1e10, 1e8] as never as [BitsPerSecond, BitsPerSecond, BitsPerSecond],
    }),
  ];
  for (const topology of make(3)) expect(connected(topology), topology.name).toBe(true);
  expect(make(3)).toEqual(make(3));
  expect(make(3)[0]).not.toEqual(make(4)[0]);
  const [, ba, tree] = make(3) as [Topology, Topology, Topology];
  expect(ba.cables).toHaveLength(3 + 77 * 2);
  const degrees = ba.sites.map((_, i) => ba.cables.filter(({ a, b }) => a === i || b === i).length);
  expect(Math.max(...degrees)).toBeGreaterThan(10);
  expect(tree.sites).toHaveLength(2 + 6 + 24);
});

it("keeps the largest piece and what is in it", () => {
  const sites = ["a", "b", "c", "d", "e"].map((name) => place(name, 0, 0));
  const cable = (a: number, b: number) => ({ a, b, delay: null, rate: null });
  const demand = (from: number, to: number) => ({ from, to, rate: 1 as BitsPerSecond });
  const topology = {
    name: "t",
    sites,
    cables: [cable(0, 1), cable(2, 3), cable(3, 4)],
    demands: [demand(0, 2), demand(4, 2)],
  };
  const largest = largestComponent(topology);
  expect(largest.sites.map(({ name }) => name)).toEqual(["c", "d", "e"]);
  expect(largest.cables).toEqual([cable(0, 1), cable(1, 2)]);
  expect(largest.demands).toEqual([demand(2, 0)]);
  expect(uniqueNames(["x", "y", "x"])).toEqual(["x", "y", "x-2"]);
});
