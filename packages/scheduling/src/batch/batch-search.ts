import { Rng } from "@weft/kernel";
import {
  type BatchPlan,
  type BatchProblem,
  byRegret,
  costOf,
  holds,
  planGreedily,
  roomOf,
} from "./batch-problem.ts";
import { type LagrangianBound, pricedCosts, raiseBound } from "./lagrangian.ts";

/**
 * Anytime search for a batch of several resources, with a proven bound. It starts at the better of two greedy plans
 * (one at a time as the tasks come; by regret at the Lagrangian prices), so it never costs more than one at
 * a time, and then anneals over shifts, swaps and ejection chains (a task pushes another off its node, which goes
 * on to a third). Overfull nodes are allowed on the way at a price that rises while they stay overfull (the
 * adaptive penalties of Yagiura, Ibaraki and Glover 2006); only plans that hold are kept. No clock: the
 * caller decides how many moves to spend, looks at `gap`, and may go on. Equal seeds give equal plans.
 */
export class BatchSearch {
  readonly problem: BatchProblem;
  readonly #rng: Rng;
  readonly #room: Float64Array;
  readonly #used: Float64Array;
  /** By node and resource: what one unit above the room costs now. */
  readonly #weight: Float64Array;
  /** By node and resource: the worth of a unit, below which its weight does not sink. */
  readonly #floor: Float64Array;
  /** By task: where its arcs are in `#ranked`, cheapest first at the Lagrangian prices. */
  readonly #ranked: Int32Array;
  readonly #arc: Int32Array;
  /** By node: the tasks on it; `#slot[t]` is where t stands there. */
  readonly #on: number[][];
  readonly #slot: Int32Array;
  readonly #hot: number;
  #bestArc: Int32Array;
  #bestCost: number;
  #bound: number;
  #price: Float64Array;
  #cost = 0;
  /** How many (node, resource) pairs carry more than they have. */
  #overfull = 0;
  #improved = false;
  #cycle: number;
  #done = 0;

  constructor(problem: BatchProblem, seed: number) {
    this.problem = problem;
    this.#rng = new Rng(seed);
    this.#room = roomOf(problem);
    this.#used = new Float64Array(this.#room.length);
    const greedy = planGreedily(problem);
    const lagrangian = raiseBound(problem, greedy.cost, roundsFor(problem));
    const priced = pricedCosts(problem, lagrangian.price);
    const guided = planGreedily(problem, byRegret(problem, priced), priced);
    const start = guided.cost < greedy.cost ? guided : greedy;
    this.#bestArc = start.arc;
    this.#bestCost = start.cost;
    this.#bound = lagrangian.bound;
    this.#price = lagrangian.price;
    this.#ranked = rankArcs(problem, priced);
    this.#arc = start.arc.slice();
    this.#on = Array.from({ length: problem.nodes }, () => []);
    this.#slot = new Int32Array(problem.tasks);
    this.#hot = meanRegret(problem, priced, this.#ranked);
    this.#floor = penaltyFloor(problem, this.#price);
    this.#weight = this.#floor.slice();
    this.#cycle = 40 * problem.tasks;
  }

