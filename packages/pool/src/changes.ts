/** A set of small indexes, marked often and drained often: O(1) to mark, no allocation. */
export class DirtySet {
  #marked = new Uint8Array(16);
  #list = new Int32Array(16);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  mark(index: number): void {
    if (index >= this.#marked.length) this.#widen(index + 1);
    if (this.#marked[index] === 1) return;
    this.#marked[index] = 1;
    this.#list[this.#count++] = index;
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
  /** Nodes whose remaining resources, queue or willingness changed. */
  readonly loads = new DirtySet();
  /** Nodes that came, left, or whose description, prices or service limits changed. */
  readonly nodes = new DirtySet();
  /** Links that came, left, went up or down, or whose figures (not residual) changed. */
  readonly links = new DirtySet();
  /** Links of which bandwidth was reserved or released. */
  readonly residuals = new DirtySet();
}
