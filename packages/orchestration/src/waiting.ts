import { assert, type Instant, Ranked } from "@weft/kernel";

/** Whose a waiting task is and how it ranks among its consumer's own, the highest first. */
export interface Turn {
  /** null: nobody's turn has to come for it, it goes before all others. */
  readonly consumer: string | null;
  readonly rank: number;
}

/** What goes before a waiting task. */
export interface Before {
  /** null: what is due before anybody's turn. */
  readonly consumers: readonly { readonly consumer: string | null; readonly tasks: number }[];
  readonly own: number;
}

/** Waiting tasks of one consumer and one shape, in the order of their submission. */
interface Line {
  readonly shape: string;
  readonly rank: number;
  readonly tasks: Ranked<string>;
  /** When the last of its tasks was placed, or else when it began to wait. */
  since: Instant;
}

/** A consumer's line nothing of which was placed for a while, and its first task. */
export interface Stuck {
  readonly task: string;
  readonly consumer: string;
  readonly rank: number;
  readonly since: Instant;
}

/** What one consumer waits with. */
interface Waiter {
  readonly consumer: string | null;
  readonly lines: Map<string, Line>;
  /** Lines whose first task has not been tried in `round`, highest rank first, then the one that waits longest. */
  readonly open: Ranked<Line>;
  readonly tried: Line[];
  round: number;
}

/**
 * The tasks that wait for a place, and whose turn it is: of the consumer with the least share, its own task of highest
 * rank, of equal rank the one submitted first. What did not fit is not tried again until there is room (`room`):
 * then a new round begins, in which every shape is tried until it does not fit.
 *
 * [O5.1] Nobody whose share is lower is passed over for a task, unless nothing of his fits.
 * [O5.2] A turn costs O(log n) of consumers and of one consumer's lines, beside what is tried and does not fit.
 */
export class Waiting {
  readonly #shareOf: (consumer: string) => number;
  readonly #waiters = new Map<string | null, Waiter>();
  /** Consumers that may have something to try in this round, by share. */
  readonly #turns = new Ranked<Waiter>();
  /** Those that have nothing to try any more in this round. */
  #done = new Set<Waiter>();
  /** By shape: how many lines have it, and in which round it was found not to fit. */
  readonly #shapes = new Map<string, { lines: number; stuckIn: number }>();
  /** Shapes not found stuck in this round. */
  #loose = 0;
  /** Lines to be tried whatever became of their like. */
  readonly #urgent = new Set<Line>();
  #round = 0;
  readonly #places = new Map<
    string,
    { readonly waiter: Waiter; readonly line: Line; readonly serial: number }
  >();

  constructor(shareOf: (consumer: string) => number) {
    this.#shareOf = shareOf;
  }

  /** How many tasks wait. */
  get size(): number {
    return this.#places.size;
  }

  /** Grows with every `room`. */
  get round(): number {
    return this.#round;
  }

