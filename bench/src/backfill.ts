import type { NodeId } from "@weft/infrastructure";
import { type Instant, Rng } from "@weft/kernel";
import type { Pool } from "@weft/pool";
import { keepPlace, type Leaving, type Occupancy, Scheduler, type TaskNeeds } from "@weft/scheduling";
import { type Bench, cpuSeconds, type Figure, quantile } from "./bench.ts";
import { makeFleet, makeTasks } from "./fleet.ts";

/*
 * What it costs to look for the place to be kept for a task that others pass over, on a fleet without room for it.
 */

const NOW = 0 as Instant;
/** The pool counts as full once so many tasks in all have found no place. */
const REFUSED = 200;

/** Fills a pool with tasks, each of which leaves within a minute. */
function fill(pool: Pool, tasks: readonly TaskNeeds[]): Map<NodeId, Leaving[]> {
  const rng = new Rng(5);
  const scheduler = new Scheduler(pool);
  const standing = new Map<NodeId, Leaving[]>();
  for (let i = 0, refused = 0; refused < REFUSED; i++) {
    const task = tasks[i % tasks.length] as TaskNeeds;
    const basic = { ...task.basic, deadline: null };
    const decision = scheduler.place({ ...task, basic, payAtMost: null });
    const held = decision.outcome === "placed" ? pool.reserve(decision.claim) : null;
    if (decision.outcome === "refused" || held?.ok !== true) refused++;
    else {
      const leaving = { reservation: held.value, until: (1 + rng.below(60e6)) as Instant };
      standing.set(decision.node, [...(standing.get(decision.node) ?? []), leaving]);
    }
  }
  return standing;
}

/** A task that wants nearly all of one of the larger nodes. */
function large(task: TaskNeeds): TaskNeeds {
  const none = { delay: null, bandwidth: 0, jitter: null, loss: null, bitErrorRate: null } as const;
  return {
    ...task,
    basic: { ...task.basic, deadline: null, mayLeaveTo: null },
    compute: { ...task.compute, type: "logical", lanes: 16, atLeast: 3e11 as never, accelerator: null },
    algorithm: { ...task.algorithm, space: (40 * 2 ** 30) as never },
    network: { ...task.network, ...none } as TaskNeeds["network"],
    objective: { kind: "cost" },
    payAtMost: null,
  };
}

function measure(nodes: number, times: number): Figure {
  const sites = Math.max(10, Math.round(nodes / 20));
  const pool = makeFleet({ nodes, sites });
  const tasks = makeTasks(500, sites, "usual");
  const byNode = fill(pool, tasks);
  const all = [...byNode.values()].flat();
  const standing: Occupancy = { all: () => all, on: (node) => byNode.get(node) ?? [], staying: [] };
  const needs = large(tasks[0] as TaskNeeds);
  const looks: number[] = [];
  const copies: number[] = [];
  for (let i = 0; i < times; i++) {
    looks.push(1e3 * cpuSeconds(() => void keepPlace(pool, needs, standing, NOW)));
    const emptied = (): void => {
      const copy = pool.snapshot();
      for (const { reservation } of all) copy.release(reservation);
    };
    copies.push(1e3 * cpuSeconds(emptied));
  }
  const place = keepPlace(pool, needs, standing, NOW);
  const [look, copy] = [quantile(looks, 0.5), quantile(copies, 0.5)];
  return {
    name: `backfill/look/${nodes}`,
    value: look,
    unit: "ms",
    against: "one copy of the pool from which all that stands is released, in the same run",
    ratio: look / copy,
    note: `${all.length} runs; ${place === null ? "no place" : `a place in ${(place.at / 1e6).toFixed(1)} s`}; the first look took ${(looks[0] as number).toFixed(1)} ms`,
  };
}

/** CPU time of one look for a place, at 100 and 1,000 nodes. */
export const backfill: Bench = {
  name: "backfill",
  run(size, report) {
    for (const nodes of size === "smoke" ? [50] : [100, 1000])
      report(measure(nodes, size === "smoke" ? 3 : 200));
  },
};
