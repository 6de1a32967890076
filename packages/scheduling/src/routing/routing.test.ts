import type { LinkState, SiteId } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Query } from "../placement/query.ts";
import type { TaskNeeds } from "../task.ts";
import { AllPairs } from "./all-pairs.ts";
import { type Arc, type Graph, graphOf, tailsOf } from "./graph.ts";
import { kShortestPaths } from "./k-shortest.ts";
import { Network } from "./network.ts";
import { QuickestPath } from "./quickest.ts";

/* Every algorithm against something that is obviously right and has no idea of it: whole numbers, so sums are exact. */

function randomGraph(rng: Rng, vertices: number, arcs: number): Graph {
  const list: Arc[] = Array.from({ length: arcs }, () => ({
    from: rng.below(vertices),
    to: rng.below(vertices),
    weight: rng.below(12),
  }));
  return graphOf(
    vertices,
    list.filter(({ from, to }) => from !== to),
  );
}

/** Bellman and Ford: relax every arc as often as there are vertices. */
function distancesOf(graph: Graph, source: number): number[] {
  const tails = tailsOf(graph);
  const distance = Array.from({ length: graph.vertices }, () => Number.POSITIVE_INFINITY);
  distance[source] = 0;
  for (let round = 0; round < graph.vertices; round++) {
    for (let arc = 0; arc < graph.head.length; arc++) {
      const [tail, head] = [tails[arc] as number, graph.head[arc] as number];
      distance[head] = Math.min(
        distance[head] as number,
        (distance[tail] as number) + (graph.weight[arc] as number),
      );
    }
  }
  return distance;
}

/** All loopless paths, as lists of arcs. */
function allPaths(graph: Graph, source: number, target: number): number[][] {
  const found: number[][] = [];
  const walk = (v: number, arcs: number[], seen: readonly number[]): void => {
    if (v === target) {
      found.push(arcs);
      return;
    }
    for (let arc = graph.start[v] as number; arc < (graph.start[v + 1] as number); arc++) {
      const u = graph.head[arc] as number;
      if (!seen.includes(u)) walk(u, [...arcs, arc], [...seen, u]);
    }
  };
  walk(source, [], [source]);
  return found;
}

const weightOf = (graph: Graph, arcs: readonly number[]): number =>
  arcs.reduce((sum, arc) => sum + (graph.weight[arc] as number), 0);

const random = (runs: number, property: (rng: Rng) => void, seeds: readonly number[] = []): void =>
  fc.assert(
    fc.property(fc.integer(), (seed) => property(new Rng(seed))),
    { numRuns: runs, examples: seeds.map((seed) => [seed]) },
  );

describe("k shortest loopless paths", () => {
  it("are as long as the k shortest of all paths, in order, each once", () => {
    random(300, (rng) => {
      const graph = randomGraph(rng, 2 + rng.below(6), rng.below(20));
      const target = graph.vertices - 1;
      const all = allPaths(graph, 0, target).map((arcs) => weightOf(graph, arcs));
      all.sort((a, b) => a - b);
      const k = 1 + rng.below(12);
      const found = kShortestPaths(graph, 0, target, k);
      expect(found.map(({ weight }) => weight)).toEqual(all.slice(0, k));
      expect(new Set(found.map(({ arcs }) => arcs.join())).size).toBe(found.length);
      for (const { arcs, vertices, weight } of found) {
        expect(weightOf(graph, arcs)).toBe(weight);
        expect(new Set(vertices).size).toBe(vertices.length);
        expect(vertices.slice(1)).toEqual(arcs.map((arc) => graph.head[arc]));
      }
    });
  });
});

describe("the all-pairs table", () => {
  it("is what it would be made anew, after any changes of weight, up and down, alone and together", () => {
    random(25, (rng) => {
      const graph = randomGraph(rng, 2 + rng.below(14), 4 + rng.below(50));
      if (graph.head.length === 0) return;
      const table = new AllPairs(graph);
      for (let round = 0; round < 12; round++) {
        table.setWeights(
          Array.from({ length: 1 + rng.below(3) }, () => [
            rng.below(graph.head.length),
            rng.chance(0.25) ? Number.POSITIVE_INFINITY : rng.below(12),
          ]),
        );
        for (let v = 0; v < graph.vertices; v++) {
          expect([...table.distanceOf(v)]).toEqual(distancesOf(graph, v));
          for (let u = 0; u < graph.vertices; u++) {
            const path = table.path(v, u);
            if (path === null) expect(table.distanceOf(v)[u]).toBe(Number.POSITIVE_INFINITY);
          }
        }
      }
    });
  });
});

