import { assert } from "@weft/kernel";

/** One consumer among several: what one of its tasks takes, its weight, and how many tasks it wants at most. */
export interface FairConsumer {
  /** By resource, what one task takes; something of at least one resource. */
  readonly demand: Float64Array;
  /** Above zero; a consumer of weight 2 is due twice the dominant share of one of weight 1. */
  readonly weight: number;
  readonly wants: number;
}

/**
 * Dominant-resource fairness (Ghodsi and others, NSDI 2011), kept up as consumers and tasks come and go: a consumer's
 * dominant share is its largest share of any resource, over its weight; who has the least goes next. Shares are exact
 * as long as the amounts charged and refunded are whole numbers.
 */
export class DominantShares {
  readonly #capacity: Float64Array;
  readonly #weight: number[];
  /** `#held[consumer * resources + k]`. */
  #held: Float64Array;

  constructor(capacity: Float64Array, weight: ArrayLike<number> = []) {
    this.#capacity = capacity.slice();
    this.#weight = [];
    this.#held = new Float64Array(weight.length * capacity.length);
    for (let c = 0; c < weight.length; c++) this.enter(weight[c]);
  }

  /** One more consumer; returns its number. */
  enter(weight = 1): number {
    assert(weight > 0, "weights are above zero");
    const needed = this.#weight.push(weight) * this.#capacity.length;
    if (needed > this.#held.length) {
      const wider = new Float64Array(2 * needed);
      wider.set(this.#held);
      this.#held = wider;
    }
    return this.#weight.length - 1;
  }

  /** There is as much to share from now on; what is held stays. */
  setCapacity(capacity: Float64Array): void {
    this.#capacity.set(capacity);
  }

  /** The consumer's tasks took this much more (`sign` 1), or gave it back (-1). */
  charge(consumer: number, amount: Float64Array, sign: 1 | -1 = 1): void {
    const at = consumer * this.#capacity.length;
    for (let k = 0; k < this.#capacity.length; k++) this.#held[at + k]! += sign * amount[k]!;
  }

  /** The weighted dominant share: 1 where all of some resource is held at weight 1. */
  shareOf(consumer: number): number {
    let share = 0;
    for (let k = 0; k < this.#capacity.length; k++) {
      const held = this.#held[consumer * this.#capacity.length + k]!;
      if (held > 0) share = Math.max(share, held / this.#capacity[k]!);
    }
    return share / this.#weight[consumer]!;
  }

  /** The resource that its share is the share of, the first of equals; -1 where it holds nothing. */
  dominantOf(consumer: number): number {
    let dominant = -1;
    let share = 0;
    for (let k = 0; k < this.#capacity.length; k++) {
      const part = this.#held[consumer * this.#capacity.length + k]! / this.#capacity[k]!;
      if (!(part > share)) continue;
      share = part;
      dominant = k;
    }
    return dominant;
  }

  /** Of some consumers, the one whose turn it is: least share, then the one named first. -1 of none. */
  next(among: Iterable<number>): number {
    let turn = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const consumer of among) {
      const share = this.shareOf(consumer);
      if (share >= least) continue;
      least = share;
      turn = consumer;
    }
    return turn;
  }
}

/**
 * Whole tasks by consumer: each turn goes to the least weighted dominant share; a consumer whose next task does not fit
 * any more, or who wants none, is out. `capacity` is taken as one pool.
 */
export function fairTasks(capacity: Float64Array, consumers: readonly FairConsumer[]): Int32Array {
  const shares = new DominantShares(
    capacity,
    Float64Array.from(consumers, ({ weight }) => weight),
  );
  const left = capacity.slice();
  const tasks = new Int32Array(consumers.length);
  const waiting = new Set(consumers.keys());
  for (;;) {
    const turn = shares.next(waiting);
    if (turn < 0) return tasks;
    const { demand, wants } = consumers[turn]!;
    if (tasks[turn]! >= wants || demand.some((amount, k) => amount > left[k]!)) {
      waiting.delete(turn);
      continue;
    }
    for (let k = 0; k < left.length; k++) left[k]! -= demand[k]!;
    shares.charge(turn, demand);
    tasks[turn]!++;
  }
}

/**
 * The same for work that can be divided: all weighted dominant shares rise together; a consumer stops when it
 * has what it wants or when a resource it needs is used up (progressive filling). Returns tasks, in fractions. No
 * one would rather have another's share (per weight), and no one gets less than its weight's part of everything alone.
 */
export function fairShares(capacity: Float64Array, consumers: readonly FairConsumer[]): Float64Array {
  const resources = capacity.length;
  const tasks = new Float64Array(consumers.length);
  const left = capacity.slice();
  // Tasks that a unit of weighted dominant share is worth.
  const pace = consumers.map(({ demand, weight }) => {
    let dominant = 0;
    for (let k = 0; k < resources; k++)
      if (demand[k]! > 0) dominant = Math.max(dominant, demand[k]! / capacity[k]!);
    assert(dominant > 0 && weight > 0, "a task takes something, and weights are above zero");
    return weight / dominant;
  });
  const rising = new Set(consumers.keys());
  while (rising.size > 0) {
    let step = Number.POSITIVE_INFINITY;
    for (const c of rising) step = Math.min(step, (consumers[c]!.wants - tasks[c]!) / pace[c]!);
    const drain = new Float64Array(resources);
    for (const c of rising)
      for (let k = 0; k < resources; k++) drain[k]! += pace[c]! * consumers[c]!.demand[k]!;
    for (let k = 0; k < resources; k++) if (drain[k]! > 0) step = Math.min(step, left[k]! / drain[k]!);
    for (const c of rising) tasks[c]! += step * pace[c]!;
    for (let k = 0; k < resources; k++) left[k]! -= step * drain[k]!;
    const usedUp = left.map((rest, k) => (rest <= 1e-12 * capacity[k]! ? 1 : 0));
    for (const c of rising) {
      const { demand, wants } = consumers[c]!;
      const stopped = demand.some((amount, k) => amount > 0 && usedUp[k] === 1);
      if (stopped || tasks[c]! >= wants * (1 - 1e-12)) rising.delete(c);
    }
  }
  return tasks;
}
