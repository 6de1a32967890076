import { writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Pool } from "@weft/pool";
import { type Decision, Scheduler, type TaskNeeds } from "@weft/scheduling";
import { type Bench, cpuSeconds, type Figure, WrongInput } from "./bench.ts";
import { makeFleet, makeTasks, type Stream } from "./fleet.ts";
import { type GrowthPoint, growthPlot } from "./growth-plot.ts";
import { LoadKeeper } from "./load.ts";
import { SampledChoice } from "./sampled.ts";

/*
 * Placing tasks one at a time on a network of 500 sites, each decision exact over all nodes and all paths, and the pool
 * updated after each: the claim reserved (computing power, memory, bandwidth of the path), the task that ends next
 * released. Loads of 50, 70 and 90 % of all computing power, on links that carry up to as much; figures are over all three.
 */

type Report = (figure: Figure) => void;

interface Scale {
  readonly sites: number;
  readonly nodes: readonly number[];
  readonly decisions: number;
  readonly warmUp: number;
  /** Decisions by a full scan, of ten thousand nodes; each compared with the indexed one. */
  readonly scans: number;
  readonly growth: readonly number[];
}

const SCALES: Readonly<Record<"smoke" | "full", Scale>> = {
  smoke: { sites: 30, nodes: [10_000, 100_000], decisions: 300, warmUp: 100, scans: 10, growth: [300] },
  full: {
    sites: 500,
    nodes: [10_000, 100_000],
    decisions: 15_000,
    warmUp: 15_000,
    scans: 15,
    growth: [1_000, 10_000, 100_000, 1_000_000],
  },
};
const LOADS = [0.5, 0.7, 0.9] as const;
/** Decisions of a point of growth, and as many before. */
const GROWTH_DECISIONS = 15_000;
/** Tasks that come again and again: as many as stay in the caches, as one just read from the wire would be. */
const TASKS = 4_000;

/** `--plot FILE` writes what a decision takes by the number of nodes, as a picture (SVG). */
export const schedule: Bench = {
  name: "schedule",
  options: ["plot"],
  run(size, report, options = {}) {
    const scale = SCALES[size];
    if (options.plot !== undefined) writePlot(options.plot, ""); // what cannot be written, before minutes are spent
    for (const nodes of scale.nodes) online(size, nodes, "usual", LOADS, report);
    again(size, report);
    sampled(size, report);
    online(size, 10_000, "mixed", [0.7], report);
    const points = scale.growth.map((nodes) => growth(size, nodes, report));
    if (options.plot !== undefined) writePlot(options.plot, growthPlot(points));
  },
};

function writePlot(file: string, picture: string): void {
  try {
    writeFileSync(file, picture);
  } catch (error) {
    throw new WrongInput(`--plot ${file}: cannot be written: ${(error as Error).message}`);
  }
}

/** At smoke size the figures keep their names over a much smaller network. */
const actual = (size: "smoke" | "full", nodes: number): number => (size === "smoke" ? nodes / 100 : nodes);

/** A copy of a network at a load, after some decisions, and who makes the next ones. */
function warmedUp(fleet: Pool, tasks: readonly TaskNeeds[], load: number, decisions: number) {
  const pool = fleet.snapshot();
  const keeper = new LoadKeeper(pool, tasks, load);
  const scheduler = new Scheduler(pool);
  for (let i = 0; i < decisions; i++) keeper.step(scheduler);
  keeper.refused = 0;
  return { keeper, scheduler };
}

function online(
  size: "smoke" | "full",
  nodes: number,
  stream: Stream,
  loads: readonly number[],
  report: Report,
): void {
  const scale = SCALES[size];
  const tasks = makeTasks(Math.min(TASKS, scale.decisions), scale.sites, stream);
  const times: number[] = [];
  const byLoad: string[] = [];
  let [fast, slow, refused, scans] = [0, 0, 0, 0];
  const fleet = makeFleet({ nodes: actual(size, nodes), sites: scale.sites });
  for (const load of loads) {
    const { keeper, scheduler } = warmedUp(fleet, tasks, load, scale.warmUp);
    const seconds = cpuSeconds(() => {
      for (let i = 0; i < scale.decisions; i++) keeper.step(scheduler);
    });
    fast += seconds;
    byLoad.push(`${Math.round(scale.decisions / seconds).toLocaleString("en")} at ${100 * load} %`);
    refused += keeper.refused;
    for (let i = 0; i < scale.decisions / 2; i++) {
      const task = keeper.nextTask();
      let decision: Decision | null = null;
      times.push(1e6 * cpuSeconds(() => void (decision = scheduler.place(task))));
      if (decision !== null) keeper.commit(decision);
    }
    const compared = Math.max(5, Math.round((scale.scans * 10_000) / Math.max(10_000, nodes)));
    slow += scanSeconds(keeper, scheduler, compared);
    scans += compared;
  }
  const decisions = loads.length * scale.decisions;
  const rate = decisions / fast;
  report({
    name: `schedule/${stream === "usual" ? "online" : "mixed"}/${nodes}`,
    value: rate,
    unit: "decision/CPU-s",
    against: "full scan, same answers",
    ratio: rate / (scans / slow),
    note: `${byLoad.join(", ")}; ${((100 * refused) / decisions).toFixed(2)} % refused`,
  });
  times.sort((a, b) => a - b);
  const p99 = times[Math.floor(times.length * 0.99)] as number;
  const median = times[times.length >> 1] as number;
  report({
    name: `schedule/p99/${nodes}${stream === "usual" ? "" : "/mixed"}`,
    value: p99,
    unit: "us of CPU",
    against: `the median of ${median.toFixed(1)} us`,
    ratio: p99 / median,
    note: "CPU time of one decision, without its update of the pool",
  });
}