describe("the quickest path under demands", () => {
  const brand = <T>(value: unknown): T => value as T;
  const link = (rng: Rng, from: number, to: number, delays: readonly number[]): LinkState =>
    brand({
      from: `s${from}`,
      to: `s${to}`,
      up: rng.chance(0.95),
      delay: rng.pick(delays),
      jitter: rng.pick([10, 50]),
      loss: rng.pick([0, 0.001]),
      capacity: rng.pick([1e6, 4e6, 20e6, 100e6, 1e9]),
      bitErrorRate: 0,
      security: rng.pick(["open", "encrypted"]),
      radio: null,
      at: 0,
    });
  const demands = (rng: Rng): TaskNeeds =>
    brand({
      basic: {
        inputBytes: rng.pick([0, 1e4, 1e6]),
        resultBytes: rng.pick([0, 1e5]),
        dataAt: "s0",
        mayLeaveTo: rng.chance(0.2) ? ["s1", "s2", "s3", "s4"] : null,
        deadline: null,
        sticky: null,
        dataType: null,
      },
      compute: { type: "logical", work: 0, atLeast: 0, lanes: 1, accelerator: null },
      storage: { capacity: 0, throughput: 0, storageClass: null },
      algorithm: { function: "f", timeComplexity: null, space: 0 },
      network: {
        delay: rng.chance(0.3) ? rng.pick([2000, 6000]) : null,
        bandwidth: rng.pick([0, 0, 3e6]),
        jitter: rng.chance(0.3) ? rng.pick([60, 120]) : null,
        loss: rng.chance(0.2) ? 0.0015 : null,
        bitErrorRate: null,
        security: rng.pick(["open", "open", "encrypted"]),
      },
      where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [] },
      objective: { kind: "time" },
      payAtMost: null,
    });

  /** Of all loopless ways the best, by trying each: micros in, micros out, hops, and the links in. */
  function best(pool: Pool, network: Network, query: Query, site: number): readonly unknown[] | null {
    const { links } = pool;
    const { graph, there, back } = network;
    const sent = (bytes: number, rate: number): number => (bytes > 0 ? Math.ceil((bytes * 8e6) / rate) : 0);
    const sum = (along: readonly number[], column: Float64Array): number =>
      along.reduce((total, link) => total + (column[link] as number), 0);
    const least = (along: readonly number[]): number =>
      along.reduce((rate, link) => Math.min(rate, links.residual[link] as number), Number.POSITIVE_INFINITY);
    const ways = allPaths(graph, site, query.source).flatMap((hops) => {
      const sites = hops.map((hop) => graph.head[hop] as number);
      const [inward, outward] = [back, there].map((side) => hops.map((hop) => side[hop] as number));
      const each = [inward as number[], outward as number[]];
      const all = each.flat();
      const worse = (column: Float64Array): number =>
        hops.reduce(
          (total, hop) =>
            total + Math.max(column[there[hop] as number] as number, column[back[hop] as number] as number),
          0,
        );
      const holds =
        all.every((link) => links.up[link] === 1) &&
        all.every((link) => (links.residual[link] as number) >= query.bandwidth) &&
        all.every((link) => (links.security[link] as number) >= query.security) &&
        each.every((along) => sum(along, links.delay) <= query.delay) &&
        worse(links.jitter) <= query.jitter &&
        worse(links.loss) <= query.loss &&
        (!query.bounded || sites.every((s) => query.allowed[s] === query.serial));
      const transferIn =
        sum(each[0] as number[], links.delay) + sent(query.inputBytes, least(each[0] as number[]));
      const transferOut =
        sum(each[1] as number[], links.delay) + sent(query.resultBytes, least(each[1] as number[]));
      if (!holds || !(transferIn + transferOut < Number.POSITIVE_INFINITY)) return [];
      const names = sites.map((s) => links.sites.idOf(s)).join();
      return [{ transferIn, transferOut, hops, names, linksIn: [...(inward as number[])].reverse() }];
    });
    ways.sort(
      (a, b) =>
        a.transferIn + a.transferOut - b.transferIn - b.transferOut ||
        a.hops.length - b.hops.length ||
        (a.names < b.names ? -1 : 1),
    );
    const first = ways[0];
    return first === undefined
      ? null
      : [first.transferIn, first.transferOut, first.hops.length, first.linksIn];
  }

  it("is the best of all ways there are, while links come, go and fill up", () => {
    let found = 0;
    // One where a way goes back to a site that a hop of it was reached from in the search.
    const seeds = [-793098989];
    const property = (rng: Rng): void => {
      const pool = new Pool();
      const sites = 3 + rng.below(6);
      const delays = rng.chance(0.5) ? [0, 500, 1000, 3000] : [...Array(40).keys()].map((i) => 100 * i);
      const change = (): void => {
        const [a, b] = [rng.below(sites), rng.below(sites)];
        if (a === b) return;
        if (rng.chance(0.1)) pool.removeLink(brand<SiteId>(`s${a}`), brand<SiteId>(`s${b}`));
        pool.setLink(link(rng, a, b, delays));
        pool.setLink(link(rng, b, a, delays));
      };
      for (let i = 0; i < sites * 2; i++) change();
      const network = new Network(pool);
      const paths = new QuickestPath(pool, network);
      const query = new Query();
      for (let round = 0; round < 25; round++) {
        for (let i = rng.below(3); i > 0; i--) change();
        network.refresh();
        query.fill(pool, demands(rng), []);
        paths.begin(query);
        const site = pool.links.sites.find(brand<SiteId>(`s${rng.below(sites)}`));
        if (site < 0 || site === query.source) continue;
        if (query.bounded && query.allowed[site] !== query.serial) {
          expect(paths.find(site, Number.MAX_VALUE)).toBe(false);
          continue;
        }
        const known = best(pool, network, query, site);
        const time = known === null ? Number.MAX_VALUE : (known[0] as number) + (known[1] as number);
        if (time > 0) expect(paths.find(site, known === null ? time : time - 1)).toBe(false);
        expect(paths.find(site, rng.chance(0.5) ? time : Number.MAX_VALUE)).toBe(known !== null);
        if (known === null) continue;
        found++;
        const { linksIn, linksOut } = paths.links();
        expect([paths.transferIn, paths.transferOut, paths.hops, linksIn]).toEqual(known);
        const rate = Math.floor(
          paths.bandwidthIn < Number.POSITIVE_INFINITY ? rng.float() * paths.bandwidthIn : 0,
        );
        if (rng.chance(0.5)) pool.reserve(pathClaim(pool, linksIn, linksOut, rate));
      }
    };
    random(500, property, seeds);
    expect(found).toBeGreaterThan(500);
  });

  it("takes no longer than the shortest way over hops of any least rates, where there are too many ways to try", () => {
    const rates = [1e6, 4e6, 20e6, 100e6, 1e9];
    random(25, (rng) => {
      const pool = new Pool();
      const sites = 30 + rng.below(50);
      const delays = rng.chance(0.3) ? [500] : [...Array(40).keys()].map((i) => 100 * i);
      const join = (a: number, b: number): void => {
        if (a === b) return;
        pool.setLink({ ...link(rng, a, b, delays), capacity: brand(rng.pick(rates)) });
        pool.setLink({ ...link(rng, b, a, delays), capacity: brand(rng.pick(rates)) });
      };
      for (let s = 0; s < sites; s++) join(s, (s + 1) % sites);
      for (let i = rng.below(2 * sites); i > 0; i--) join(rng.below(sites), rng.below(sites));
      const network = new Network(pool);
      network.refresh();
      const { graph, there, back } = network;
      const { residual } = pool.links;
      const paths = new QuickestPath(pool, network);
      const query = new Query();
      for (let round = 0; round < 8; round++) {
        const [inputBytes, resultBytes] = [rng.pick([0, 100, 1e4, 1e6]), rng.pick([0, 100, 1e5])];
        const needs = demands(rng);
        const basic = { ...needs.basic, inputBytes, resultBytes, mayLeaveTo: null } as never;
        const network = {
          ...needs.network,
          delay: null,
          jitter: null,
          loss: null,
          bandwidth: 0,
          security: "open",
        } as never;
        query.fill(pool, { ...needs, basic, network }, []);
        paths.begin(query);
        const site = rng.below(sites);
        if (site === query.source) continue;
        const times = rates.flatMap((leastIn) =>
          rates.map((leastOut) => {
            const weight = graph.weight.map((each, hop) =>
              (residual[back[hop] as number] as number) >= leastIn &&
              (residual[there[hop] as number] as number) >= leastOut
                ? each
                : Number.POSITIVE_INFINITY,
            );
            const trip = distancesOf({ ...graph, weight }, site)[query.source] as number;
            return trip + Math.ceil((inputBytes * 8e6) / leastIn) + Math.ceil((resultBytes * 8e6) / leastOut);
          }),
        );
        const found = paths.find(site, Number.MAX_VALUE);
        expect(found ? paths.transferIn + paths.transferOut : Number.POSITIVE_INFINITY).toBe(
          Math.min(...times),
        );
      }
    });
  });

  /** Bandwidth alone, on a node made for it. */
  function pathClaim(pool: Pool, linksIn: readonly number[], linksOut: readonly number[], rate: number) {
    pool.addNode(
      brand({
        id: "anchor",
        tier: "edge",
        site: "s0",
        domain: "d",
        labels: {},
        power: { logical: 1, parallel: 0, neural: 0 },
        laneRate: { logical: 1, parallel: 0, neural: 0 },
        memoryBytes: 0,
        storage: { capacityBytes: 0, throughput: 0, storageClass: "scratch" },
        accelerators: [],
        runs: ["wasm"],
        security: "open",
        watts: null,
        gramsPerKwh: null,
      }),
    );
    const made = pool.claim(
      brand({
        node: "anchor",
        type: "logical",
        rate: 0,
        memory: 0,
        storage: 0,
        throughput: 0,
        accelerator: null,
        service: null,
        path: ["s0"],
        bandwidthIn: 0,
        bandwidthOut: 0,
      }),
    );
    if (!made.ok) throw new Error(made.refusal.code);
    return { ...made.value, linksIn, linksOut, bandwidthIn: rate, bandwidthOut: 0 };
  }
});
