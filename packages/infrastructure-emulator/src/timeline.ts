import { Worker } from "node:worker_threads";

/** Microseconds of the clock that all threads of a process share. */
export function nowMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + nanos / 1e3;
}

/**
 * Node's timers count whole milliseconds and may fire early. This thread sleeps on a shared word instead,
 * which the kernel ends within some tens of microseconds, and tells when the time has come.
 */
const ALARM_THREAD = `
const { workerData, parentPort } = require("node:worker_threads");
const set = new Int32Array(workerData, 0, 1);
const at = new Float64Array(workerData, 8, 1);
for (;;) {
  const seen = Atomics.load(set, 0);
  const due = at[0];
  const [seconds, nanos] = process.hrtime();
  const left = (due - seconds * 1e6 - nanos / 1e3) / 1e3;
  if (left > 0) {
    Atomics.wait(set, 0, seen, left);
    continue;
  }
  at[0] = Infinity;
  parentPort.postMessage(0);
}`;

/** How long before its time a sleep is ended: what waking two threads takes. The rest is spent turning the loop. */
const LEAD_MICROS = 150;
/** What is due within so little is done now. */
const GRAIN_MICROS = 20;

/** Does things at their time, to some tens of microseconds, the earlier first, equal ones in the order they were set. */
export class Timeline {
  readonly #at: number[] = [];
  readonly #serial: number[] = [];
  readonly #deeds: (() => void)[] = [];
  #nextSerial = 0;
  readonly #shared = new SharedArrayBuffer(16);
  readonly #set = new Int32Array(this.#shared, 0, 1);
  readonly #alarmAt = new Float64Array(this.#shared, 8, 1);
  readonly #thread: Worker;
  #turning = false;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor() {
    this.#alarmAt[0] = Number.POSITIVE_INFINITY;
    this.#thread = new Worker(ALARM_THREAD, { eval: true, workerData: this.#shared });
    this.#thread.unref();
    this.#thread.on("message", () => {
      this.#armedFor = Number.POSITIVE_INFINITY;
      this.#advance();
    });
  }

  /** Does `deed` at `at` (microseconds as `nowMicros` counts them), never before and never within this call. */
  do(at: number, deed: () => void): void {
    this.#push(at, this.#nextSerial++, deed);
    if (!this.#turning && (this.#at[0] as number) < this.#armedFor) this.#arm();
  }

  close(): Promise<unknown> {
    this.#at.length = this.#serial.length = this.#deeds.length = 0;
    return this.#thread.terminate();
  }

  readonly #advance = (): void => {
    this.#turning = true;
    const until = nowMicros() + GRAIN_MICROS;
    while (this.#at.length > 0 && (this.#at[0] as number) <= until) this.#pop()();
    this.#turning = false;
    this.#arm();
  };

  #arm(): void {
    const at = this.#at[0];
    if (at === undefined) return;
    if (at - nowMicros() <= LEAD_MICROS) {
      this.#turning = true;
      setImmediate(this.#advance);
      return;
    }
    this.#armedFor = at;
    this.#alarmAt[0] = at - LEAD_MICROS;
    Atomics.add(this.#set, 0, 1);
    Atomics.notify(this.#set, 0);
  }

  #before(i: number, j: number): boolean {
    const a = this.#at[i] as number;
    const b = this.#at[j] as number;
    return a < b || (a === b && (this.#serial[i] as number) < (this.#serial[j] as number));
  }

  #swap(i: number, j: number): void {
    for (const column of [this.#at, this.#serial, this.#deeds] as unknown[][]) {
      const held = column[i];
      column[i] = column[j];
      column[j] = held;
    }
  }

  #push(at: number, serial: number, deed: () => void): void {
    let i = this.#at.push(at) - 1;
    this.#serial.push(serial);
    this.#deeds.push(deed);
    for (let parent = (i - 1) >> 1; i > 0 && this.#before(i, parent); parent = (i - 1) >> 1) {
      this.#swap(i, parent);
      i = parent;
    }
  }

  #pop(): () => void {
    const deed = this.#deeds[0] as () => void;
    const last = this.#at.length - 1;
    this.#swap(0, last);
    this.#at.pop();
    this.#serial.pop();
    this.#deeds.pop();
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < last && this.#before(child, least)) least = child;
      if (least === i) return deed;
      this.#swap(i, least);
      i = least;
    }
  }
}
