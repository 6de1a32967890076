import {
  type Application,
  type ApplicationObjective,
  type ApplicationPlan,
  type StepGraph,
  transferPrice,
  transferTime,
} from "./application.ts";

/**
 * Exact branch and bound over (next step, its node). Where times matter, every schedule without needless idling
 * arises by starting steps in order of time, so only such sequences are tried; for cost alone one order of
 * steps is enough. A branch is left when even the shortest (cheapest) rest cannot beat the best plan.
 */
export class BranchOverSteps {
  readonly #app: Application;
  readonly #graph: StepGraph;
  readonly #objective: ApplicationObjective;
  readonly #timed: boolean;
  /** By step: least time anywhere, and least time from its start to the application's end. */
  readonly #leastTime: Float64Array;
  readonly #tail: Float64Array;
  readonly #node: Int32Array;
  readonly #start: Float64Array;
  readonly #finish: Float64Array;
  readonly #left: Float64Array;
  /** By node: when each lane is free. */
  readonly #free: Float64Array[];
  readonly #waits: Int32Array;
  readonly #earliest: Float64Array;
  #best: ApplicationPlan | null = null;
  #bestValue = Number.POSITIVE_INFINITY;
  #bound: number;
  #states = 0;
  #finished = false;

  constructor(app: Application, graph: StepGraph, objective: ApplicationObjective) {
    this.#app = app;
    this.#graph = graph;
    this.#objective = objective;
    this.#timed = objective.kind === "time" || objective.deadline !== Number.POSITIVE_INFINITY;
    this.#leastTime = Float64Array.from({ length: app.steps }, (_, s) =>
      app.time
        .subarray(s * app.nodes, (s + 1) * app.nodes)
        .reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    );
    this.#tail = new Float64Array(app.steps);
    for (let i = app.steps - 1; i >= 0; i--) {
      const s = graph.order[i]!;
      let behind = 0;
      for (const edge of graph.outOf[s]!) behind = Math.max(behind, this.#tail[edge.to]!);
      this.#tail[s] = this.#leastTime[s]! + behind;
    }
    this.#node = new Int32Array(app.steps).fill(-1);
    this.#start = new Float64Array(app.steps);
    this.#finish = new Float64Array(app.steps);
    this.#left = app.room.map((room) => room + 1e-9 * Math.abs(room));
    this.#free = Array.from(app.lanes, (lanes) => new Float64Array(lanes));
    this.#waits = Int32Array.from(graph.into, (edges) => edges.length);
    this.#earliest = new Float64Array(app.steps);
    this.#bound = this.#lowerBound(0, 0);
  }

  get best(): ApplicationPlan | null {
    return this.#best;
  }
  /** No plan is better than this. */
  get bound(): number {
    return this.#finished ? this.#bestValue : this.#bound;
  }
  /** Everything was looked at: the best is the best there is, or there is none. */
  get proven(): boolean {
    return this.#finished || (this.#best !== null && this.#bestValue <= this.#bound * (1 + 1e-12));
  }

