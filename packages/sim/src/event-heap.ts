/**
 * The pending events of a simulation, earliest first: a 4-ary heap over typed arrays, ordered by
 * (time, serial), so that events of one instant happen in the order in which they were scheduled.
 * An event is one whole number (`what`); its meaning is the caller's.
 */
export class EventHeap {
  #at: Float64Array;
  #serial: Float64Array;
  #what: Int32Array;
  #size = 0;
  #pushed = 0;
  /** Time of the event that `pop` returned last. */
  at = Number.NEGATIVE_INFINITY;

  /** `capacity`: how many pending events to make room for; the heap grows by doubling. */
  constructor(capacity = 1024) {
    this.#at = new Float64Array(capacity);
    this.#serial = new Float64Array(capacity);
    this.#what = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** How many events were ever scheduled. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Time of the earliest event; Infinity where there is none. */
  get nextAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#at[0] as number);
  }

  push(at: number, what: number): void {
    this.insert(at, this.#pushed++, what);
  }

  /** Schedules with a serial of the caller's own, unique in this heap: for queues built around a heap. */
  insert(at: number, serial: number, what: number): void {
    if (this.#size === this.#at.length) this.#grow();
    const times = this.#at;
    const serials = this.#serial;
    const whats = this.#what;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const above = times[parent] as number;
      if (above < at || (above === at && (serials[parent] as number) < serial)) break;
      times[hole] = above;
      serials[hole] = serials[parent] as number;
      whats[hole] = whats[parent] as number;
      hole = parent;
    }
    times[hole] = at;
    serials[hole] = serial;
    whats[hole] = what;
  }

  /** Takes the earliest event out; its time is then in `at`. The heap must not be empty. */
  pop(): number {
    const times = this.#at;
    const serials = this.#serial;
    const whats = this.#what;
    const result = whats[0] as number;
    this.at = times[0] as number;
    const size = --this.#size;
    if (size === 0) return result;
    const at = times[size] as number;
    const serial = serials[size] as number;
    let hole = 0;
    for (;;) {
      let child = 4 * hole + 1;
      if (child >= size) break;
      let least = child;
      let leastAt = times[child] as number;
      const end = Math.min(child + 4, size);
      for (child++; child < end; child++) {
        const childAt = times[child] as number;
        if (
          childAt < leastAt ||
          (childAt === leastAt && (serials[child] as number) < (serials[least] as number))
        ) {
          least = child;
          leastAt = childAt;
        }
      }
      if (leastAt > at || (leastAt === at && (serials[least] as number) > serial)) break;
      times[hole] = leastAt;
      serials[hole] = serials[least] as number;
      whats[hole] = whats[least] as number;
      hole = least;
    }
    times[hole] = at;
    serials[hole] = serial;
    whats[hole] = whats[size] as number;
    return result;
  }

  clear(): void {
    this.#size = 0;
  }

  #grow(): void {
    const capacity = this.#at.length * 2;
    const at = new Float64Array(capacity);
    const serial = new Float64Array(capacity);
    const what = new Int32Array(capacity);
    at.set(this.#at);
    serial.set(this.#serial);
    what.set(this.#what);
    this.#at = at;
    this.#serial = serial;
    this.#what = what;
  }
}
