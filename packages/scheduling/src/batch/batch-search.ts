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
import { boundByKnapsacks } from "./knapsack-bound.ts";
import { type LagrangianBound, pricedCosts, raiseBound } from "./lagrangian.ts";

/**
 * Anytime search for a batch of several resources, with a proven bound. It starts at the better of two greedy plans
 * (one at a time as the tasks come; by regret at the Lagrangian prices), so it never costs more than one at
 * a time, and then anneals over ejection chains: a task is put on a node whether it has room or not, pushes others off
 * until it has, and these go where they fit or push others in turn (Glover 1996; put back as in the ruin and recreate of
 * Schrimpf and others 2000). No node is ever overfull; tasks may stay out on the way, at a price that rises while any do.
 * No clock: the caller decides how many moves to spend, looks at `gap`, and may go on. Equal seeds give equal plans.
 */
export class BatchSearch {
  readonly problem: BatchProblem;
  readonly #rng: Rng;
  /** By node and resource. */
  readonly #room: Float64Array;
  /** By task: where its arcs are in `#ranked`, cheapest first at the Lagrangian prices. Those that never fit are not there. */
  readonly #from: Int32Array;
  readonly #ranked: Int32Array;
  readonly #arc: Int32Array;
  /** By node: the tasks on it, and after all nodes those left out; `#slot[t]` is where t stands there. */
  readonly #on: number[][];
  readonly #slot: Int32Array;
  /** By task: what it costs at the Lagrangian prices, at the least. */
  readonly #worth: Float64Array;
  readonly #hot: number;
  /** What a task left out costs in the search, above its worth, but no more than in truth. */
  #surcharge: number;
  /** The moves of one chain, to be undone: tasks, and the arcs they had. And who has been pushed off in it. */
  readonly #moved: number[] = [];
  readonly #before: number[] = [];
  #moves = 0;
  readonly #homeless: number[] = [];
  #pushed = 0;
  #bestArc: Int32Array;
  #bestCost: number;
  #bound: number;
  #provenByKnapsacks = Number.NEGATIVE_INFINITY;
  #price: Float64Array;
  #cost = 0;
  #improved = false;
  #cycle: number;
  #done = 0;

  constructor(problem: BatchProblem, seed: number) {
    this.problem = problem;
    this.#rng = new Rng(seed);
    this.#room = roomOf(problem);
    const greedy = planGreedily(problem);
    const lagrangian = raiseBound(problem, greedy.cost, roundsFor(problem));
    const priced = pricedCosts(problem, lagrangian.price);
    const guided = planGreedily(problem, byRegret(problem, priced), priced);
    const start = guided.cost < greedy.cost ? guided : greedy;
    this.#bestArc = start.arc;
    this.#bestCost = start.cost;
    this.#bound = lagrangian.bound;
    this.#price = lagrangian.price;
    [this.#from, this.#ranked] = rankArcs(problem, priced, this.#room);
    this.#arc = guided.arc.slice();
    this.#on = Array.from({ length: problem.nodes + 1 }, () => []);
    this.#slot = new Int32Array(problem.tasks);
    this.#worth = Float64Array.from({ length: problem.tasks }, (_, t) =>
      this.#from[t]! < this.#from[t + 1]! ? priced[this.#ranked[this.#from[t]!]!]! : 0,
    );
    this.#hot = meanRegret(priced, this.#from, this.#ranked);
    this.#surcharge = LEAST_SURCHARGE * this.#hot;
    this.#cycle = 100 * problem.tasks;
  }

