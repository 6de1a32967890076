import { type Instant, type Machine, NEVER } from "@weft/kernel";
import type { Clock } from "./clock.ts";

/** setTimeout holds 31 bits of milliseconds; a later deadline is waited for in parts. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Drives one machine with real time: inputs come through `handle`, outputs go to `perform` in order. */
export class Driver<In, Out> {
  readonly #machine: Machine<In, Out>;
  readonly #clock: Clock;
  readonly #perform: (outputs: readonly Out[], now: Instant) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt: Instant = NEVER;
  #closed = false;

  constructor(
    machine: Machine<In, Out>,
    clock: Clock,
    perform: (outputs: readonly Out[], now: Instant) => void,
  ) {
    this.#machine = machine;
    this.#clock = clock;
    this.#perform = perform;
    this.#arm();
  }

  /** Hands one input over, performs what comes out, and sets the alarm for the machine's next deadline. */
  handle(input: In): void {
    if (this.#closed) return;
    const now = this.#clock();
    const outputs = this.#machine.handle(now, input);
    if (outputs.length > 0) this.#perform(outputs, now);
    this.#arm();
  }

  /** Stops the alarm; later inputs are ignored. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    const at = this.#machine.wakeAt;
    if (this.#closed || at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === NEVER) return;
    const waitMs = Math.max(0, Math.ceil((at - this.#clock()) / 1000));
    this.#timer = setTimeout(() => this.#ring(), Math.min(waitMs, LONGEST_TIMEOUT_MS));
  }

  #ring(): void {
    this.#timerAt = NEVER;
    const now = this.#clock();
    if (now >= this.#machine.wakeAt) {
      const outputs = this.#machine.wake(now);
      if (outputs.length > 0) this.#perform(outputs, now);
    }
    this.#arm();
  }
}
