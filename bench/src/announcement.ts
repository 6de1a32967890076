import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseTime, parseWork } from "@weft/kernel";
import { parse } from "yaml";
import { ARCHITECTURES, type ArchitectureName, deploy } from "./announcement/architectures.ts";
import { flood } from "./announcement/flood.ts";
import { type Graph, graphOf, readTopologies } from "./announcement/graph.ts";
import {
  accuracy,
  loadRecordBytes,
  propagation,
  quantile,
  withdrawalChanges,
} from "./announcement/measure.ts";
import { canopyOf } from "./announcement/regions.ts";
import type { Bench, Figure } from "./bench.ts";

interface Scenario {
  readonly topologies: readonly string[];
  readonly architectures: readonly ArchitectureName[];
  readonly seed: number;
  readonly changes: number;
  readonly changeEveryUs: number;
  readonly decisions: number;
  readonly decisionEveryUs: number;
  readonly work: number;
  readonly generated: readonly number[];
}

const SCENARIO = join(dirname(fileURLToPath(import.meta.url)), "../../scenarios/announcement.yaml");

function readScenario(): Scenario {
  const raw = parse(readFileSync(SCENARIO, "utf8"));
  const us = (text: string): number => {
    const time = parseTime(text);
    if (!time.ok) throw new Error(`${SCENARIO}: ${time.refusal.message}: ${text}`);
    return time.value;
  };
  const work = parseWork(raw.task.work);
  if (!work.ok) throw new Error(`${SCENARIO}: ${work.refusal.message}`);
  for (const name of raw.architectures) {
    if (!ARCHITECTURES.includes(name)) throw new Error(`${SCENARIO}: no architecture ${name}`);
  }
  return {
    topologies: raw.topologies.map((file: string) => join(dirname(SCENARIO), file)),
    architectures: raw.architectures,
    seed: raw.seed,
    changes: raw.changes,
    changeEveryUs: us(raw.changeEvery),
    decisions: raw.decisions,
    decisionEveryUs: us(raw.decisionEvery),
    work: work.value,
    generated: raw.generated,
  };
}

export const announcement: Bench = {
  name: "announcement",
  run(size, report) {
    const scenario = readScenario();
    const paths = (process.env.WEFT_TOPOLOGIES ?? "").split(":").filter((path) => path !== "");
    const files = size === "smoke" ? scenario.topologies : [...scenario.topologies, ...paths];
    for (const topology of files.flatMap(readTopologies)) {
      const graph = graphOf(topology);
      for (const name of scenario.architectures) {
        onTopology(
          name,
          graph,
          size === "smoke" ? { ...scenario, changes: 5, decisions: 20 } : scenario,
          report,
        );
      }
    }
    for (const nodes of size === "smoke" ? [300] : scenario.generated)
      generated(nodes, scenario.seed, size === "full", report);
  },
};

/** Networks too large for one view a node: link-state by its flood alone, the canopy in three levels. */
function generated(nodes: number, seed: number, full: boolean, report: (figure: Figure) => void): void {
  const record = loadRecordBytes();
  const flooded = flood(nodes, full ? 3 : 1, record, seed);
  const graph = `generated-${nodes}`;
  const link = `announcement/link-state/${graph}`;
  report({
    name: `${link}/time-ratio`,
    value: flooded.timeRatio,
    unit: "x",
    against: "the origin's latency eccentricity",
    ratio: flooded.timeRatio,
  });
  report({
    name: `${link}/bytes-ratio`,
    value: flooded.bytesRatio,
    unit: "x",
    against: "(n - 1) records on a spanning tree",
    ratio: flooded.bytesRatio,
  });
  const rate = flooded.bytesRatio * record * nodes;
  report({
    name: `${link}/node-bytes`,
    value: rate,
    unit: "B/s a node",
    against: "",
    ratio: null,
    note: "the measured flood times one change a second of every node",
  });

  const side = Math.round(Math.cbrt(nodes));
  const run = canopyOf(side, full ? 90 : 5, full ? 20 : 2, seed);
  const own = `announcement/canopy/${graph}`;
  const note = `${run.nodes} nodes in three levels of ${side}, one change a second each`;
  report({
    name: `${own}/node-bytes`,
    value: run.meanBytes,
    unit: "B/s a node",
    against: "5 kB/s, the target",
    ratio: run.meanBytes / 5000,
    note,
  });
  report({
    name: `${own}/node-bytes-worst`,
    value: run.memberBytes,
    unit: "B/s a node",
    against: "5 kB/s, the target",
    ratio: run.memberBytes / 5000,
    note: "sent and received",
  });
  report({
    name: `${own}/gateway-bytes`,
    value: run.gatewayBytes,
    unit: "B/s a node",
    against: "5 kB/s, the target",
    ratio: run.gatewayBytes / 5000,
    note: "a gateway of all three levels",
  });
  const time = quantile(run.timeRatios, 0.5);
  const late = quantile(run.timeRatios, 0.99);
  report({
    name: `${own}/time-ratio`,
    value: time,
    unit: "x",
    against: "the direct latency to another region's farthest member",
    ratio: time,
  });
  report({
    name: `${own}/time-ratio-p99`,
    value: late,
    unit: "x",
    against: "the direct latency to another region's farthest member",
    ratio: late,
  });
  report({
    name: `${own}/announced`,
    value: run.announced,
    unit: "of all changes",
    against: "1, every change",
    ratio: run.announced,
  });
  report({
    name: `${own}/state`,
    value: run.state,
    unit: "B a node",
    against: `${run.entries} origins known of ${run.nodes}`,
    ratio: run.entries / run.nodes,
  });
}

