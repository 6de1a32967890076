import type { Query } from "../placement/query.ts";
import { DELAY_BACK, DELAY_THERE, HOP, RATE_BACK, RATE_THERE } from "./network.ts";

/** A way between a site and the data, hop by hop, and what it does for one task. Filled again for every way. */
export class Way {
  /** Hops from the site towards the data: the first `count`. */
  hops: Int32Array = new Int32Array(64);
  count = 0;
  /** Micros one way: the input travels to the site, the result back. */
  delayIn = 0;
  delayOut = 0;
  /** Least residual rates; Infinity where nothing is sent. */
  rateIn = Number.POSITIVE_INFINITY;
  rateOut = Number.POSITIVE_INFINITY;
  /** Micros, whole: delay, and the bytes over the least rate. */
  transferIn = 0;
  transferOut = 0;

  get total(): number {
    return this.transferIn + this.transferOut;
  }

  /** Makes room for the longest way among so many sites. */
  fitFor(vertices: number): void {
    if (this.hops.length < vertices) this.hops = new Int32Array(vertices);
  }

  /** Sums up the hops for a task. `figures` are those of the network. */
  measure(figures: Float64Array, { inputBytes, resultBytes }: Query): void {
    let delayIn = 0;
    let delayOut = 0;
    let rateIn = Number.POSITIVE_INFINITY;
    let rateOut = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) {
      const at = (this.hops[i] as number) * HOP;
      // The way is read from the site: input travels against the hop, the result along it.
      rateIn = Math.min(rateIn, figures[at + RATE_BACK] as number);
      rateOut = Math.min(rateOut, figures[at + RATE_THERE] as number);
      delayIn += figures[at + DELAY_BACK] as number;
      delayOut += figures[at + DELAY_THERE] as number;
    }
    this.delayIn = delayIn;
    this.delayOut = delayOut;
    this.rateIn = inputBytes > 0 ? rateIn : Number.POSITIVE_INFINITY;
    this.rateOut = resultBytes > 0 ? rateOut : Number.POSITIVE_INFINITY;
    this.transferIn = delayIn + sending(inputBytes, rateIn);
    this.transferOut = delayOut + sending(resultBytes, rateOut);
  }
}

/** Whole micros, rounded up, in which the bits of `bytes` pass a rate; Infinity where there is none. */
export const sending = (bytes: number, rate: number): number =>
  bytes > 0 ? Math.ceil((bytes * 8e6) / rate) : 0;
