import { type Instant, NEVER } from "./time.ts";

/**
 * Who is to be woken when: the `wakeAt` of a machine that waits for many things. A binary heap by
 * (instant, order of setting), so that equal deadlines fire in the order they were set. Setting a key
 * again moves its deadline. O(log n) a call; superseded entries are dropped as they surface.
 */
export class Deadlines<Key> {
  readonly #heap: { at: Instant; serial: number; key: Key }[] = [];
  readonly #current = new Map<Key, number>();
  #serial = 0;

  /** The earliest deadline, or `NEVER`. */
  get next(): Instant {
    this.#dropStale();
    return this.#heap[0]?.at ?? NEVER;
  }

  /** Sets or moves the deadline of `key`; `NEVER` clears it. */
  set(key: Key, at: Instant): void {
    if (at === NEVER) {
      this.#current.delete(key);
      return;
    }
    const entry = { at, serial: this.#serial++, key };
    this.#current.set(key, entry.serial);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  clear(key: Key): void {
    this.#current.delete(key);
  }

  /** Whether a deadline is set for `key`. */
  has(key: Key): boolean {
    return this.#current.has(key);
  }

  /** Takes every key due at `now`, earliest first. */
  due(now: Instant): Key[] {
    const keys: Key[] = [];
    for (;;) {
      this.#dropStale();
      const top = this.#heap[0];
      if (top === undefined || top.at > now) return keys;
      this.#pop();
      this.#current.delete(top.key);
      keys.push(top.key);
    }
  }

  #dropStale(): void {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.key) === top.serial) return;
      this.#pop();
    }
  }

  #before(i: number, j: number): boolean {
    const a = this.#heap[i]!;
    const b = this.#heap[j]!;
    return a.at < b.at || (a.at === b.at && a.serial < b.serial);
  }

  #swap(i: number, j: number): void {
    const held = this.#heap[i]!;
    this.#heap[i] = this.#heap[j]!;
    this.#heap[j] = held;
  }

  #rise(from: number): void {
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      const left = 2 * i + 1;
      if (left < this.#heap.length && this.#before(left, least)) least = left;
      if (left + 1 < this.#heap.length && this.#before(left + 1, least)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }
}
