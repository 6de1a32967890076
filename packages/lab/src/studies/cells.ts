import { type CellScenario, CellSimulation, type CellTiers, RunDigest } from "@weft/sim";
import { distributionOf, type Outcome, type Study } from "../study.ts";

/** Mobile devices in radio cells with edge servers and a cloud; the cases are the tiers that tasks may use. */
export const cellsStudy: Study = {
  kind: "cells",
  metrics: [
    { name: "tasks", label: "tasks", unit: "", better: null },
    { name: "failed", label: "failed", unit: "%", better: "less" },
    { name: "serviceTime", label: "service time", unit: "s", better: "less" },
    { name: "serviceP99", label: "p99", unit: "s", better: "less" },
    { name: "networkTime", label: "network time", unit: "s", better: "less" },
    { name: "failedCapacity", label: "no capacity", unit: "%", better: "less" },
    { name: "failedMobility", label: "moved away", unit: "%", better: "less" },
    { name: "failedBandwidth", label: "no bandwidth", unit: "%", better: "less" },
    { name: "edgeUse", label: "edge use", unit: "%", better: null },
    { name: "cloudUse", label: "cloud use", unit: "%", better: null },
  ],
  distributions: [{ key: "serviceTime", title: "Service time of completed tasks", unit: "s" }],
  series: [
    { key: "failed", title: "Tasks failed, by time of arrival", unit: "%" },
    { key: "serviceTime", title: "Mean service time", unit: "s" },
    { key: "rate", title: "Arrivals", unit: "tasks/s" },
  ],
  run(data, caseName, seed, progress): Outcome {
    const scenario = { ...(data as CellScenario), tiers: caseName as CellTiers };
    const outcome = new CellSimulation(scenario, seed).run(progress);
    const { tasks, completed, failed, serviceTime, networkTime, utilisation, series } = outcome;
    const share = (part: number): number | null => (tasks === 0 ? null : (100 * part) / tasks);
    const known = (value: number): number | null => (Number.isNaN(value) ? null : value);
    const at = [...series.at];
    const curve = (values: Float64Array, times = 1) => ({
      at,
      values: [...values].map((value) => (Number.isNaN(value) ? null : value * times)),
    });
    const digest = new RunDigest();
    for (const value of [tasks, completed, outcome.events, serviceTime.sum * 1e6])
      digest.add(Math.round(value));
    return {
      metrics: {
        tasks,
        failed: share(tasks - completed),
        serviceTime: known(serviceTime.mean),
        serviceP99: known(serviceTime.quantile(0.99)),
        networkTime: known(networkTime),
        failedCapacity: share(failed.capacity),
        failedMobility: share(failed.mobility),
        failedBandwidth: share(failed.bandwidth),
        edgeUse: 100 * utilisation.edge,
        cloudUse: 100 * utilisation.cloud,
      },
      distributions: { serviceTime: distributionOf(serviceTime) },
      series: {
        failed: curve(series.failedShare, 100),
        serviceTime: curve(series.serviceTime),
        rate: curve(series.rate),
      },
      map: null,
      digest: digest.toString(),
    };
  },
};
