import { assert } from "@weft/kernel";

/**
 * Many tasks, each taking one slot of one node: the transportation problem with unit supplies. Arcs lie by
 * task (CSR): the arcs of task t are `start[t] .. start[t + 1]`, each to `node[a]` at `cost[a]`. A pair without
 * an arc is forbidden, so every constraint is said by leaving arcs out.
 */
export interface UnitAssignmentProblem {
  readonly tasks: number;
  readonly nodes: number;
  readonly start: Int32Array;
  readonly node: Int32Array;
  readonly cost: Float64Array;
  /** Slots by node. */
  readonly capacity: Int32Array;
  /** What leaving one task out costs. `alwaysPlace(problem)` is enough to place as many as can be. */
  readonly leaveOut: number;
}

export interface UnitAssignment {
  /** By task: its node, or -1 where it was left out. */
  readonly node: Int32Array;
  /** Sum of the costs of the chosen arcs and of what was left out. The least there is. */
  readonly cost: number;
  /**
   * By node, what one more slot of it would save: the dual certificate. With these prices
   * `dualValue(problem, price)` equals `cost`, which proves that nothing is cheaper.
   */
  readonly price: Float64Array;
  readonly pivots: number;
}

/** A `leaveOut` so high that no saving elsewhere is worth leaving a task out. Costs must be finite. */
export function alwaysPlace(cost: Float64Array, tasks: number): number {
  let low = 0;
  let high = 0;
  for (let a = 0; a < cost.length; a++) {
    const value = cost[a]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high + (high - low + 1) * (tasks + 1);
}

/** The bound that `price` proves: no assignment costs less. Prices must not be negative. */
export function dualValue(problem: UnitAssignmentProblem, price: Float64Array): number {
  const { tasks, nodes, start, node, cost, capacity } = problem;
  let value = 0;
  for (let t = 0; t < tasks; t++) {
    let least = problem.leaveOut;
    for (let a = start[t]!; a < start[t + 1]!; a++) least = Math.min(least, cost[a]! + price[node[a]!]!);
    value += least;
  }
  for (let j = 0; j < nodes; j++) if (capacity[j]! > 0) value -= capacity[j]! * price[j]!;
  return value;
}

/**
 * The cheapest assignment, by a primal network simplex made for unit supplies.
 *
 * A strongly feasible basis (Cunningham 1976) of this problem has a shape that can be stored by node alone:
 * every node hangs either from the root by its own free slot, at price 0, or from another node by one of its tasks,
 * the one that would move there if a slot had to be freed; its price is that node's price plus what the
 * move costs. Tasks carry no tree links and no potentials, so a pivot touches nodes only. The root doubles as the
 * place of the tasks left out. Two kinds of pivot remain: a task sees a cheaper way to free a slot of its
 * own full node (the node is hung elsewhere, nothing moves), or a slot chain really is cheaper (every
 * task on the chain moves one node on). Strong feasibility rules out cycling.
 */
export function assignUnitTasks(problem: UnitAssignmentProblem): UnitAssignment {
  const simplex = new UnitSimplex(problem);
  simplex.run();
  return simplex.result();
}

const NONE = -1;
/** How many tasks one scan looks at once it has found one, and how many of them may enter before the next. */
const BLOCK = 256;
const TURNS = 16;
/** A candidate whose gain has shrunk below this share of what it was is left for a later scan. */
const STILL = 0.7;

class UnitSimplex {
  /** As given, but with each task's arcs cheapest first: a scan stops where cost alone is too much. */
  readonly #problem: UnitAssignmentProblem;
  readonly #root: number;
  /** By task: the node it is on (the root when left out) and that arc's cost. */
  readonly #on: Int32Array;
  readonly #onCost: Float64Array;
  readonly #used: Int32Array;
  readonly #price: Float64Array;
  /** By node: parent node, the task it hangs by (NONE: its own free slot) and what that task's move costs. */
  readonly #parent: Int32Array;
  readonly #via: Int32Array;
  readonly #step: Float64Array;
  readonly #depth: Int32Array;
  readonly #firstChild: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #stack: Int32Array;
  readonly #candidate = new Int32Array(TURNS);
  readonly #candidateArc = new Int32Array(TURNS);
  readonly #candidateGain = new Float64Array(TURNS);
  #cursor = 0;
  /** A reduced cost above this is rounding, not gain. */
  readonly #tolerance: number;
  #pivots = 0;

  constructor(problem: UnitAssignmentProblem) {
    const { tasks, nodes, start, node, cost, capacity } = problem;
    assert(start.length === tasks + 1 && node.length === cost.length, "arcs are by task");
    assert(capacity.length === nodes, "one capacity a node");
    this.#problem = cheapestFirst(problem);
    this.#root = nodes;
    this.#on = new Int32Array(tasks).fill(nodes);
    this.#onCost = new Float64Array(tasks).fill(problem.leaveOut);
    this.#used = new Int32Array(nodes + 1);
    this.#price = new Float64Array(nodes + 1);
    this.#parent = new Int32Array(nodes + 1).fill(nodes);
    this.#via = new Int32Array(nodes + 1).fill(NONE);
    this.#step = new Float64Array(nodes + 1);
    this.#depth = new Int32Array(nodes + 1).fill(1);
    this.#firstChild = new Int32Array(nodes + 1).fill(NONE);
    this.#next = new Int32Array(nodes + 1).fill(NONE);
    this.#previous = new Int32Array(nodes + 1).fill(NONE);
    this.#stack = new Int32Array(nodes + 1);
    this.#depth[nodes] = 0;
    this.#parent[nodes] = NONE;
    let largest = Math.abs(problem.leaveOut);
    for (let a = 0; a < cost.length; a++) largest = Math.max(largest, Math.abs(cost[a]!));
    this.#tolerance = largest * 1e-13;
    for (let j = 0; j < nodes; j++) {
      if (capacity[j]! > 0) this.#link(j, nodes);
      else this.#price[j] = Number.POSITIVE_INFINITY;
    }
    this.#startGreedily(start, this.#problem.node, this.#problem.cost, capacity);
  }

  /** Each task to its cheapest node with more than one slot left: a free slot must remain to hang the node by. */
  #startGreedily(start: Int32Array, node: Int32Array, cost: Float64Array, capacity: Int32Array): void {
    const used = this.#used;
    for (let t = 0; t < this.#problem.tasks; t++) {
      let best = this.#problem.leaveOut;
      let to = NONE;
      for (let a = start[t]!; a < start[t + 1]!; a++) {
        const j = node[a]!;
        if (cost[a]! < best && used[j]! + 1 < capacity[j]!) {
          best = cost[a]!;
          to = j;
        }
      }
      if (to === NONE) continue;
      this.#on[t] = to;
      this.#onCost[t] = best;
      used[to]!++;
    }
  }

  /**
   * Candidate-list pricing: a scan of a block of tasks keeps the few that would gain most, and those enter one after
   * the other as far as they still gain at the prices of that moment. Ends when a whole round finds nothing.
   */
  run(): void {
    const { nodes, cost, node, leaveOut } = this.#problem;
    for (;;) {
      const found = this.#collect();
      if (found === 0 && !this.#freeWorthless()) return;
      for (let i = 0; i < found; i++) {
        const t = this.#candidate[i]!;
        const arc = this.#candidateArc[i]!;
        const to = arc === NONE ? nodes : node[arc]!;
        const arcCost = arc === NONE ? leaveOut : cost[arc]!;
        const gain = this.#onCost[t]! + this.#price[this.#on[t]!]! - arcCost - this.#price[to]!;
        if (gain > this.#tolerance && gain > STILL * this.#candidateGain[i]!) this.#enter(t, to, arcCost);
      }
    }
  }

  /**
   * Scans tasks on from the last one looked at, a block of them or until one would gain; keeps those of greatest gain,
   * each with its cheapest arc, greatest first. Returns how many.
   */
  #collect(): number {
    const { tasks, start, node, cost, leaveOut } = this.#problem;
    const price = this.#price;
    const on = this.#on;
    const onCost = this.#onCost;
    const tolerance = this.#tolerance;
    let found = 0;
    let bar = tolerance;
    let t = this.#cursor;
    for (let left = tasks, block = BLOCK; left > 0 && (found === 0 || block > 0); left--, block--) {
      const value = onCost[t]! + price[on[t]!]!;
      let least = leaveOut;
      let arc = NONE;
      // Prices are not below zero (but for those that freeWorthless lifts before the end), so the rest costs more.
      for (let a = start[t]!, end = start[t + 1]!; a < end && cost[a]! < least; a++) {
        const other = cost[a]! + price[node[a]!]!;
        if (other < least) {
          least = other;
          arc = a;
        }
      }
      if (value - least > bar) {
        found = this.#keep(t, arc, value - least, found);
        if (found === TURNS) bar = this.#candidateGain[TURNS - 1]!;
      }
      if (++t === tasks) t = 0;
    }
    this.#cursor = t;
    return found;
  }

  /** Enters a candidate in order of gain; the last one falls out when there are too many. */
  #keep(t: number, arc: number, gain: number, found: number): number {
    let i = found < TURNS ? found : TURNS - 1;
    for (; i > 0 && this.#candidateGain[i - 1]! < gain; i--) {
      this.#candidate[i] = this.#candidate[i - 1]!;
      this.#candidateArc[i] = this.#candidateArc[i - 1]!;
      this.#candidateGain[i] = this.#candidateGain[i - 1]!;
    }
    this.#candidate[i] = t;
    this.#candidateArc[i] = arc;
    this.#candidateGain[i] = gain;
    return Math.min(found + 1, TURNS);
  }

  /** A full node whose price fell below zero is better off with a free slot. True when there was one. */
  #freeWorthless(): boolean {
    let found = false;
    for (let j = 0; j < this.#root; j++) {
      if (this.#via[j] === NONE || this.#price[j]! >= -this.#tolerance) continue;
      this.#shift(j, NONE, NONE, 0);
      found = true;
    }
    return found;
  }

  /** Task t, now elsewhere, would be cheaper on node k at the given arc cost. */
  #enter(t: number, k: number, arcCost: number): void {
    const j = this.#on[t]!;
    const within = this.#isWithin(k, j);
    if (j !== this.#root && this.#via[j] !== NONE && !within) {
      this.#pivots++;
      this.#hang(j, k, t, arcCost - this.#onCost[t]!);
      this.#reprice(j);
      return;
    }
    this.#shift(k, j, t, arcCost);
  }

  /** Whether node k hangs from j, or is j. */
  #isWithin(k: number, j: number): boolean {
    const depth = this.#depth[j]!;
    let x = k;
    while (this.#depth[x]! > depth) x = this.#parent[x]!;
    return x === j;
  }

  /**
   * Moves task t from node j to k (t NONE: only frees a slot of k), then every task along k's chain one node
   * on, up to j or to a free slot, and hangs the chain the other way round.
   */
  #shift(k: number, j: number, t: number, arcCost: number): void {
    this.#pivots++;
    const { capacity } = this.#problem;
    const via = this.#via;
    const parent = this.#parent;
    const root = this.#root;
    const own = t !== NONE && via[j] === t;
    const above = own ? parent[j]! : j;
    const aboveStep = own ? this.#step[j]! : 0;
    let x = k;
    let hangUnder = above;
    let hangBy = t;
    let hangStep = 0;
    let moving = t;
    let movingCost = arcCost;
    if (t !== NONE) {
      hangStep = own ? aboveStep + this.#onCost[t]! - arcCost : this.#onCost[t]! - arcCost;
      this.#used[j]!--;
    }
    let top = NONE;
    for (;;) {
      // `moving` arrives at x; what x hangs by, if anything, goes on.
      const carrier = x === root ? NONE : via[x]!;
      const from = x === root ? NONE : parent[x]!;
      const step = x === root ? 0 : this.#step[x]!;
      if (moving !== NONE) {
        this.#on[moving] = x;
        this.#onCost[moving] = movingCost;
        this.#used[x]!++;
      } else hangUnder = root;
      const ends = x === root || (x === j && !own) || carrier === NONE;
      if (ends && (x === root || x === j || this.#used[x]! < capacity[x]!)) break;
      const carrierCost = carrier === NONE ? 0 : this.#onCost[carrier]!;
      if (moving === NONE) this.#hang(x, root, NONE, 0);
      else this.#hang(x, hangUnder, hangBy, hangStep);
      if (top === NONE) top = x;
      if (carrier === NONE || (own && x === j)) break;
      this.#used[x]!--;
      hangUnder = x;
      hangBy = carrier;
      hangStep = -step;
      moving = carrier;
      movingCost = carrierCost + step;
      x = from;
    }
    if (top !== NONE) this.#reprice(top);
  }

  #hang(x: number, under: number, by: number, step: number): void {
    this.#unlink(x);
    this.#via[x] = by;
    this.#step[x] = step;
    this.#link(x, under);
  }

  #link(x: number, under: number): void {
    const first = this.#firstChild[under]!;
    this.#parent[x] = under;
    this.#next[x] = first;
    this.#previous[x] = NONE;
    if (first !== NONE) this.#previous[first] = x;
    this.#firstChild[under] = x;
  }

  #unlink(x: number): void {
    const before = this.#previous[x]!;
    const behind = this.#next[x]!;
    if (before === NONE) this.#firstChild[this.#parent[x]!] = behind;
    else this.#next[before] = behind;
    if (behind !== NONE) this.#previous[behind] = before;
  }

  /** Prices and depths of x and all below it, each from its parent's: nothing drifts. */
  #reprice(x: number): void {
    const stack = this.#stack;
    const price = this.#price;
    const depth = this.#depth;
    const parent = this.#parent;
    const step = this.#step;
    const firstChild = this.#firstChild;
    const next = this.#next;
    let height = 0;
    stack[height++] = x;
    while (height > 0) {
      const y = stack[--height]!;
      const up = parent[y]!;
      price[y] = price[up]! + step[y]!;
      depth[y] = depth[up]! + 1;
      for (let child = firstChild[y]!; child !== NONE; child = next[child]!) stack[height++] = child;
    }
  }

  result(): UnitAssignment {
    const { tasks, nodes, start, node: nodeOf, cost: costOf, capacity } = this.#problem;
    const node = new Int32Array(tasks);
    let cost = 0;
    const price = this.#price.slice(0, nodes);
    for (let j = 0; j < nodes; j++) if (capacity[j]! <= 0) price[j] = 0;
    for (let t = 0; t < tasks; t++) {
      const on = this.#on[t]!;
      node[t] = on === this.#root ? -1 : on;
      cost += this.#onCost[t]!;
      const value = this.#onCost[t]! + this.#price[on]!;
      for (let a = start[t]!; a < start[t + 1]!; a++) {
        const j = nodeOf[a]!;
        if (capacity[j]! <= 0) price[j] = Math.max(price[j]!, value - costOf[a]!);
      }
    }
    return { node, cost, price, pivots: this.#pivots };
  }
}

function cheapestFirst(problem: UnitAssignmentProblem): UnitAssignmentProblem {
  const { tasks, start } = problem;
  const node = problem.node.slice();
  const cost = problem.cost.slice();
  for (let t = 0; t < tasks; t++) {
    const from = start[t]!;
    const end = start[t + 1]!;
    if (end - from > 64) {
      const order = problem.node.subarray(from, end).map((_, i) => from + i);
      order.sort((a, b) => problem.cost[a]! - problem.cost[b]! || a - b);
      order.forEach((a, i) => {
        node[from + i] = problem.node[a]!;
        cost[from + i] = problem.cost[a]!;
      });
      continue;
    }
    for (let a = from + 1; a < end; a++) {
      const [value, j] = [cost[a]!, node[a]!];
      let b = a;
      for (; b > from && cost[b - 1]! > value; b--) {
        cost[b] = cost[b - 1]!;
        node[b] = node[b - 1]!;
      }
      cost[b] = value;
      node[b] = j;
    }
  }
  return { ...problem, node, cost };
}