  /** Takes a plan found elsewhere as the one to beat, if it keeps the deadline. */
  adopt(plan: ApplicationPlan | null): void {
    if (plan === null || plan.cost === Number.POSITIVE_INFINITY) return;
    if (this.#objective.kind === "cost" && plan.makespan > this.#objective.deadline) return;
    const value = this.#objective.kind === "cost" ? plan.cost : plan.makespan;
    if (value >= this.#bestValue) return;
    this.#best = plan;
    this.#bestValue = value;
  }

  run(states: number): void {
    this.#states = states;
    this.#finished = this.#extend(0, 0, 0, 0);
  }

  /** Places one more step in every promising way; false when the states ran out. */
  #extend(placed: number, lastStart: number, cost: number, makespan: number): boolean {
    const { steps, nodes } = this.#app;
    if (placed === steps) {
      this.#keep(cost, makespan);
      return true;
    }
    if (this.#states-- <= 0) return false;
    const value = this.#lowerBound(lastStart, cost);
    if (value >= this.#bestValue * (1 - 1e-12)) return true;
    for (let i = 0; i < steps; i++) {
      const s = this.#graph.order[i]!;
      if (this.#node[s]! >= 0 || this.#waits[s]! > 0) continue;
      for (const j of this.#nearestFirst(s)) {
        if (!this.#put(s, j, lastStart)) continue;
        let added = this.#app.price[s * nodes + j]!;
        for (const edge of this.#graph.into[s]!) {
          added += transferPrice(this.#app, edge.bytes, this.#node[edge.from]!, j);
        }
        const lane = earliestLane(this.#free[j]!);
        const before = this.#free[j]![lane]!;
        this.#free[j]![lane] = this.#finish[s]!;
        for (const edge of this.#graph.outOf[s]!) this.#waits[edge.to]!--;
        this.#left[j]! -= this.#app.space[s]!;
        this.#node[s] = j;
        const done = this.#extend(
          placed + 1,
          this.#timed ? this.#start[s]! : 0,
          cost + added,
          Math.max(makespan, this.#finish[s]!),
        );
        this.#node[s] = -1;
        this.#left[j]! += this.#app.space[s]!;
        for (const edge of this.#graph.outOf[s]!) this.#waits[edge.to]!++;
        this.#free[j]![lane] = before;
        if (!done) return false;
      }
      if (!this.#timed) break;
    }
    return true;
  }

  #keep(cost: number, makespan: number): void {
    const value = this.#objective.kind === "cost" ? cost : makespan;
    if (value >= this.#bestValue) return;
    if (this.#objective.kind === "cost" && makespan > this.#objective.deadline) return;
    this.#bestValue = value;
    const [node, start, finish] = [this.#node.slice(), this.#start.slice(), this.#finish.slice()];
    this.#best = { node, start, finish, makespan, cost };
  }

  /** Works out when step s would run on node j; false where it may not, or would start out of order. */
  #put(s: number, j: number, lastStart: number): boolean {
    const time = this.#app.time[s * this.#app.nodes + j]!;
    if (time === Number.POSITIVE_INFINITY || this.#app.space[s]! > this.#left[j]!) return false;
    const lanes = this.#free[j]!;
    if (lanes.length === 0) return false;
    let at = lanes[earliestLane(lanes)]!;
    for (const edge of this.#graph.into[s]!) {
      const arrives =
        this.#finish[edge.from]! + transferTime(this.#app, edge.bytes, this.#node[edge.from]!, j);
      at = Math.max(at, arrives);
    }
    if (at === Number.POSITIVE_INFINITY || (this.#timed && at < lastStart)) return false;
    this.#start[s] = at;
    this.#finish[s] = at + time;
    return true;
  }

  /** Nodes in order of promise: a good plan early cuts more. */
  #nearestFirst(s: number): number[] {
    const { nodes, time, price } = this.#app;
    const byCost = this.#objective.kind === "cost";
    const score = Float64Array.from({ length: nodes }, (_, j) => {
      let value = byCost ? price[s * nodes + j]! : time[s * nodes + j]!;
      for (const edge of this.#graph.into[s]!) {
        const from = this.#node[edge.from]!;
        value += byCost
          ? transferPrice(this.#app, edge.bytes, from, j)
          : transferTime(this.#app, edge.bytes, from, j);
      }
      return value;
    });
    return Array.from({ length: nodes }, (_, j) => j).sort((a, b) => score[a]! - score[b]! || a - b);
  }

  /** No completion of what is placed has a smaller objective; infinite where none keeps the deadline. */
  #lowerBound(lastStart: number, cost: number): number {
    const end = this.#timed ? this.#earliestEnd(lastStart) : 0;
    if (this.#objective.kind === "time") return end;
    if (end > this.#objective.deadline) return Number.POSITIVE_INFINITY;
    return cost + this.#leastRest();
  }

  #earliestEnd(lastStart: number): number {
    let end = 0;
    for (let i = 0; i < this.#app.steps; i++) {
      const s = this.#graph.order[i]!;
      if (this.#node[s]! >= 0) {
        this.#earliest[s] = this.#finish[s]!;
        end = Math.max(end, this.#finish[s]!);
        continue;
      }
      let at = lastStart;
      for (const edge of this.#graph.into[s]!) at = Math.max(at, this.#earliest[edge.from]!);
      this.#earliest[s] = at + this.#leastTime[s]!;
      end = Math.max(end, at + this.#tail[s]!);
    }
    return end;
  }

  /** What the steps not yet placed cost at least, with the transfers from those that are. */
  #leastRest(): number {
    const { steps, nodes, time, price } = this.#app;
    let rest = 0;
    for (let s = 0; s < steps; s++) {
      if (this.#node[s]! >= 0) continue;
      let least = Number.POSITIVE_INFINITY;
      for (let j = 0; j < nodes; j++) {
        if (time[s * nodes + j] === Number.POSITIVE_INFINITY) continue;
        let value = price[s * nodes + j]!;
        for (const edge of this.#graph.into[s]!) {
          const from = this.#node[edge.from]!;
          if (from >= 0) value += transferPrice(this.#app, edge.bytes, from, j);
        }
        least = Math.min(least, value);
      }
      rest += least;
    }
    return rest;
  }
}

function earliestLane(lanes: Float64Array): number {
  let lane = 0;
  for (let i = 1; i < lanes.length; i++) if (lanes[i]! < lanes[lane]!) lane = i;
  return lane;
}
