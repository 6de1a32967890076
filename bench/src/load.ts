import { COMPUTE_TYPES } from "@weft/infrastructure";
import { Rng } from "@weft/kernel";
import { blankClaim, type Claim, type Pool, type ReservationId } from "@weft/pool";
import type { Decision, Scheduler, TaskNeeds } from "@weft/scheduling";

/** First reservations a node: parts a type, fewer where there are many nodes. */
const PARTS = 4;
const MANY_NODES = 200_000;
/** How long the first reservations last at most: as long as the longest task. */
const LONGEST = 120e6;

/**
 * Keeps a pool at a load: places task after task, commits each, and lets the tasks that end first end, so that the
 * reserved share of the computing power of the task's type stays where it was. Each type has a clock of its own, which its
 * tasks drive: a placed task ends its forecast time after its placement.
 *
 * The first load is reserved node by node, an even share of each type with half as much of the memory, between none and
 * twice the target, and ends at random. Links carry traffic that stays, between none and the target.
 */
export class LoadKeeper {
  readonly pool: Pool;
  readonly #tasks: readonly TaskNeeds[];
  /** Operations a second by type: all there are, and what is reserved. */
  readonly #total: readonly number[];
  readonly #reserved = [0, 0, 0];
  readonly #standing = [new Ends(), new Ends(), new Ends()] as const;
  readonly #target: number;
  #next = 0;
  placed = 0;
  refused = 0;

  constructor(pool: Pool, tasks: readonly TaskNeeds[], target: number) {
    this.pool = pool;
    this.#tasks = tasks;
    this.#target = target;
    this.#total = pool.nodes.power.map((power) => power.reduce((sum, rate) => sum + rate, 0));
    const rng = new Rng(3);
    this.#loadLinks(rng);
    this.#loadNodes(rng);
  }

  /** The reserved share of each type of computing power. */
  get loads(): readonly number[] {
    return this.#reserved.map((rate, type) => rate / (this.#total[type] as number));
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

  /** Reserves what was decided, and lets tasks of its type end down to the load. */
  commit(decision: Decision): void {
    if (decision.outcome === "refused") {
      this.refused++;
      for (let type = 0; type < 3; type++) this.#end(type);
      return;
    }
    const { claim } = decision;
    this.#reserve(claim, decision.timeline.total);
    this.placed++;
    const { type } = claim;
    const most = this.#target * (this.#total[type] as number);
    while ((this.#reserved[type] as number) > most) this.#end(type);
  }

  #loadLinks(rng: Rng): void {
    const { links } = this.pool;
    for (let link = 0; link < links.bound; link++) {
      const share = this.#target * rng.float();
      const bandwidthIn = Math.floor((links.capacity[link] as number) * share);
      this.#hold({ ...NOTHING, linksIn: [link], bandwidthIn, basedOn: this.pool.version });
    }
  }

  #loadNodes(rng: Rng): void {
    const { nodes } = this.pool;
    const parts = nodes.bound > MANY_NODES ? 1 : PARTS;
    for (let n = 0; n < nodes.bound; n++) {
      const share = Math.min(1, 2 * this.#target * rng.float());
      const memory = (share * (nodes.freeMemory[n] as number)) / 2;
      for (let part = 0; part < parts * COMPUTE_TYPES.length; part++) {
        const type = (part % COMPUTE_TYPES.length) as 0 | 1 | 2;
        const claim = {
          ...NOTHING,
          node: n,
          type,
          rate: Math.floor(((nodes.power[type][n] as number) * share) / parts),
          memory: Math.floor(memory / COMPUTE_TYPES.length / parts),
          basedOn: this.pool.version,
        };
        this.#reserve(claim, LONGEST * rng.float() * rng.float());
      }
    }
  }

  #hold(claim: Claim): ReservationId {
    const made = this.pool.reserve(claim);
    if (!made.ok) throw new Error(`a fresh decision does not hold: ${made.refusal.code}`);
    return made.value;
  }

  #reserve(claim: Claim, micros: number): void {
    const { type } = claim;
    this.#standing[type as 0 | 1 | 2].add(this.#hold(claim), claim.rate, micros);
    this.#reserved[type] = (this.#reserved[type] as number) + claim.rate;
  }

  /** The next task of a type ends. */
  #end(type: number): void {
    const standing = this.#standing[type as 0 | 1 | 2];
    const id = standing.next();
    if (id < 0) return;
    this.#reserved[type] = (this.#reserved[type] as number) - standing.rate;
    this.pool.release(id as ReservationId);
  }
}

const NOTHING: Claim = blankClaim();

/** Of what stands, side by side on half a cache line: the reservation, its rate, and the entry that follows it. */
const ENTRY = 4;
const [ID, RATE, FOLLOWING] = [0, 1, 2] as const;

/** What stands, in the order in which it ends, to within a slot of time: a wheel of lists, O(1) each way. */
class Ends {
  static readonly #SLOTS = 4096;
  static readonly #SLOT_MICROS = 50_000;
  readonly #first = new Int32Array(Ends.#SLOTS).fill(-1);
  #entries = new Float64Array(ENTRY * 1024);
  #unused = -1;
  #made = 0;
  #at = 0;
  #size = 0;
  /** The rate of what ended last. */
  rate = 0;

  add(id: number, rate: number, micros: number): void {
    const ahead = Math.min(Ends.#SLOTS - 1, Math.floor(micros / Ends.#SLOT_MICROS));
    const slot = (this.#at + ahead) % Ends.#SLOTS;
    let entry = this.#unused;
    if (entry >= 0) this.#unused = this.#entries[entry * ENTRY + FOLLOWING] as number;
    else entry = this.#made++;
    if (entry * ENTRY === this.#entries.length) this.#widen();
    this.#entries[entry * ENTRY + ID] = id;
    this.#entries[entry * ENTRY + RATE] = rate;
    this.#entries[entry * ENTRY + FOLLOWING] = this.#first[slot] as number;
    this.#first[slot] = entry;
    this.#size++;
  }

  /** Takes what ends next; -1 when nothing stands. */
  next(): number {
    if (this.#size === 0) return -1;
    while ((this.#first[this.#at] as number) < 0) this.#at = (this.#at + 1) % Ends.#SLOTS;
    const entry = this.#first[this.#at] as number;
    this.#first[this.#at] = this.#entries[entry * ENTRY + FOLLOWING] as number;
    this.#entries[entry * ENTRY + FOLLOWING] = this.#unused;
    this.#unused = entry;
    this.#size--;
    this.rate = this.#entries[entry * ENTRY + RATE] as number;
    return this.#entries[entry * ENTRY + ID] as number;
  }

  #widen(): void {
    const entries = new Float64Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
  }
}
