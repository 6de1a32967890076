import type { Rng } from "@weft/kernel";
import type { Distance } from "./spec.ts";

/**
 * One direction of a link as a queue in front of a wire. Serialisation and propagation are kept apart: a piece
 * waits for those before it, takes `bits / rate` to leave, then `delay` to arrive, so that what is sent without waiting for
 * answers gets the full rate however long the wire is. Time is given, in microseconds of any epoch.
 */
export class Direction {
  distance: Distance;
  readonly #rng: Rng;
  #freeAt = 0;
  #lastArrival = 0;

  constructor(distance: Distance, rng: Rng) {
    this.distance = distance;
    this.#rng = rng;
  }

  get up(): boolean {
    return this.distance.up ?? true;
  }

  /** When the last byte of a piece handed over now arrives. Pieces arrive in the order they were handed over. */
  admit(now: number, bytes: number): number {
    const { delay, rate, jitter = 0 } = this.distance;
    const starts = Math.max(now, this.#freeAt);
    this.#freeAt = rate === null ? starts : starts + (bytes * 8e6) / rate;
    const drawn = jitter === 0 ? delay : Math.max(0, this.#rng.normal(delay, jitter));
    this.#lastArrival = Math.max(this.#lastArrival, this.#freeAt + drawn);
    return this.#lastArrival;
  }

  /** Microseconds until a piece handed over now would begin to leave. */
  backlog(now: number): number {
    return Math.max(0, this.#freeAt - now);
  }

  /** Draws whether one datagram is lost. */
  loses(): boolean {
    const { loss = 0 } = this.distance;
    return !this.up || (loss > 0 && this.#rng.chance(loss));
  }

  /**
   * Bytes a stream is cut into: half a millisecond's worth, so that connections share the wire finely and what
   * arrives is spread over time as it would be, yet no more than one read and no less than one packet.
   */
  get pieceBytes(): number {
    const { rate } = this.distance;
    return rate === null ? 65_536 : Math.min(65_536, Math.max(1_460, Math.round(rate / 16_000)));
  }
}
