import { type Instant, type Micros, type Money, NEVER } from "@weft/kernel";

/*
 * How long an account's money lasts. Spending is followed with an exponentially fading memory, so the runway answers to
 * the last hours and not to last month. Estimates only: what may be spent is the ledger's word.
 */

export interface WalletPolicy {
  /** Warn when less than this is available ... */
  readonly warnBelow: Money;
  /** ... or when it will be gone within this time at the present rate. */
  readonly warnRunway: Micros;
  /** How fast spending is forgotten: what lies this far back counts a third. */
  readonly memory: Micros;
}

/** Plain data, to be kept and gone on from. */
export interface WalletState {
  /** Micros of money a second, lately. */
  readonly ratePerSecond: number;
  readonly at: Instant;
  readonly warned: boolean;
}

export interface LowBalance {
  readonly available: Money;
  /** Time until it is gone; null where nothing is being spent. */
  readonly runway: Micros | null;
}

export class Wallet {
  readonly #policy: WalletPolicy;
  #state: WalletState;

  constructor(
    policy: WalletPolicy,
    state: WalletState = { ratePerSecond: 0, at: 0 as Instant, warned: false },
  ) {
    this.#policy = policy;
    this.#state = state;
  }

  get state(): WalletState {
    return this.#state;
  }

  #faded(now: Instant): number {
    return this.#state.ratePerSecond * Math.exp(-Math.max(0, now - this.#state.at) / this.#policy.memory);
  }

  /** Notes that so much was spent. */
  spent(now: Instant, amount: Money): void {
    const ratePerSecond = this.#faded(now) + Number(amount) / (this.#policy.memory / 1e6);
    this.#state = { ...this.#state, ratePerSecond, at: now };
  }

  /** How long what is available lasts at the present rate; null where nothing is being spent. */
  runway(now: Instant, available: Money): Micros | null {
    const rate = this.#faded(now);
    if (rate < 1e-6) return null;
    return Math.min(NEVER, Math.round((Math.max(0, Number(available)) / rate) * 1e6)) as Micros;
  }

  /**
   * The warning to send now, once per fall: null while there is enough, and null again after a warning until the
   * account has recovered to twice the threshold, so that a balance at the edge does not warn with every task.
   */
  warning(now: Instant, available: Money): LowBalance | null {
    const { warnBelow, warnRunway } = this.#policy;
    const runway = this.runway(now, available);
    const low = available < warnBelow || (runway !== null && runway < warnRunway);
    const recovered = available >= warnBelow * 2n && (runway === null || runway >= 2 * warnRunway);
    if (low && !this.#state.warned) {
      this.#state = { ...this.#state, warned: true };
      return { available, runway };
    }
    if (recovered && this.#state.warned) this.#state = { ...this.#state, warned: false };
    return null;
  }
}
