import { Tournament } from "./tournament.ts";

const ROW = 8;
/** Work given to each task so far. */
const GIVEN = 0;
/** The instant up to which the sums go. */
const SINCE = 1;
/** Core-time in use so far. */
const BUSY = 2;
/** Work that each task gets in a unit of time. */
const EACH = 3;
/** Cores in use. */
const IN_USE = 4;
const CORES = 5;
const RATE = 6;

/**
 * Servers that share their cores evenly among the tasks on them (egalitarian processor sharing, one core a task
 * at most): with n tasks on c cores of rate r each task gets r * min(1, c / n). A server keeps one number, the
 * work it has given to each task so far; a task is done when that number reaches what it read on arrival plus its
 * work. Tasks are slots of the caller's, queued by that finish mark in one skew heap a server (Sleator and
 * Tarjan 1986) over columns: nothing is allocated, and arrival and departure cost O(log n) amortised.
 */
export class SharedServers {
  /** A row of figures a server, so that a look at it touches one line of the cache. */
  readonly #figures: Float64Array;
  readonly #root: Int32Array;
  readonly #ends: Tournament;
  readonly tasks: Int32Array;
  #mark: Float64Array;
  #left: Int32Array;
  #right: Int32Array;

  /** `cores[s]` and `rate[s]` (work a unit of time and core) of each server. */
  constructor(cores: ArrayLike<number>, rate: ArrayLike<number>) {
    const count = cores.length;
    this.#figures = new Float64Array(count * ROW);
    for (let server = 0; server < count; server++) {
      this.#figures[server * ROW + CORES] = cores[server] as number;
      this.#figures[server * ROW + RATE] = rate[server] as number;
    }
    this.#root = new Int32Array(count).fill(-1);
    this.#ends = new Tournament(count, Number.POSITIVE_INFINITY);
    this.tasks = new Int32Array(count);
    this.#mark = new Float64Array(1024);
    this.#left = new Int32Array(1024);
    this.#right = new Int32Array(1024);
  }

  /** When the next task will be done, on whichever server, if none arrives before; Infinity where there is none. */
  get nextAt(): number {
    return this.#ends.value;
  }

  /** The server on which the next task will be done. */
  get next(): number {
    return this.#ends.least;
  }

  /** Puts `work` of task slot `task` on a server at `now`, which is not after `nextAt`. */
  add(server: number, now: number, task: number, work: number): void {
    this.#settle(server, now);
    while (task >= this.#mark.length) this.#grow();
    this.#mark[task] = (this.#figures[server * ROW + GIVEN] as number) + work;
    this.#left[task] = -1;
    this.#right[task] = -1;
    this.#root[server] = this.#merge(this.#root[server] as number, task);
    this.#plan(server, now, (this.tasks[server] as number) + 1);
  }

  /** Takes the task that is done at `nextAt` off the server `next`. There must be one. */
  takeNext(): number {
    const server = this.#ends.least;
    const now = this.#ends.value;
    const task = this.#root[server] as number;
    this.#settle(server, now);
    // It has what it asked for: what rounding made of the sum does not run on.
    this.#figures[server * ROW + GIVEN] = this.#mark[task] as number;
    this.#root[server] = this.#merge(this.#left[task] as number, this.#right[task] as number);
    this.#plan(server, now, (this.tasks[server] as number) - 1);
    return task;
  }

  /** Empties a server that failed, handing each of its tasks to `lost`. */
  drain(server: number, now: number, lost: (task: number) => void): void {
    this.#settle(server, now);
    while ((this.#root[server] as number) >= 0) {
      const root = this.#root[server] as number;
      this.#root[server] = this.#merge(this.#left[root] as number, this.#right[root] as number);
      lost(root);
    }
    this.#plan(server, now, 0);
  }

  /** Core-time in use up to `now`: the integral over time of min(cores, tasks). */
  busyTime(server: number, now: number): number {
    this.#settle(server, now);
    return this.#figures[server * ROW + BUSY] as number;
  }

  /** Brings a server's sums up to `now`. */
  #settle(server: number, now: number): void {
    const figures = this.#figures;
    const row = server * ROW;
    const passed = now - (figures[row + SINCE] as number);
    figures[row + SINCE] = now;
    figures[row + GIVEN]! += passed * (figures[row + EACH] as number);
    figures[row + BUSY]! += passed * (figures[row + IN_USE] as number);
  }

  /** Shares a server's cores anew among `tasks`, and notes when the next of them will be done. */
  #plan(server: number, now: number, tasks: number): void {
    const figures = this.#figures;
    const row = server * ROW;
    const cores = figures[row + CORES] as number;
    const rate = figures[row + RATE] as number;
    const each = tasks > cores ? (rate * cores) / tasks : rate;
    this.tasks[server] = tasks;
    figures[row + EACH] = each;
    figures[row + IN_USE] = Math.min(tasks, cores);
    const root = this.#root[server] as number;
    const left =
      root < 0 ? Number.POSITIVE_INFINITY : (this.#mark[root] as number) - (figures[row + GIVEN] as number);
    this.#ends.set(server, now + left / each);
  }

  /** Skew-heap merge from the top, without recursion: each step keeps the lesser root and swaps its children. */
  #merge(a: number, b: number): number {
    if (a < 0) return b;
    if (b < 0) return a;
    const marks = this.#mark;
    const left = this.#left;
    const right = this.#right;
    let lesser = a;
    let greater = b;
    if ((marks[b] as number) < (marks[a] as number)) {
      lesser = b;
      greater = a;
    }
    const root = lesser;
    for (;;) {
      const next = right[lesser] as number;
      right[lesser] = left[lesser] as number;
      if (next < 0) {
        left[lesser] = greater;
        return root;
      }
      if ((marks[next] as number) <= (marks[greater] as number)) {
        left[lesser] = next;
        lesser = next;
      } else {
        left[lesser] = greater;
        lesser = greater;
        greater = next;
      }
    }
  }

  #grow(): void {
    const capacity = this.#mark.length * 2;
    const mark = new Float64Array(capacity);
    mark.set(this.#mark);
    this.#mark = mark;
    const left = new Int32Array(capacity);
    left.set(this.#left);
    this.#left = left;
    const right = new Int32Array(capacity);
    right.set(this.#right);
    this.#right = right;
  }
}
