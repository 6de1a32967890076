import { Rng } from "@weft/kernel";
import { alwaysPlace, type BatchProblem, type UnitAssignmentProblem } from "@weft/scheduling";

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
