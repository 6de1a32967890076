import { assert } from "@weft/kernel";
import { NETWORK_METRICS } from "../network/recorder.ts";
import { caseOf, type NetworkScenario } from "../network/scenario.ts";
import { NetworkSimulation } from "../network/simulation.ts";
import type { Study } from "../study.ts";

/** Tasks on a network of sites, placed by the real scheduler; the cases are the scenario's policies. */
export const networkStudy: Study = {
  kind: "network",
  metrics: NETWORK_METRICS,
  distributions: [{ key: "latency", title: "Latency of served tasks", unit: "s" }],
  series: [
    { key: "latency", title: "Mean latency by time of arrival", unit: "s" },
    { key: "missed", title: "Tasks late or unserved", unit: "%" },
    { key: "waiting", title: "Tasks waiting for a place", unit: "tasks" },
    { key: "arrivals", title: "Arrivals", unit: "tasks/s" },
  ],
  run(data, caseName, seed, progress) {
    const found = caseOf(data as NetworkScenario, caseName);
    assert(found !== null, `no case ${caseName}`);
    return new NetworkSimulation(found.scenario, found.policy, seed).run(progress);
  },
};
