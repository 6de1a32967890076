import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arc, type Graph, graphOf, tailsOf } from "./graph.ts";
import { TreeSolver } from "./tree.ts";

/** Bellman and Ford: relax every arc until nothing changes. */
function distancesOf(graph: Graph, source: number): Float64Array {
  const tails = tailsOf(graph);
  const distance = new Float64Array(graph.vertices).fill(Number.POSITIVE_INFINITY);
  distance[source] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let arc = 0; arc < graph.head.length; arc++) {
      const reached = (distance[tails[arc] as number] as number) + (graph.weight[arc] as number);
      if (!(reached < (distance[graph.head[arc] as number] as number))) continue;
      distance[graph.head[arc] as number] = reached;
      changed = true;
    }
  }
  return distance;
}

/** Every vertex with a way hangs on one that is nearer by just the arc between them, and in the end on the source. */
function expectTree(graph: Graph, source: number, distance: Float64Array, parent: Int32Array): void {
  for (let v = 0; v < graph.vertices; v++) {
    const rooted = v !== source && distance[v] !== Number.POSITIVE_INFINITY;
    expect(parent[v] !== -1).toBe(rooted);
    let steps = 0;
    for (let at = v; rooted && at !== source; at = parent[at] as number) {
      expect(steps++).toBeLessThan(graph.vertices);
    }
    if (!rooted) continue;
    const before = parent[v] as number;
    const arcs = Array.from(graph.weight).slice(graph.start[before], graph.start[before + 1]);
    const heads = Array.from(graph.head).slice(graph.start[before], graph.start[before + 1]);
    const sums = arcs.filter((_, i) => heads[i] === v).map((w) => (distance[before] as number) + w);
    expect(sums).toContain(distance[v]);
  }
}

const WEIGHTS: Readonly<Record<string, (rng: Rng) => number>> = {
  "whole micros": (rng) => 50 + rng.below(10_000),
  "whole, small, many alike": (rng) => rng.below(4),
  fractions: (rng) => rng.float() * 1e-3,
  "mostly nothing": (rng) => (rng.chance(0.8) ? 0 : rng.float()),
  nothing: () => 0,
  "often down": (rng) => (rng.chance(0.4) ? Number.POSITIVE_INFINITY : 1 + rng.below(100)),
  "down, all of them": () => Number.POSITIVE_INFINITY,
  "near and far": (rng) => (rng.chance(0.7) ? 1 + rng.float() : 1e6 * (1 + rng.float())),
  "of every magnitude": (rng) => 2 ** (rng.below(2000) - 1000),
  "next to nothing": (rng) => rng.below(5) * Number.MIN_VALUE,
  "next to too much": (rng) => (1 + rng.below(3)) * (Number.MAX_VALUE / 8),
};

const SHAPES: Readonly<Record<string, (rng: Rng, vertices: number) => [number, number][]>> = {
  sparse: (rng, n) => Array.from({ length: 2 * n }, () => [rng.below(n), rng.below(n)]),
  dense: (rng, n) => Array.from({ length: n * n }, () => [rng.below(n), rng.below(n)]),
  "in pieces": (rng, n) => Array.from({ length: n >> 1 }, () => [rng.below(n), rng.below(n)]),
  line: (_, n) => Array.from({ length: n - 1 }, (_, i) => [i, i + 1]),
};

const graphFrom = (rng: Rng, shape: string, weights: string): Graph => {
  const vertices = 1 + rng.below(shape === "dense" ? 24 : 120);
  const ends = SHAPES[shape]?.(rng, vertices) ?? [];
  const arcs: Arc[] = ends.map(([from, to]) => ({ from, to, weight: WEIGHTS[weights]?.(rng) ?? 0 }));
  return graphOf(vertices, arcs);
};

describe("trees", () => {
  // One solver for all: it must leave nothing behind.
  const solver = new TreeSolver();

  for (const weights of Object.keys(WEIGHTS)) {
    it(`have the distances of Bellman and Ford to the last bit, and parents that add up to them: weights ${weights}`, () => {
      fc.assert(
        fc.property(fc.integer(), fc.constantFrom(...Object.keys(SHAPES)), (seed, shape) => {
          const rng = new Rng(seed);
          const graph = graphFrom(rng, shape, weights);
          const source = rng.below(graph.vertices);
          const { distance, parent } = solver.solve(graph, source);
          expect(distance).toEqual(distancesOf(graph, source));
          expectTree(graph, source, distance, parent);
        }),
        { numRuns: 60 },
      );
    });
  }

  it("are the same from a solver that has done others before as from a new one, ties and all", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const graph = graphFrom(new Rng(seed), "dense", "whole, small, many alike");
        expect(solver.solve(graph, 0)).toEqual(new TreeSolver().solve(graph, 0));
      }),
    );
  });

  it("go along each arc three times at most, even where detours are shorter than any step between buckets", () => {
    const n = 300;
    const arcs: Arc[] = [];
    // By way of every vertex between is shortest; what the sample sees are the long arcs that follow.
    for (let v = 0; v < n; v++) {
      for (let u = v + 1; u <= n; u++)
        arcs.push({ from: v, to: u, weight: u === v + 1 ? 1e-9 : (u - v) * 1e-6 });
    }
    for (let v = n; v < 20 * n; v++) arcs.push({ from: v, to: v + 1, weight: 1 });
    const graph = graphOf(20 * n + 1, arcs);
    let gone = 0;
    const head = new Proxy(graph.head, {
      get: (target, key) => {
        if (key !== "length") gone++;
        return Reflect.get(target, key);
      },
    });
    const { distance } = solver.solve({ ...graph, head }, 0);
    expect(distance).toEqual(distancesOf(graph, 0));
    expect(gone).toBeGreaterThan(2 * graph.head.length);
    expect(gone).toBeLessThanOrEqual(3 * graph.head.length);
  });
});
