import { type BatchPlan, type BatchProblem, byRegret, costOf, roomOf } from "./batch-problem.ts";
import { BatchSearch } from "./batch-search.ts";
import { pricedCosts } from "./lagrangian.ts";

export interface BoundedPlan extends BatchPlan {
  /** No plan costs less. */
  readonly bound: number;
  /** The plan is the cheapest there is. */
  readonly proven: boolean;
}

const STRETCH = 2_000;
const WHOLE_ROUNDS = 60;

/**
 * The cheapest batch by branch and bound where `states` states are enough (a few dozen tasks), and the best that
 * anytime search found, with its bound, where they are not. A branch is left when what it holds, plus
 * the cheapest rest at the Lagrangian prices, cannot beat the best plan. `known` is a plan to start from, if any.
 */
export function planBatch(
  problem: BatchProblem,
  seed: number,
  effort: { readonly moves: number; readonly states: number },
  known?: Int32Array,
): BoundedPlan {
  const search = new BatchSearch(problem, seed);
  if (known !== undefined) search.adopt(known);
  search.tighten(200);
  // In stretches, as many batches are at their bound long before all moves are spent.
  for (let left = effort.moves; left > 0 && search.gap > 0; left -= STRETCH)
    search.search(Math.min(left, STRETCH));
  if (search.gap > 0) search.tightenWhole({ rounds: WHOLE_ROUNDS, states: effort.states });
  if (search.gap === 0) return { ...search.best, bound: search.best.cost, proven: true };
  const branch = new BatchBranch(problem, search.price, search.best);
  const proven = branch.run(effort.states);
  return { ...branch.best, bound: proven ? branch.best.cost : search.bound, proven };
}

class BatchBranch {
  readonly #problem: BatchProblem;
  readonly #priced: Float64Array;
  readonly #order: Int32Array;
  /** By position in the order: least priced cost of all tasks from there on, less the worth of all capacity. */
  readonly #rest: Float64Array;
  readonly #left: Float64Array;
  readonly #arc: Int32Array;
  readonly #tolerance: number;
  #best: BatchPlan;
  #states = 0;

  constructor(problem: BatchProblem, price: Float64Array, best: BatchPlan) {
    const { tasks, start, leaveOut, capacity } = problem;
    this.#problem = problem;
    this.#priced = pricedCosts(problem, price);
    this.#order = byRegret(problem, this.#priced);
    this.#left = roomOf(problem);
    this.#arc = new Int32Array(tasks).fill(-1);
    this.#best = best;
    this.#tolerance = 1e-9 * Math.max(1, Math.abs(best.cost));
    this.#rest = new Float64Array(tasks + 1);
    for (let i = 0; i < capacity.length; i++) this.#rest[tasks]! -= price[i]! * capacity[i]!;
    for (let i = tasks - 1; i >= 0; i--) {
      const t = this.#order[i]!;
      let least = leaveOut;
      for (let a = start[t]!; a < start[t + 1]!; a++) least = Math.min(least, this.#priced[a]!);
      this.#rest[i] = this.#rest[i + 1]! + least;
    }
  }

  get best(): BatchPlan {
    return this.#best;
  }

  run(states: number): boolean {
    this.#states = states;
    return this.#extend(0, 0, 0);
  }

  /** False when the states ran out. */
  #extend(i: number, cost: number, priced: number): boolean {
    const { tasks, resources, start, node, demand, leaveOut } = this.#problem;
    if (i === tasks) {
      if (cost < this.#best.cost) {
        this.#best = { arc: this.#arc.slice(), cost: costOf(this.#problem, this.#arc) };
      }
      return true;
    }
    if (this.#states-- <= 0) return false;
    const t = this.#order[i]!;
    const rest = priced + this.#rest[i + 1]! + this.#tolerance;
    const arcs = Array.from({ length: start[t + 1]! - start[t]! }, (_, n) => start[t]! + n);
    arcs.sort((a, b) => this.#priced[a]! - this.#priced[b]! || a - b);
    for (const a of arcs) {
      if (rest + this.#priced[a]! >= this.#best.cost) break;
      const at = node[a]! * resources;
      let fits = true;
      for (let k = 0; k < resources && fits; k++) fits = demand[a * resources + k]! <= this.#left[at + k]!;
      if (!fits) continue;
      for (let k = 0; k < resources; k++) this.#left[at + k]! -= demand[a * resources + k]!;
      this.#arc[t] = a;
      const done = this.#extend(i + 1, cost + this.#problem.cost[a]!, priced + this.#priced[a]!);
      this.#arc[t] = -1;
      for (let k = 0; k < resources; k++) this.#left[at + k]! += demand[a * resources + k]!;
      if (!done) return false;
    }
    if (rest + leaveOut >= this.#best.cost) return true;
    return this.#extend(i + 1, cost + leaveOut, priced + leaveOut);
  }
}
