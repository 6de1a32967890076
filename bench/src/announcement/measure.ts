import { completion, encodeRecord, makeRecord, type PathVector } from "@weft/announcement";
import { Rng } from "@weft/kernel";
import { type ArchitectureName, type Deployment, deploy, regionId } from "./architectures.ts";
import { eccentricity, type Graph } from "./graph.ts";
import { descriptionOf, FREE, FREE_SIGNER, idOf, loadOf, Simulation } from "./network.ts";

const SECOND = 1_000_000;
/** Queues before any change: so long that each change beats every other node. */
const FULL_QUEUE = 1000 * SECOND;
const rateOf = (rng: Rng) => rng.pick([100e9, 200e9, 400e9]);

function start(deployment: Deployment, graph: Graph, seed: number, queue: () => number): Simulation {
  const simulation = new Simulation(graph.size, deployment.ways, deployment.make, seed);
  const rng = new Rng(seed).fork("nodes");
  for (let node = 0; node < graph.size; node++) {
    const id = idOf(node);
    simulation.publish(node, { description: descriptionOf(id, rateOf(rng)), load: loadOf(id, queue()) });
  }
  // Past two heartbeats: trees are grown, crossings known.
  simulation.pass(45 * SECOND);
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
  /** Link bytes and messages a change, hellos and heartbeats apart. */
  readonly bytes: number;
  readonly messages: number;
  /** Link bytes a second a node without any change. */
  readonly idle: number;
  /** Share of all nodes that a decider knows one by one. */
  readonly share: number;
  /** Bytes of announcements a node keeps. */
  readonly state: number;
  /** Mean age of what deciders know of loads while nothing changes, microseconds. */
  readonly age: number;
}

/** One significant change at a time, each from another random origin. */
export function propagation(
  name: ArchitectureName,
  graph: Graph,
  changes: number,
  everyUs: number,
  seed: number,
): Propagation {
  const still = start(deploy(name, graph, false), graph, seed, () => FULL_QUEUE);
  still.resetCounters();
  still.pass(40 * SECOND);
  const deployment = deploy(name, graph, true);
  const simulation = start(deployment, graph, seed, () => FULL_QUEUE);
  simulation.resetCounters();
  const rng = new Rng(seed).fork("changes");
  const times: number[] = [];
  const timeRatios: number[] = [];
  for (let i = 1; i <= changes; i++) {
    const origin = rng.below(graph.size);
    // Each a sixth below the last, and so worth announcing whoever says it.
    const queue = Math.round(FULL_QUEUE * (5 / 6) ** i);
    const known = new Set<number>();
    const began = simulation.now;
    let last = began;
    simulation.onChange = (node, change) => {
      const home = deployment.regions?.of[node] === deployment.regions?.of[origin];
      const about = home ? idOf(origin) : regionId(deployment.regions?.of[origin] ?? 0);
      if (change.kind !== "load" || change.origin !== about || change.load.queue.neural !== queue) return;
      known.add(node);
      last = simulation.now;
    };
    simulation.publish(origin, { load: loadOf(idOf(origin), queue) });
    simulation.pass(everyUs);
    if (known.size < graph.size)
      throw new Error(`${name} on ${graph.name}: ${known.size} of ${graph.size} knew a change`);
    times.push(last - began);
    timeRatios.push((last - began) / eccentricity(graph, origin));
  }
  return {
    times,
    timeRatios,
    bytes: simulation.linkBytes / changes,
    messages: simulation.linkMessages / changes,
    idle: still.linkBytes / 40 / graph.size,
    share: mean(each(graph.size, (node) => knownOneByOne(still, node) / graph.size)),
    state: mean(each(graph.size, (node) => still.participants[node]!.stateBytes)),
    age: meanAge(still),
  };
}

const each = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i));
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, v) => sum + v, 0) / values.length;

/** The value that a share `p` of the values does not exceed. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] as number;
}

function knownOneByOne(simulation: Simulation, node: number): number {
  let count = 0;
  for (const { origin, load } of simulation.view(node).origins()) {
    if (load !== null && !origin.startsWith("region-")) count++;
  }
  return count;
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

export interface Accuracy {
  /** Share of decisions equal to those made with perfect knowledge. */
  readonly same: number;
  /** Mean completion time over the best one's. */
  readonly cost: number;
  /** Link bytes a second a node while every node's load moves once a second. */
  readonly bytesPerSecond: number;
}

