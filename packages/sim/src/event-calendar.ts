/**
 * Pending events for very many actors: those of the current time slot lie in a small heap, later ones in
 * unsorted lists, one a slot, that become a heap when their slot begins. The same order as `EventHeap`,
 * and a cost that does not grow with the number of pending events (after Brown 1988, without its resizing).
 * An event keeps its place in the columns from `push` to `pop`; lists and heap hold places.
 */
export class EventCalendar {
  readonly #width: number;
  readonly #slots: number;
  /** First event of each slot's list, -1 where it is empty. Lists run backwards in time of scheduling. */
  readonly #first: Int32Array;
  /** Time and serial of place p at 2p and 2p + 1. */
  #when: Float64Array;
  /** What happens and the next place in the list at 2p and 2p + 1. */
  #entry: Int32Array;
  #free = -1;
  #used = 0;
  /** The current slot's events: a 4-ary heap of places. */
  #near = new Int32Array(64);
  #nearSize = 0;
  #far = 0;
  #pushed = 0;
  /** Its heap covers times from `slot * width` below `(slot + 1) * width`. */
  #slot = 0;
  #slotEnd: number;
  /** Time of the event that `pop` returned last. */
  at = Number.NEGATIVE_INFINITY;

  /**
   * `width`: length of a slot, best a few events long (rounded up to a power of two, so that slots have exact ends);
   * `slots`: how many lists (rounded up to a power of two); an event further ahead than all of them is looked at once
   * a round. Times must not be negative.
   */
  constructor(width: number, slots = 4096) {
    this.#slots = 2 ** Math.ceil(Math.log2(slots));
    this.#width = 2 ** Math.ceil(Math.log2(width));
    this.#first = new Int32Array(this.#slots).fill(-1);
    this.#when = new Float64Array(2 * 1024);
    this.#entry = new Int32Array(2 * 1024);
    this.#slotEnd = this.#width;
  }

  get size(): number {
    return this.#nearSize + this.#far;
  }

  get pushed(): number {
    return this.#pushed;
  }

  /** Time of the earliest event; Infinity where there is none. */
  get nextAt(): number {
    if (this.#nearSize === 0 && !this.#advance()) return Number.POSITIVE_INFINITY;
    return this.#when[2 * (this.#near[0] as number)] as number;
  }

  push(at: number, what: number): void {
    let place = this.#free;
    if (place >= 0) this.#free = this.#entry[2 * place + 1] as number;
    else {
      place = this.#used++;
      if (2 * place === this.#when.length) this.#grow();
    }
    this.#when[2 * place] = at;
    this.#when[2 * place + 1] = this.#pushed++;
    this.#entry[2 * place] = what;
    if (at < this.#slotEnd) {
      this.#enter(place);
      return;
    }
    const slot = Math.floor(at / this.#width) & (this.#slots - 1);
    this.#entry[2 * place + 1] = this.#first[slot] as number;
    this.#first[slot] = place;
    this.#far++;
  }

  /** Takes the earliest event out; its time is then in `at`. There must be one. */
  pop(): number {
    if (this.#nearSize === 0) this.#advance();
    const place = this.#near[0] as number;
    const size = --this.#nearSize;
    if (size > 0) this.#sink(this.#near[size] as number, size);
    this.at = this.#when[2 * place] as number;
    this.#entry[2 * place + 1] = this.#free;
    this.#free = place;
    return this.#entry[2 * place] as number;
  }

  /** Puts a place into the heap. */
  #enter(place: number): void {
    if (this.#nearSize === this.#near.length) this.#near = doubled(this.#near, Int32Array);
    const heap = this.#near;
    const when = this.#when;
    const at = when[2 * place] as number;
    let hole = this.#nearSize++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const above = heap[parent] as number;
      const aboveAt = when[2 * above] as number;
      if (aboveAt < at || (aboveAt === at && this.#isEarlier(above, place))) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = place;
  }

  /** Fills the heap's top, which was taken out, with `place`, its last before. */
  #sink(place: number, size: number): void {
    const heap = this.#near;
    const when = this.#when;
    const at = when[2 * place] as number;
    let hole = 0;
    for (let child = 1; child < size; child = 4 * hole + 1) {
      const end = Math.min(child + 4, size);
      let least = child;
      let leastAt = when[2 * (heap[child] as number)] as number;
      for (child++; child < end; child++) {
        const childAt = when[2 * (heap[child] as number)] as number;
        if (
          childAt < leastAt ||
          (childAt === leastAt && this.#isEarlier(heap[child] as number, heap[least] as number))
        ) {
          least = child;
          leastAt = childAt;
        }
      }
      if (leastAt > at || (leastAt === at && this.#isEarlier(place, heap[least] as number))) break;
      heap[hole] = heap[least] as number;
      hole = least;
    }
    heap[hole] = place;
  }

  /** Of two events of one instant: was `a` scheduled first? */
  #isEarlier(a: number, b: number): boolean {
    return (this.#when[2 * a + 1] as number) < (this.#when[2 * b + 1] as number);
  }

  /** Goes on to the next slot that holds an event, and makes its list the heap. False where there is no event. */
  #advance(): boolean {
    const first = this.#first;
    const mask = this.#slots - 1;
    while (this.#nearSize === 0) {
      if (this.#far === 0) return false;
      // A whole round without an event: all are further ahead, so jump to the earliest.
      let slot = this.#slot;
      const round = slot + this.#slots;
      do slot++;
      while ((first[slot & mask] as number) < 0 && slot <= round);
      this.#slot = slot;
      this.#slotEnd = (slot + 1) * this.#width;
      this.#open(slot & mask);
      if (this.#nearSize === 0 && slot >= round) this.#jump();
    }
    return true;
  }

  #open(list: number): void {
    const entry = this.#entry;
    const end = this.#slotEnd;
    let place = this.#first[list] as number;
    let kept = -1;
    while (place >= 0) {
      const next = entry[2 * place + 1] as number;
      if ((this.#when[2 * place] as number) < end) {
        this.#enter(place);
        this.#far--;
      } else {
        entry[2 * place + 1] = kept;
        kept = place;
      }
      place = next;
    }
    this.#first[list] = kept;
  }

  #jump(): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (const head of this.#first) {
      for (let place = head; place >= 0; place = this.#entry[2 * place + 1] as number) {
        earliest = Math.min(earliest, this.#when[2 * place] as number);
      }
    }
    this.#slot = Math.floor(earliest / this.#width) - 1;
  }

  #grow(): void {
    this.#when = doubled(this.#when, Float64Array);
    this.#entry = doubled(this.#entry, Int32Array);
  }
}

function doubled<T extends Int32Array | Float64Array>(column: T, Column: new (length: number) => T): T {
  const grown = new Column(column.length * 2);
  grown.set(column);
  return grown;
}
