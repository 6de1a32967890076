import { assert } from "@weft/kernel";
import type { Claim, ReservationId } from "./claim.ts";
import { grown } from "./column.ts";
import { LinkLists } from "./link-lists.ts";
import { Slots } from "./slots.ts";

/** Slots of the ledger an id can name; an id is `generation * SLOTS + slot`, so that none is used twice. */
const SLOTS = 2 ** 24;
/** Of a reservation, side by side: a cache line of amounts, and half a line of what they are of. */
const LINE = 8;
const [RATE, MEMORY, STORAGE, THROUGHPUT, DEVICE_MEMORY, BANDWIDTH_IN, BANDWIDTH_OUT, BASED_ON] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;
const [NODE, TYPE, DEVICE_KIND, DEVICE_COUNT, SERVICE, LINKS, LENGTHS, GENERATION] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;
/** Both lengths of a path's lists in one number: links there, and links back above them. */
const LENGTH_BITS = 15;
const MOST_LINKS = 2 ** LENGTH_BITS - 1;
/** The service of a claim without one, and the node of a slot that nothing stands in. */
const NONE = -1;

const NO_DEVICES: readonly number[] = [];

/** A claim to be filled again and again. */
export type ClaimRecord = { -readonly [field in keyof Claim]: Claim[field] } & {
  linksIn: number[];
  linksOut: number[];
};

/** A claim on nothing. */
export const blankClaim = (): ClaimRecord => ({
  node: 0,
  type: 0,
  rate: 0,
  memory: 0,
  storage: 0,
  throughput: 0,
  deviceKind: NONE,
  deviceMemory: 0,
  deviceCount: 0,
  service: null,
  linksIn: [],
  linksOut: [],
  bandwidthIn: 0,
  bandwidthOut: 0,
  basedOn: 0,
});

/**
 * Every reservation that stands, so that a release gives back exactly what was taken. In columns, not as the claims
 * themselves: hundreds of thousands of objects that live for a while would keep the collector busy.
 *
 * Memory: 96 bytes a reservation, and 64 for every fifteen links of its path.
 */
