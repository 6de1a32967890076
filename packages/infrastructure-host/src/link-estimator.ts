import type { LinkState, RadioState, SecurityClass, SiteId } from "@weft/infrastructure";
import { assert, type BitsPerSecond, type Instant, type Micros, micros, type Ratio } from "@weft/kernel";

/** Round trips the minimum is taken over: queues and sleepy processors only ever add. */
const DELAY_WINDOW = 16;
/**
 * So many round trips in a row (two trains of probes), all longer than the least before by half and by two milliseconds: the
 * link itself is slower now, and what was before says no more of it.
 */
const RISE = 6;
const RISE_FACTOR = 1.5;
const RISE_MICROS = 2000;
/** Probes that loss is counted over. */
const LOSS_WINDOW = 100;

export interface EstimatorOptions {
  readonly from: SiteId;
  readonly to: SiteId;
  readonly security: SecurityClass;
  /** A probe unanswered for so long is lost. */
  readonly timeout: Micros;
  /** So many probes lost in a row, and the link is down. */
  readonly downAfter: number;
}

/**
 * Works out one link's state from numbered probes and their answers (survey, P3). Pure: time is given. Invariants:
 *  1. each probe counts once: as answered when its answer comes in time, else as lost;
 *  2. the link is up from the first answer on, and down after `downAfter` losses in a row;
 *  3. whatever no probe has told yet is null, never zero.
 */
export class LinkEstimator {
  readonly #options: EstimatorOptions;
  /** Sent, not yet answered or lost, in order of sending. */
  readonly #pending = new Map<number, Instant>();
  readonly #roundTrips: number[] = [];
  /** 1 for each probe lost, 0 for each answered, the latest last. */
  readonly #fates: number[] = [];
  #lastRoundTrip: number | null = null;
  #jitter: number | null = null;
  #missesInARow = 0;
  #up = false;
  #capacity: { there: BitsPerSecond | null; back: BitsPerSecond | null } = { there: null, back: null };

  constructor(options: EstimatorOptions) {
    assert(options.downAfter > 0 && options.timeout > 0, "a link goes down after some losses and some time");
    this.#options = options;
  }

  get up(): boolean {
    return this.#up;
  }

  /** Probes lost since the last answer: above zero, the link is in doubt. */
  get missesInARow(): number {
    return this.#missesInARow;
  }

  /** The probe numbered `sequence` left at `at`. */
  sent(sequence: number, at: Instant): void {
    this.#pending.set(sequence, at);
  }

  /** Its answer came. One to an unknown or lost probe, and a second one, counts for nothing. */
  answered(sequence: number, at: Instant): void {
    const sentAt = this.#pending.get(sequence);
    if (sentAt === undefined) return;
    this.expire(at);
    if (!this.#pending.delete(sequence)) return;
    const roundTrip = Math.max(0, at - sentAt);
    push(this.#roundTrips, roundTrip, DELAY_WINDOW);
    this.#forgetBeforeRise();
    push(this.#fates, 0, LOSS_WINDOW);
    if (this.#lastRoundTrip !== null) {
      // RFC 3550, 6.4.1: the mean deviation, smoothed by a sixteenth; the first difference starts it.
      const deviation = Math.abs(roundTrip - this.#lastRoundTrip);
      this.#jitter = this.#jitter === null ? deviation : this.#jitter + (deviation - this.#jitter) / 16;
    }
    this.#lastRoundTrip = roundTrip;
    this.#missesInARow = 0;
    this.#up = true;
  }

  #forgetBeforeRise(): void {
    const before = this.#roundTrips.length - RISE;
    if (before <= 0) return;
    const least = Math.min(...this.#roundTrips.slice(0, before));
    const now = Math.min(...this.#roundTrips.slice(before));
    if (now > RISE_FACTOR * least && now > least + RISE_MICROS) this.#roundTrips.splice(0, before);
  }

  /** Counts the probes that have been out too long by `now` as lost. */
  expire(now: Instant): void {
    for (const [sequence, sentAt] of this.#pending) {
      if (now - sentAt < this.#options.timeout) return;
      this.#pending.delete(sequence);
      push(this.#fates, 1, LOSS_WINDOW);
      this.#missesInARow++;
      if (this.#missesInARow < this.#options.downAfter || !this.#up) continue;
      // What was known of the way belongs to the way that is gone.
      this.#up = false;
      this.#roundTrips.length = 0;
      this.#lastRoundTrip = null;
      this.#jitter = null;
    }
  }

  /** A timed transfer's rate, by direction; null leaves what is known. */
  carried(rate: { readonly there: BitsPerSecond | null; readonly back: BitsPerSecond | null }): void {
    this.#capacity = {
      there: rate.there ?? this.#capacity.there,
      back: rate.back ?? this.#capacity.back,
    };
  }

  /** Both directions as known at `at`; each way is taken for half of the round trip. */
  states(at: Instant, radio: RadioState | null): readonly [LinkState, LinkState] {
    const { from, to, security } = this.#options;
    const common = {
      up: this.#up,
      delay: this.#roundTrips.length === 0 ? null : micros(Math.min(...this.#roundTrips) / 2),
      jitter: this.#jitter === null ? null : micros(this.#jitter),
      loss: this.#fates.length === 0 ? null : (this.#lossOneWay() as Ratio),
      bitErrorRate: null,
      security,
      radio,
      at,
    };
    return [
      { ...common, from, to, capacity: this.#capacity.there },
      { ...common, from: to, to: from, capacity: this.#capacity.back },
    ];
  }

  /** A round trip survives when both ways do; each is taken to lose alike. */
  #lossOneWay(): number {
    const lost = this.#fates.reduce((sum, fate) => sum + fate, 0) / this.#fates.length;
    return 1 - Math.sqrt(1 - lost);
  }
}

function push(window: number[], value: number, length: number): void {
  window.push(value);
  if (window.length > length) window.shift();
}
