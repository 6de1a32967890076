import { assert, ok, type Refusal, type Result, refuse } from "@weft/kernel";

/** A task that needs room where lower ones stand, and all that could be moved out of its way. */
export interface PreemptionProblem {
  readonly resources: number;
  /** By resource, what the task needs on one node. */
  readonly need: Float64Array;
  /** The task's priority: only running tasks of a lower one may be its victims. */
  readonly priority: number;
  readonly nodes: number;
  /** `free[node * resources + k]`. */
  readonly free: Float64Array;
  /** By node, 1 where the task may run at all. */
  readonly admissible: Uint8Array;
  /** Running tasks, by index: node, priority, what each holds, and what ending it costs (work lost, moves, pay). */
  readonly runningOn: Int32Array;
  readonly runningPriority: Float64Array;
  /** `held[running * resources + k]`. */
  readonly held: Float64Array;
  /** Never negative. */
  readonly cost: Float64Array;
}

export interface Preemption {
  readonly node: number;
  /** Indexes of running tasks, ascending; none where the task fits as it is. None of them is superfluous. */
  readonly victims: readonly number[];
  readonly cost: number;
  /** No choice of node and victims costs less. */
  readonly bound: number;
  readonly proven: boolean;
}

/**
 * The node and the set of victims that cost least together. Per node a covering problem: nodes are taken in
 * order of their lower bound (for each resource, the cheapest fractions of victims that cover its lack), each solved by branch
 * and bound within `states` states altogether, until no other node can be cheaper. Ties go to the lower node. Refuses
 * `no_victims` where even ending all tasks of lower priority makes no room.
 */
export function choosePreemption(
  problem: PreemptionProblem,
  states = 100_000,
): Result<Preemption, Refusal<"no_victims">> {
  assert(
    problem.cost.every((cost) => cost >= 0),
    "ending a task does not pay",
  );
  const candidates = candidatesByNode(problem)
    .map((victims, node) => ({ node, cover: new Cover(problem, node, victims) }))
    .filter(({ node, cover }) => problem.admissible[node] === 1 && cover.bound < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.cover.bound - b.cover.bound || a.node - b.node);
  let best: { node: number; victims: readonly number[]; cost: number } | null = null;
  let bound = Number.POSITIVE_INFINITY;
  let left = states;
  for (const { node, cover } of candidates) {
    if (best !== null && cover.bound >= best.cost) break;
    left = cover.solve(left, best?.cost ?? Number.POSITIVE_INFINITY);
    if (!cover.finished) bound = Math.min(bound, cover.bound);
    if (cover.victims === null || (best !== null && cover.cost >= best.cost)) continue;
    best = { node, victims: cover.victims, cost: cover.cost };
  }
  if (best === null) return refuse("no_victims", "no set of tasks of lower priority makes enough room");
  bound = Math.min(bound, best.cost);
  return ok({ ...best, bound, proven: bound === best.cost });
}

function candidatesByNode(problem: PreemptionProblem): number[][] {
  const byNode: number[][] = Array.from({ length: problem.nodes }, () => []);
  problem.runningOn.forEach((node, running) => {
    if (problem.runningPriority[running]! < problem.priority) byNode[node]!.push(running);
  });
  return byNode;
}

/** The cheapest victims on one node. */
class Cover {
  readonly bound: number;
  victims: readonly number[] | null = null;
  cost = Number.POSITIVE_INFINITY;
  finished = true;
  readonly #problem: PreemptionProblem;
  /** Lack by resource, at or below zero where nothing is missing. */
  readonly #lack: Float64Array;
  readonly #candidates: readonly number[];
  /** By resource: candidates that hold some of it, cheapest a unit first. */
  readonly #byWorth: readonly (readonly number[])[];
  readonly #taken = new Set<number>();
  readonly #ruledOut = new Set<number>();
  #states = 0;

