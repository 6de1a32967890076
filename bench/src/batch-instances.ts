import type { LinkState, NodeDescription } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { Pool } from "@weft/pool";
import { alwaysPlace, type BatchProblem, type TaskNeeds, type UnitAssignmentProblem } from "@weft/scheduling";

/** Unit tasks with ten admissible nodes each, uniform costs, and exactly as many slots as tasks (`slack` 1) or more. */
export function unitInstance(
  tasks: number,
  nodes: number,
  slack: number,
  seed: number,
): UnitAssignmentProblem {
  const rng = new Rng(seed);
  const degree = 10;
  const start = Int32Array.from({ length: tasks + 1 }, (_, t) => t * degree);
  const node = Int32Array.from({ length: tasks * degree }, () => rng.below(nodes));
  const cost = Float64Array.from({ length: tasks * degree }, () => 1 + rng.below(100_000));
  const capacity = new Int32Array(nodes).fill(Math.ceil((tasks / nodes) * slack));
  return { tasks, nodes, start, node, cost, capacity, leaveOut: alwaysPlace(cost, tasks) };
}

export interface BatchInstance {
  readonly name: string;
  readonly problem: BatchProblem;
}

/**
 * Two resources, every task admissible everywhere, costs uniform over 10 .. 50.
 * `like`: a task takes the same of a resource on every node (5 .. 25), nodes are alike and 87 % full when all is placed.
 * `unlike`: what a task takes differs by node too (another processor, another model variant), and capacity is 0.8
 * of what the mean demand of all tasks is (type C of Chu and Beasley 1997, for two resources): both resources bind.
 */
export function batchInstance(
  kind: "like" | "unlike",
  tasks: number,
  nodes: number,
  seed: number,
): BatchInstance {
  const rng = new Rng(seed);
  const arcs = tasks * nodes;
  const start = Int32Array.from({ length: tasks + 1 }, (_, t) => t * nodes);
  const node = Int32Array.from({ length: arcs }, (_, a) => a % nodes);
  const cost = Float64Array.from({ length: arcs }, () => 10 + rng.below(41));
  const demand = new Float64Array(arcs * 2);
  for (let t = 0; t < tasks; t++) {
    let [cpu, memory] = [5 + rng.below(21), 5 + rng.below(21)];
    for (let a = start[t] as number; a < (start[t + 1] as number); a++) {
      if (kind === "unlike") [cpu, memory] = [5 + rng.below(21), 5 + rng.below(21)];
      demand[2 * a] = cpu;
      demand[2 * a + 1] = memory;
    }
  }
  const totals = [0, 0];
  demand.forEach((amount, i) => {
    totals[i % 2]! += amount / nodes;
  });
  const share = kind === "like" ? 1.15 : 0.8;
  const capacity = Float64Array.from({ length: nodes * 2 }, (_, i) =>
    Math.floor(((totals[i % 2] as number) / nodes) * share),
  );
  const problem = { tasks, nodes, resources: 2, start, node, cost, demand, capacity };
  return { name: `${kind}-${tasks}x${nodes}`, problem: { ...problem, leaveOut: alwaysPlace(cost, tasks) } };
}

/** Nodes of several sizes and prices at ten sites, and tasks that ask for computing power and memory: two of eight resources. */
export function poolBatch(tasks: number, nodes: number, seed: number): { pool: Pool; needs: TaskNeeds[] } {
  const rng = new Rng(seed);
  const pool = new Pool();
  const hop = {
    up: true,
    jitter: 10,
    loss: 0,
    capacity: 1e9,
    bitErrorRate: 0,
    security: "open",
    radio: null,
  };
  for (let s = 0; s < 10; s++) {
    for (const ends of [
      { from: "here", to: `s${s}` },
      { from: `s${s}`, to: "here" },
    ]) {
      pool.setLink({ ...ends, ...hop, delay: 2000 + 100 * s, at: 0 } as unknown as LinkState);
    }
  }
  for (let j = 0; j < nodes; j++) {
    const lanes = 2 + rng.below(7);
    const none = { parallel: 0, neural: 0 };
    const node = {
      ...{ id: `n${j}`, tier: "edge", site: `s${j % 10}`, domain: "d", labels: {}, accelerators: [] },
      ...{ power: { logical: lanes * 1e9, ...none }, laneRate: { logical: 1e9, ...none } },
      ...{ memoryBytes: rng.pick([2e9, 4e9, 8e9]), runs: ["wasm"], security: "open" },
      storage: { capacityBytes: 1e10, throughput: 1e9, storageClass: "scratch" },
      ...{ watts: null, gramsPerKwh: null },
    } as unknown as NodeDescription;
    pool.addNode(node);
    pool.setPrices(node.id, {
      perGigaOperation: { logical: 1 + rng.below(20), ...none },
      perGibSecondMemory: rng.below(4),
      ...{ perGibSecondStorage: 0, perGbIn: 0, perGbOut: 0, perTask: 0 },
    });
  }
  const needs = Array.from({ length: tasks }, () => {
    const basic = { inputBytes: rng.pick([0, 1e5, 1e6]), resultBytes: 1e4, dataAt: "here" };
    const free = {
      delay: null,
      bandwidth: 0,
      jitter: null,
      loss: null,
      bitErrorRate: null,
      security: "open",
    };
    return {
      basic: { ...basic, dataType: null, mayLeaveTo: null, deadline: null, sticky: null },
      compute: {
        ...{ type: "logical", work: (1 + rng.below(30)) * 1e8, atLeast: 0 },
        ...{ lanes: rng.pick([1, 2]), accelerator: null },
      },
      storage: { capacity: 0, throughput: 0, storageClass: null },
      algorithm: { function: "f", timeComplexity: null, space: (1 + rng.below(12)) * 1e8 },
      network: free,
      where: { runs: "wasm", tier: null, domain: null, labels: {}, avoid: [] },
      ...{ objective: { kind: "cost" }, payAtMost: null },
    } as unknown as TaskNeeds;
  });
  return { pool, needs };
}
