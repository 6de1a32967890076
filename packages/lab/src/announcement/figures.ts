import { Rng } from "@weft/kernel";
import { type LogHistogram, RunDigest } from "@weft/sim";
import { barabasiAlbert } from "../generators.ts";
import { distributionOf, type MetricSpec, type Outcome } from "../study.ts";
import { accuracy } from "./accuracy.ts";
import { canopyOf } from "./canopy-run.ts";
import { Graph } from "./graph.ts";
import {
  atRest,
  knownWhereAllSpeak,
  loadRecordBytes,
  type Propagation,
  propagation,
  quantile,
  withdrawalChanges,
} from "./propagation.ts";
import type { AnnouncementScenario, ArchitectureName } from "./scenario.ts";

export const ANNOUNCEMENT_METRICS: readonly MetricSpec[] = [
  { name: "timeP50", label: "time until all know, p50", unit: "ms", better: "less", detail: true },
  { name: "timeP99", label: "time until all know, p99", unit: "ms", better: "less", detail: true },
  { name: "timeRatio", label: "all know p50", unit: "x limit", better: "less" },
  { name: "timeRatioP99", label: "all know p99", unit: "x limit", better: "less" },
  { name: "age", label: "age", unit: "s", better: "less" },
  { name: "view", label: "view one by one", unit: "%", better: "more" },
  { name: "covered", label: "view with regions", unit: "%", better: "more", detail: true },
  { name: "accuracy", label: "same choice", unit: "%", better: "more" },
  { name: "missCost", label: "miss costs", unit: "x time", better: "less" },
  { name: "bytesRatio", label: "bytes", unit: "x tree", better: "less" },
  { name: "messages", label: "messages", unit: "a node", better: "less" },
  { name: "messagesRatio", label: "messages", unit: "x tree", better: "less", detail: true },
  { name: "idleBytes", label: "idle", unit: "B/s a node", better: "less", detail: true },
  { name: "busyBytes", label: "busy", unit: "B/s a node", better: "less" },
  { name: "worstBytes", label: "busiest node", unit: "B/s", better: "less", detail: true },
  { name: "state", label: "state", unit: "kB", better: "less" },
  { name: "routers", label: "routers changed", unit: "%", better: "less" },
  { name: "withdrawal", label: "withdrawal", unit: "changes a node", better: "less" },
];

type Metrics = Record<string, number | null>;

function timesOf(times: readonly number[], ratios: readonly number[]): Metrics {
  return {
    timeP50: quantile(times, 0.5) / 1000,
    timeP99: quantile(times, 0.99) / 1000,
    timeRatio: quantile(ratios, 0.5),
    timeRatioP99: quantile(ratios, 0.99),
  };
}

/** Time, bytes and messages of single changes, beside light and the spanning tree. */
function spreadOf(spread: Propagation, size: number): Metrics {
  return {
    ...timesOf(spread.times, spread.timeRatios),
    bytesRatio: spread.bytes / ((size - 1) * loadRecordBytes()),
    messages: spread.messages / size,
    messagesRatio: spread.messages / (size - 1),
    routers: (100 * spread.routers) / size,
  };
}

function outcome(metrics: Metrics, known: LogHistogram | null, own: Partial<Outcome> = {}): Outcome {
  const digest = new RunDigest();
  for (const { name } of ANNOUNCEMENT_METRICS) digest.add(Math.round((metrics[name] ?? 0) * 1e6));
  return {
    metrics,
    distributions: known === null ? {} : { known: distributionOf(known) },
    series: {},
    map: null,
    digest: digest.toString(),
    ...own,
  };
}

/** Everything about one architecture on a network small enough that every node can know every other. */
export function onTopology(
  name: ArchitectureName,
  graph: Graph,
  scenario: AnnouncementScenario,
  seed: number,
  progress: (done: number) => void,
): Outcome {
  const { changes, changeEvery: everyUs, withdrawals } = scenario;
  const plan = { changes, everyUs, publishers: null };
  const spread = propagation(name, graph, plan, seed, (done) => progress(0.4 * done));
  const rest = atRest(name, graph, seed);
  const choices = accuracy(name, graph, scenario, seed, (done) => progress(0.5 + 0.4 * done));
  const withdrawn =
    name === "path-vector" && withdrawals > 0 ? withdrawalChanges(graph, withdrawals, seed) : null;
  const metrics: Metrics = {
    ...spreadOf(spread, graph.size),
    age: rest.age / 1e6,
    view: 100 * rest.share,
    covered: 100 * rest.covered,
    accuracy: 100 * choices.same,
    missCost: choices.cost,
    idleBytes: rest.bytes,
    busyBytes: choices.bytesPerSecond,
    worstBytes: choices.worst,
    state: rest.state / 1000,
    withdrawal: withdrawn,
  };
  return outcome(metrics, spread.known, { series: { busyBytes: choices.traffic }, map: choices.map });
}

/**
 * A network too large for a view of everybody in every node: single changes on a Barabasi-Albert graph, of a few origins
 * with the others listening; the canopy instead in three levels of regions, with every node changing once a second.
 */
export function onGenerated(
  name: ArchitectureName,
  sites: number,
  scenario: AnnouncementScenario,
  seed: number,
  progress: (done: number) => void,
): Outcome {
  if (name === "canopy") return canopyFigures(sites, scenario, seed, progress);
  const topology = barabasiAlbert(new Rng(1).fork("topology"), { sites, links: 2, side: 2000 });
  const graph = new Graph({ ...topology, name: `generated-${sites}` });
  const plan = { changes: scenario.generatedChanges, everyUs: 2e6, publishers: 3 };
  const spread = propagation(name, graph, plan, seed, progress);
  const all = knownWhereAllSpeak(name, graph);
  const metrics: Metrics = {
    ...spreadOf(spread, graph.size),
    view: (100 * all.nodes) / graph.size,
    covered: 100 * spread.held.covered,
    // Extrapolated to all nodes speaking: bytes for one known node or region, times how many of them there would be.
    state: (spread.held.bytesAnEntry * (all.nodes + all.regions)) / 1000,
    // Extrapolated as well: what a change costs, times one change a second of every node, by node.
    busyBytes: spread.bytes,
  };
  return outcome(metrics, spread.known);
}

function canopyFigures(
  sites: number,
  { generatedChanges, generatedTime, task }: AnnouncementScenario,
  seed: number,
  progress: (done: number) => void,
): Outcome {
  const side = Math.max(3, Math.round(Math.cbrt(sites)));
  const seconds = Math.round(generatedTime / 1e6);
  const run = canopyOf(side, seconds, generatedChanges, task, seed, progress);
  return outcome(
    {
      ...timesOf(run.times, run.timeRatios),
      view: (100 * run.entries) / run.nodes,
      covered: 100,
      accuracy: 100 * run.same,
      missCost: run.cost,
      busyBytes: run.meanBytes,
      worstBytes: Math.max(run.memberBytes, run.gatewayBytes),
      state: run.state / 1000,
      routers: 0,
    },
    null,
  );
}
