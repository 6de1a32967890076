import { assert } from "@weft/kernel";
import type { Claim, ReservationId } from "./claim.ts";

/** Slots of the ledger an id can name; an id is `generation * SLOTS + slot`, so that none is used twice. */
const SLOTS = 2 ** 24;

/** Every reservation that stands, so that a release gives back exactly what was taken. */
export class Ledger {
  readonly #claims: (Claim | undefined)[] = [];
  readonly #devices: (readonly number[])[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `devices`: which of the node's accelerators were taken. */
  add(claim: Claim, devices: readonly number[]): ReservationId {
    const slot = this.#free.pop() ?? this.#claims.length;
    assert(slot < SLOTS, "more reservations than the ledger can name");
    const generation = (this.#generations[slot] ?? 0) + 1;
    this.#claims[slot] = claim;
    this.#devices[slot] = devices;
    this.#generations[slot] = generation;
    this.#size++;
    return (generation * SLOTS + slot) as ReservationId;
  }

  find(id: ReservationId): Claim | undefined {
    const slot = id % SLOTS;
    return this.#generations[slot] === Math.floor(id / SLOTS) ? this.#claims[slot] : undefined;
  }

  devicesOf(id: ReservationId): readonly number[] {
    return this.#devices[id % SLOTS] as readonly number[];
  }

  remove(id: ReservationId): void {
    const slot = id % SLOTS;
    this.#claims[slot] = undefined;
    this.#free.push(slot);
    this.#size--;
  }

  forEach(see: (claim: Claim) => void): void {
    for (const claim of this.#claims) if (claim !== undefined) see(claim);
  }

  copy(): Ledger {
    const twin = new Ledger();
    twin.#claims.push(...this.#claims);
    twin.#devices.push(...this.#devices);
    twin.#generations.push(...this.#generations);
    twin.#free.push(...this.#free);
    twin.#size = this.#size;
    return twin;
  }
}
