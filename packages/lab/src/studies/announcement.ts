import { assert } from "@weft/kernel";
import { ANNOUNCEMENT_METRICS, onGenerated, onTopology } from "../announcement/figures.ts";
import { Graph } from "../announcement/graph.ts";
import { type AnnouncementScenario, announcementCase } from "../announcement/scenario.ts";
import { surveyVerdicts } from "../announcement/verdicts.ts";
import type { Study } from "../study.ts";

/** How what nodes say of themselves spreads (A4); the cases are every architecture on every network. */
export const announcementStudy: Study = {
  kind: "announcement",
  metrics: ANNOUNCEMENT_METRICS,
  distributions: [
    { key: "known", title: "Time until a decider knows a change", unit: "ms", of: "deciders and changes" },
  ],
  series: [
    { key: "busyBytes", title: "Bytes a second a node while every load moves once a second", unit: "B/s" },
  ],
  map: {
    title: "Where the bytes went",
    note: "a disc's area is the node's share of all bytes sent and received; a line's width its bytes beside the busiest line's",
  },
  conclude: surveyVerdicts,
  run(data, caseName, seed, progress) {
    const scenario = data as AnnouncementScenario;
    const found = announcementCase(scenario, caseName);
    assert(found !== null, `no case ${caseName}`);
    const { network, architecture } = found;
    if ("sites" in network) return onGenerated(architecture, network.sites, scenario, seed, progress);
    const graph = new Graph({ ...network.topology, name: network.name });
    return onTopology(architecture, graph, scenario, seed, progress);
  },
};
