import { assert, type Instant, type Micros, ok, type Refusal, type Result, Rng, refuse } from "@weft/kernel";

export type CalendarRefusal = Refusal<"over_capacity" | "empty_interval">;

/**
 * Advance reservations of one node (or link) on a time axis: how much of each resource is taken when.
 *
 *   C1  What is taken never exceeds the capacity at any instant.
 *   C2  A release gives back exactly what was reserved; an interval is half open: [from, to).
 *   C3  `earliestFit` returns the first instant from which the demand holds throughout, or null.
 *
 * The axis is cut where use changes; the pieces lie in a treap (Seidel and Aragon 1996) that keeps the greatest and
 * least use of every subtree and adds to whole subtrees lazily. With n pieces, reserving, releasing and asking for
 * a peak take O(log n); the earliest fit takes O((1 + b) log n) for b busy stretches passed over. Amounts are whole
 * numbers where sums must be exact; units are the caller's.
 */
export class ReservationCalendar {
  readonly capacity: Float64Array;
  readonly #k: number;
  readonly #rng = new Rng(1);
  /** By piece: where it starts, its treap links and priority; piece 0 is "none". */
  #from = new Float64Array(16);
  #left = new Int32Array(16);
  #right = new Int32Array(16);
  #priority = new Uint32Array(16);
  /** By piece and resource: use, greatest and least use of its subtree, and what its children have yet to add. */
  #use: Float64Array;
  #most: Float64Array;
  #least: Float64Array;
  #owed: Float64Array;
  readonly #spare: number[] = [];
  #made = 1;
  #pieces = 0;
  #root = 0;
  /** The two halves of the last split. */
  #low = 0;
  #high = 0;

  constructor(capacity: Float64Array) {
    this.capacity = capacity.slice();
    this.#k = capacity.length;
    this.#use = new Float64Array(16 * this.#k);
    this.#most = new Float64Array(16 * this.#k);
    this.#least = new Float64Array(16 * this.#k);
    this.#owed = new Float64Array(16 * this.#k);
    this.#root = this.#make(Number.NEGATIVE_INFINITY);
  }

  /** Into how many pieces of equal use the axis is cut: what the calendar's memory grows with. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Takes `amount` of each resource in [from, to), or refuses when some instant has not that much left. */
  reserve(from: Instant, to: Instant, amount: Float64Array): Result<void, CalendarRefusal> {
    if (from >= to) return refuse("empty_interval", "a reservation ends after it starts");
    if (this.earliestFit(from, (to - from) as Micros, amount, from) === null) {
      return refuse("over_capacity", "more than is left at some instant of the interval");
    }
    this.#add(from, to, amount, 1);
    return ok(undefined);
  }

  /** Enters what stands there whatever is left: C1 is then the caller's. */
  occupy(from: Instant, to: Instant, amount: Float64Array): void {
    if (from < to) this.#add(from, to, amount, 1);
  }

  /** Gives back what was reserved with the same arguments. */
  release(from: Instant, to: Instant, amount: Float64Array): void {
    this.#add(from, to, amount, -1);
  }

