/**
 * Keys by rank, the least first; equal ranks in the order they were set. Setting a key again moves it. A binary
 * heap: O(log n) a call; superseded entries are dropped as they surface, or once they are most of the heap.
 */
export class Ranked<Key> {
  #heap: { rank: number; serial: number; key: Key }[] = [];
  readonly #current = new Map<Key, number>();
  #serial = 0;

  /** How many keys have a rank. */
  get size(): number {
    return this.#current.size;
  }

  /** The key of least rank; undefined where there is none. */
  get first(): Key | undefined {
    this.#dropStale();
    return this.#heap[0]?.key;
  }

  /** The least rank; Infinity where there is none. */
  get least(): number {
    this.#dropStale();
    return this.#heap[0]?.rank ?? Number.POSITIVE_INFINITY;
  }

  /** Every key that has a rank, in no stated order. */
  get keys(): Iterable<Key> {
    return this.#current.keys();
  }

  has(key: Key): boolean {
    return this.#current.has(key);
  }

  set(key: Key, rank: number): void {
    const entry = { rank, serial: this.#serial++, key };
    this.#current.set(key, entry.serial);
    if (this.#heap.length > 2 * this.#current.size + SLACK) this.#compact();
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
  }

  delete(key: Key): void {
    this.#current.delete(key);
  }

  /** Takes the key of least rank away; undefined where there is none. */
  take(): Key | undefined {
    const key = this.first;
    if (this.#heap.length === 0) return undefined;
    this.#pop();
    this.#current.delete(key as Key);
    return key;
  }

  #compact(): void {
    // In order of rank and serial an array is a heap.
    this.#heap = this.#heap
      .filter(({ key, serial }) => this.#current.get(key) === serial)
      .sort((a, b) => a.rank - b.rank || a.serial - b.serial);
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
    return a.rank < b.rank || (a.rank === b.rank && a.serial < b.serial);
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

/** Superseded entries that are not worth clearing away. */
const SLACK = 64;
