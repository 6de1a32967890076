import fc from "fast-check";
import { expect, it } from "vitest";
import { type Apart, disjointPair } from "./disjoint.ts";
import { type Arc, type Graph, graphOf } from "./graph.ts";
import type { Path } from "./k-shortest.ts";

/** Every loopless path, by walking everywhere. */
function allPaths(graph: Graph, source: number, target: number): Path[] {
  const found: Path[] = [];
  const step = (vertices: number[], arcs: number[], weight: number): void => {
    const v = vertices[vertices.length - 1] as number;
    if (v === target) {
      found.push({ vertices, arcs, weight });
      return;
    }
    for (let arc = graph.start[v] as number; arc < (graph.start[v + 1] as number); arc++) {
      const u = graph.head[arc] as number;
      const length = graph.weight[arc] as number;
      if (length === Number.POSITIVE_INFINITY || vertices.includes(u)) continue;
      step([...vertices, u], [...arcs, arc], weight + length);
    }
  };
  step([source], [], 0);
  return found;
}

function areApart(a: Path, b: Path, apart: Apart): boolean {
  if (a.arcs.some((arc) => b.arcs.includes(arc))) return false;
  return apart === "links" || !a.vertices.slice(1, -1).some((v) => b.vertices.includes(v));
}

function leastPair(paths: readonly Path[], apart: Apart): number {
  let least = Number.POSITIVE_INFINITY;
  for (const a of paths)
    for (const b of paths) if (a !== b && areApart(a, b, apart)) least = Math.min(least, a.weight + b.weight);
  return least;
}

// Few different weights, none and arcs that are down among them: ties, loops that cost nothing, dead ends.
const weight = fc.constantFrom(0, 0, 1, 1, 2, 3, 7, Number.POSITIVE_INFINITY);
const graphs = fc.integer({ min: 2, max: 7 }).chain((vertices) => {
  const vertex = fc.nat(vertices - 1);
  const arcs = fc.array(fc.record({ from: vertex, to: vertex, weight }), { maxLength: 18 });
  return fc.tuple(arcs, fc.boolean()).map(([given, bothWays]) => {
    const back = bothWays ? given.map((arc): Arc => ({ ...arc, from: arc.to, to: arc.from })) : [];
    return graphOf(vertices, bothWays ? [...given.slice(0, 9), ...back.slice(0, 9)] : given);
  });
});

it.each(["links", "nodes"] as const)("two paths apart in %s weigh least of all such pairs", (apart) => {
  let pairs = 0;
  fc.assert(
    fc.property(graphs, fc.nat(6), fc.nat(5), (graph, one, other) => {
      const source = one % graph.vertices;
      const target = (source + 1 + (other % (graph.vertices - 1))) % graph.vertices;
      const paths = allPaths(graph, source, target);
      const least = leastPair(paths, apart);
      const result = disjointPair(graph, source, target, apart);
      if (!result.ok) {
        expect(least).toBe(Number.POSITIVE_INFINITY);
        expect(result.refusal.code).toBe(paths.length === 0 ? "E_NO_PATH" : "E_NO_SECOND_PATH");
        if (paths.length > 0) expectShared(paths, result.refusal.found as string);
        return;
      }
      pairs++;
      const [a, b] = result.value.paths;
      expect(result.value.weight).toBe(least);
      expect(a.weight).toBeLessThanOrEqual(b.weight);
      for (const path of [a, b]) expect(paths).toContainEqual(path);
      expect(areApart(a, b, apart)).toBe(true);
      const against = hops(b).map((hop) => hop.split(">").reverse().join(">"));
      expect(hops(a).filter((hop) => against.includes(hop))).toEqual([]);
    }),
    { numRuns: 1000 },
  );
  expect(pairs).toBeGreaterThan(50);
});

const hops = ({ vertices }: Path): string[] => vertices.slice(1).map((v, i) => `${vertices[i]}>${v}`);

/** What a refusal says that all paths share, they do share. */
function expectShared(paths: readonly Path[], found: string): void {
  const [kind, which] = found.replace("all share ", "").split(" ") as [string, string];
  for (const path of paths) {
    if (kind === "vertex") expect(path.vertices.slice(1, -1)).toContain(Number(which));
    else expect(hops(path)).toContain(which.replace("->", ">"));
  }
}

it("goes back along the shortest path where the best pair needs it", () => {
  // The trap of taking the shortest path first: 0-1-2-3 leaves no second one.
  const arcs: Arc[] = [
    { from: 0, to: 1, weight: 1 },
    { from: 1, to: 2, weight: 1 },
    { from: 2, to: 3, weight: 1 },
    { from: 0, to: 2, weight: 4 },
    { from: 1, to: 3, weight: 5 },
  ];
  const result = disjointPair(graphOf(4, arcs), 0, 3, "nodes");
  expect(result.ok && result.value.paths.map((path) => path.vertices)).toEqual([
    [0, 2, 3],
    [0, 1, 3],
  ]);
  expect(result.ok && result.value.weight).toBe(11);
});