/** CPU seconds of full scans; their answers must be those of the index. */
function scanSeconds(keeper: LoadKeeper, scheduler: Scheduler, count: number): number {
  const scan = new Scheduler(keeper.pool, { search: "scan" });
  let seconds = 0;
  for (let i = 0; i < count; i++) {
    const task = keeper.nextTask();
    const decision = scheduler.place(task);
    let slow = decision;
    seconds += cpuSeconds(() => {
      slow = scan.place(task);
    });
    const same =
      slow.outcome === "placed" && decision.outcome === "placed"
        ? slow.node === decision.node &&
          slow.score === decision.score &&
          slow.path.join() === decision.path.join()
        : slow.outcome === decision.outcome;
    if (!same) throw new Error("the index and the full scan do not agree");
    keeper.commit(decision);
  }
  return seconds;
}

/**
 * The same task placed again at once, nothing having changed: what a decision takes when all it reads is in the caches. The rest of
 * its first time is waiting for memory.
 */
function again(size: "smoke" | "full", report: Report): void {
  const scale = SCALES[size];
  const nodes = 10_000;
  const repeats = 20;
  const tasks = makeTasks(Math.min(TASKS, scale.decisions), scale.sites, "usual");
  let [first, others, count] = [0, 0, 0];
  const fleet = makeFleet({ nodes: actual(size, nodes), sites: scale.sites });
  for (const load of LOADS) {
    const { keeper, scheduler } = warmedUp(fleet, tasks, load, scale.warmUp);
    for (let i = 0; i < scale.decisions / 10; i++, count++) {
      const task = keeper.nextTask();
      let decision: Decision | null = null;
      first += cpuSeconds(() => void (decision = scheduler.place(task)));
      others += cpuSeconds(() => {
        for (let j = 0; j < repeats; j++) scheduler.place(task);
      });
      if (decision !== null) keeper.commit(decision);
    }
  }
  const micros = (1e6 * others) / (count * repeats);
  report({
    name: `schedule/again/${nodes}`,
    value: micros,
    unit: "us of CPU",
    against: "the first time, without its update of the pool",
    ratio: micros / ((1e6 * first) / count),
  });
}

/**
 * The way of kube-scheduler: look at nodes from where the last look ended until so many that pass the filters are found
 * (at 10,000 nodes 5 %), score those, take the best. It scores with the same forecast over the shortest path.
 */
function sampled(size: "smoke" | "full", report: Report): void {
  const scale = SCALES[size];
  const nodes = 10_000;
  const count = Math.max(50, scale.decisions / 60);
  const tasks = makeTasks(count, scale.sites, "usual");
  let [exact, sample, worse, missed, compared] = [0, 0, 0, 0, 0];
  const fleet = makeFleet({ nodes: actual(size, nodes), sites: scale.sites });
  for (const load of LOADS) {
    const { keeper, scheduler } = warmedUp(fleet, tasks, load, scale.warmUp);
    const { pool } = keeper;
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

/** Cost of a decision, and memory, as the network grows, the sites staying as they are. */
function growth(size: "smoke" | "full", nodes: number, report: Report): GrowthPoint {
  const scale = SCALES[size];
  const tasks = makeTasks(Math.min(TASKS, scale.decisions), scale.sites, "usual");
  const empty = bytesHeld();
  const pool = makeFleet({ nodes, sites: scale.sites });
  const keeper = new LoadKeeper(pool, tasks, 0.7);
  const filled = bytesHeld();
  const scheduler = new Scheduler(pool);
  for (const task of tasks) scheduler.place(task);
  const held = bytesHeld() - filled;
  const decisions = Math.min(scale.decisions, nodes > 100_000 ? 5_000 : GROWTH_DECISIONS);
  for (let i = 0; i < decisions; i++) keeper.step(scheduler);
  const seconds = cpuSeconds(() => {
    for (let i = 0; i < decisions; i++) keeper.step(scheduler);
  });
  const micros = (seconds / decisions) * 1e6;
  report({
    name: `schedule/growth/${nodes}`,
    value: micros,
    unit: "us of CPU",
    against: "nothing; the sites stay as many",
    ratio: null,
    note: `pool with its reservations ${Math.round((filled - empty) / nodes)} B a node`,
  });
  report({
    name: `schedule/memory/${nodes}`,
    value: held / nodes,
    unit: "B/node",
    against: "nothing; index and trees of one scheduler",
    ratio: null,
    note: `${Math.round(held / scale.sites).toLocaleString("en")} B a site in all`,
  });
  return { nodes, micros };
}

function bytesHeld(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Buffers are given back by the collection after the one that finds them unused.
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
