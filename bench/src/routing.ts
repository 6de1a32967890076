import { type Micros, Rng } from "@weft/kernel";
import { barabasiAlbert, cableDelay } from "@weft/lab";
import {
  AllPairs,
  arcBetween,
  type Graph,
  graphOf,
  kShortestPaths,
  type Tree,
  TreeSolver,
} from "@weft/scheduling";
import { type Bench, cpuSeconds, type Figure, quantile } from "./bench.ts";
import { findBoost } from "./boost.ts";
import { type Edge, graphologyTree, loadGraphology, naiveYen, ngraphTree } from "./routing-peers.ts";

const SEED = 1;
const UNKNOWN = 1000 as Micros;
const PATHS = 8;
/** Boost's Dijkstra on another machine, for where it is not at hand: microseconds of CPU a tree. */
const BOOST: Readonly<Record<number, number>> = { 1000: 76, 5000: 474 };

interface Net {
  readonly vertices: number;
  readonly edges: readonly Edge[];
  /** Both directions of every edge. */
  readonly graph: Graph;
}

/** Shortest-path trees, the table of all pairs kept up to date, and the k shortest paths, on scale-free networks. */
export const routing: Bench = {
  name: "routing",
  run(size, report) {
    const full = size === "full";
    for (const vertices of full ? [1000, 5000] : [40, 80]) report(treeFigure(netOf(vertices), full));
    report(linkChangeFigure(netOf(full ? 1000 : 40), full ? 200 : 4));
    report(pathsFigure(netOf(full ? 1000 : 40), full));
  },
};

/** Barabasi and Albert's network with two links a newcomer; weights are the delays of its cables in micros. */
function netOf(vertices: number): Net {
  const topology = barabasiAlbert(new Rng(SEED), { sites: vertices, links: 2, side: 1000 });
  const edges = topology.cables.map((cable) => ({
    a: cable.a,
    b: cable.b,
    weight: cableDelay(topology, cable, UNKNOWN) as number,
  }));
  const arcs = edges.flatMap(({ a, b, weight }) => [
    { from: a, to: b, weight },
    { from: b, to: a, weight },
  ]);
  return { vertices, edges, graph: graphOf(vertices, arcs) };
}

function treeFigure(net: Net, full: boolean): Figure {
  const solver = new TreeSolver();
  const tree = solver.solve(net.graph, 0);
  const loaded = loadGraphology(net.vertices, net.edges);
  const graphology = graphologyTree(loaded);
  agree(net, tree, graphology(0));
  const boost = full ? findBoost(net.vertices, net.edges) : null;
  const sum = tree.distance.reduce((all, each) => all + each, 0);
  if (boost !== null && boost.sum !== sum)
    throw new Error(`Boost's distances add up to ${boost.sum}, not ${sum}`);
  const on = (grow: (source: number) => unknown) => (seconds: number) => secondsPerTree(net, grow, seconds);
  const contenders = [
    on((source) => solver.solve(net.graph, source, tree)),
    on(graphology),
    on(ngraphTree(net.vertices, net.edges)),
    ...(boost === null ? [] : [boost.secondsPerTree]),
  ];
  const least = inTurns(contenders, full ? 0.1 : 0.003);
  boost?.close();
  const [ours, first, second, theirs] = least as [number, number, number, number?];
  const [peer, scripted] = first < second ? ["graphology", first] : ["ngraph", second];
  return {
    name: `routing/tree/ba${net.vertices}`,
    value: ours * 1e6,
    unit: "us of CPU/tree",
    against:
      theirs === undefined
        ? `${peer}'s Dijkstra in the same run, the faster of two`
        : "Boost's Dijkstra over compressed sparse rows, in C++, in the same run",
    ratio: ours / (theirs ?? scripted),
    note:
      `${theirs === undefined ? "" : `Boost ${Math.round(theirs * 1e6)}, `}` +
      `graphology ${Math.round(first * 1e6)}, ngraph ${Math.round(second * 1e6)}; ` +
      (theirs === undefined
        ? `no C++ compiler with Boost's headers asked here: ${BOOST[net.vertices] ?? "?"} measured elsewhere`
        : "the aim is 1.2"),
  };
}

/** CPU seconds a tree, on rotating sources. */
function secondsPerTree({ vertices }: Net, grow: (source: number) => unknown, budget: number): number {
  let calls = 0;
  let seconds = 0;
  while (seconds < budget) {
    seconds += cpuSeconds(() => {
      for (let n = 0; n < 5; n++) grow((calls + n * 7) % vertices);
    });
    calls += 5;
  }
  return seconds / calls;
}