export class Ledger {
  #amounts = new Float64Array(16 * LINE);
  #places = new Int32Array(16 * LINE);
  #links = new LinkLists();
  #services = new Slots<string>();
  /** By slot: which of the node's accelerators were taken, where any were. */
  readonly #devices = new Map<number, readonly number[]>();
  readonly #free: number[] = [];
  #bound = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `devices`: which of the node's accelerators were taken. */
  add(claim: Claim, devices: readonly number[]): ReservationId {
    const slot = this.#free.pop() ?? this.#bound++;
    assert(slot < SLOTS, "more reservations than the ledger can name");
    if (slot * LINE >= this.#places.length) this.#grow(slot + 1);
    assert(claim.linksIn.length <= MOST_LINKS && claim.linksOut.length <= MOST_LINKS, "a path this long");
    const at = slot * LINE;
    const amounts = this.#amounts;
    amounts[at + RATE] = claim.rate;
    amounts[at + MEMORY] = claim.memory;
    amounts[at + STORAGE] = claim.storage;
    amounts[at + THROUGHPUT] = claim.throughput;
    amounts[at + DEVICE_MEMORY] = claim.deviceMemory;
    amounts[at + BANDWIDTH_IN] = claim.bandwidthIn;
    amounts[at + BANDWIDTH_OUT] = claim.bandwidthOut;
    amounts[at + BASED_ON] = claim.basedOn;
    const places = this.#places;
    places[at + NODE] = claim.node;
    places[at + TYPE] = claim.type;
    places[at + DEVICE_KIND] = claim.deviceKind;
    places[at + DEVICE_COUNT] = claim.deviceCount;
    places[at + SERVICE] = this.#enterService(claim.service);
    places[at + LINKS] = this.#links.add(claim.linksIn, claim.linksOut);
    places[at + LENGTHS] = claim.linksIn.length | (claim.linksOut.length << LENGTH_BITS);
    if (devices.length > 0) this.#devices.set(slot, devices);
    const generation = (places[at + GENERATION] as number) + 1;
    places[at + GENERATION] = generation;
    this.#size++;
    return (generation * SLOTS + slot) as ReservationId;
  }

  /** Fills `into` with what a reservation took; false when it does not stand (any more). */
  read(id: ReservationId, into: ClaimRecord): boolean {
    const slot = id % SLOTS;
    const at = slot * LINE;
    if (!(slot < this.#bound)) return false;
    const places = this.#places;
    if (places[at + GENERATION] !== Math.floor(id / SLOTS) || places[at + NODE] === NONE) return false;
    const amounts = this.#amounts;
    into.rate = amounts[at + RATE] as number;
    into.memory = amounts[at + MEMORY] as number;
    into.storage = amounts[at + STORAGE] as number;
    into.throughput = amounts[at + THROUGHPUT] as number;
    into.deviceMemory = amounts[at + DEVICE_MEMORY] as number;
    into.bandwidthIn = amounts[at + BANDWIDTH_IN] as number;
    into.bandwidthOut = amounts[at + BANDWIDTH_OUT] as number;
    into.basedOn = amounts[at + BASED_ON] as number;
    into.node = places[at + NODE] as number;
    into.type = places[at + TYPE] as number;
    into.deviceKind = places[at + DEVICE_KIND] as number;
    into.deviceCount = places[at + DEVICE_COUNT] as number;
    const service = places[at + SERVICE] as number;
    into.service = service === NONE ? null : this.#services.idOf(service);
    const lengths = places[at + LENGTHS] as number;
    this.#links.read(
      places[at + LINKS] as number,
      lengths & MOST_LINKS,
      lengths >> LENGTH_BITS,
      into.linksIn,
      into.linksOut,
    );
    return true;
  }

  devicesOf(id: ReservationId): readonly number[] {
    return this.#devices.size === 0 ? NO_DEVICES : (this.#devices.get(id % SLOTS) ?? NO_DEVICES);
  }

  /** Ends a reservation that stands. */
  remove(id: ReservationId): void {
    const slot = id % SLOTS;
    const at = slot * LINE;
    const places = this.#places;
    const service = places[at + SERVICE] as number;
    if (service !== NONE && this.#services.drop(service)) this.#services.retire(service);
    this.#links.remove(places[at + LINKS] as number);
    places[at + NODE] = NONE;
    if (this.#devices.size > 0) this.#devices.delete(slot);
    this.#free.push(slot);
    this.#size--;
  }

  /** How many reservations on a node are for a service. */
  countOf(node: number, service: string): number {
    const named = this.#services.find(service);
    if (named < 0) return 0;
    let count = 0;
    for (let at = 0; at < this.#bound * LINE; at += LINE)
      if (this.#places[at + NODE] === node && this.#places[at + SERVICE] === named) count++;
    return count;
  }

  copy(): Ledger {
    const twin = new Ledger();
    twin.#amounts = this.#amounts.slice();
    twin.#places = this.#places.slice();
    twin.#links = this.#links.copy();
    twin.#services = this.#services.copy();
    for (const [slot, devices] of this.#devices) twin.#devices.set(slot, devices);
    for (const slot of this.#free) twin.#free.push(slot);
    twin.#bound = this.#bound;
    twin.#size = this.#size;
    return twin;
  }

  /** The number of a service's name, held once more. */
  #enterService(service: string | null): number {
    if (service === null) return NONE;
    const known = this.#services.find(service);
    const index = known >= 0 ? known : this.#services.enter(service).index;
    this.#services.hold(index);
    return index;
  }

  #grow(slots: number): void {
    this.#amounts = grown(this.#amounts, slots * LINE);
    this.#places = grown(this.#places, slots * LINE);
  }
}
