import { readFileSync } from "node:fs";
import { Rng } from "@weft/kernel";
import type { Pool, ReservationId } from "@weft/pool";
import { type Bench, cpuSeconds, type Figure, WrongInput } from "./bench.ts";
import {
  parseNodes,
  parseTasks,
  syntheticTrace,
  type TraceNode,
  type TraceRefusal,
  type TraceTask,
} from "./cluster-trace.ts";
import { bestFit, firstFit, hasRoom, type Policy, poolOf, weft } from "./replay-policies.ts";

export interface ReplayOutcome {
  readonly placed: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Share of the cluster's devices that was in use: the mean over time, or at the end where nothing leaves. */
  readonly gpuUse: number;
  readonly cpuUse: number;
  /** Share of what is free on devices at the end that a task drawn from the trace cannot use where it is. */
  readonly fragmentation: number;
  /** Seconds of CPU for all decisions and commits. */
  readonly seconds: number;
}

/** Tasks arrive and leave when the trace says; one that finds no room is refused at once. */
export function replayInTime(
  nodes: readonly TraceNode[],
  tasks: readonly TraceTask[],
  policy: Policy,
): ReplayOutcome {
  const order = [...tasks].sort((a, b) => a.arrives - b.arrives);
  return replayInOrder(nodes, tasks, order, policy, true);
}

/**
 * Tasks drawn from the trace (its order shuffled, over and over) arrive until they have asked for as many devices as there
 * are, and none leaves: how full a policy gets the cluster.
 */
export function fillUp(
  nodes: readonly TraceNode[],
  tasks: readonly TraceTask[],
  policy: Policy,
  seed: number,
): ReplayOutcome {
  const rng = new Rng(seed);
  const capacity = nodes.reduce((sum, node) => sum + 1000 * node.gpus, 0);
  const arriving: TraceTask[] = [];
  let asked = 0;
  while (asked < capacity && tasks.some((task) => task.gpus > 0)) {
    for (const task of rng.shuffle([...tasks])) {
      if (asked >= capacity) break;
      asked += task.gpus * task.gpuMilli;
      arriving.push(task);
    }
  }
  return replayInOrder(nodes, tasks, arriving, policy, false);
}

function replayInOrder(
  nodes: readonly TraceNode[],
  tasks: readonly TraceTask[],
  order: readonly TraceTask[],
  policy: Policy,
  leaving: boolean,
): ReplayOutcome {
  const pool = poolOf(nodes, tasks);
  const place = policy.on(pool);
  const leaves = new Departures();
  const meter = new UseMeter(nodes);
  const refused: Record<string, number> = {};
  let placed = 0;
  const seconds = cpuSeconds(() => {
    for (const task of order) {
      if (leaving) {
        for (let gone = leaves.until(task.arrives); gone !== null; gone = leaves.until(task.arrives)) {
          pool.release(gone.id);
          meter.change(gone.at, gone.task, -1);
        }
      }
      const claim = place(task);
      const reserved = typeof claim === "string" ? null : pool.reserve(claim);
      if (typeof claim === "string" || reserved?.ok !== true) {
        const code = typeof claim === "string" ? claim : "stale";
        refused[code] = (refused[code] ?? 0) + 1;
        continue;
      }
      placed++;
      meter.change(task.arrives, task, 1);
      if (leaving) leaves.add({ at: task.arrives + task.runsFor, task, id: reserved.value });
    }
  });
  const { gpu, cpu } = leaving ? meter.mean() : meter.now();
  return { placed, refused, gpuUse: gpu, cpuUse: cpu, fragmentation: fragmentation(pool, tasks), seconds };
}

interface Departure {
  readonly at: number;
  readonly task: TraceTask;
  readonly id: ReservationId;
}

/** Who leaves when, earliest first: a binary heap. */
class Departures {
  readonly #heap: Departure[] = [];

  add(item: Departure): void {
    const heap = this.#heap;
    let i = heap.push(item) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if ((heap[up] as Departure).at <= item.at) break;
      heap[i] = heap[up] as Departure;
      i = up;
    }
    heap[i] = item;
  }

  /** Takes out the earliest that leaves by `at`; null where none does. */
  until(at: number): Departure | null {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > at) return null;
    const last = heap.pop() as Departure;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Departure).at < (heap[child] as Departure).at)
        child++;
      if ((heap[child] as Departure).at >= last.at) break;
      heap[i] = heap[child] as Departure;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

/** Use of devices and cores, now and on average over time. */
class UseMeter {
  readonly #gpus: number;
  readonly #cores: number;
  #gpu = 0;
  #cpu = 0;
  #gpuTime = 0;
  #cpuTime = 0;
  #from: number | null = null;
  #at = 0;

