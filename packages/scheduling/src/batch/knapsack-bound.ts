import { assert } from "@weft/kernel";
import { type BatchProblem, roomOf } from "./batch-problem.ts";
import { pricedCosts } from "./lagrangian.ts";

/** States that one node's choice may take; past that it is bounded as if its last task could be divided. */
const STATES = 5_000;
/** What every resource counts at least, beside its price, in the one by which a node's choices are bounded. */
const LEAST_SHARE = 0.05;

/**
 * A lower bound on every plan's cost that sees that tasks are not divisible: each task is offered a price for being
 * placed, and each node takes, exactly, the set of tasks that fits and earns most (Fisher, Jaikumar and Van Wassenhove 1986:
 * the assignment is relaxed, a knapsack of several resources is left for every node). It proves more than
 * any prices on resources can where a node carries few tasks. Prices ascend from where those on resources (`price`, of
 * `raiseBound` or a linear relaxation) leave off. `target`: as in `raiseBound`.
 * Where all costs are whole numbers, so is the bound. `effort`: rounds of ascent, and states of all knapsacks together, either of
 * which ends it; what is proven by then holds.
 */
export function boundByKnapsacks(
  problem: BatchProblem,
  target: number,
  price: Float64Array,
  effort: { readonly rounds: number; readonly states: number },
): number {
  const { tasks, nodes, start, leaveOut } = problem;
  const priced = pricedCosts(problem, price);
  const offer = Float64Array.from({ length: tasks }, (_, t) =>
    priced.subarray(start[t]!, start[t + 1]!).reduce((least, each) => Math.min(least, each), leaveOut),
  );
  const knapsacks = new NodeKnapsacks(problem, price, effort.states);
  const direction = new Float64Array(tasks);
  const best = offer.slice();
  const taken = new Float64Array(tasks);
  let bound = Number.NEGATIVE_INFINITY;
  let agility = 1;
  for (let round = 0, idle = 0; round < effort.rounds && agility > 1e-4 && knapsacks.states > 0; round++) {
    let value = 0;
    for (let t = 0; t < tasks; t++) {
      value += Math.min(offer[t]!, leaveOut);
      taken[t] = offer[t]! > leaveOut ? 1 : 0;
    }
    for (let j = 0; j < nodes; j++) value -= knapsacks.earn(j, offer, taken);
    if (value > bound + Math.abs(bound) * 1e-9 || round === 0) {
      bound = value;
      best.set(offer);
      idle = 0;
    } else if (++idle === 8) {
      agility *= 0.6;
      idle = 0;
      offer.set(best);
    }
    let length = 0;
    for (let t = 0; t < tasks; t++) {
      direction[t] = 1 - taken[t]! + 0.5 * direction[t]!;
      length += direction[t]! * direction[t]!;
    }
    if (length === 0) break;
    const scope = Math.max(Math.abs(bound), 1e-9);
    const step = (agility * Math.max(Math.min(target - value, 0.03 * scope), 1e-5 * scope)) / length;
    for (let t = 0; t < tasks; t++) offer[t]! += step * direction[t]!;
  }
  const whole = Number.isInteger(leaveOut) && problem.cost.every(Number.isInteger);
  return whole ? Math.ceil(bound - 1e-6 * Math.max(1, Math.abs(bound))) : bound;
}

/** For every node, which tasks it would best take at given offers: branch and bound, the best value for its room first. */
class NodeKnapsacks {
  readonly #problem: BatchProblem;
  readonly #room: Float64Array;
  /** By node (CSR): its arcs, and the tasks they are of. */
  readonly #start: Int32Array;
  readonly #arcs: Int32Array;
  readonly #task: Int32Array;
  /** By arc: what it takes of all the node has, as one number; and by node what there is of that. */
  readonly #size: Float64Array;
  readonly #whole: Float64Array;
  /** The candidates of one node, best first: arcs, and what they earn. */
  readonly #candidates: Int32Array;
  readonly #earns: Float64Array;
  #count = 0;
  readonly #left: Float64Array;
  readonly #chosen: Int32Array;
  #chosenCount = 0;
  /** By task: 1 where one of its arcs is chosen, as it may have several to a node. */
  readonly #held: Uint8Array;
  readonly #best: Int32Array;
  #bestCount = 0;
  #most = 0;
  /** That may be taken for this node, and for all. */
  #states = 0;
  #total: number;

