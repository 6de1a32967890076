import { assert } from "@weft/kernel";

/** Bins in each doubling of the value: the first five bits of a double's fraction. */
const PER_DOUBLING = 32;
const LEAST_EXPONENT = -20;
const DOUBLINGS = 60;
const value = new Float64Array(1);
const words = new Uint32Array(value.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
/** What a double's upper word, shifted to keep exponent and five bits of fraction, is at 2^LEAST_EXPONENT. */
const FIRST = (1023 + LEAST_EXPONENT) * PER_DOUBLING;

/** The lower end of a bin. */
const edge = (bin: number): number =>
  2 ** (Math.floor(bin / PER_DOUBLING) + LEAST_EXPONENT) * (1 + (bin % PER_DOUBLING) / PER_DOUBLING);

/**
 * How values above zero are distributed, in bins 1/32 of a power of two wide, so that every quantile is right to
 * 3.1 % from a millionth to 2^40. Adding a value takes no logarithm and allocates nothing.
 */
export class LogHistogram {
  /** `counts[i]`: how many values lie in bin i; 32 bins a doubling, the first from 2^-20. */
  readonly counts: Float64Array;
  #count = 0;
  #sum = 0;
  #squares = 0;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;

  constructor() {
    this.counts = new Float64Array(DOUBLINGS * PER_DOUBLING);
  }

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  get mean(): number {
    return this.#count === 0 ? Number.NaN : this.#sum / this.#count;
  }
  get deviation(): number {
    const mean = this.mean;
    return Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean));
  }
  get least(): number {
    return this.#least;
  }
  get greatest(): number {
    return this.#greatest;
  }

  add(x: number): void {
    value[0] = x;
    const bin = ((words[HIGH] as number) >>> 15) - FIRST;
    this.counts[Math.min(Math.max(bin, 0), DOUBLINGS * PER_DOUBLING - 1)]! += 1;
    this.#count++;
    this.#sum += x;
    this.#squares += x * x;
    if (x < this.#least) this.#least = x;
    if (x > this.#greatest) this.#greatest = x;
  }

  /** Value below which the share `q` of all values lies; NaN where there are none. */
  quantile(q: number): number {
    assert(q >= 0 && q <= 1, "a quantile lies between 0 and 1");
    if (this.#count === 0) return Number.NaN;
    const rank = q * this.#count;
    let seen = 0;
    for (let i = 0; i < this.counts.length; i++) {
      const here = this.counts[i] as number;
      if (here > 0 && seen + here >= rank) {
        const within = edge(i) + ((rank - seen) / here) * (edge(i + 1) - edge(i));
        return Math.min(Math.max(within, this.#least), this.#greatest);
      }
      seen += here;
    }
    return this.#greatest;
  }

  /** Bins that hold something, each as its lower and upper end and how many values it holds. */
  bins(): readonly { readonly from: number; readonly to: number; readonly count: number }[] {
    const bins: { from: number; to: number; count: number }[] = [];
    this.counts.forEach((count, i) => {
      if (count > 0) {
        bins.push({ from: edge(i), to: edge(i + 1), count });
      }
    });
    return bins;
  }
}