  /** The greatest use of one resource in [from, to). */
  peak(from: Instant, to: Instant, resource: number): number {
    let peak = 0;
    this.#split(this.#root, this.#startOf(from));
    const [low, rest] = [this.#low, this.#high];
    this.#split(rest, to);
    const [within, high] = [this.#low, this.#high];
    if (within !== 0) peak = this.#most[within * this.#k + resource]!;
    this.#root = this.#merge(low, this.#merge(within, high));
    return peak;
  }

  /**
   * The first instant from `notBefore` on, `by` at the latest, from which `amount` is free for `length`; null where there
   * is none. Without `by` that means more is asked for than there ever is.
   */
  earliestFit(notBefore: Instant, length: Micros, amount: Float64Array, by?: Instant): Instant | null {
    assert(amount.length === this.#k, "one amount a resource");
    const bar = this.capacity.map((room, k) => room - amount[k]!);
    let at: number = notBefore;
    let piece = this.#startOf(at);
    for (;;) {
      if (by !== undefined && at > by) return null;
      const busy = this.#first(this.#root, piece, bar, true);
      if (busy === null || busy >= at + length) return at as Instant;
      const free = this.#first(this.#root, busy, bar, false);
      if (free === null) return null;
      at = free;
      piece = free;
    }
  }

  /**
   * Forgets what lies before an instant, so that a calendar in use does not grow for ever. What was reserved across it
   * is given back by releasing from that instant on.
   */
  forgetBefore(at: Instant): void {
    this.#cut(at);
    this.#split(this.#root, at);
    this.#recycle(this.#low);
    this.#root = this.#high;
    const first = this.#make(Number.NEGATIVE_INFINITY);
    this.#root = this.#merge(first, this.#root);
  }

  #add(from: number, to: number, amount: Float64Array, sign: number): void {
    this.#cut(from);
    this.#cut(to);
    this.#split(this.#root, from);
    const [low, rest] = [this.#low, this.#high];
    this.#split(rest, to);
    const [within, high] = [this.#low, this.#high];
    for (let k = 0; k < this.#k; k++) this.#raise(within, k, sign * amount[k]!);
    this.#root = this.#merge(low, this.#merge(within, high));
    this.#join(from);
    this.#join(to);
  }

  /** Where the piece that covers an instant starts. */
  #startOf(at: number): number {
    let start = Number.NEGATIVE_INFINITY;
    for (let x = this.#root; x !== 0; ) {
      if (this.#from[x]! <= at) {
        start = this.#from[x]!;
        x = this.#right[x]!;
      } else x = this.#left[x]!;
    }
    return start;
  }

  /**
   * The start of the first piece from `since` on that is busy (some use above the bar) or free (none above); null where
   * there is none. A subtree without a greatest use above the bar has no busy piece; one with a least use above it has
   * no free one.
   */
  #first(x: number, since: number, bar: Float64Array, busy: boolean): number | null {
    if (x === 0) return null;
    if (busy ? !this.#above(this.#most, x, bar) : this.#above(this.#least, x, bar)) return null;
    this.#settle(x);
    if (this.#from[x]! >= since) {
      const found = this.#first(this.#left[x]!, since, bar, busy);
      if (found !== null) return found;
      if (this.#above(this.#use, x, bar) === busy) return this.#from[x]!;
    }
    return this.#first(this.#right[x]!, since, bar, busy);
  }

  #above(column: Float64Array, x: number, bar: Float64Array): boolean {
    for (let k = 0; k < this.#k; k++) if (column[x * this.#k + k]! > bar[k]!) return true;
    return false;
  }

  /** Starts a piece at an instant, with the use of the piece that covered it. */
  #cut(at: number): void {
    if (this.#startOf(at) === at) return;
    this.#split(this.#root, at);
    const high = this.#high;
    let last = this.#low;
    this.#settle(last);
    while (this.#right[last] !== 0) {
      last = this.#right[last]!;
      this.#settle(last);
    }
    const low = this.#low;
    const piece = this.#make(at);
    for (let k = 0; k < this.#k; k++) this.#raise(piece, k, this.#use[last * this.#k + k]!);
    this.#root = this.#merge(this.#merge(low, piece), high);
  }

  /** Removes the cut at an instant when use is the same on both sides. */
  #join(at: number): void {
    this.#split(this.#root, at);
    const [low, high] = [this.#low, this.#high];
    let before = low;
    for (this.#settle(before); this.#right[before] !== 0; this.#settle(before)) before = this.#right[before]!;
    let first = high;
    for (this.#settle(first); this.#left[first] !== 0; this.#settle(first)) first = this.#left[first]!;
    let same = true;
    for (let k = 0; k < this.#k && same; k++) {
      same = this.#use[before * this.#k + k] === this.#use[first * this.#k + k];
    }
    if (!same) {
      this.#root = this.#merge(low, high);
      return;
    }
    const rest = this.#withoutFirst(high);
    this.#right[first] = 0;
    this.#recycle(first);
    this.#root = this.#merge(low, rest);
  }

  #withoutFirst(x: number): number {
    this.#settle(x);
    if (this.#left[x] === 0) return this.#right[x]!;
    this.#left[x] = this.#withoutFirst(this.#left[x]!);
    this.#sum(x);
    return x;
  }

  /** Splits a treap into `#low` (starts before `at`) and `#high` (the rest). */
  #split(x: number, at: number): void {
    if (x === 0) {
      this.#low = 0;
      this.#high = 0;
      return;
    }
    this.#settle(x);
    if (this.#from[x]! < at) {
      this.#split(this.#right[x]!, at);
      this.#right[x] = this.#low;
      this.#sum(x);
      this.#low = x;
    } else {
      this.#split(this.#left[x]!, at);
      this.#left[x] = this.#high;
      this.#sum(x);
      this.#high = x;
    }
  }

  #merge(a: number, b: number): number {
    if (a === 0) return b;
    if (b === 0) return a;
    if (this.#priority[a]! >= this.#priority[b]!) {
      this.#settle(a);
      this.#right[a] = this.#merge(this.#right[a]!, b);
      this.#sum(a);
      return a;
    }
    this.#settle(b);
    this.#left[b] = this.#merge(a, this.#left[b]!);
    this.#sum(b);
    return b;
  }

  /** Adds to a whole subtree. */
  #raise(x: number, k: number, by: number): void {
    if (x === 0) return;
    const i = x * this.#k + k;
    this.#use[i]! += by;
    this.#most[i]! += by;
    this.#least[i]! += by;
    this.#owed[i]! += by;
  }

  /** Passes on to the children what they are owed. */
  #settle(x: number): void {
    for (let k = 0; k < this.#k; k++) {
      const i = x * this.#k + k;
      const by = this.#owed[i]!;
      if (by === 0) continue;
      this.#raise(this.#left[x]!, k, by);
      this.#raise(this.#right[x]!, k, by);
      this.#owed[i] = 0;
    }
  }

  #sum(x: number): void {
    const [left, right] = [this.#left[x]!, this.#right[x]!];
    for (let k = 0; k < this.#k; k++) {
      const i = x * this.#k + k;
      let [most, least] = [this.#use[i]!, this.#use[i]!];
      for (const child of [left, right]) {
        if (child === 0) continue;
        most = Math.max(most, this.#most[child * this.#k + k]!);
        least = Math.min(least, this.#least[child * this.#k + k]!);
      }
      this.#most[i] = most;
      this.#least[i] = least;
    }
  }

  #make(from: number): number {
    const x = this.#spare.pop() ?? this.#made++;
    if (x >= this.#from.length) this.#grow();
    this.#from[x] = from;
    this.#left[x] = 0;
    this.#right[x] = 0;
    this.#priority[x] = this.#rng.uint32();
    for (const column of [this.#use, this.#most, this.#least, this.#owed]) {
      column.fill(0, x * this.#k, (x + 1) * this.#k);
    }
    this.#pieces++;
    return x;
  }

  #recycle(x: number): void {
    if (x === 0) return;
    this.#recycle(this.#left[x]!);
    this.#recycle(this.#right[x]!);
    this.#spare.push(x);
    this.#pieces--;
  }

  #grow(): void {
    const size = this.#from.length * 2;
    const wider = <T extends Float64Array | Int32Array | Uint32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.#from = wider(new Float64Array(size), this.#from);
    this.#left = wider(new Int32Array(size), this.#left);
    this.#right = wider(new Int32Array(size), this.#right);
    this.#priority = wider(new Uint32Array(size), this.#priority);
    this.#use = wider(new Float64Array(size * this.#k), this.#use);
    this.#most = wider(new Float64Array(size * this.#k), this.#most);
    this.#least = wider(new Float64Array(size * this.#k), this.#least);
    this.#owed = wider(new Float64Array(size * this.#k), this.#owed);
  }
}
