import { assert } from "@weft/kernel";

/**
 * The least of a fixed number of values that change one at a time: a tournament among them, in which a change replays
 * only the games of its own branch (Knuth, The Art of Computer Programming 3, 5.4.1). Of equal values the first is least.
 */
export class Tournament {
  /** Value and index of who won game g: of the winners of games 2g and 2g + 1. Game 1 is the final, the second half the players. */
  readonly #best: Float64Array;
  readonly #winner: Int32Array;
  readonly #players: number;

  /** `count` values, all `value`. */
  constructor(count: number, value: number) {
    assert(count > 0, "a tournament needs somebody");
    this.#players = 2 ** Math.ceil(Math.log2(count));
    this.#best = new Float64Array(2 * this.#players).fill(Number.POSITIVE_INFINITY);
    this.#winner = new Int32Array(2 * this.#players);
    for (let i = 0; i < this.#players; i++) this.#winner[this.#players + i] = i;
    for (let i = count - 1; i >= 0; i--) this.set(i, value);
  }

  /** Index of the least value. */
  get least(): number {
    return this.#winner[1] as number;
  }

  /** The least value. */
  get value(): number {
    return this.#best[1] as number;
  }

  of(index: number): number {
    return this.#best[this.#players + index] as number;
  }

  set(index: number, value: number): void {
    const bests = this.#best;
    const winners = this.#winner;
    let place = this.#players + index;
    let best = value;
    let winner = index;
    bests[place] = value;
    while (place > 1) {
      const rival = bests[place ^ 1] as number;
      if (rival < best || (rival === best && (winners[place ^ 1] as number) < winner)) {
        best = rival;
        winner = winners[place ^ 1] as number;
      }
      place >>= 1;
      // The same other one as before won here: no game above sees a change.
      if (winner !== index && winners[place] === winner) return;
      bests[place] = best;
      winners[place] = winner;
    }
  }
}