  constructor(problem: PreemptionProblem, node: number, candidates: readonly number[]) {
    const { resources, need, free, cost } = problem;
    this.#problem = problem;
    this.#lack = Float64Array.from({ length: resources }, (_, k) => need[k]! - free[node * resources + k]!);
    this.#byWorth = Array.from({ length: resources }, (_, k) =>
      candidates
        .filter((v) => this.#holds(v, k) > 0)
        .sort((a, b) => cost[a]! * this.#holds(b, k) - cost[b]! * this.#holds(a, k) || a - b),
    );
    const share = (v: number): number => {
      let covered = 0;
      for (let k = 0; k < resources; k++) {
        if (this.#lack[k]! > 0) covered += Math.min(1, this.#holds(v, k) / this.#lack[k]!);
      }
      return covered;
    };
    this.#candidates = candidates
      .filter((v) => share(v) > 0)
      .sort((a, b) => cost[a]! * share(b) - cost[b]! * share(a) || a - b);
    this.bound = this.#leastCost();
  }

  /** Looks for a set below `below`; returns the states left. */
  solve(states: number, below: number): number {
    this.#states = states;
    this.cost = below;
    this.#greedy();
    this.finished = this.#extend(0, 0);
    return this.#states;
  }

  #holds(v: number, k: number): number {
    return this.#problem.held[v * this.#problem.resources + k]!;
  }

  /** For each resource, the cheapest fractions that cover what is lacking; the dearest resource is a bound for all. */
  #leastCost(): number {
    let bound = 0;
    for (let k = 0; k < this.#lack.length; k++) {
      let lack = this.#lack[k]!;
      let cost = 0;
      for (const v of this.#byWorth[k]!) {
        if (lack <= 0) break;
        if (this.#taken.has(v) || this.#ruledOut.has(v)) continue;
        const held = this.#holds(v, k);
        cost += this.#problem.cost[v]! * Math.min(1, lack / held);
        lack -= held;
      }
      if (lack > 0) return Number.POSITIVE_INFINITY;
      bound = Math.max(bound, cost);
    }
    return bound;
  }

  /** A first set: the most cover for the cost, then without what turns out superfluous. */
  #greedy(): void {
    const chosen: number[] = [];
    const lack = this.#lack.slice();
    for (const v of this.#candidates) {
      if (lack.every((missing) => missing <= 0)) break;
      if (!lack.some((missing, k) => missing > 0 && this.#holds(v, k) > 0)) continue;
      chosen.push(v);
      for (let k = 0; k < lack.length; k++) lack[k]! -= this.#holds(v, k);
    }
    if (lack.every((missing) => missing <= 0)) this.#keep(chosen);
  }

  #keep(chosen: readonly number[]): void {
    const { cost } = this.#problem;
    const lack = this.#lack.slice();
    for (const v of this.#taken) for (let k = 0; k < lack.length; k++) lack[k]! += this.#holds(v, k);
    for (const v of chosen) for (let k = 0; k < lack.length; k++) lack[k]! -= this.#holds(v, k);
    const needed = [...chosen];
    for (const v of [...chosen].sort((a, b) => cost[b]! - cost[a]! || a - b)) {
      if (lack.some((missing, k) => missing + this.#holds(v, k) > 0)) continue;
      for (let k = 0; k < lack.length; k++) lack[k]! += this.#holds(v, k);
      needed.splice(needed.indexOf(v), 1);
    }
    const total = needed.reduce((sum, v) => sum + cost[v]!, 0);
    if (total >= this.cost) return;
    this.cost = total;
    this.victims = needed.sort((a, b) => a - b);
  }

  /** Takes or rules out one candidate after the other; false when the states ran out. */
  #extend(i: number, spent: number): boolean {
    if (this.#lack.every((missing) => missing <= 0)) {
      this.#keep([...this.#taken]);
      return true;
    }
    if (this.#states-- <= 0) return false;
    if (i === this.#candidates.length || spent + this.#leastCost() >= this.cost) return true;
    const v = this.#candidates[i]!;
    this.#taken.add(v);
    for (let k = 0; k < this.#lack.length; k++) this.#lack[k]! -= this.#holds(v, k);
    let done = this.#extend(i + 1, spent + this.#problem.cost[v]!);
    for (let k = 0; k < this.#lack.length; k++) this.#lack[k]! += this.#holds(v, k);
    this.#taken.delete(v);
    if (!done) return false;
    this.#ruledOut.add(v);
    done = this.#extend(i + 1, spent);
    this.#ruledOut.delete(v);
    return done;
  }
}
