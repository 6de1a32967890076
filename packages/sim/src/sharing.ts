/**
 * Servers that share their cores evenly among the tasks on them (egalitarian processor sharing, one core a task
 * at most): with n tasks on c cores of rate r each task gets r * min(1, c / n). A server keeps one number, the
 * work it has given to each task so far; a task is done when that number reaches what it read on arrival plus its
 * work. Tasks are slots of the caller's, queued by that finish mark in one skew heap a server (Sleator and
 * Tarjan 1986) over columns: nothing is allocated, and arrival and departure cost O(log n) amortised.
 */
export class SharedServers {
  readonly #cores: Float64Array;
  readonly #rate: Float64Array;
  readonly #given: Float64Array;
  readonly #since: Float64Array;
  readonly #busy: Float64Array;
  readonly #root: Int32Array;
  readonly tasks: Int32Array;
  #mark: Float64Array;
  #left: Int32Array;
  #right: Int32Array;

  /** `cores[s]` and `rate[s]` (work a unit of time and core) of each server. */
  constructor(cores: ArrayLike<number>, rate: ArrayLike<number>) {
    const count = cores.length;
    this.#cores = Float64Array.from(cores);
    this.#rate = Float64Array.from(rate);
    this.#given = new Float64Array(count);
    this.#since = new Float64Array(count);
    this.#busy = new Float64Array(count);
    this.#root = new Int32Array(count).fill(-1);
    this.tasks = new Int32Array(count);
    this.#mark = new Float64Array(1024);
    this.#left = new Int32Array(1024);
    this.#right = new Int32Array(1024);
  }

  /** Puts `work` of task slot `task` on a server at `now`. */
  add(server: number, now: number, task: number, work: number): void {
    this.#settle(server, now);
    while (task >= this.#mark.length) this.#grow();
    this.#mark[task] = (this.#given[server] as number) + work;
    this.#left[task] = -1;
    this.#right[task] = -1;
    this.#root[server] = this.#merge(this.#root[server] as number, task);
    this.tasks[server]! += 1;
  }

  /** When the next task of a server will be done if nothing arrives before; Infinity where it has none. */
  nextAt(server: number): number {
    const root = this.#root[server] as number;
    if (root < 0) return Number.POSITIVE_INFINITY;
    const left = (this.#mark[root] as number) - (this.#given[server] as number);
    return (this.#since[server] as number) + left / this.#taskRate(server);
  }

  /** Takes the task that is done at `now`; -1 where none is. Call until it says so: several may end at once. */
  takeDone(server: number, now: number): number {
    this.#settle(server, now);
    const root = this.#root[server] as number;
    if (root < 0) return -1;
    const left = (this.#mark[root] as number) - (this.#given[server] as number);
    // What would take less time than the clock can show at this instant is done.
    if (left > 0 && now + left / this.#taskRate(server) > now) return -1;
    this.#root[server] = this.#merge(this.#left[root] as number, this.#right[root] as number);
    this.tasks[server]! -= 1;
    return root;
  }

  /** Empties a server that failed, handing each of its tasks to `lost`. */
  drain(server: number, now: number, lost: (task: number) => void): void {
    this.#settle(server, now);
    while ((this.#root[server] as number) >= 0) {
      const root = this.#root[server] as number;
      this.#root[server] = this.#merge(this.#left[root] as number, this.#right[root] as number);
      this.tasks[server]! -= 1;
      lost(root);
    }
  }

  /** Core-time in use up to `now`: the integral over time of min(cores, tasks). */
  busyTime(server: number, now: number): number {
    this.#settle(server, now);
    return this.#busy[server] as number;
  }

  #taskRate(server: number): number {
    const tasks = this.tasks[server] as number;
    const cores = this.#cores[server] as number;
    const rate = this.#rate[server] as number;
    return tasks > cores ? (rate * cores) / tasks : rate;
  }

  #settle(server: number, now: number): void {
    const passed = now - (this.#since[server] as number);
    this.#since[server] = now;
    const tasks = this.tasks[server] as number;
    if (tasks === 0 || passed === 0) return;
    this.#given[server]! += passed * this.#taskRate(server);
    this.#busy[server]! += passed * Math.min(tasks, this.#cores[server] as number);
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
