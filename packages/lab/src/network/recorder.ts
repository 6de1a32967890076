import { LogHistogram, RunDigest } from "@weft/sim";
import { distributionOf, type MetricSpec, type NetworkMap, type Outcome, type Series } from "../study.ts";
import type { NetworkScenario } from "./scenario.ts";

/** Steps of every time series. */
const STEPS = 60;

export const NETWORK_METRICS: readonly MetricSpec[] = [
  { name: "latencyP50", label: "latency p50", unit: "s", better: "less" },
  { name: "latencyP99", label: "latency p99", unit: "s", better: "less" },
  { name: "latencyMean", label: "mean", unit: "s", better: "less" },
  { name: "missed", label: "missed deadline", unit: "%", better: "less" },
  { name: "unserved", label: "unserved", unit: "%", better: "less" },
  { name: "placedAgain", label: "placed again", unit: "%", better: "less" },
  { name: "utilisation", label: "utilisation", unit: "%", better: null },
  { name: "utilisationEdge", label: "edge use", unit: "%", better: null },
  { name: "utilisationCloud", label: "cloud use", unit: "%", better: null },
  { name: "energyPerTask", label: "energy/task", unit: "J", better: "less" },
  { name: "carbonPerTask", label: "CO2/task", unit: "g", better: "less" },
  { name: "costPerTask", label: "price/task", unit: "", better: "less" },
  { name: "hops", label: "hops", unit: "", better: null },
  { name: "tasks", label: "tasks", unit: "", better: null },
];

/** Counts what becomes of the tasks that arrive after the warm-up. */
export class NetworkRecorder {
  readonly #scenario: NetworkScenario;
  readonly #latency = new LogHistogram();
  readonly #digest = new RunDigest();
  readonly #arrived = new Float64Array(STEPS);
  readonly #failed = new Float64Array(STEPS);
  readonly #served = new Float64Array(STEPS);
  readonly #time = new Float64Array(STEPS);
  readonly #waiting = new Float64Array(STEPS);
  readonly #workAt: Float64Array;
  #tasks = 0;
  #missed = 0;
  #withDeadline = 0;
  #unserved = 0;
  #again = 0;
  #cost = 0;
  #hops = 0;

  constructor(scenario: NetworkScenario) {
    this.#scenario = scenario;
    this.#workAt = new Float64Array(scenario.topology.sites.length);
  }

  #step(at: number): number {
    return Math.max(0, Math.min(STEPS - 1, Math.floor((at / this.#scenario.duration) * STEPS)));
  }

  /** A task's result is back: it arrived at `at`, `deadline` is micros or Infinity. */
  served(
    task: number,
    at: number,
    back: number,
    deadline: number,
    cost: number,
    hops: number,
    site: number,
    work: number,
  ): void {
    this.#digest.add(task);
    this.#digest.add(back);
    this.#digest.add(site);
    const step = this.#step(at);
    const seconds = (back - at) / 1e6;
    this.#arrived[step]! += 1;
    this.#served[step]! += 1;
    this.#time[step]! += seconds;
    const late = back - at > deadline;
    if (late) this.#failed[step]! += 1;
    this.#workAt[site]! += work;
    if (at < this.#scenario.warmUp) return;
    this.#tasks++;
    this.#latency.add(seconds);
    if (deadline < Number.POSITIVE_INFINITY) this.#withDeadline++;
    if (late) this.#missed++;
    this.#cost += cost;
    this.#hops += hops;
  }

  /** A task that found no place in time. It counts as a missed deadline too, where it has one. */
  unserved(task: number, at: number, deadline: number): void {
    this.#digest.add(task);
    const step = this.#step(at);
    this.#arrived[step]! += 1;
    this.#failed[step]! += 1;
    if (at < this.#scenario.warmUp) return;
    this.#tasks++;
    this.#unserved++;
    if (deadline < Number.POSITIVE_INFINITY) {
      this.#withDeadline++;
      this.#missed++;
    }
  }

  /** A run was lost with its node. */
  lost(at: number): void {
    if (at >= this.#scenario.warmUp) this.#again++;
  }

  /** How many tasks wait for a place now. */
  waiting(at: number, count: number): void {
    const step = this.#step(at);
    this.#waiting[step] = Math.max(this.#waiting[step] as number, count);
  }

  get tasks(): number {
    return this.#tasks;
  }

  outcome(totals: {
    readonly utilisation: number | null;
    readonly edge: number | null;
    readonly cloud: number | null;
    readonly joules: number;
    readonly grams: number;
    readonly map: (share: (site: number) => number) => NetworkMap | null;
  }): Outcome {
    const served = this.#latency.count;
    const percent = (part: number, whole: number): number | null =>
      whole === 0 ? null : (100 * part) / whole;
    const each = (sum: number): number | null => (served === 0 ? null : sum / served);
    const latency = (q: number): number | null => (served === 0 ? null : this.#latency.quantile(q));
    const all = this.#workAt.reduce((sum, work) => sum + work, 0);
    return {
      metrics: {
        latencyP50: latency(0.5),
        latencyP99: latency(0.99),
        latencyMean: each(this.#latency.sum),
        missed: percent(this.#missed, this.#withDeadline),
        unserved: percent(this.#unserved, this.#tasks),
        placedAgain: percent(this.#again, this.#tasks),
        utilisation: totals.utilisation === null ? null : 100 * totals.utilisation,
        utilisationEdge: totals.edge === null ? null : 100 * totals.edge,
        utilisationCloud: totals.cloud === null ? null : 100 * totals.cloud,
        energyPerTask: each(totals.joules),
        carbonPerTask: each(totals.grams),
        costPerTask: each(this.#cost / 1e6),
        hops: each(this.#hops),
        tasks: this.#tasks,
      },
      distributions: { latency: distributionOf(this.#latency) },
      series: {
        latency: this.#series((i) =>
          this.#served[i] === 0 ? null : (this.#time[i] as number) / (this.#served[i] as number),
        ),
        missed: this.#series((i) => percent(this.#failed[i] as number, this.#arrived[i] as number)),
        arrivals: this.#series((i) => (this.#arrived[i] as number) / (this.#scenario.duration / STEPS / 1e6)),
        waiting: this.#series((i) => this.#waiting[i] as number),
      },
      map: totals.map((site) => (all === 0 ? 0 : (this.#workAt[site] as number) / all)),
      digest: this.#digest.toString(),
    };
  }

  #series(value: (step: number) => number | null): Series {
    const width = this.#scenario.duration / STEPS / 1e6;
    const steps = Array.from({ length: STEPS }, (_, i) => i);
    return { at: steps.map((i) => (i + 0.5) * width), values: steps.map(value) };
  }
}