function onTopology(
  name: ArchitectureName,
  graph: Graph,
  scenario: Scenario,
  report: (figure: Figure) => void,
): void {
  const prefix = `announcement/${name}/${graph.name}`;
  const { changes, changeEveryUs, decisions, decisionEveryUs, work, seed } = scenario;
  const spread = propagation(name, graph, changes, changeEveryUs, seed);
  const tree = (graph.size - 1) * loadRecordBytes();
  const limit = "the origin's latency eccentricity";
  const p50 = quantile(spread.timeRatios, 0.5);
  const p99 = quantile(spread.timeRatios, 0.99);
  const ms = (values: readonly number[], p: number) => quantile(values, p) / 1000;
  report({
    name: `${prefix}/time-ratio`,
    value: p50,
    unit: "x",
    against: limit,
    ratio: p50,
    note: "p50 over changes; all deciders know",
  });
  report({ name: `${prefix}/time-ratio-p99`, value: p99, unit: "x", against: limit, ratio: p99 });
  report({
    name: `${prefix}/time-p50`,
    value: ms(spread.times, 0.5),
    unit: "ms",
    against: limit,
    ratio: p50,
  });
  report({
    name: `${prefix}/time-p99`,
    value: ms(spread.times, 0.99),
    unit: "ms",
    against: limit,
    ratio: p99,
  });
  const bytes = spread.bytes / tree;
  report({
    name: `${prefix}/bytes-ratio`,
    value: bytes,
    unit: "x",
    against: "(n - 1) records on a spanning tree",
    ratio: bytes,
  });
  const messages = spread.messages / (graph.size - 1);
  report({
    name: `${prefix}/messages`,
    value: spread.messages / graph.size,
    unit: "a node a change",
    against: "n - 1 on a spanning tree",
    ratio: messages,
  });
  report({
    name: `${prefix}/idle-bytes`,
    value: spread.idle,
    unit: "B/s a node",
    against: "",
    ratio: null,
    note: "hellos and heartbeats, by link",
  });
  report({
    name: `${prefix}/view-share`,
    value: spread.share,
    unit: "of nodes known one by one",
    against: "",
    ratio: null,
  });
  report({
    name: `${prefix}/age`,
    value: spread.age / 1e6,
    unit: "s",
    against: "",
    ratio: null,
    note: "mean, heartbeat every 20 s",
  });
  report({ name: `${prefix}/state`, value: spread.state, unit: "B a node", against: "", ratio: null });
  const { routers } = deploy(name, graph, false);
  report({
    name: `${prefix}/routers-changed`,
    value: routers,
    unit: "routers",
    against: "all of them",
    ratio: routers / graph.size,
    note: "by design, not measured",
  });
  const choices = accuracy(name, graph, decisions, decisionEveryUs, work, seed);
  report({
    name: `${prefix}/accuracy`,
    value: choices.same,
    unit: "same choice",
    against: "perfect knowledge",
    ratio: choices.same,
  });
  report({
    name: `${prefix}/miss-cost`,
    value: choices.cost,
    unit: "x",
    against: "the best completion time",
    ratio: choices.cost,
    note: "mean over all decisions",
  });
  report({
    name: `${prefix}/busy-bytes`,
    value: choices.bytesPerSecond,
    unit: "B/s a node",
    against: "",
    ratio: null,
    note: "every load moving once a second",
  });
  if (name === "path-vector") {
    const withdrawn = withdrawalChanges(graph, 4, seed);
    report({
      name: `${prefix}/withdrawal-changes`,
      value: withdrawn,
      unit: "route changes a node",
      against: "1, the least",
      ratio: withdrawn,
    });
  }
}
