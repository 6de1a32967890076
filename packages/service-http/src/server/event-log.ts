import { randomBytes } from "node:crypto";
import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { Subscription } from "../asked.ts";
import type { EventView } from "../views.ts";

/** The cursor before the oldest event that is kept. */
export const OLDEST = "oldest";

type Listener = (event: EventView) => void;
type NewEvent = EventView extends infer E ? (E extends unknown ? Omit<E, "cursor"> : never) : never;

/**
 * The last events, for watchers who come back: what a manager needs for its `events`. Cursors name this log's life
 * and a serial, so one of an earlier life is told from one of this.
 */
export class EventLog {
  readonly #life = randomBytes(6).toString("hex");
  readonly #kept: EventView[] = [];
  readonly #listeners = new Set<Listener>();
  readonly #capacity: number;
  #next = 1;

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /** Keeps an event and tells it to all who listen. */
  publish(event: NewEvent): void {
    const told = { ...event, cursor: `${this.#life}-${this.#next++}` } as EventView;
    this.#kept.push(told);
    // Trimmed in bulk: shifting one at a time would copy the whole array for every event.
    if (this.#kept.length >= this.#capacity * 2) this.#kept.splice(0, this.#kept.length - this.#capacity);
    for (const listener of this.#listeners) listener(told);
  }

  /** The kept events after `cursor`, at once, then every further one; see `ManagerApi.events`. */
  subscribe(cursor: string | null, tell: Listener): Result<Subscription, Refusal<"E_EVENTS_GONE">> {
    const from = this.#position(cursor);
    if (from === null) {
      return refuse("E_EVENTS_GONE", "the events after that one are no longer kept", {
        hint: "list again, then watch from now on",
      });
    }
    for (const event of this.#kept.slice(from)) tell(event);
    this.#listeners.add(tell);
    return ok({ close: () => void this.#listeners.delete(tell) });
  }

  /** Where in `#kept` the events after a cursor begin; null when some of them are gone. */
  #position(cursor: string | null): number | null {
    if (cursor === null) return this.#kept.length;
    if (cursor === OLDEST) return 0;
    const [life, serial] = cursor.split("-");
    const oldest = this.#next - this.#kept.length;
    const from = Number(serial) + 1 - oldest;
    return life === this.#life && Number.isSafeInteger(from) && from >= 0 && from <= this.#kept.length
      ? from
      : null;
  }
}
