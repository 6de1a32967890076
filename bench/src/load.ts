import { COMPUTE_TYPES } from "@weft/infrastructure";
import type { Pool, ReservationId } from "@weft/pool";
import type { Decision, Scheduler, TaskNeeds } from "@weft/scheduling";

/**
 * Keeps a pool at a load: places task after task, commits each, and releases the oldest so that the reserved
 * share of the logical computing power stays at the target.
 */
export class LoadKeeper {
  readonly pool: Pool;
  readonly #tasks: readonly TaskNeeds[];
  readonly #standing: ReservationId[] = [];
  #oldest = 0;
  #next = 0;
  #reserved = 0;
  readonly #total: number;
  placed = 0;
  refused = 0;

  constructor(pool: Pool, tasks: readonly TaskNeeds[]) {
    this.pool = pool;
    this.#tasks = tasks;
    const power = pool.nodes.power[COMPUTE_TYPES.indexOf("logical") as 0];
    this.#total = power.reduce((sum, rate) => sum + rate, 0);
  }

  get load(): number {
    return this.#reserved / this.#total;
  }

  nextTask(): TaskNeeds {
    return this.#tasks[this.#next++ % this.#tasks.length] as TaskNeeds;
  }

  /** One decision with its update of the pool. */
  step(scheduler: Scheduler, target: number): Decision {
    const decision = scheduler.place(this.nextTask());
    this.commit(decision, target);
    return decision;
  }

  commit(decision: Decision, target: number): void {
    if (decision.outcome === "placed") {
      const made = this.pool.reserve(decision.claim);
      if (!made.ok) throw new Error(`a fresh decision does not hold: ${made.refusal.code}`);
      this.#standing.push(made.value);
      if (decision.claim.type === 0) this.#reserved += decision.claim.rate;
      this.placed++;
    } else {
      this.refused++;
      this.#releaseOldest();
    }
    while (this.load > target) this.#releaseOldest();
    if (this.#oldest > 100_000) this.#oldest -= this.#standing.splice(0, this.#oldest).length;
  }

  /** Places until the load is reached, or until nothing more fits. */
  fill(scheduler: Scheduler, target: number): void {
    let misses = 0;
    while (this.load < target && misses < 2000) {
      const decision = scheduler.place(this.nextTask());
      if (decision.outcome === "refused") {
        misses++;
        continue;
      }
      const made = this.pool.reserve(decision.claim);
      if (!made.ok) throw new Error(`a fresh decision does not hold: ${made.refusal.code}`);
      this.#standing.push(made.value);
      if (decision.claim.type === 0) this.#reserved += decision.claim.rate;
    }
  }

  #releaseOldest(): void {
    const id = this.#standing[this.#oldest];
    if (id === undefined) return;
    this.#oldest++;
    const claim = this.pool.reservation(id);
    if (claim?.type === 0) this.#reserved -= claim.rate;
    this.pool.release(id);
  }
}
