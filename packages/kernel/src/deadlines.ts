import { Ranked } from "./ranked.ts";
import { type Instant, NEVER } from "./time.ts";

/**
 * Who is to be woken when: the `wakeAt` of a machine that waits for many things. Equal deadlines fire in the order
 * they were set. Setting a key again moves its deadline. O(log n) a call.
 */
export class Deadlines<Key> {
  readonly #ranked = new Ranked<Key>();

  /** The earliest deadline, or `NEVER`. */
  get next(): Instant {
    const { least } = this.#ranked;
    return least === Number.POSITIVE_INFINITY ? NEVER : (least as Instant);
  }

  /** Sets or moves the deadline of `key`; `NEVER` clears it. */
  set(key: Key, at: Instant): void {
    if (at === NEVER) this.#ranked.delete(key);
    else this.#ranked.set(key, at);
  }

  clear(key: Key): void {
    this.#ranked.delete(key);
  }

  /** Whether a deadline is set for `key`. */
  has(key: Key): boolean {
    return this.#ranked.has(key);
  }

  /** Takes every key due at `now`, earliest first. */
  due(now: Instant): Key[] {
    const keys: Key[] = [];
    while (this.#ranked.least <= now) keys.push(this.#ranked.take() as Key);
    return keys;
  }
}
