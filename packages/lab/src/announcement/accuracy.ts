import { completion } from "@weft/announcement";
import { Rng } from "@weft/kernel";
import type { NetworkMap, Series } from "../study.ts";
import { type Deployment, deploy } from "./architectures.ts";
import type { Graph } from "./graph.ts";
import { begin } from "./propagation.ts";
import type { AnnouncementScenario, ArchitectureName } from "./scenario.ts";
import { idOf, loadOf, type Simulation } from "./simulation.ts";

const SECOND = 1_000_000;
type Task = AnnouncementScenario["task"];

export interface Accuracy {
  /** Share of decisions equal to those made with perfect knowledge. */
  readonly same: number;
  /** Mean completion time over the best one's. */
  readonly cost: number;
  /** Link bytes a second a node while every node's load moves once a second. */
  readonly bytesPerSecond: number;
  /** The most that one node sends and receives, bytes a second. */
  readonly worst: number;
  /** Link bytes a second a node, second by second. */
  readonly traffic: Series;
  /** Where the bytes went; null where the topology has no coordinates. */
  readonly map: NetworkMap | null;
}

/** Every node's queue wanders once a second; deciders place single tasks by what their views say. */
export function accuracy(
  name: ArchitectureName,
  graph: Graph,
  { decisions, decisionEvery, task }: Pick<AnnouncementScenario, "decisions" | "decisionEvery" | "task">,
  seed: number,
  progress: (done: number) => void,
): Accuracy {
  const deployment = deploy(name, graph, false);
  const loads = new Rng(seed).fork("loads");
  const queues = Array.from({ length: graph.size }, () => loads.exponential(0.4 * SECOND));
  const simulation = begin(deployment, graph, seed, (node) => queues[node] as number);
  wanderAll(simulation, queues, loads);
  simulation.pass(5 * SECOND);
  simulation.resetCounters();
  const began = simulation.now;
  const chooser = new Rng(seed).fork("deciders");
  const traffic: { at: number[]; values: (number | null)[] } = { at: [], values: [] };
  let counted = 0;
  let same = 0;
  let cost = 0;
  for (let i = 0; i < decisions; i++) {
    simulation.pass(decisionEvery);
    const seconds = Math.floor((simulation.now - began) / SECOND);
    if (seconds > traffic.at.length) {
      traffic.at.push(seconds);
      traffic.values.push((simulation.linkBytes - counted) / graph.size);
      counted = simulation.linkBytes;
    }
    const decider = weighted(chooser, graph.weight);
    const truth = (node: number, away: number) => 2 * away + trueTime(simulation, queues, node, task);
    const chosen = decide(simulation, deployment, graph, decider, task);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let node = 0; node < graph.size; node++) {
      const takes = truth(node, graph.delay(decider, node));
      if (takes >= least) continue;
      best = node;
      least = takes;
    }
    if (chosen.node === best) same++;
    cost += truth(chosen.node, chosen.away) / least;
    progress((i + 1) / decisions);
  }
  const seconds = (simulation.now - began) / SECOND;
  return {
    same: same / decisions,
    cost: cost / decisions,
    bytesPerSecond: simulation.linkBytes / seconds / graph.size,
    worst: simulation.nodeBytes.reduce((most, bytes) => Math.max(most, bytes), 0) / seconds,
    traffic,
    map: mapOf(simulation, deployment, graph),
  };
}

/** Queues move towards a mean of 400 ms with steps of 100 ms, as tasks come and leave. */
function wanderAll(simulation: Simulation, queues: number[], rng: Rng): void {
  const wander = (node: number) => {
    const queue = queues[node] as number;
    queues[node] = Math.abs(queue + 0.06 * (0.4 * SECOND - queue) + rng.normal(0, 0.1 * SECOND));
    simulation.publish(node, { load: loadOf(idOf(node), queues[node] as number) });
  };
  for (let node = 0; node < simulation.size; node++) {
    simulation.world.after(rng.below(SECOND) as never, () => {
      wander(node);
      simulation.world.every(SECOND as never, () => wander(node));
    });
  }
}

function mapOf(simulation: Simulation, { ways }: Deployment, graph: Graph): NetworkMap | null {
  if (graph.sites.some(({ latitude }) => latitude === null)) return null;
  const all = simulation.nodeBytes.reduce((sum, bytes) => sum + bytes, 0);
  const most = simulation.wayBytes.reduce((top, bytes) => Math.max(top, bytes), 1);
  return {
    sites: graph.sites.map(({ name, latitude, longitude }, node) => ({
      name,
      latitude: latitude as number,
      longitude: longitude as number,
      tier: "edge" as const,
      share: (simulation.nodeBytes[node] as number) / all,
    })),
    links: ways.map(({ a, b }, i) => ({ a, b, load: (simulation.wayBytes[i] as number) / most })),
  };
}

function weighted(rng: Rng, weight: readonly number[]): number {
  let left = rng.float() * weight.reduce((sum, w) => sum + w, 0);
  for (const [node, w] of weight.entries()) if ((left -= w) < 0) return node;
  return weight.length - 1;
}

/** The true queue, and the work at the node's rate. */
function trueTime(
  simulation: Simulation,
  queues: readonly number[],
  node: number,
  { type, work }: Task,
): number {
  const { description } = simulation.view(node).get(idOf(node))!;
  return queues[node]! + (1e6 * work) / description!.power[type];
}

interface Chosen {
  readonly node: number;
  /** One way to it, over the gateway that chose it where one did. */
  readonly away: number;
}

/** What a decider at `from` picks by its view; a region it picks picks by its gateway's view, and the task goes that way. */
function decide(
  simulation: Simulation,
  deployment: Deployment,
  graph: Graph,
  from: number,
  task: Task,
): Chosen {
  let best = from;
  let bestTime = Number.POSITIVE_INFINITY;
  let region = -1;
  for (const { origin, description, load, health } of simulation.view(from).origins()) {
    if (description === null || load === null || health !== "up") continue;
    const other = origin.startsWith("region-") ? Number(origin.slice(7)) : -1;
    const node = other >= 0 ? deployment.regions!.centres[other]! : Number(origin.slice(1));
    const takes = 2 * graph.delay(from, node) + completion(task, description, load);
    if (takes >= bestTime) continue;
    bestTime = takes;
    best = node;
    region = other;
  }
  const away = graph.delay(from, best);
  if (region < 0) return { node: best, away };
  const node = decideInside(simulation, deployment, graph, best, region, task);
  return { node, away: away + graph.delay(best, node) };
}

function decideInside(
  simulation: Simulation,
  deployment: Deployment,
  graph: Graph,
  gateway: number,
  region: number,
  task: Task,
): number {
  let best = gateway;
  let bestTime = Number.POSITIVE_INFINITY;
  for (const { origin, description, load } of simulation.view(gateway).origins()) {
    const node = origin.startsWith("region-") ? -1 : Number(origin.slice(1));
    if (node < 0 || deployment.regions!.of[node] !== region || description === null || load === null)
      continue;
    const takes = 2 * graph.delay(gateway, node) + completion(task, description, load);
    if (takes >= bestTime) continue;
    bestTime = takes;
    best = node;
  }
  return best;
}

/** Route changes a node when one domain after another vanishes, its links reported down. */