  /** The cheapest plan so far; it always holds. */
  get best(): BatchPlan {
    return { arc: this.#bestArc.slice(), cost: this.#bestCost };
  }

  /** No plan costs less than this. */
  get bound(): number {
    return Math.max(this.#bound, this.#provenByKnapsacks);
  }

  /** `price[node * resources + k]`: the worth of a unit there, at which `boundOf` proves the most known by prices. */
  get price(): Float64Array {
    return this.#price.slice();
  }

  /** How far above the bound the best plan is, as a share of it; 0 is proven optimal. */
  get gap(): number {
    const bound = this.bound;
    const above = this.#bestCost - bound;
    return above <= Math.abs(bound) * 1e-9 ? 0 : above / Math.max(Math.abs(bound), 1e-300);
  }

  /** Spends rounds of ascent on the bound, from the prices reached so far. */
  tighten(rounds: number): void {
    this.offer(raiseBound(this.problem, this.#bestCost, rounds, this.#price));
  }

  /** Spends effort on the bound of whole tasks (`boundByKnapsacks`), from the prices reached so far: dearer, and proves more. */
  tightenWhole(effort: { readonly rounds: number; readonly states: number }): void {
    const bound = boundByKnapsacks(this.problem, this.#bestCost, this.#price, effort);
    this.#provenByKnapsacks = Math.max(this.#provenByKnapsacks, bound);
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
    if (this.#ranked.length === 0) return;
    for (let spent = 0; spent < moves; ) {
      if (this.#done === 0) this.#restart();
      const batch = Math.min(tasks, moves - spent, this.#cycle - this.#done);
      this.#anneal(batch, this.#hot * COOLEST ** (this.#done / this.#cycle));
      this.#adaptSurcharge();
      this.#done += batch;
      spent += batch;
      if (this.#done < this.#cycle) continue;
      this.#done = 0;
      this.#cycle *= 2;
    }
  }

  /**
   * Takes the best plan up again, once this search has found one of its own (before, a plan that leaves tasks out may be the
   * better start), and counts room anew, so that rounding does not build up.
   */
  #restart(): void {
    const { tasks, nodes, resources, node, demand } = this.problem;
    if (this.#improved) this.#arc.set(this.#bestArc);
    this.#cost = costOf(this.problem, this.#arc);
    this.#room.set(roomOf(this.problem));
    for (const there of this.#on) there.length = 0;
    for (let t = 0; t < tasks; t++) {
      const a = this.#arc[t]!;
      const there = this.#on[a < 0 ? nodes : node[a]!]!;
      this.#slot[t] = there.length;
      there.push(t);
      if (a < 0) continue;
      for (let k = 0; k < resources; k++) this.#room[node[a]! * resources + k]! -= demand[a * resources + k]!;
    }
  }

  #anneal(moves: number, heat: number): void {
    const { tasks, nodes } = this.problem;
    const rng = this.#rng;
    const out = this.#on[nodes]!;
    for (let move = 0; move < moves; move++) {
      const t = out.length > 0 && rng.below(4) === 0 ? out[rng.below(out.length)]! : rng.below(tasks);
      const a = this.#someArc(t);
      if (a === this.#arc[t]) continue;
      this.#moves = 0;
      if (this.#chain(t, a) <= -heat * Math.log(1 - rng.float())) this.#record();
      else this.#undo();
    }
  }

  /** One of t's few cheapest arcs, mostly the first; now and then any, or none at all. */
  #someArc(t: number): number {
    const from = this.#from[t]!;
    const count = this.#from[t + 1]! - from;
    if (count === 0) return -1;
    const draw = this.#rng.float();
    if (draw < ANY) return draw < OUT ? -1 : this.#ranked[from + this.#rng.below(count)]!;
    const among = (draw - ANY) / (1 - ANY);
    return this.#ranked[from + Math.floor(among * among * among * Math.min(FEW, count))]!;
  }

  /** Moves t to arc a, and whatever that makes homeless somewhere, as far as it goes; returns what the plan changes by. */
  #chain(t: number, a: number): number {
    const rng = this.#rng;
    const homeless = this.#homeless;
    this.#pushed = 0;
    let change = this.#move(t, a);
    if (a >= 0) change += this.#makeRoom(t, a);
    let pushes = DEPTH;
    for (let i = 0; i < this.#pushed; i++) {
      const s = homeless[i]!;
      if (this.#arc[s]! >= 0) continue;
      const fits = this.#cheapestFree(s);
      if (fits >= 0) change += this.#move(s, fits);
      else if (pushes-- > 0) {
        const b = this.#someArc(s);
        if (b >= 0) change += this.#move(s, b) + this.#makeRoom(s, b);
      }
    }
    const out = this.#on[this.problem.nodes]!;
    if (out.length === 0 || this.#pushed === 0) return change;
    const back = out[rng.below(out.length)]!;
    const fits = this.#cheapestFree(back);
    return fits < 0 ? change : change + this.#move(back, fits);
  }

  /** Pushes tasks off the node of arc a, one that is enough where there is one, until what t takes there fits. */
  #makeRoom(t: number, a: number): number {
    const { resources, node, demand } = this.problem;
    const room = this.#room;
    const there = this.#on[node[a]!]!;
    const at = node[a]! * resources;
    let change = 0;
    for (;;) {
      let full = false;
      for (let k = 0; k < resources; k++) if (room[at + k]! < 0) full = true;
      if (!full || there.length === 1) return change;
      const first = this.#rng.below(there.length);
      let chosen = -1;
      for (let i = 0; i < there.length; i++) {
        const s = there[first + i < there.length ? first + i : first + i - there.length]!;
        if (s === t) continue;
        if (chosen < 0) chosen = s;
        const b = this.#arc[s]! * resources;
        let enough = true;
        for (let k = 0; k < resources && enough; k++) enough = room[at + k]! + demand[b + k]! >= 0;
        if (!enough) continue;
        chosen = s;
        break;
      }
      this.#homeless[this.#pushed++] = chosen;
      change += this.#move(chosen, -1);
    }
  }

  /** The cheapest arc of t among its first few to a node with room; one in ten is overlooked. -1 where none beats staying out. */
  #cheapestFree(t: number): number {
    const { resources, node, cost, demand } = this.problem;
    const room = this.#room;
    const from = this.#from[t]!;
    const end = Math.min(this.#from[t + 1]!, from + REACH);
    let least = this.#outCost(t);
    let best = -1;
    for (let i = from; i < end; i++) {
      const a = this.#ranked[i]!;
      if (cost[a]! >= least) continue;
      const at = node[a]! * resources;
      let fits = true;
      for (let k = 0; k < resources && fits; k++) fits = demand[a * resources + k]! <= room[at + k]!;
      if (!fits || this.#rng.below(10) === 0) continue;
      best = a;
      least = cost[a]!;
    }
    return best;
  }

  #outCost(t: number): number {
    return Math.min(this.problem.leaveOut, this.#worth[t]! + this.#surcharge);
  }

  /** Moves t to arc a (-1: out) whether there is room or not; returns what the plan changes by at the price of now for being out. */
  #move(t: number, a: number): number {
    const { nodes, resources, node, demand, cost, leaveOut } = this.problem;
    const room = this.#room;
    const b = this.#arc[t]!;
    this.#moved[this.#moves] = t;
    this.#before[this.#moves++] = b;
    const left = this.#on[b < 0 ? nodes : node[b]!]!;
    const last = left.pop()!;
    if (last !== t) {
      left[this.#slot[t]!] = last;
      this.#slot[last] = this.#slot[t]!;
    }
    const joined = this.#on[a < 0 ? nodes : node[a]!]!;
    this.#slot[t] = joined.length;
    joined.push(t);
    this.#arc[t] = a;
    if (b >= 0)
      for (let k = 0, i = node[b]! * resources; k < resources; k++, i++)
        room[i]! += demand[b * resources + k]!;
    if (a >= 0)
      for (let k = 0, i = node[a]! * resources; k < resources; k++, i++)
        room[i]! -= demand[a * resources + k]!;
    this.#cost += (a < 0 ? leaveOut : cost[a]!) - (b < 0 ? leaveOut : cost[b]!);
    return (a < 0 ? this.#outCost(t) : cost[a]!) - (b < 0 ? this.#outCost(t) : cost[b]!);
  }

  #undo(): void {
    for (let i = this.#moves - 1; i >= 0; i--) this.#move(this.#moved[i]!, this.#before[i]!);
  }

  #record(): void {
    if (this.#cost >= this.#bestCost - Math.abs(this.#bestCost) * 1e-12) return;
    const cost = costOf(this.problem, this.#arc);
    if (cost >= this.#bestCost || !holds(this.problem, this.#arc)) return;
    this.#bestCost = cost;
    this.#bestArc = this.#arc.slice();
    this.#improved = true;
  }

  /** Being out grows dearer until none is; then cheaper again, so that the search stays at the edge. */
  #adaptSurcharge(): void {
    if (this.#on[this.problem.nodes]!.length > 0) {
      if (this.#surcharge < this.problem.leaveOut) this.#surcharge *= RISE;
    } else this.#surcharge = Math.max(LEAST_SURCHARGE * this.#hot, this.#surcharge * SINK);
  }
}

/** Rounds of ascent before the search: fewer where one is long, so that preparing a large batch leaves time to search it. */
const roundsFor = ({ node, resources }: BatchProblem): number =>
  Math.max(60, Math.min(300, Math.floor(1.2e7 / (node.length * resources + 1))));

/** Where a task is moved: to one of so many cheapest arcs, save for a share that goes to any or out. */
const FEW = 7;
const ANY = 0.05;
const OUT = 0.01;
/** How far one cycle cools. */
const COOLEST = 0.25;
/** How often a task pushed off may push off others in one chain. */
const DEPTH = 2;
/** So many of its cheapest arcs are looked at for one with room. */
const REACH = 12;
/** Of being out: against where cooling starts, at the least; and how it moves after every `tasks` moves. */
const LEAST_SURCHARGE = 3;
const RISE = 1.02;
const SINK = 0.97;

/** By task, its arcs that fit an empty node in order of priced cost; and where they start. */
function rankArcs(problem: BatchProblem, priced: Float64Array, room: Float64Array): [Int32Array, Int32Array] {
  const { tasks, resources, start, node, demand } = problem;
  const from = new Int32Array(tasks + 1);
  const ranked = new Int32Array(node.length);
  let count = 0;
  for (let t = 0; t < tasks; t++) {
    for (let a = start[t]!; a < start[t + 1]!; a++) {
      let fits = true;
      for (let k = 0; k < resources && fits; k++)
        fits = demand[a * resources + k]! <= room[node[a]! * resources + k]!;
      if (fits) ranked[count++] = a;
    }
    from[t + 1] = count;
    ranked.subarray(from[t]!, count).sort((a, b) => priced[a]! - priced[b]! || a - b);
  }
  return [from, ranked.subarray(0, count)];
}

/** Half the mean difference between a task's best and third-best arc at the given prices: where cooling starts. */
function meanRegret(priced: Float64Array, from: Int32Array, ranked: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (let t = 0; t + 1 < from.length; t++) {
    const last = Math.min(from[t + 1]! - 1, from[t]! + 2);
    if (last <= from[t]!) continue;
    sum += priced[ranked[last]!]! - priced[ranked[from[t]!]!]!;
    count++;
  }
  return count === 0 || sum === 0 ? 1 : (0.5 * sum) / count;
}
