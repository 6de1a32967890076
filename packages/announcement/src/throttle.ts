import { type Instant, type Micros, NEVER } from "@weft/kernel";

/** Waiting times between announcements of one facet. */
export interface ThrottleTimes {
  /** After the first change of a calm facet the next waits this long; it doubles while changes keep coming. */
  readonly hold: Micros;
  /** The longest wait. A facet calm for twice its wait starts over. */
  readonly longest: Micros;
  /** The wait of an urgent change, whatever else came before. */
  readonly urgent: Micros;
}

/**
 * Dampening by exponential hold-down, as routers pace their link-state advertisements: a change after calm
 * passes at once, a storm is thinned to one announcement every `longest`, the last state always gets out.
 */
export class Throttle {
  readonly #times: ThrottleTimes;
  #last = Number.NEGATIVE_INFINITY;
  #wait: Micros;
  #due: Instant = NEVER;

  constructor(times: ThrottleTimes) {
    this.#times = times;
    this.#wait = times.hold;
  }

  /** When the pending change may go out; `NEVER` when none is pending. */
  get due(): Instant {
    return this.#due;
  }

  /** A change wants out. */
  ask(now: Instant, urgent: boolean): void {
    if (now - this.#last > 2 * this.#wait) this.#wait = this.#times.hold;
    const wait = urgent ? this.#times.urgent : this.#wait;
    const due = Math.max(now, this.#last + wait) as Instant;
    if (due < this.#due) this.#due = due;
  }

  /** The pending change went out at `now`. */
  passed(now: Instant): void {
    if (now - this.#last < 2 * this.#wait) {
      this.#wait = Math.min(this.#wait * 2, this.#times.longest) as Micros;
    }
    this.#last = now;
    this.#due = NEVER;
  }

  /** The state went back to what was announced: nothing pending any more. */
  withdraw(): void {
    this.#due = NEVER;
  }
}