  /**
   * Enters a task; `serial` says in which order tasks were submitted, `since` from when on it waits. `now`: it is to be
   * tried in this round even where its like has just not fitted.
   */
  add(
    task: string,
    { consumer, rank }: Turn,
    shape: string,
    serial: number,
    since: Instant,
    now = false,
  ): void {
    assert(!this.#places.has(task), "a task waits once");
    let waiter = this.#waiters.get(consumer);
    if (waiter === undefined) {
      waiter = { consumer, lines: new Map(), open: new Ranked(), tried: [], round: this.#round };
      this.#waiters.set(consumer, waiter);
    }
    let line = waiter.lines.get(shape);
    const isNew = line === undefined;
    if (line === undefined) {
      line = { shape, rank, tasks: new Ranked(), since };
      waiter.lines.set(shape, line);
      this.#countShape(shape);
    }
    line.tasks.set(task, serial);
    this.#places.set(task, { waiter, line, serial });
    if (now) this.#tryNow(waiter, line);
    if (isNew || waiter.open.has(line)) this.#open(waiter, line);
    if (waiter.open.size > 0) this.#inTurns(waiter);
  }

  /** The task waits no more. */
  remove(task: string): void {
    const place = this.#places.get(task);
    if (place === undefined) return;
    this.#places.delete(task);
    const { waiter, line } = place;
    line.tasks.delete(task);
    if (line.tasks.size > 0) {
      if (waiter.open.has(line)) this.#open(waiter, line);
      return;
    }
    waiter.open.delete(line);
    waiter.lines.delete(line.shape);
    this.#urgent.delete(line);
    const at = waiter.tried.indexOf(line);
    if (at >= 0) waiter.tried.splice(at, 1);
    this.#uncountShape(line.shape);
    if (waiter.lines.size > 0) return;
    this.#waiters.delete(waiter.consumer);
    this.#turns.delete(waiter);
    this.#done.delete(waiter);
  }

  /** A task of this line was placed: what waits in it moves on. */
  moved({ consumer }: Turn, shape: string, now: Instant): void {
    const line = this.#waiters.get(consumer)?.lines.get(shape);
    if (line !== undefined) line.since = now;
  }

  /** The lines of consumers nothing of which was placed since `before`, in no stated order. O(lines). */
  stuckSince(before: Instant): readonly Stuck[] {
    const stuck: Stuck[] = [];
    for (const { consumer, lines } of this.#waiters.values()) {
      if (consumer === null) continue;
      for (const { tasks, rank, since } of lines.values()) {
        if (since <= before) stuck.push({ task: tasks.first as string, consumer, rank, since });
      }
    }
    return stuck;
  }

  /** From when on the line of a waiting task has stood still; null where it does not wait. */
  stillSince(task: string): Instant | null {
    return this.#places.get(task)?.line.since ?? null;
  }

  /** What did not fit may fit now: everything is to be tried again. */
  room(): void {
    this.#round++;
    this.#urgent.clear();
    this.#loose = this.#shapes.size;
    for (const waiter of this.#done) this.#turns.set(waiter, this.#keyOf(waiter));
    this.#done = new Set();
  }

  /** A consumer's share has changed; null: that of all. */
  weigh(consumer: string | null): void {
    if (consumer === null) {
      for (const waiter of [...this.#turns.keys]) this.#turns.set(waiter, this.#keyOf(waiter));
      return;
    }
    const waiter = this.#waiters.get(consumer);
    if (waiter !== undefined && this.#turns.has(waiter)) this.#turns.set(waiter, this.#keyOf(waiter));
  }

  /** Whose turn it is; null where all that waits has been tried since there was room last. */
  next(): string | null {
    while (this.#loose > 0 || this.#urgent.size > 0) {
      const waiter = this.#turns.first;
      if (waiter === undefined) return null;
      this.#reopen(waiter);
      const line = waiter.open.first;
      if (line === undefined) {
        this.#turns.delete(waiter);
        this.#done.add(waiter);
      } else if (this.#shapes.get(line.shape)!.stuckIn === this.#round && !this.#urgent.has(line)) {
        this.#close(waiter, line);
      } else return line.tasks.first!;
    }
    return null;
  }

  /** A task was tried and did not fit: nothing of its shape would (`shape`), or only nothing else of its line (`line`). */
  unfit(task: string, what: "shape" | "line"): void {
    const place = this.#places.get(task);
    if (place === undefined) return;
    this.#close(place.waiter, place.line);
    const shape = this.#shapes.get(place.line.shape)!;
    if (what === "line" || shape.stuckIn === this.#round) return;
    shape.stuckIn = this.#round;
    this.#loose--;
  }

  /** Who goes before a task: other consumers that wait, and how many tasks of its own; null where it does not wait. */
  before(task: string): Before | null {
    const place = this.#places.get(task);
    if (place === undefined) return null;
    const { waiter, line, serial } = place;
    const share = this.#keyOf(waiter);
    const consumers: { consumer: string | null; tasks: number }[] = [];
    for (const other of this.#waiters.values()) {
      if (other === waiter || this.#keyOf(other) >= share) continue;
      let tasks = 0;
      for (const one of other.lines.values()) tasks += one.tasks.size;
      consumers.push({ consumer: other.consumer, tasks });
    }
    let own = 0;
    for (const other of waiter.lines.values()) {
      if (other.rank > line.rank) own += other.tasks.size;
      if (other.rank !== line.rank) continue;
      for (const one of other.tasks.keys) if (this.#places.get(one)!.serial < serial) own++;
    }
    return { consumers, own };
  }

  #keyOf({ consumer }: Waiter): number {
    return consumer === null ? -1 : this.#shareOf(consumer);
  }

  #open(waiter: Waiter, line: Line): void {
    waiter.open.set(line, line.tasks.least - line.rank * SERIALS);
  }

  #close(waiter: Waiter, line: Line): void {
    if (!waiter.open.has(line)) return;
    waiter.open.delete(line);
    waiter.tried.push(line);
    this.#urgent.delete(line);
  }

  #reopen(waiter: Waiter): void {
    if (waiter.round === this.#round) return;
    waiter.round = this.#round;
    for (const line of waiter.tried.splice(0)) this.#open(waiter, line);
  }

  #tryNow(waiter: Waiter, line: Line): void {
    this.#urgent.add(line);
    this.#reopen(waiter);
    const at = waiter.tried.indexOf(line);
    if (at >= 0) waiter.tried.splice(at, 1);
    this.#open(waiter, line);
  }

  #inTurns(waiter: Waiter): void {
    if (this.#turns.has(waiter)) return;
    this.#done.delete(waiter);
    this.#turns.set(waiter, this.#keyOf(waiter));
  }

  #countShape(name: string): void {
    const shape = this.#shapes.get(name);
    if (shape !== undefined) shape.lines++;
    else {
      this.#shapes.set(name, { lines: 1, stuckIn: -1 });
      this.#loose++;
    }
  }

  #uncountShape(name: string): void {
    const shape = this.#shapes.get(name)!;
    if (--shape.lines > 0) return;
    this.#shapes.delete(name);
    if (shape.stuckIn !== this.#round) this.#loose--;
  }
}

/** More tasks than a manager ever numbers: rank counts before the order of submission. */
const SERIALS = 2 ** 38;
