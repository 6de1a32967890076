import { HEIGHT, INSIDE, STEP, TAIL } from "./ziggurat.ts";

/**
 * Many random streams as columns: xoshiro128** (Blackman and Vigna 2018) with 16 bytes of state a stream, for
 * simulations where an object for each actor would be too much. Stream `i` of a seed is always the same.
 */
export class Streams {
  readonly #state: Int32Array;
  readonly count: number;

  constructor(seed: number, count: number) {
    this.count = count;
    const state = new Int32Array(count * 4);
    // splitmix32 over one counter: streams start at far-apart points of its full period.
    let counter = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 0;
    for (let i = 0; i < state.length; i++) {
      counter = (counter + 0x9e3779b9) | 0;
      let z = counter ^ (counter >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      state[i] = (i & 3) === 3 ? (z ^ (z >>> 15)) | 1 : z ^ (z >>> 15);
    }
    this.#state = state;
  }

  /** The next 32 bits of stream `i`. */
  #word(i: number): number {
    const state = this.#state;
    const at = i << 2;
    const a = state[at] as number;
    const b = state[at + 1] as number;
    const c = (state[at + 2] as number) ^ a;
    const d = (state[at + 3] as number) ^ b;
    const five = Math.imul(b, 5);
    state[at] = a ^ d;
    state[at + 1] = b ^ c;
    state[at + 2] = c ^ (b << 9);
    state[at + 3] = (d << 11) | (d >>> 21);
    return Math.imul((five << 7) | (five >>> 25), 9);
  }

  /** The next draw of stream `i`, uniform over [0, 1), 32 bits deep. */
  float(i: number): number {
    return (this.#word(i) >>> 0) / 0x1_0000_0000;
  }

  /** Exponential with the given mean; never 0. */
  exponential(i: number, mean: number): number {
    const word = this.#word(i);
    const layer = word & 255;
    const step = word >>> 8;
    if (step < (INSIDE[layer] as number)) return mean * (step + 0.5) * (STEP[layer] as number);
    return mean * this.#atEdge(i, layer, (step + 0.5) * (STEP[layer] as number));
  }

  /** What becomes of a draw at `x` in a layer's part that the curve cuts, or in the tail. */
  #atEdge(i: number, layer: number, x: number): number {
    // Beyond any point the law looks the same as from the start.
    if (layer === 0) return TAIL + this.exponential(i, 1);
    const bottom = HEIGHT[layer] as number;
    const height = bottom + this.float(i) * ((HEIGHT[layer + 1] as number) - bottom);
    return height < Math.exp(-x) ? x : this.exponential(i, 1);
  }

  /** Uniform over the whole numbers from 0 below `bound`. */
  below(i: number, bound: number): number {
    return Math.floor(this.float(i) * bound);
  }
}