  /** The cheapest plan so far; it always holds. */
  get best(): BatchPlan {
    return { arc: this.#bestArc.slice(), cost: this.#bestCost };
  }

  /** No plan costs less than this. */
  get bound(): number {
    return this.#bound;
  }

  /** `price[node * resources + k]`: the worth of a unit there, at which the bound holds. */
  get price(): Float64Array {
    return this.#price.slice();
  }

  /** How far above the bound the best plan is, as a share of it; 0 is proven optimal. */
  get gap(): number {
    const above = this.#bestCost - this.#bound;
    return above <= Math.abs(this.#bound) * 1e-9 ? 0 : above / Math.max(Math.abs(this.#bound), 1e-300);
  }

  /** Spends rounds of ascent on the bound, from the prices reached so far. */
  tighten(rounds: number): void {
    this.offer(raiseBound(this.problem, this.#bestCost, rounds, this.#price));
  }

  /** Takes a plan from elsewhere (arcs by task) where it holds and costs less. */
  adopt(arc: Int32Array): void {
    const cost = costOf(this.problem, arc);
    if (cost >= this.#bestCost || !holds(this.problem, arc)) return;
    this.#bestArc = arc.slice();
    this.#bestCost = cost;
  }

  /** Takes over prices from elsewhere (`boundByRelaxation`) where they prove more. */
  offer(known: LagrangianBound): void {
    if (known.bound <= this.#bound) return;
    this.#bound = known.bound;
    this.#price = known.price;
  }

  /** Spends about `moves` moves. Cooling runs in cycles, each twice as long as the one before. */
  search(moves: number): void {
    const { tasks } = this.problem;
    if (tasks === 0 || this.problem.node.length === 0) return;
    for (let spent = 0; spent < moves; ) {
      if (this.#done === 0) this.#restart();
      const batch = Math.min(tasks, moves - spent, this.#cycle - this.#done);
      const heat = this.#hot * COOLEST ** (this.#done / this.#cycle);
      this.#anneal(batch, heat);
      this.#adaptWeights();
      this.#done += batch;
      spent += batch;
      if (this.#done < this.#cycle) continue;
      this.#done = 0;
      this.#cycle *= 2;
    }
  }

  /**
   * Takes the best plan up again, once this search has found one of its own (before, the overfull state is nearer to a good
   * plan than a greedy one that leaves tasks out), and counts use anew, so that rounding does not build up.
   */
  #restart(): void {
    if (this.#improved) this.#arc.set(this.#bestArc);
    this.#cost = costOf(this.problem, this.#arc);
    this.#used.fill(0);
    for (const tasks of this.#on) tasks.length = 0;
    const { node } = this.problem;
    for (let t = 0; t < this.problem.tasks; t++) {
      const a = this.#arc[t]!;
      if (a < 0) continue;
      this.#take(a, 1);
      const tasks = this.#on[node[a]!]!;
      this.#slot[t] = tasks.length;
      tasks.push(t);
    }
    this.#overfull = 0;
    for (let i = 0; i < this.#used.length; i++) if (this.#used[i]! > this.#room[i]!) this.#overfull++;
  }

  #take(a: number, sign: number): void {
    const { resources, node, demand } = this.problem;
    const at = node[a]! * resources;
    for (let k = 0; k < resources; k++) this.#used[at + k]! += sign * demand[a * resources + k]!;
  }

  /** Moves t to arc a (-1: left out) in the books of use only; returns what cost and penalties change by. */
  #swing(t: number, a: number): number {
    const { resources, node, demand, cost, leaveOut } = this.problem;
    const used = this.#used;
    const room = this.#room;
    const weight = this.#weight;
    const b = this.#arc[t]!;
    let change = (a < 0 ? leaveOut : cost[a]!) - (b < 0 ? leaveOut : cost[b]!);
    if (b >= 0) {
      for (let k = 0, i = node[b]! * resources; k < resources; k++, i++) {
        const before = used[i]!;
        const after = before - demand[b * resources + k]!;
        const over = before - room[i]!;
        if (over > 0) {
          change -= weight[i]! * (after > room[i]! ? before - after : over);
          if (after <= room[i]!) this.#overfull--;
        }
        used[i] = after;
      }
    }
    if (a >= 0) {
      for (let k = 0, i = node[a]! * resources; k < resources; k++, i++) {
        const before = used[i]!;
        const after = before + demand[a * resources + k]!;
        const over = after - room[i]!;
        if (over > 0) {
          change += weight[i]! * (before > room[i]! ? after - before : over);
          if (before <= room[i]!) this.#overfull++;
        }
        used[i] = after;
      }
    }
    this.#arc[t] = a;
    return change;
  }

  /** Writes an accepted move into the lists by node. `b` is the arc t had before. */
  #settle(t: number, b: number): void {
    const { node, cost, leaveOut } = this.problem;
    const a = this.#arc[t]!;
    this.#cost += (a < 0 ? leaveOut : cost[a]!) - (b < 0 ? leaveOut : cost[b]!);
    if (b >= 0) {
      const tasks = this.#on[node[b]!]!;
      const last = tasks.pop()!;
      if (last !== t) {
        tasks[this.#slot[t]!] = last;
        this.#slot[last] = this.#slot[t]!;
      }
    }
    if (a >= 0) {
      const tasks = this.#on[node[a]!]!;
      this.#slot[t] = tasks.length;
      tasks.push(t);
    }
  }

  /** One of t's arcs, by the eighth power of chance: mostly among the few cheapest; now and then none at all. */
  #someArc(t: number): number {
    const { start } = this.problem;
    const from = start[t]!;
    const count = start[t + 1]! - from;
    if (count === 0) return -1;
    const draw = this.#rng.float() * OUT_AND_IN;
    if (draw >= 1) return -1;
    const squared = draw * draw;
    const fourth = squared * squared;
    return this.#ranked[from + Math.floor(fourth * fourth * count)]!;
  }

  #anneal(moves: number, heat: number): void {
    const { tasks, node } = this.problem;
    const rng = this.#rng;
    const arc = this.#arc;
    for (let move = 0; move < moves; move++) {
      const t = rng.below(tasks);
      const b = arc[t]!;
      const a = this.#someArc(t);
      if (a === b) continue;
      const bar = -heat * Math.log(1 - rng.float());
      let change = this.#swing(t, a);
      if (change <= bar) {
        this.#settle(t, b);
        this.#record();
        continue;
      }
      const there = a < 0 ? undefined : this.#on[node[a]!]!;
      if (there !== undefined && there.length > 0) {
        const s = there[rng.below(there.length)]!;
        const d = arc[s]!;
        const home = b < 0 || move % 2 === 0 ? this.#someArc(s) : this.#arcTo(s, node[b]!);
        if (s !== t && home !== d) {
          change += this.#swing(s, home);
          if (change <= bar) {
            this.#settle(t, b);
            this.#settle(s, d);
            this.#record();
            continue;
          }
          this.#swing(s, d);
        }
      }
      this.#swing(t, b);
    }
  }

  /** The arc of t to a node, or whichever it now has where there is none. */
  #arcTo(t: number, j: number): number {
    const { start, node } = this.problem;
    for (let a = start[t]!; a < start[t + 1]!; a++) if (node[a] === j) return a;
    return this.#arc[t]!;
  }

  #record(): void {
    if (this.#overfull > 0 || this.#cost >= this.#bestCost - Math.abs(this.#bestCost) * 1e-12) return;
    const cost = costOf(this.problem, this.#arc);
    if (cost >= this.#bestCost || !holds(this.problem, this.#arc)) return;
    this.#bestCost = cost;
    this.#bestArc = this.#arc.slice();
    this.#improved = true;
  }

  /** Overfull nodes grow dearer until none is left; then all sink again, so that the search comes back to the edge. */
  #adaptWeights(): void {
    if (this.#overfull > 0) {
      for (let i = 0; i < this.#weight.length; i++)
        if (this.#used[i]! > this.#room[i]!) this.#weight[i]! *= RISE;
      return;
    }
    for (let i = 0; i < this.#weight.length; i++) {
      this.#weight[i] = Math.max(this.#floor[i]!, this.#weight[i]! * SINK);
    }
  }
}

/** Rounds of ascent before the search: fewer where one is long, so that preparing a large batch leaves time to search it. */
const roundsFor = ({ node, resources }: BatchProblem): number =>
  Math.max(60, Math.min(300, Math.floor(1.2e7 / (node.length * resources + 1))));

/** One draw in fifty leaves the task out. */
const OUT_AND_IN = 1 / 0.98;
/** How far one cycle cools. */
const COOLEST = 0.02;
/** How penalties move after every `tasks` moves. */
const RISE = 1.05;
const SINK = 0.9;

/** By task, its arcs in order of priced cost. */
function rankArcs(problem: BatchProblem, priced: Float64Array): Int32Array {
  const ranked = Int32Array.from({ length: problem.node.length }, (_, a) => a);
  for (let t = 0; t < problem.tasks; t++) {
    ranked
      .subarray(problem.start[t]!, problem.start[t + 1]!)
      .sort((a, b) => priced[a]! - priced[b]! || a - b);
  }
  return ranked;
}

/** Half the mean difference between a task's best and third-best arc at the given prices: where cooling starts. */
function meanRegret(problem: BatchProblem, priced: Float64Array, ranked: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (let t = 0; t < problem.tasks; t++) {
    const from = problem.start[t]!;
    const last = Math.min(problem.start[t + 1]! - 1, from + 2);
    if (last <= from) continue;
    sum += priced[ranked[last]!]! - priced[ranked[from]!]!;
    count++;
  }
  return count === 0 || sum === 0 ? 1 : (0.5 * sum) / count;
}

/** No penalty sinks below four times the Lagrangian price, nor below a small share of what a unit costs on average. */
function penaltyFloor(problem: BatchProblem, price: Float64Array): Float64Array {
  const { resources, demand, cost, node } = problem;
  let spent = 0;
  for (let a = 0; a < cost.length; a++) spent += Math.abs(cost[a]!);
  const used = new Float64Array(resources);
  for (let a = 0; a < node.length; a++) {
    for (let k = 0; k < resources; k++) used[k]! += Math.abs(demand[a * resources + k]!);
  }
  return price.map((worth, i) => {
    const unit = used[i % resources]!;
    return Math.max(4 * worth, unit > 0 ? (0.05 * spent) / unit : 0, 1e-12);
  });
}