  constructor(nodes: readonly TraceNode[]) {
    this.#gpus = Math.max(
      1,
      nodes.reduce((sum, node) => sum + 1000 * node.gpus, 0),
    );
    this.#cores = Math.max(
      1,
      nodes.reduce((sum, node) => sum + node.cpuMilli, 0),
    );
  }

  change(at: number, task: TraceTask, sign: number): void {
    this.#from ??= at;
    const passed = at - Math.max(this.#at, this.#from);
    this.#gpuTime += passed * this.#gpu;
    this.#cpuTime += passed * this.#cpu;
    this.#at = at;
    this.#gpu += sign * task.gpus * task.gpuMilli;
    this.#cpu += sign * task.cpuMilli;
  }

  now(): { gpu: number; cpu: number } {
    return { gpu: this.#gpu / this.#gpus, cpu: this.#cpu / this.#cores };
  }

  mean(): { gpu: number; cpu: number } {
    const span = Math.max(1, this.#at - (this.#from ?? 0));
    return { gpu: this.#gpuTime / span / this.#gpus, cpu: this.#cpuTime / span / this.#cores };
  }
}

/**
 * For every node and every kind of GPU task, weighted by how often the trace has it: what is free on devices there and of no
 * use to it, because the task fits not at all, or a device has less left than it asks. As a share of all that is
 * free (after Weng and others, ATC 2023; tasks without GPU are left out here).
 */
export function fragmentation(pool: Pool, tasks: readonly TraceTask[]): number {
  const kinds = new Map<string, { task: TraceTask; count: number }>();
  for (const task of tasks) {
    if (task.gpus === 0) continue;
    const key = [task.cpuMilli, task.memoryMib, task.gpus, task.gpuMilli].join();
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, { task, count: 1 });
    else kind.count++;
  }
  const total = [...kinds.values()].reduce((sum, { count }) => sum + count, 0);
  let free = 0;
  let useless = 0;
  for (let n = 0; n < pool.nodes.bound; n++) {
    const devices = (pool.nodes.devices[n] ?? []).map((device) => device.free);
    const here = devices.reduce((sum, left) => sum + left, 0);
    free += here;
    if (here === 0) continue;
    for (const { task, count } of kinds.values()) {
      const wasted = fits(pool, n, task)
        ? devices.reduce((sum, left) => sum + (left < task.gpuMilli ? left : 0), 0)
        : here;
      useless += (wasted * count) / total;
    }
  }
  return free === 0 ? 0 : useless / free;
}

function fits(pool: Pool, n: number, task: TraceTask): boolean {
  return hasRoom(pool, n, {
    rate: task.cpuMilli * 1e6,
    memory: task.memoryMib * 2 ** 20,
    deviceKind: 0,
    deviceMemory: task.gpuMilli,
    deviceCount: task.gpus,
  });
}

const POLICIES: readonly Policy[] = [weft, bestFit, firstFit];

function figures(
  scene: string,
  outcomes: readonly (readonly [Policy, ReplayOutcome])[],
  report: (figure: Figure) => void,
): void {
  const [, best] = outcomes.find(([policy]) => policy === bestFit) as (typeof outcomes)[number];
  for (const [{ name }, outcome] of outcomes) {
    const asked = outcome.placed + Object.values(outcome.refused).reduce((sum, count) => sum + count, 0);
    const why = Object.entries(outcome.refused).map(([code, count]) => `${count} ${code}`);
    const figure = (what: string, unit: string, value: number, of: number, note?: string): void =>
      report({
        name: `replay/${scene}/${name}/${what}`,
        value,
        unit,
        against: "best-fit in the same run",
        ratio: of === 0 ? null : value / of,
        ...(note === undefined ? {} : { note }),
      });
    const refusals = why.length === 0 ? "none refused" : `refused: ${why.join(", ")}`;
    figure("placed", "tasks", outcome.placed, best.placed, `of ${asked}; ${refusals}`);
    figure("gpu-use", "%", 100 * outcome.gpuUse, 100 * best.gpuUse);
    figure("cpu-use", "%", 100 * outcome.cpuUse, 100 * best.cpuUse);
    figure("fragmentation", "% of free GPU", 100 * outcome.fragmentation, 100 * best.fragmentation);
    figure("speed", "decisions/CPU-s", asked / outcome.seconds, asked / best.seconds);
  }
}

function readOr(file: string | undefined, text: string): readonly [string, string] {
  if (file === undefined) return ["synthetic", text];
  try {
    return [file, readFileSync(file, "utf8")];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new WrongInput(`${file}: ${code === "ENOENT" ? "no such file" : message}`);
  }
}

function wrongLine({ message, found, expected }: TraceRefusal): WrongInput {
  return new WrongInput(`${message}: found "${found}", expected ${expected}`);
}

/**
 * npm run bench -- replay [--nodes FILE --tasks FILE]: a cluster trace in Alibaba's 2023 GPU format through the live pool and
 * the scheduler, against best-fit and first-fit on the same pool; without files, a made-up one.
 */
export const replay: Bench = {
  name: "replay",
  options: ["nodes", "tasks"],
  run(size, report, options = {}) {
    if ((options.nodes === undefined) !== (options.tasks === undefined)) {
      throw new WrongInput("--nodes and --tasks go together: a trace has both");
    }
    const made = size === "smoke" ? syntheticTrace(30, 150, 1) : syntheticTrace(400, 4_000, 1);
    const nodes = parseNodes(...readOr(options.nodes, made.nodes));
    if (!nodes.ok) throw wrongLine(nodes.refusal);
    const tasks = parseTasks(...readOr(options.tasks, made.tasks));
    if (!tasks.ok) throw wrongLine(tasks.refusal);
    const inTime = POLICIES.map(
      (policy) => [policy, replayInTime(nodes.value, tasks.value, policy)] as const,
    );
    figures("in-time", inTime, report);
    const filled = POLICIES.map((policy) => [policy, fillUp(nodes.value, tasks.value, policy, 1)] as const);
    figures("fill-up", filled, report);
  },
};
