import { EventHeap } from "./event-heap.ts";

/** What can happen next; its place is what stands in the digest. */
export const EVENT_KINDS = ["deliver", "wake", "resume", "script"] as const;
export const DELIVER = 0;
export const WAKE = 1;
export const RESUME = 2;
export const SCRIPT = 3;

/**
 * What is going to happen in a world, in the order of (time, serial). What an event is stands in columns, at the slot
 * that `schedule` chose; the slot is free again once `release` is called.
 */
export class PendingEvents {
  readonly #heap = new EventHeap();
  kind = new Uint8Array(1024);
  who = new Int32Array(1024);
  link = new Int32Array(1024);
  size = new Float64Array(1024);
  readonly what: unknown[] = [];
  readonly #free: number[] = [];
  #slots = 0;

  /** Time of the earliest event; Infinity where there is none. */
  get nextAt(): number {
    return this.#heap.nextAt;
  }

  /** Time of the event that `pop` returned last. */
  get at(): number {
    return this.#heap.at;
  }

  schedule(at: number, kind: number, who: number, link: number, size: number, what: unknown): void {
    const slot = this.#free.pop() ?? this.#newSlot();
    this.kind[slot] = kind;
    this.who[slot] = who;
    this.link[slot] = link;
    this.size[slot] = size;
    this.what[slot] = what;
    this.#heap.push(at, slot);
  }

  /** Takes the earliest event out of the order and gives its slot, which stays taken. There must be one. */
  pop(): number {
    return this.#heap.pop();
  }

  release(slot: number): void {
    this.what[slot] = undefined;
    this.#free.push(slot);
  }

  #newSlot(): number {
    if (this.#slots === this.kind.length) this.#growSlots();
    return this.#slots++;
  }

  #growSlots(): void {
    const capacity = this.#slots * 2;
    const kind = new Uint8Array(capacity);
    kind.set(this.kind);
    this.kind = kind;
    const who = new Int32Array(capacity);
    who.set(this.who);
    this.who = who;
    const link = new Int32Array(capacity);
    link.set(this.link);
    this.link = link;
    const size = new Float64Array(capacity);
    size.set(this.size);
    this.size = size;
  }
}