  constructor(problem: BatchProblem, price: Float64Array, states: number) {
    const { tasks, nodes, resources, node } = problem;
    assert(price.length === nodes * resources, "one price a node and resource");
    this.#problem = problem;
    this.#total = states;
    // Wider than what plans are held against by another such slack: sums are added up in other orders here.
    this.#room = roomOf({ ...problem, capacity: roomOf(problem) });
    this.#start = new Int32Array(nodes + 1);
    this.#task = new Int32Array(node.length);
    for (const j of node) this.#start[j + 1]!++;
    for (let j = 0; j < nodes; j++) this.#start[j + 1]! += this.#start[j]!;
    const next = this.#start.slice();
    this.#arcs = new Int32Array(node.length);
    for (let t = 0; t < tasks; t++) {
      for (let a = problem.start[t]!; a < problem.start[t + 1]!; a++) {
        this.#arcs[next[node[a]!]!++] = a;
        this.#task[a] = t;
      }
    }
    [this.#size, this.#whole] = asOne(problem, this.#room, price);
    let widest = 0;
    for (let j = 0; j < nodes; j++) widest = Math.max(widest, this.#start[j + 1]! - this.#start[j]!);
    this.#candidates = new Int32Array(widest);
    this.#earns = new Float64Array(node.length);
    this.#left = new Float64Array(resources);
    this.#chosen = new Int32Array(widest);
    this.#held = new Uint8Array(tasks);
    this.#best = new Int32Array(widest);
  }

  /** That are left for all. */
  get states(): number {
    return this.#total;
  }

  /** What node j earns at most; adds 1 to `taken` of every task it takes for that. */
  earn(j: number, offer: Float64Array, taken: Float64Array): number {
    this.#gather(j, offer);
    this.#left.set(this.#room.subarray(j * this.#left.length, (j + 1) * this.#left.length));
    this.#most = 0;
    this.#bestCount = 0;
    this.#chosenCount = 0;
    const granted = Math.min(STATES, this.#total);
    this.#states = granted;
    const divisible = this.#bound(0, 0, this.#whole[j]!);
    const exact = this.#extend(0, 0, this.#whole[j]!);
    this.#total -= granted - Math.max(0, this.#states);
    for (let i = 0; i < this.#bestCount; i++) taken[this.#task[this.#best[i]!]!]! += 1;
    return exact ? this.#most : divisible;
  }

  #gather(j: number, offer: Float64Array): void {
    const { resources, cost, demand } = this.#problem;
    let count = 0;
    for (let i = this.#start[j]!; i < this.#start[j + 1]!; i++) {
      const a = this.#arcs[i]!;
      const earns = offer[this.#task[a]!]! - cost[a]!;
      if (earns <= 0) continue;
      let fits = true;
      for (let k = 0; k < resources && fits; k++) {
        fits = demand[a * resources + k]! <= this.#room[j * resources + k]!;
      }
      if (!fits) continue;
      this.#earns[a] = earns;
      this.#candidates[count++] = a;
    }
    this.#count = count;
    const [earns, size] = [this.#earns, this.#size];
    // Each earnings times the other's size: a size may be nothing.
    this.#candidates.subarray(0, count).sort((a, b) => earns[b]! * size[a]! - earns[a]! * size[b]! || a - b);
  }

  /** At most so much comes of the candidates from i on: as if they took of one resource only, and the last were divisible. */
  #bound(i: number, value: number, left: number): number {
    let most = value;
    let rest = left;
    for (let q = i; q < this.#count; q++) {
      const a = this.#candidates[q]!;
      const size = this.#size[a]!;
      if (size > rest) return most + (this.#earns[a]! * rest) / size;
      rest -= size;
      most += this.#earns[a]!;
    }
    return most;
  }

  /** False when the states ran out. */
  #extend(from: number, value: number, left: number): boolean {
    const { resources, demand } = this.#problem;
    if (value > this.#most) {
      this.#most = value;
      this.#bestCount = this.#chosenCount;
      for (let i = 0; i < this.#chosenCount; i++) this.#best[i] = this.#chosen[i]!;
    }
    if (this.#states-- <= 0) return false;
    for (let i = from; i < this.#count; i++) {
      if (this.#bound(i, value, left) <= this.#most) return true;
      const a = this.#candidates[i]!;
      const t = this.#task[a]!;
      let fits = this.#held[t] === 0;
      for (let k = 0; k < resources && fits; k++) fits = demand[a * resources + k]! <= this.#left[k]!;
      if (!fits) continue;
      for (let k = 0; k < resources; k++) this.#left[k]! -= demand[a * resources + k]!;
      this.#chosen[this.#chosenCount++] = a;
      this.#held[t] = 1;
      const done = this.#extend(i + 1, value + this.#earns[a]!, left - this.#size[a]!);
      this.#chosenCount--;
      this.#held[t] = 0;
      for (let k = 0; k < resources; k++) this.#left[k]! += demand[a * resources + k]!;
      if (!done) return false;
    }
    return true;
  }
}

/** All resources of a node as one, each by what its whole is worth there: by arc what it takes, by node what there is. */
function asOne(problem: BatchProblem, room: Float64Array, price: Float64Array): [Float64Array, Float64Array] {
  const { nodes, resources, node, demand } = problem;
  const unit = new Float64Array(nodes * resources);
  const whole = new Float64Array(nodes);
  for (let j = 0; j < nodes; j++) {
    let worth = 0;
    for (let k = 0, i = j * resources; k < resources; k++, i++) worth += price[i]! * room[i]!;
    for (let k = 0, i = j * resources; k < resources; k++, i++) {
      if (room[i]! <= 0) continue;
      const share = (worth > 0 ? (price[i]! * room[i]!) / worth : 0) + LEAST_SHARE;
      unit[i] = share / room[i]!;
      // A little more than there is, so that what just fits is never passed over for a rounding.
      whole[j]! += share * (1 + 1e-9);
    }
  }
  const size = Float64Array.from(node, (j, a) => {
    let sum = 0;
    for (let k = 0; k < resources; k++) sum += unit[j * resources + k]! * demand[a * resources + k]!;
    return sum;
  });
  return [size, whole];
}
