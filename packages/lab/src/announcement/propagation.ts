import { encodeRecord, makeRecord, type PathVector } from "@weft/announcement";
import { MINUTE, Rng } from "@weft/kernel";
import { LogHistogram } from "@weft/sim";
import { type Deployment, deploy, type KeyOf, regionId } from "./architectures.ts";
import { type Graph, regionsIn } from "./graph.ts";
import type { ArchitectureName } from "./scenario.ts";
import { anyKey, descriptionOf, FREE, FREE_SIGNER, idOf, loadOf, Simulation } from "./simulation.ts";

const SECOND = 1_000_000;
/** Queues before any change: so long that each change beats every other node. */
const FULL_QUEUE = 1000 * SECOND;

/** Computing rates that nodes have, at random. */
export const rateOf = (rng: Rng): number => rng.pick([100e9, 200e9, 400e9]);

/** A deployment whose nodes have said who they are; past two heartbeats, so that trees are grown and crossings known. */
export function begin(
  deployment: Deployment,
  graph: Graph,
  seed: number,
  queue: (node: number) => number,
  publishers: readonly number[] = [...Array(graph.size).keys()],
  settling = 45 * SECOND,
): Simulation {
  const simulation = new Simulation(graph.size, deployment.ways, deployment.make, seed);
  const rng = new Rng(seed).fork("nodes");
  const descriptions = publishers.map((node) => descriptionOf(idOf(node), rateOf(rng)));
  for (const [i, node] of publishers.entries())
    simulation.publish(node, { description: descriptions[i]!, load: loadOf(idOf(node), queue(node)) });
  simulation.pass(settling / 2);
  // Once everybody has met everybody: what was told while neighbours still introduced themselves took no fast way.
  for (const description of descriptions)
    simulation.publish(Number(description.id.slice(1)), {
      description: { ...description, labels: { settled: "yes" } },
    });
  simulation.pass(settling / 2);
  return simulation;
}

/** Bytes of one load record: what a tree must carry over each of its n - 1 links. */
export function loadRecordBytes(): number {
  const fact = { facet: "load", value: loadOf(idOf(10), FULL_QUEUE) } as const;
  return encodeRecord(makeRecord(idOf(10), fact, 1_767_225_600_000_000, FREE_SIGNER, FREE)).length;
}

export interface Propagation {
  /** Of each change: time until every decider knew it, over the origin's latency eccentricity. */
  readonly timeRatios: readonly number[];
  /** The same times, microseconds. */
  readonly times: readonly number[];
  /** Milliseconds until a decider knew, over all changes and deciders but the origin. */
  readonly known: LogHistogram;
  /** Routers that speak the protocol. */
  readonly routers: number;
  /** Link bytes and messages a change, hellos and heartbeats apart. */
  readonly bytes: number;
  readonly messages: number;
  /** What nodes know and keep once all was told. */
  readonly held: Held;
}

/** What nodes know and keep, in the mean. */
export interface Held {
  /** Share of all that spoke that a decider knows, at least within their region. */
  readonly covered: number;
  /** Bytes of announcements that a node keeps for each node or region that it knows. */
  readonly bytesAnEntry: number;
}

export interface ChangePlan {
  readonly changes: number;
  readonly everyUs: number;
  /** Only so many nodes say anything, the others listen: for networks in which a view of everybody does not fit. */
  readonly publishers: number | null;
}

/** One significant change at a time, each from another random origin. */
export function propagation(
  name: ArchitectureName,
  graph: Graph,
  { changes, everyUs, publishers }: ChangePlan,
  seed: number,
  progress: (done: number) => void,
): Propagation {
  const rng = new Rng(seed).fork("changes");
  const origins =
    publishers === null
      ? [...Array(graph.size).keys()]
      : Array.from({ length: publishers }, () => rng.below(graph.size));
  const deployment = deploy(name, graph, true, publishers === null ? anyKey : keysOf(origins, name, graph));
  const settling = publishers === null ? 45 * SECOND : 10 * SECOND;
  const simulation = begin(deployment, graph, seed, () => FULL_QUEUE, origins, settling);
  simulation.resetCounters();
  const times: number[] = [];
  const timeRatios: number[] = [];
  const known = new LogHistogram();
  for (let i = 1; i <= changes; i++) {
    const origin = rng.pick(origins);
    // Each a sixth below the last, and so worth announcing whoever says it.
    const queue = Math.round(FULL_QUEUE * (5 / 6) ** i);
    const last = oneChange(simulation, deployment, origin, queue, everyUs, known);
    if (last.knew < graph.size)
      throw new Error(`${name} on ${graph.name}: ${last.knew} of ${graph.size} knew a change`);
    times.push(last.took);
    timeRatios.push(last.took / graph.eccentricity(origin));
    progress(i / changes);
  }
  return {
    times,
    timeRatios,
    known,
    routers: deployment.routers,
    bytes: simulation.linkBytes / changes,
    messages: simulation.linkMessages / changes,
    held: heldOf(simulation, deployment, origins),
  };
}

function heldOf(simulation: Simulation, { regions }: Deployment, origins: readonly number[]): Held {
  const spoke = [...new Set(origins)];
  let [covered, bytes, entries] = [0, 0, 0];
  for (let node = 0; node < simulation.size; node++) {
    const { nodes, regions: far } = known(simulation, node);
    const within = spoke.filter((origin) => far.has(regions?.of[origin] ?? -1) && !nodes.has(origin));
    covered += nodes.size + within.length;
    bytes += simulation.participants[node]?.stateBytes ?? 0;
    entries += nodes.size + far.size;
  }
  return { covered: covered / simulation.size / spoke.length, bytesAnEntry: bytes / entries };
}

