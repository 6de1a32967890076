import type { NodeDescription, NodeId } from "@weft/infrastructure";
import { blankClaim, type Claim, FREE_OF_CHARGE, Pool } from "@weft/pool";
import { Scheduler, type TaskNeeds } from "@weft/scheduling";
import type { TraceNode, TraceTask } from "./cluster-trace.ts";

/** Operations a second that a thousandth of a core stands for: any will do, since the trace knows no others. */
const MILLI = 1e6;
const SITE = "cluster";
const brand = <T>(value: unknown): T => value as T;

/** A label for each distinct set of models that tasks ask for, on the nodes that have one of them. */
const labelOf = (models: readonly string[]): string => `gpu:${models.join("|")}`;

/**
 * The cluster as a pool: a lane is a thousandth of a core, a device's memory its thousandths. Nodes with many
 * devices, and of models that tasks ask for by name, cost more: with the objective `cost` a task that does not need
 * them leaves them to those that do.
 */
export function poolOf(nodes: readonly TraceNode[], tasks: readonly TraceTask[]): Pool {
  const pool = new Pool();
  const asked = new Map<string, readonly string[]>();
  for (const { models } of tasks) if (models.length > 0) asked.set(labelOf(models), models);
  const named = new Set([...asked.values()].flat());
  for (const node of nodes) {
    const labels: Record<string, string> = {};
    for (const [label, models] of asked) if (models.includes(node.model)) labels[label] = "yes";
    const rate = node.cpuMilli * MILLI;
    pool.addNode(
      brand<NodeDescription>({
        id: node.name,
        tier: "cloud",
        site: SITE,
        domain: "trace",
        labels,
        power: { logical: rate, parallel: 0, neural: 0 },
        laneRate: { logical: MILLI, parallel: 0, neural: 0 },
        memoryBytes: node.memoryMib * 2 ** 20,
        storage: { capacityBytes: 0, throughput: 0, storageClass: "scratch" },
        accelerators: Array.from({ length: node.gpus }, () => ({
          kind: "gpu",
          model: node.model,
          memoryBytes: 1000,
        })),
        runs: ["process"],
        security: "open",
        watts: null,
        gramsPerKwh: null,
      }),
    );
    const price = 1 + node.gpus + (named.has(node.model) ? 0.5 : 0);
    const perGigaOperation = { logical: price, parallel: 0, neural: 0 };
    pool.setPrices(brand<NodeId>(node.name), { ...FREE_OF_CHARGE, perGigaOperation });
  }
  return pool;
}

export function needsOf(task: TraceTask): TaskNeeds {
  const rate = task.cpuMilli * MILLI;
  return brand({
    basic: {
      inputBytes: 0,
      resultBytes: 0,
      dataType: null,
      dataAt: SITE,
      mayLeaveTo: null,
      deadline: null,
      sticky: null,
    },
    compute: {
      type: "logical",
      work: rate,
      atLeast: rate,
      lanes: task.cpuMilli,
      accelerator: task.gpus === 0 ? null : { kind: "gpu", memoryBytes: task.gpuMilli, count: task.gpus },
    },
    storage: { capacity: 0, throughput: 0, storageClass: null },
    algorithm: { function: "pod", timeComplexity: null, space: task.memoryMib * 2 ** 20 },
    network: { delay: null, bandwidth: 0, jitter: null, loss: null, bitErrorRate: null, security: "open" },
    where: {
      runs: "process",
      tier: null,
      domain: null,
      labels: task.models.length === 0 ? {} : { [labelOf(task.models)]: "yes" },
      avoid: [],
    },
    objective: { kind: "cost" },
    payAtMost: null,
  });
}

/** A claim on the pool, or the code of the refusal. */
export type PlaceTask = (task: TraceTask) => Claim | string;

export interface Policy {
  readonly name: string;
  readonly on: (pool: Pool) => PlaceTask;
}

/** Weft's scheduler as it is, on the live pool. */
export const weft: Policy = {
  name: "weft",
  on: (pool) => {
    const scheduler = new Scheduler(pool);
    return (task) => {
      const decision = scheduler.place(needsOf(task));
      return decision.outcome === "placed" ? decision.claim : decision.code;
    };
  },
};

/** The first node, in the trace's order, that has room. */
export const firstFit: Policy = { name: "first-fit", on: (pool) => scanning(pool, () => 0) };

/** The node that is left with the least: cores, memory and devices, each as a share of the cluster's largest node. */
export const bestFit: Policy = {
  name: "best-fit",
  on: (pool) => {
    const { nodes } = pool;
    let [cores, memory, devices] = [1, 1, 1];
    for (let n = 0; n < nodes.bound; n++) {
      cores = Math.max(cores, nodes.power[0][n] as number);
      memory = Math.max(memory, nodes.descriptions[n]?.memoryBytes ?? 0);
      devices = Math.max(devices, 1000 * (nodes.devices[n]?.length ?? 0));
    }
    return scanning(pool, (n) => {
      let free = 0;
      for (const device of nodes.devices[n] ?? []) free += device.free;
      return (nodes.free[0][n] as number) / cores + (nodes.freeMemory[n] as number) / memory + free / devices;
    });
  },
};

/** Takes the node of least `left` among those with room, the first of equals; stops at the first of all when it is 0. */
function scanning(pool: Pool, left: (node: number) => number): PlaceTask {
  const { nodes } = pool;
  return (task) => {
    const label = task.models.length === 0 ? null : labelOf(task.models);
    const claim: Claim = {
      ...blankClaim(),
      node: -1,
      rate: task.cpuMilli * MILLI,
      memory: task.memoryMib * 2 ** 20,
      deviceKind: task.gpus === 0 ? -1 : 0,
      deviceMemory: task.gpuMilli,
      deviceCount: task.gpus,
      basedOn: pool.version,
    };
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < nodes.bound; n++) {
      if (!hasRoom(pool, n, claim) || (label !== null && nodes.descriptions[n]?.labels[label] !== "yes"))
        continue;
      const value = left(n);
      if (value >= least) continue;
      least = value;
      best = n;
      if (value === 0) break;
    }
    return best < 0 ? "no_capacity" : { ...claim, node: best };
  };
}

/** Whether node n has free what a claim takes. */
export function hasRoom(
  pool: Pool,
  n: number,
  claim: Pick<Claim, "rate" | "memory" | "deviceKind" | "deviceMemory" | "deviceCount">,
): boolean {
  const { nodes } = pool;
  return (
    (nodes.free[0][n] as number) >= claim.rate &&
    (nodes.freeMemory[n] as number) >= claim.memory &&
    (claim.deviceKind < 0 || nodes.hasOnDevices(n, claim.deviceKind, claim.deviceCount, claim.deviceMemory))
  );
}
