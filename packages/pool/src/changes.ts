/** What of a node's load changed: free power by type (bits 0 to 2), free memory, or anything. */
export const CHANGED = { power: [1, 2, 4], memory: 8, other: 16, anything: 255 } as const;

/** A set of small indexes, marked often and drained often: O(1) to mark, no allocation. */
export class DirtySet {
  #marked = new Uint8Array(16);
  #list = new Int32Array(16);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** Marks an index; `what` (bits, not 0) is added to what was marked of it before. */
  mark(index: number, what = 1): void {
    if (index >= this.#marked.length) this.#widen(index + 1);
    const before = this.#marked[index] as number;
    this.#marked[index] = before | what;
    if (before === 0) this.#list[this.#count++] = index;
  }

  /** What was marked of an index. */
  whatOf(index: number): number {
    return this.#marked[index] as number;
  }

  /** The `i`-th marked index since the last `clear`, in the order of marking. */
  at(i: number): number {
    return this.#list[i] as number;
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#marked[this.#list[i] as number] = 0;
    this.#count = 0;
  }

  #widen(length: number): void {
    const size = Math.max(length, this.#marked.length * 2);
    const marked = new Uint8Array(size);
    marked.set(this.#marked);
    const list = new Int32Array(size);
    list.set(this.#list);
    this.#marked = marked;
    this.#list = list;
  }
}

/**
 * What one reader of the pool has not seen yet: the pool marks, the reader drains when it next needs to be up to
 * date.
 */
export class ChangeFeed {
  /** Nodes whose remaining resources, queue or willingness changed; marked with bits of `CHANGED`. */
  readonly loads = new DirtySet();
  /** Nodes that came, left, or whose description, prices or service limits changed. */
  readonly nodes = new DirtySet();
  /** Links that came, left, went up or down, or whose figures (not residual) changed. */
  readonly links = new DirtySet();
  /** Links of which bandwidth was reserved or released. */
  readonly residuals = new DirtySet();
}
