import { type LinkId, type LinkState, linkId, SECURITY_CLASSES, type SiteId } from "@weft/infrastructure";
import { grown } from "./column.ts";
import { Slots } from "./slots.ts";

/** Which figures of a link are known. A stated demand is only ever met by a known figure. */
export const KNOWN = { delay: 1, jitter: 2, loss: 4, bitErrorRate: 8, capacity: 16 } as const;

/**
 * What a forecast assumes where a figure is unknown: unknown is never zero and never endless. Both are pessimistic
 * for a wire, so that a measured link is preferred to an unmeasured one.
 */
export const ASSUMED = { delay: 100_000, capacity: 1e6 } as const;

/**
 * The links as columns by link index, read-only outside this package. Sites are the vertices: they exist as long as
 * a node or link of theirs does.
 */
export class LinkTable {
  readonly slots = new Slots<LinkId>();
  readonly sites = new Slots<SiteId>();

  /** Site index of either end. */
  from: Int32Array = new Int32Array();
  to: Int32Array = new Int32Array();
  /** The link of the other direction; -1 where there is none. */
  reverse: Int32Array = new Int32Array();
  /** 1 where the link is in the pool and up. */
  up: Uint8Array = new Uint8Array();
  /** Bits of `KNOWN`. */
  known: Uint8Array = new Uint8Array();
  /** Position in SECURITY_CLASSES. */
  security: Uint8Array = new Uint8Array();
  /** Micros; `ASSUMED.delay` where unknown. */
  delay: Float64Array = new Float64Array();
  /** Micros; 0 where unknown. */
  jitter: Float64Array = new Float64Array();
  /** -ln(1 - probability): adds up along a path. 0 where unknown. */
  loss: Float64Array = new Float64Array();
  bitErrors: Float64Array = new Float64Array();
  /** Bits a second; `ASSUMED.capacity` where unknown. */
  capacity: Float64Array = new Float64Array();
  reserved: Float64Array = new Float64Array();
  /** capacity - reserved, at least 0. */
  residual: Float64Array = new Float64Array();
  /** Pool version at which the link came, left, or went up or down. */
  changedAt: Float64Array = new Float64Array();
  readonly states: (LinkState | undefined)[] = [];

  get bound(): number {
    return this.slots.bound;
  }

  /** The link between two sites by index; -1 where there is none. */
  between(from: SiteId, to: SiteId): number {
    return this.slots.find(linkId(from, to));
  }

  /** Writes what a probe saw; keeps what is reserved. */
  describe(index: number, state: LinkState): void {
    const rate = state.capacity === null ? ASSUMED.capacity : Math.floor(state.capacity);
    this.states[index] = state;
    this.up[index] = state.up && this.slots.has(index) ? 1 : 0;
    this.known[index] =
      (state.delay === null ? 0 : KNOWN.delay) |
      (state.jitter === null ? 0 : KNOWN.jitter) |
      (state.loss === null ? 0 : KNOWN.loss) |
      (state.bitErrorRate === null ? 0 : KNOWN.bitErrorRate) |
      (state.capacity === null ? 0 : KNOWN.capacity);
    this.security[index] = SECURITY_CLASSES.indexOf(state.security);
    this.delay[index] = state.delay ?? ASSUMED.delay;
    this.jitter[index] = state.jitter ?? 0;
    this.loss[index] = state.loss === null ? 0 : -Math.log1p(-state.loss);
    this.bitErrors[index] = state.bitErrorRate === null ? 0 : -Math.log1p(-state.bitErrorRate);
    this.capacity[index] = rate;
    this.residual[index] = Math.max(0, rate - (this.reserved[index] as number));
  }

  /** A fresh slot for the link between two sites. */
  place(index: number, from: number, to: number, reverse: number): void {
    if (this.from.length <= index) this.#grow(index + 1);
    this.from[index] = from;
    this.to[index] = to;
    this.reverse[index] = reverse;
    this.reserved[index] = 0;
  }

  /** Takes bandwidth, or gives it back when negative. */
  take(index: number, rate: number): void {
    const reserved = (this.reserved[index] as number) + rate;
    this.reserved[index] = reserved;
    this.residual[index] = Math.max(0, (this.capacity[index] as number) - reserved);
  }

  copy(): LinkTable {
    const twin = new LinkTable();
    Object.assign(twin, { slots: this.slots.copy(), sites: this.sites.copy() });
    for (const name of Object.keys(this) as (keyof LinkTable)[]) {
      const value = this[name] as unknown;
      if (ArrayBuffer.isView(value)) Object.assign(twin, { [name]: (value as Float64Array).slice() });
    }
    twin.states.push(...this.states);
    return twin;
  }

  /** A copy with nothing reserved. */
  vacated(): LinkTable {
    const twin = this.copy();
    twin.reserved.fill(0);
    for (let l = 0; l < this.bound; l++) twin.residual[l] = twin.capacity[l] as number;
    return twin;
  }

  #grow(length: number): void {
    for (const name of Object.keys(this) as (keyof LinkTable)[]) {
      const value = this[name] as unknown;
      if (ArrayBuffer.isView(value)) Object.assign(this, { [name]: grown(value as Float64Array, length) });
    }
  }
}
