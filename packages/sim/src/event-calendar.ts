import { EventHeap } from "./event-heap.ts";

/**
 * Pending events for very many actors: those of the current time slot lie in a small heap, later ones in
 * unsorted lists, one a slot, that become a heap when their slot begins. The same order as `EventHeap`,
 * and a cost that does not grow with the number of pending events (after Brown 1988, without its resizing).
 */
export class EventCalendar {
  readonly #near: EventHeap;
  readonly #width: number;
  readonly #mask: number;
  /** First event of each slot's list, -1 where it is empty. Lists run backwards in time of scheduling. */
  readonly #first: Int32Array;
  #at: Float64Array;
  #serial: Float64Array;
  #what: Int32Array;
  #next: Int32Array;
  #free = -1;
  #used = 0;
  #far = 0;
  #pushed = 0;
  /** The slot in the heap: covers times from `slot * width` below `(slot + 1) * width`. */
  #slot = 0;
  #slotEnd: number;
  #moved = new Int32Array(64);

  /**
   * `width`: length of a slot, best a few events long (rounded up to a power of two, so that slots have exact ends); `slots`: how many lists (rounded up to a power of two);
   * an event further ahead than all of them is looked at once a round. Times must not be negative.
   */
  constructor(width: number, slots = 4096) {
    const count = 2 ** Math.ceil(Math.log2(slots));
    this.#near = new EventHeap();
    this.#width = 2 ** Math.ceil(Math.log2(width));
    this.#mask = count - 1;
    this.#first = new Int32Array(count).fill(-1);
    this.#at = new Float64Array(1024);
    this.#serial = new Float64Array(1024);
    this.#what = new Int32Array(1024);
    this.#next = new Int32Array(1024);
    this.#slotEnd = this.#width;
  }

  get size(): number {
    return this.#near.size + this.#far;
  }

  get pushed(): number {
    return this.#pushed;
  }

  /** Time of the event that `pop` returned last. */
  get at(): number {
    return this.#near.at;
  }

  /** Time of the earliest event; Infinity where there is none. */
  get nextAt(): number {
    if (this.#near.size === 0) this.#advance();
    return this.#near.nextAt;
  }

  push(at: number, what: number): void {
    const serial = this.#pushed++;
    if (at < this.#slotEnd) {
      this.#near.insert(at, serial, what);
      return;
    }
    let entry = this.#free;
    if (entry >= 0) this.#free = this.#next[entry] as number;
    else {
      entry = this.#used++;
      if (entry === this.#at.length) this.#grow();
    }
    const slot = Math.floor(at / this.#width) & this.#mask;
    this.#at[entry] = at;
    this.#serial[entry] = serial;
    this.#what[entry] = what;
    this.#next[entry] = this.#first[slot] as number;
    this.#first[slot] = entry;
    this.#far++;
  }

  /** Takes the earliest event out; its time is then in `at`. There must be one. */
  pop(): number {
    if (this.#near.size === 0) this.#advance();
    return this.#near.pop();
  }

  /** Goes on to the next slot that holds an event, and makes its list the heap. */
  #advance(): void {
    const rounds = this.#mask + 1;
    while (this.#far > 0 && this.#near.size === 0) {
      // A whole round without an event: all are further ahead, so jump to the earliest.
      let empty = 0;
      do {
        this.#slot++;
        empty++;
      } while ((this.#first[this.#slot & this.#mask] as number) < 0 && empty <= rounds);
      this.#slotEnd = (this.#slot + 1) * this.#width;
      this.#open(this.#slot & this.#mask);
      if (this.#near.size === 0 && empty >= rounds) this.#jump();
    }
  }

  #open(list: number): void {
    let entry = this.#first[list] as number;
    let kept = -1;
    let count = 0;
    while (entry >= 0) {
      const next = this.#next[entry] as number;
      if ((this.#at[entry] as number) < this.#slotEnd) {
        if (count === this.#moved.length) this.#moved = grownInt(this.#moved);
        this.#moved[count++] = entry;
      } else {
        this.#next[entry] = kept;
        kept = entry;
      }
      entry = next;
    }
    this.#first[list] = kept;
    // Oldest first: the heap then sifts each newcomer little.
    for (let i = count - 1; i >= 0; i--) {
      const moved = this.#moved[i] as number;
      this.#near.insert(
        this.#at[moved] as number,
        this.#serial[moved] as number,
        this.#what[moved] as number,
      );
      this.#next[moved] = this.#free;
      this.#free = moved;
    }
    this.#far -= count;
  }

  #jump(): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (let list = 0; list <= this.#mask; list++) {
      for (let entry = this.#first[list] as number; entry >= 0; entry = this.#next[entry] as number) {
        earliest = Math.min(earliest, this.#at[entry] as number);
      }
    }
    this.#slot = Math.floor(earliest / this.#width) - 1;
  }

  #grow(): void {
    this.#at = grownFloat(this.#at);
    this.#serial = grownFloat(this.#serial);
    this.#what = grownInt(this.#what);
    this.#next = grownInt(this.#next);
  }
}

function grownFloat(column: Float64Array): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(column.length * 2);
  grown.set(column);
  return grown;
}

function grownInt(column: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(column.length * 2);
  grown.set(column);
  return grown;
}
