import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Scheduler } from "@weft/scheduling";
import { type Bench, cpuSeconds, type Figure } from "./bench.ts";
import { makeFleet, makeTasks, type Stream } from "./fleet.ts";
import { LoadKeeper } from "./load.ts";
import { SampledChoice } from "./sampled.ts";

/*
 * Placing tasks one at a time on a network of 500 sites, each decision exact over all nodes and all paths, and the pool
 * updated after each: the claim reserved (computing power, memory, bandwidth of the path), the oldest released. Loads of
 * 50, 70 and 90 % of all computing power; figures are the mean of the three.
 */

type Report = (figure: Figure) => void;

interface Scale {
  readonly sites: number;
  readonly nodes: readonly number[];
  readonly decisions: number;
  readonly warmUp: number;
  readonly scans: number;
  readonly growth: readonly number[];
}

const SCALES: Readonly<Record<"smoke" | "full", Scale>> = {
  smoke: { sites: 30, nodes: [10_000, 100_000], decisions: 300, warmUp: 100, scans: 10, growth: [300] },
  full: {
    sites: 500,
    nodes: [10_000, 100_000],
    decisions: 20_000,
    warmUp: 10_000,
    scans: 100,
    growth: [1_000, 10_000, 100_000, 1_000_000],
  },
};
const LOADS = [0.5, 0.7, 0.9] as const;

export const schedule: Bench = {
  name: "schedule",
  run(size, report) {
    const scale = SCALES[size];
    for (const nodes of scale.nodes) online(size, nodes, "usual", report);
    online(size, 10_000, "mixed", report);
    sampled(size, report);
    for (const nodes of scale.growth) growth(size, nodes, report);
  },
};

/** At smoke size the figures keep their names over a much smaller network. */
const actual = (size: "smoke" | "full", nodes: number): number => (size === "smoke" ? nodes / 100 : nodes);

function online(size: "smoke" | "full", nodes: number, stream: Stream, report: Report): void {
  const scale = SCALES[size];
  const tasks = makeTasks(scale.decisions, scale.sites, stream);
  let [fast, slow, refused] = [0, 0, 0];
  const times: number[] = [];
  for (const load of LOADS) {
    const pool = makeFleet({ nodes: actual(size, nodes), sites: scale.sites });
    const keeper = new LoadKeeper(pool, tasks, load);
    const scheduler = new Scheduler(pool);
    for (let i = 0; i < scale.warmUp; i++) keeper.step(scheduler);
    keeper.refused = 0;
    fast += cpuSeconds(() => {
      for (let i = 0; i < scale.decisions; i++) keeper.step(scheduler);
    });
    refused += keeper.refused;
    for (let i = 0; i < scale.decisions; i++) {
      const task = keeper.nextTask();
      const before = process.hrtime.bigint();
      const decision = scheduler.place(task);
      times.push(Number(process.hrtime.bigint() - before) / 1e3);
      keeper.commit(decision);
    }
    const scan = new Scheduler(pool, { search: "scan" });
    slow += cpuSeconds(() => {
      for (let i = 0; i < scale.scans; i++) keeper.step(scan);
    });
  }
  const decisions = LOADS.length * scale.decisions;
  const rate = decisions / fast;
  report({
    name: `schedule/${stream === "usual" ? "online" : "mixed"}/${nodes}`,
    value: rate,
    unit: "decision/CPU-s",
    against: "full scan, same answers",
    ratio: rate / ((LOADS.length * scale.scans) / slow),
    note: `${((100 * refused) / decisions).toFixed(2)} % refused`,
  });
  times.sort((a, b) => a - b);
  report({
    name: `schedule/p99/${nodes}${stream === "usual" ? "" : "/mixed"}`,
    value: times[Math.floor(times.length * 0.99)] as number,
    unit: "us",
    against: `the median of ${(times[times.length >> 1] as number).toFixed(1)} us`,
    ratio: (times[Math.floor(times.length * 0.99)] as number) / (times[times.length >> 1] as number),
    note: "wall time of one decision",
  });
}

/**
 * The way of kube-scheduler: look at nodes from where the last look ended until so many that pass the filters are found
 * (at 10,000 nodes 5 %), score those, take the best. It scores with the same forecast over the shortest path.
 */
function sampled(size: "smoke" | "full", report: Report): void {
  const scale = SCALES[size];
  const nodes = 10_000;
  const count = Math.max(50, scale.decisions / 20);
  const tasks = makeTasks(count, scale.sites, "usual");
  let [exact, sample, worse, missed, compared] = [0, 0, 0, 0, 0];
  for (const load of LOADS) {
    const pool = makeFleet({ nodes: actual(size, nodes), sites: scale.sites });
    const keeper = new LoadKeeper(pool, tasks, load);
    const scheduler = new Scheduler(pool);
    const judge = new Scheduler(pool, { stickyMargin: 1 });
    const choice = new SampledChoice(pool, scheduler, Math.max(20, actual(size, nodes) * 0.05));
    for (let i = 0; i < count; i++) {
      const task = keeper.nextTask();
      let chosen: ReturnType<SampledChoice["choose"]> = null;
      sample += cpuSeconds(() => {
        chosen = choice.choose(task);
      });
      const before = cpuSeconds(() => {
        keeper.commit(scheduler.place(task));
      });
      exact += before;
      // What the chosen node would really cost over its best path, by the exact scheduler made to keep it there.
      const best = judge.place(task);
      const kept = chosen === null ? best : judge.place(task, { sticky: chosen });
      if (best.outcome === "refused") continue;
      compared++;
      if (chosen === null || kept.outcome === "refused" || kept.node !== chosen) missed++;
      else worse += kept.score / best.score;
    }
  }
  const rate = (LOADS.length * count) / sample;
  report({
    name: `schedule/sampled/${nodes}`,
    value: rate,
    unit: "decision/CPU-s",
    against: "exact in the same run",
    ratio: rate / ((LOADS.length * count) / exact),
    note: `costs ${(worse / Math.max(1, compared - missed)).toFixed(2)}x the optimum; ${((100 * missed) / Math.max(1, compared)).toFixed(1)} % of choices do not hold or are none; exact: 1x, all hold`,
  });
}

/** Cost of a decision and memory a node as the network grows, the sites staying as they are. */
function growth(size: "smoke" | "full", nodes: number, report: Report): void {
  const scale = SCALES[size];
  const tasks = makeTasks(2_000, scale.sites, "usual");
  const before = bytesHeld();
  const pool = makeFleet({ nodes, sites: scale.sites });
  const filled = bytesHeld();
  const keeper = new LoadKeeper(pool, tasks, 0.7);
  const scheduler = new Scheduler(pool);
  const decisions = Math.min(scale.decisions, 5_000);
  for (let i = 0; i < decisions; i++) keeper.step(scheduler);
  const seconds = cpuSeconds(() => {
    for (let i = 0; i < decisions; i++) keeper.step(scheduler);
  });
  report({
    name: `schedule/growth/${nodes}`,
    value: (seconds / decisions) * 1e6,
    unit: "us",
    against: "nothing; the sites stay as many",
    ratio: null,
    note: `pool and descriptions ${Math.round((filled - before) / nodes)} B a node`,
  });
}

function bytesHeld(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
