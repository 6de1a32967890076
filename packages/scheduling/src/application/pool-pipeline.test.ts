import type { SiteId } from "@weft/infrastructure";
import { type Bytes, Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { brand, joinSites, plainNode, plainTask } from "../testing/scenery.ts";
import { cutOverPool, type PipelineNeeds } from "./pool-pipeline.ts";

const HOME = "home" as SiteId;

function add(pool: Pool, id: string, site: string, gflops: number, memoryBytes: number): void {
  const power = { logical: 0, parallel: 0, neural: gflops * 1e9 };
  pool.addNode(plainNode(id, site, 1, { power, laneRate: power, memoryBytes, runs: ["model"] }));
}

const whole = (work: number, space: number, inputBytes: number, resultBytes: number): TaskNeeds =>
  plainTask({
    basic: { inputBytes, resultBytes, dataAt: HOME },
    compute: { type: "neural", work },
    algorithm: { function: "vgg", space },
    where: { runs: "model" },
  });

type Layer = PipelineNeeds["layers"][number];

function needsOf(
  layers: readonly Layer[],
  objective: PipelineNeeds["objective"],
  stages = 8,
  input = 1e5,
): PipelineNeeds {
  const sum = (of: (layer: Layer) => number): number => layers.reduce((total, one) => total + of(one), 0);
  const result = layers.at(-1)!.output;
  const all = whole(
    sum(({ work }) => work),
    sum(({ memory }) => memory),
    input,
    result,
  );
  return { at: HOME, whole: all, layers, stages, objective };
}

it("a model too large for any node is cut over two; of nodes alike no more than needed", () => {
  const pool = new Pool();
  joinSites(pool, "home", "east", 2000, 1e8);
  for (let i = 0; i < 30; i++) add(pool, `n${i}`, "east", 10, 1e9);
  const layers = Array.from({ length: 4 }, () => ({ work: 1e9, memory: 4e8, output: 1e5 }));
  const cut = cutOverPool(pool, needsOf(layers, "latency"));
  if (!cut.ok) throw new Error(cut.refusal.message);
  expect(cut.value.stages.map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [2, 4],
  ]);
  expect(new Set(cut.value.stages.map(({ node }) => node)).size).toBe(2);
  expect(cut.value.proven).toBe(true);
  // In and out over the link (8 ms of sending each, and its delay), 0.4 s of computing.
  expect(cut.value.latency).toBe(2 * (8_000 + 2_000) + 400_000);
  const slim = cutOverPool(pool, needsOf(layers, "throughput", 2));
  expect(slim.ok && slim.value.bottleneck).toBe(210_000); // a half of the computing, and the link one way
});

it("says what is missing where no cut fits", () => {
  const pool = new Pool();
  joinSites(pool, "home", "east", 2000, 1e8);
  const layers = [{ work: 1e9, memory: 4e8, output: 1e5 }];
  expect(cutOverPool(pool, needsOf(layers, "latency"))).toMatchObject({ refusal: { code: "no_capacity" } });
  add(pool, "small", "east", 10, 5e8);
  expect(cutOverPool(pool, needsOf([...layers, ...layers], "latency"))).toMatchObject({
    refusal: { code: "no_cut" },
  });
});

/** Every contiguous cut over every choice of nodes, with the times that a scheduler gives. */
function bruteForce(pool: Pool, { layers, whole, stages, objective }: PipelineNeeds): number {
  const { nodes, links } = pool;
  const scheduler = new Scheduler(pool);
  const transfer = (from: SiteId, to: SiteId, bytes: number): number => {
    if (from === to) return 0;
    // One path a pair of sites, for the most that may go over it.
    const most = brand<Bytes>(Math.max(whole.basic.inputBytes, ...layers.map(({ output }) => output)));
    const basic = { ...whole.basic, inputBytes: most, resultBytes: brand<Bytes>(0) };
    const path = scheduler.route({ ...whole, basic }, from, to);
    if (path === null) return Number.POSITIVE_INFINITY;
    let [delay, rate] = [0, Number.POSITIVE_INFINITY];
    for (let i = 1; i < path.length; i++) {
      const link = links.between(path[i - 1]!, path[i]!);
      delay += links.delay[link]!;
      rate = Math.min(rate, links.residual[link]!);
    }
    return delay / 1e6 + (bytes * 8) / rate;
  };
  const site = (n: number): SiteId => nodes.descriptions[n]!.site;
  let best = Number.POSITIVE_INFINITY;
  const go = (done: number, used: readonly number[], worth: number, turn: number): void => {
    const join = (a: number, b: number): number => (objective === "throughput" ? Math.max(a, b) : a + b);
    if (done === layers.length) {
      best = Math.min(best, join(worth, turn + transfer(site(used.at(-1)!), HOME, layers.at(-1)!.output)));
      return;
    }
    if (used.length === stages) return;
    for (let n = 0; n < nodes.bound; n++) {
      if (used.includes(n)) continue;
      const bytes = done === 0 ? whole.basic.inputBytes : layers[done - 1]!.output;
      const reach = transfer(used.length === 0 ? HOME : site(used.at(-1)!), site(n), bytes);
      let [seconds, held] = [0, 0];
      for (let to = done; to < layers.length; to++) {
        seconds += layers[to]!.work / nodes.descriptions[n]!.power.neural;
        held += layers[to]!.memory;
        if (held > nodes.freeMemory[n]!) break;
        go(to + 1, [...used, n], join(worth, turn), reach + seconds);
      }
    }
  };
  go(0, [], 0, 0);
  return best;
}

it("is the best of all cuts over all nodes, in either objective", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const rng = new Rng(seed);
      const pool = new Pool();
      const sites = ["home", "east", "west"];
      for (const [i, a] of sites.entries()) {
        for (const b of sites.slice(i + 1)) joinSites(pool, a, b, rng.pick([1e3, 1e4]), rng.pick([1e7, 1e8]));
      }
      for (let i = 0; i < 2 + rng.below(3); i++) {
        add(pool, `n${i}`, rng.pick(sites), rng.pick([5, 10, 40]), rng.pick([5e8, 1e9, 4e9]));
      }
      const layers = Array.from({ length: 1 + rng.below(5) }, () => ({
        work: rng.pick([1e8, 1e9, 4e9]),
        memory: rng.pick([1e8, 4e8]),
        output: rng.pick([1e4, 1e5, 1e6]),
      }));
      const needs = needsOf(layers, rng.pick(["throughput", "latency"]), 1 + rng.below(3));
      const cut = cutOverPool(pool, needs);
      const best = bruteForce(pool, needs);
      if (best === Number.POSITIVE_INFINITY) expect(cut.ok).toBe(false);
      else {
        if (!cut.ok) throw new Error(cut.refusal.message);
        const { bottleneck, latency } = cut.value;
        const value = (needs.objective === "throughput" ? bottleneck : latency) / 1e6;
        expect(Math.abs(value - best)).toBeLessThan(1e-4);
      }
    }),
    { numRuns: 200 },
  );
});
