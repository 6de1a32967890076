import { grown } from "./column.ts";

/** Numbers in a block: the next block, -1 in the last, and links. */
const BLOCK = 16;
const ROOM = BLOCK - 1;
const NONE = -1;

/** Many short lists of links in one array, in blocks of a cache line; O(length) to write, read or erase one. */
export class LinkLists {
  #blocks = new Int32Array(16 * BLOCK);
  #bound = 0;
  /** The first of the blocks given back, each leading on to the next. */
  #free = NONE;

  /** Writes down two lists, one after the other; gives where, -1 when both are empty. */
  add(first: readonly number[], second: readonly number[]): number {
    const length = first.length + second.length;
    if (length === 0) return NONE;
    const start = this.#block();
    let block = start;
    let at = 0;
    for (let i = 0; i < length; i++) {
      if (at === ROOM) {
        const next = this.#block();
        this.#blocks[block * BLOCK] = next;
        block = next;
        at = 0;
      }
      at++;
      this.#blocks[block * BLOCK + at] = (i < first.length ? first[i] : second[i - first.length]) as number;
    }
    this.#blocks[block * BLOCK] = NONE;
    return start;
  }

  /** Reads two lists of such lengths back into arrays. */
  read(start: number, firstLength: number, secondLength: number, first: number[], second: number[]): void {
    const blocks = this.#blocks;
    const length = firstLength + secondLength;
    // One by one: to set the length costs more than such a list is long.
    while (first.length > firstLength) first.pop();
    while (second.length > secondLength) second.pop();
    let block = start;
    let at = 0;
    for (let i = 0; i < length; i++) {
      if (at === ROOM) {
        block = blocks[block * BLOCK] as number;
        at = 0;
      }
      at++;
      const link = blocks[block * BLOCK + at] as number;
      if (i < firstLength) first[i] = link;
      else second[i - firstLength] = link;
    }
  }

  /** Erases the lists that start there. */
  remove(start: number): void {
    if (start === NONE) return;
    const blocks = this.#blocks;
    let last = start;
    while ((blocks[last * BLOCK] as number) !== NONE) last = blocks[last * BLOCK] as number;
    blocks[last * BLOCK] = this.#free;
    this.#free = start;
  }

  copy(): LinkLists {
    const twin = new LinkLists();
    twin.#blocks = this.#blocks.slice();
    twin.#bound = this.#bound;
    twin.#free = this.#free;
    return twin;
  }

  #block(): number {
    const block = this.#free;
    if (block !== NONE) {
      this.#free = this.#blocks[block * BLOCK] as number;
      return block;
    }
    this.#blocks = grown(this.#blocks, (this.#bound + 1) * BLOCK);
    return this.#bound++;
  }
}
