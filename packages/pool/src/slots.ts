import { AssertionFailure, assert } from "@weft/kernel";

/**
 * Names as dense numbers, so that everything known of a thing can stand in columns. A slot is given back once
 * its thing is gone (`retire`) and nothing holds it any more (`drop`): indexes stay small however long the
 * pool lives, and what is held keeps its index even while its thing is away.
 */
export class Slots<Id extends string> {
  readonly #indexOf = new Map<Id, number>();
  readonly #ids: (Id | undefined)[] = [];
  readonly #holds: number[] = [];
  readonly #present: boolean[] = [];
  readonly #free: number[] = [];

  /** One past the highest index ever given out: the length of every loop over a column. */
  get bound(): number {
    return this.#ids.length;
  }

  /** The index of `id`, also while it is held but away; -1 when it has none. */
  find(id: Id): number {
    return this.#indexOf.get(id) ?? -1;
  }

  idOf(index: number): Id {
    const id = this.#ids[index];
    if (id === undefined) unnamed(index);
    return id;
  }

  /** Whether the thing at `index` is in the pool now. */
  has(index: number): boolean {
    return this.#present[index] === true;
  }

  /** The index of `id`, which is present from now on. `fresh`: the slot held nothing of it before. */
  enter(id: Id): { readonly index: number; readonly fresh: boolean } {
    const known = this.#indexOf.get(id);
    if (known !== undefined) {
      this.#present[known] = true;
      return { index: known, fresh: false };
    }
    const index = this.#free.pop() ?? this.#ids.length;
    this.#indexOf.set(id, index);
    this.#ids[index] = id;
    this.#holds[index] = 0;
    this.#present[index] = true;
    return { index, fresh: true };
  }

  /** The thing has left. Its slot is free at once, or when the last hold on it is dropped. */
  retire(index: number): void {
    this.#present[index] = false;
    this.#freeIfUnused(index);
  }

  hold(index: number): void {
    this.#holds[index] = (this.#holds[index] as number) + 1;
  }

  /** Drops one hold; true when it was the last. */
  drop(index: number): boolean {
    const left = (this.#holds[index] as number) - 1;
    assert(left >= 0, "a slot is dropped more often than held");
    this.#holds[index] = left;
    if (left === 0) this.#freeIfUnused(index);
    return left === 0;
  }

  copy(): Slots<Id> {
    const twin = new Slots<Id>();
    for (const [id, index] of this.#indexOf) twin.#indexOf.set(id, index);
    twin.#ids.push(...this.#ids);
    twin.#holds.push(...this.#holds);
    twin.#present.push(...this.#present);
    twin.#free.push(...this.#free);
    return twin;
  }

  #freeIfUnused(index: number): void {
    if (this.#present[index] || this.#holds[index] !== 0) return;
    this.#indexOf.delete(this.#ids[index] as Id);
    this.#ids[index] = undefined;
    this.#free.push(index);
  }
}

/** Apart, so that no message is made where there is nothing to say: ids are read on the hot path. */
function unnamed(index: number): never {
  throw new AssertionFailure(`slot ${index} is empty`);
}