/** Nodes and regions that a node knows where all speak, in the mean. */
export function knownWhereAllSpeak(
  name: ArchitectureName,
  graph: Graph,
): { readonly nodes: number; readonly regions: number } {
  if (name !== "hybrid") return { nodes: graph.size, regions: 0 };
  const { of, centres } = regionsIn(graph);
  const sizes = new Float64Array(centres.length);
  for (const region of of) sizes[region]! += 1;
  return {
    nodes: sizes.reduce((sum, size) => sum + size * size, 0) / graph.size,
    regions: centres.length - 1,
  };
}

/** Keys of these origins and their regions only: what others say of themselves is nobody's concern. */
function keysOf(origins: readonly number[], name: ArchitectureName, graph: Graph): KeyOf {
  const known = new Set<string>(origins.map(idOf));
  if (name === "hybrid")
    for (const origin of origins) known.add(regionId(regionsIn(graph).of[origin] as number));
  return (origin) => (known.has(origin) ? "" : null);
}

function oneChange(
  simulation: Simulation,
  { regions }: Deployment,
  origin: number,
  queue: number,
  everyUs: number,
  histogram: LogHistogram,
): { readonly took: number; readonly knew: number } {
  const home = regions?.of[origin];
  const inside = idOf(origin);
  const outside = home === undefined ? inside : regionId(home);
  const known = new Set<number>();
  const began = simulation.now;
  let last = began;
  simulation.onChange = (node, change) => {
    const about = regions?.of[node] === home ? inside : outside;
    if (change.kind !== "load" || change.origin !== about || change.load.queue.neural !== queue) return;
    if (known.has(node)) return;
    known.add(node);
    last = simulation.now;
    if (node !== origin) histogram.add(Math.max(1e-3, (last - began) / 1000));
  };
  simulation.publish(origin, { load: loadOf(inside, queue) });
  simulation.pass(everyUs);
  simulation.onChange = () => {};
  return { took: last - began, knew: known.size };
}

export interface AtRest {
  /** Link bytes a second a node without any change. */
  readonly bytes: number;
  /** Share of all nodes that a decider knows one by one, and of all that it knows at least within their region. */
  readonly share: number;
  readonly covered: number;
  /** Bytes of announcements a node keeps. */
  readonly state: number;
  /** Mean age of what deciders know of loads, microseconds. */
  readonly age: number;
}

/** What it costs, and what is known, while nothing changes. */
export function atRest(name: ArchitectureName, graph: Graph, seed: number): AtRest {
  const deployment = deploy(name, graph, false);
  const still = begin(deployment, graph, seed, () => FULL_QUEUE);
  still.resetCounters();
  const seconds = (2 * MINUTE) / 3 / SECOND;
  still.pass(seconds * SECOND);
  const nodes = [...Array(graph.size).keys()];
  const { regions } = deployment;
  return {
    bytes: still.linkBytes / seconds / graph.size,
    share: mean(nodes.map((node) => known(still, node).nodes.size / graph.size)),
    covered: mean(
      nodes.map((node) => {
        const { nodes: one, regions: far } = known(still, node);
        if (regions === null) return one.size / graph.size;
        const within = nodes.filter((other) => one.has(other) || far.has(regions.of[other] as number));
        return within.length / graph.size;
      }),
    ),
    state: mean(nodes.map((node) => still.participants[node]?.stateBytes ?? 0)),
    age: meanAge(still),
  };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

/** The value that a share `p` of the values does not exceed. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] as number;
}

function known(simulation: Simulation, node: number): { nodes: Set<number>; regions: Set<number> } {
  const nodes = new Set<number>();
  const regions = new Set<number>();
  for (const { origin, load } of simulation.view(node).origins()) {
    if (load === null) continue;
    if (origin.startsWith("region-")) regions.add(Number(origin.slice(7)));
    else nodes.add(Number(origin.slice(1)));
  }
  return { nodes, regions };
}

function meanAge(simulation: Simulation): number {
  let sum = 0;
  let count = 0;
  for (let node = 0; node < simulation.size; node++) {
    const view = simulation.view(node);
    for (const { origin } of view.origins()) {
      const age = view.age(origin, "load", simulation.now);
      if (age === null || origin === idOf(node)) continue;
      sum += age;
      count++;
    }
  }
  return sum / count;
}

/** Route changes a node when one domain after another vanishes, its links reported down; path-vector only. */
export function withdrawalChanges(graph: Graph, rounds: number, seed: number): number {
  const rng = new Rng(seed).fork("withdrawals");
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const simulation = begin(deploy("path-vector", graph, false), graph, seed, () => FULL_QUEUE);
    const gone = rng.below(graph.size);
    let changes = 0;
    for (const participant of simulation.participants) {
      (participant as PathVector).routeTap = (origin) => {
        if (origin === idOf(gone)) changes++;
      };
    }
    (simulation.participants[gone] as PathVector).routeTap = null;
    for (const { a, b } of graph.cables) {
      if (a !== gone && b !== gone) continue;
      const other = a === gone ? b : a;
      simulation.world.input(other as never, { kind: "peer_down", peer: idOf(gone) });
    }
    simulation.world.crash(gone as never);
    simulation.pass(5 * SECOND);
    // A domain whose removal parts the network leaves others unreachable too; only routes to it are counted.
    all.push(changes / (graph.size - 1));
  }
  return mean(all);
}
