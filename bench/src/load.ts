import { COMPUTE_TYPES } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import type { Claim, Pool, ReservationId } from "@weft/pool";
import type { Decision, Scheduler, TaskNeeds } from "@weft/scheduling";

/**
 * Keeps a pool at a load: places task after task, commits each, and releases the oldest so that the reserved
 * share of the computing power (of the type loaded most) stays where it was. The first load is reserved node by node, an
 * even share of each type with half as much of the memory, between none and twice the target; it is released in random
 * order as tasks come in.
 */
export class LoadKeeper {
  readonly pool: Pool;
  readonly #tasks: readonly TaskNeeds[];
  readonly #standing: ReservationId[] = [];
  /** Operations a second by type: all there are, and what is reserved. */
  readonly #total: readonly number[];
  readonly #reserved = [0, 0, 0];
  readonly #target: number;
  #oldest = 0;
  #next = 0;
  placed = 0;
  refused = 0;

  constructor(pool: Pool, tasks: readonly TaskNeeds[], target: number) {
    this.pool = pool;
    this.#tasks = tasks;
    this.#target = target;
    this.#total = pool.nodes.power.map((power) => power.reduce((sum, rate) => sum + rate, 0));
    this.#fill();
  }

  /** The reserved share of the type of computing power that is loaded most. */
  get load(): number {
    return Math.max(...this.#reserved.map((rate, type) => rate / (this.#total[type] as number)));
  }

  nextTask(): TaskNeeds {
    return this.#tasks[this.#next++ % this.#tasks.length] as TaskNeeds;
  }

  /** One decision with its update of the pool. */
  step(scheduler: Scheduler): Decision {
    const decision = scheduler.place(this.nextTask());
    this.commit(decision);
    return decision;
  }

  /** Reserves what was decided, and releases the oldest down to the load. */
  commit(decision: Decision): void {
    if (decision.outcome === "placed") {
      this.#reserve(decision.claim);
      this.placed++;
    } else {
      this.refused++;
      this.#releaseOldest();
    }
    while (this.load > this.#target) this.#releaseOldest();
  }

  #fill(): void {
    const rng = new Rng(3);
    const { nodes } = this.pool;
    const claims: Claim[] = [];
    for (let n = 0; n < nodes.bound; n++) {
      const share = Math.min(1, 2 * this.#target * rng.float()) / 4;
      for (let part = 0; part < 12; part++) {
        const type = (part % 3) as 0 | 1 | 2;
        const made = this.pool.claim({
          node: nodes.slots.idOf(n),
          type: COMPUTE_TYPES[type] as "logical",
          rate: ((nodes.power[type][n] as number) * share) as never,
          memory: Math.floor(((nodes.descriptions[n]?.memoryBytes ?? 0) * share) / 6) as never,
          storage: 0 as never,
          throughput: 0 as never,
          accelerator: null,
          service: null,
          path: [nodes.descriptions[n]?.site as never],
          bandwidthIn: 0 as never,
          bandwidthOut: 0 as never,
        });
        if (made.ok) claims.push(made.value);
      }
    }
    for (const claim of rng.shuffle(claims)) this.#reserve(claim);
  }

  #reserve(claim: Claim): void {
    const made = this.pool.reserve(claim);
    if (!made.ok) throw new Error(`a fresh decision does not hold: ${made.refusal.code}`);
    this.#standing.push(made.value);
    this.#add(claim, 1);
  }

  #add(claim: Claim, sign: number): void {
    this.#reserved[claim.type] = (this.#reserved[claim.type] as number) + sign * claim.rate;
  }

  #releaseOldest(): void {
    const id = this.#standing[this.#oldest];
    if (id === undefined) return;
    this.#oldest++;
    const claim = this.pool.reservation(id);
    if (claim !== undefined) this.#add(claim, -1);
    this.pool.release(id);
    if (this.#oldest < 65_536) return;
    this.#standing.splice(0, this.#oldest);
    this.#oldest = 0;
  }
}