/** Every node's queue wanders once a second; deciders place single tasks by what their views say. */
export function accuracy(
  name: ArchitectureName,
  graph: Graph,
  decisions: number,
  everyUs: number,
  work: number,
  seed: number,
): Accuracy {
  const deployment = deploy(name, graph, false);
  const loads = new Rng(seed).fork("loads");
  const queues = each(graph.size, () => loads.exponential(0.4 * SECOND));
  let next = 0;
  const simulation = start(deployment, graph, seed, () => queues[next++]!);
  const wander = (node: number) => {
    // Towards a mean of 400 ms with steps of 100 ms: a queue that tasks come to and leave.
    queues[node] = Math.abs(
      queues[node]! + 0.06 * (0.4 * SECOND - queues[node]!) + loads.normal(0, 0.1 * SECOND),
    );
    simulation.publish(node, { load: loadOf(idOf(node), queues[node]!) });
  };
  for (let node = 0; node < graph.size; node++) {
    simulation.world.after(loads.below(SECOND) as never, () => {
      wander(node);
      simulation.world.every(SECOND as never, () => wander(node));
    });
  }
  simulation.pass(5 * SECOND);
  simulation.resetCounters();
  const began = simulation.now;
  const chooser = new Rng(seed).fork("deciders");
  let same = 0;
  let cost = 0;
  for (let i = 0; i < decisions; i++) {
    simulation.pass(everyUs);
    const decider = weighted(chooser, graph.weight);
    const truth = (node: number) => trueTime(simulation, graph, queues, decider, node, work);
    const chosen = decide(simulation, deployment, graph, decider, work);
    let best = 0;
    for (let node = 1; node < graph.size; node++) if (truth(node) < truth(best)) best = node;
    if (chosen === best) same++;
    cost += truth(chosen) / truth(best);
  }
  const seconds = (simulation.now - began) / SECOND;
  return {
    same: same / decisions,
    cost: cost / decisions,
    bytesPerSecond: simulation.linkBytes / seconds / graph.size,
  };
}

function weighted(rng: Rng, weight: readonly number[]): number {
  let left = rng.float() * weight.reduce((sum, w) => sum + w, 0);
  for (const [node, w] of weight.entries()) if ((left -= w) < 0) return node;
  return weight.length - 1;
}

/** There and back over the fastest way, the true queue, the work at the node's rate. */
function trueTime(
  simulation: Simulation,
  graph: Graph,
  queues: readonly number[],
  from: number,
  node: number,
  work: number,
): number {
  const { description } = simulation.view(node).get(idOf(node))!;
  return (
    2 * graph.delay[from * graph.size + node]! + queues[node]! + (1e6 * work) / description!.power.neural
  );
}

/** What a decider at `from` picks by its view; a region it picks picks by its gateway's view. */
function decide(
  simulation: Simulation,
  deployment: Deployment,
  graph: Graph,
  from: number,
  work: number,
): number {
  const probe = { type: "neural", work } as const;
  let best = from;
  let bestTime = Number.POSITIVE_INFINITY;
  let region = -1;
  for (const { origin, description, load, health } of simulation.view(from).origins()) {
    if (description === null || load === null || health !== "up") continue;
    const other = origin.startsWith("region-") ? Number(origin.slice(7)) : -1;
    const node = other >= 0 ? deployment.regions!.gateways[other]! : Number(origin.slice(1));
    const takes = 2 * graph.delay[from * graph.size + node]! + completion(probe, description, load);
    if (takes >= bestTime) continue;
    bestTime = takes;
    best = node;
    region = other;
  }
  return region < 0 ? best : decideInside(simulation, deployment, graph, best, region, work);
}

function decideInside(
  simulation: Simulation,
  deployment: Deployment,
  graph: Graph,
  gateway: number,
  region: number,
  work: number,
): number {
  let best = gateway;
  let bestTime = Number.POSITIVE_INFINITY;
  for (const { origin, description, load } of simulation.view(gateway).origins()) {
    const node = origin.startsWith("region-") ? -1 : Number(origin.slice(1));
    if (node < 0 || deployment.regions!.of[node] !== region || description === null || load === null)
      continue;
    const takes =
      2 * graph.delay[gateway * graph.size + node]! + completion({ type: "neural", work }, description, load);
    if (takes >= bestTime) continue;
    bestTime = takes;
    best = node;
  }
  return best;
}

/** Route changes a node when one domain after another vanishes, its links reported down. */
export function withdrawalChanges(graph: Graph, rounds: number, seed: number): number {
  const rng = new Rng(seed).fork("withdrawals");
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const simulation = start(deploy("path-vector", graph, false), graph, seed, () => FULL_QUEUE);
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