/** What each takes a tree, called in turns: the least of the rounds, as what else runs only adds. */
function inTurns(contenders: readonly ((seconds: number) => number)[], budget: number): number[] {
  const least = contenders.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 6; round++) {
    for (const [i, work] of contenders.entries()) least[i] = Math.min(least[i] as number, work(budget));
  }
  return least;
}

/** The peer's ways must be as long as ours: all are shortest. */
function agree({ vertices, graph }: Net, tree: Tree, paths: Record<string, string[]>): void {
  for (let v = 0; v < vertices; v++) {
    const path = (paths[v] as string[]).map(Number);
    let length = 0;
    for (let i = 0; i + 1 < path.length; i++) {
      length += graph.weight[arcBetween(graph, path[i] as number, path[i + 1] as number)] as number;
    }
    if (length !== tree.distance[v]) throw new Error(`vertex ${v}: ${length} is not ${tree.distance[v]}`);
  }
}

function linkChangeFigure(net: Net, changes: number): Figure {
  const { graph, vertices } = net;
  const solver = new TreeSolver();
  const rows = Array.from({ length: vertices }, (_, source) => solver.solve(graph, source));
  const anew = (): number =>
    cpuSeconds(() => {
      for (let source = 0; source < vertices; source++) solver.solve(graph, source, rows[source]);
    });
  const table = new AllPairs(graph);
  const rng = new Rng(SEED);
  const spent: number[] = [];
  const recomputed: number[] = [];
  const change = (edge: Edge, weight: number): void => {
    const arcs = [arcBetween(graph, edge.a, edge.b), arcBetween(graph, edge.b, edge.a)];
    spent.push(cpuSeconds(() => table.setWeights(arcs.map((arc) => [arc, weight] as const))));
  };
  for (let i = 0; i < changes; i++) {
    // A link slows down, recovers, goes down and comes up again: each a change of its own.
    const edge = rng.pick(net.edges);
    const slower = rng.chance(0.5) ? edge.weight * (1 + rng.float()) : Number.POSITIVE_INFINITY;
    change(edge, slower);
    if (i % 20 === 0) {
      recomputed.push(anew());
      sameTable(table, rows);
    }
    change(edge, edge.weight);
  }
  const value = quantile(spent, 0.5);
  const whole = quantile(recomputed, 0.5);
  return {
    name: `routing/link-change/${vertices}`,
    value: value * 1e3,
    unit: "ms of CPU, median",
    against: "growing every tree anew, in the same run",
    ratio: value / whole,
    note: `the aim is 2 ms; nine in ten within ${(quantile(spent, 0.9) * 1e3).toFixed(1)}, anew ${(whole * 1e3).toFixed(0)}`,
  };
}

function sameTable(table: AllPairs, rows: readonly Tree[]): void {
  for (const [from, { distance }] of rows.entries()) {
    const mended = table.distanceOf(from);
    for (let to = 0; to < distance.length; to++) {
      const [a, b] = [mended[to] as number, distance[to] as number];
      if (a !== b && Math.abs(a - b) > 1e-9 * b) throw new Error(`${from} to ${to}: ${a} is not ${b}`);
    }
  }
}

function pathsFigure({ vertices, edges, graph }: Net, full: boolean): Figure {
  const rng = new Rng(SEED);
  const loaded = loadGraphology(vertices, edges);
  let [ours, theirs, compared] = [0, 0, 0];
  const pairs = full ? 200 : 2;
  for (let i = 0; i < pairs; i++) {
    const source = rng.below(vertices);
    const target = (source + 1 + rng.below(vertices - 1)) % vertices;
    let weights: number[] = [];
    ours += cpuSeconds(() => {
      weights = kShortestPaths(graph, source, target, PATHS).map(({ weight }) => weight);
    });
    if (i % (full ? 10 : 1) !== 0) continue;
    compared++;
    let naive: number[] = [];
    theirs += cpuSeconds(() => {
      naive = naiveYen(loaded, source, target, PATHS);
    });
    if (weights.join() !== naive.join())
      throw new Error(`${source} to ${target}: ${weights} is not ${naive}`);
  }
  const value = ours / pairs;
  return {
    name: `routing/k${PATHS}/ba${vertices}`,
    value: value * 1e3,
    unit: "ms of CPU/pair",
    against: "Yen's algorithm over graphology's Dijkstra, in the same run",
    ratio: value / (theirs / compared),
    note: `that one ${((theirs / compared) * 1e3).toFixed(1)}${full ? "; igraph in C 8.4, measured elsewhere; the aim is half of it" : ""}`,
  };
}
