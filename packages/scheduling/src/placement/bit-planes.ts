/** Numbers in a word. */
export const WORD = 32;
const BITS = 5;

/**
 * Many sets of the same small numbers, a bit each: 32 numbers to a word (a row), and for every 32 words of a set one more
 * that tells which are not empty, so that a walk over what is common to some sets passes 1,024 others at a time. O(1) to
 * put one in or out; a bit a number and set, and a thirty-second of that.
 */
export class BitPlanes {
  /** `plane * rows + row`: the word of the numbers from `row * WORD`. */
  readonly words: Int32Array;
  /** `plane * spans + span`: which of the words from row `span * WORD` are not empty. */
  readonly filled: Int32Array;
  readonly rows: number;
  readonly spans: number;
  readonly #planes: number;

  constructor(planes: number, rows: number) {
    this.rows = rows;
    this.spans = Math.ceil(rows / WORD);
    this.#planes = planes;
    this.words = new Int32Array(planes * rows);
    this.filled = new Int32Array(planes * this.spans);
  }

  add(plane: number, number: number): void {
    const row = number >>> BITS;
    const at = plane * this.rows + row;
    const before = this.words[at] as number;
    this.words[at] = before | (1 << (number & (WORD - 1)));
    if (before !== 0) return;
    const span = plane * this.spans + (row >>> BITS);
    this.filled[span] = (this.filled[span] as number) | (1 << (row & (WORD - 1)));
  }

  remove(plane: number, number: number): void {
    const row = number >>> BITS;
    const at = plane * this.rows + row;
    const before = this.words[at] as number;
    const after = before & ~(1 << (number & (WORD - 1)));
    this.words[at] = after;
    if (after !== 0 || before === 0) return;
    const span = plane * this.spans + (row >>> BITS);
    this.filled[span] = (this.filled[span] as number) & ~(1 << (row & (WORD - 1)));
  }

  /** Takes a number out of every set. */
  removeAll(number: number): void {
    for (let plane = 0; plane < this.#planes; plane++) this.remove(plane, number);
  }
}

/** The position of the lowest bit that is set; some must be. */
export const lowestOf = (bits: number): number => 31 - Math.clz32(bits & -bits);
