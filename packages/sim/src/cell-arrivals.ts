import { assert, type Rng } from "@weft/kernel";
import type { AppProfile, CellScenario } from "./cell-scenario.ts";
import { Streams } from "./streams.ts";

const ROW = 8;
/** Of a row: arrivals a microsecond of the app's devices if all were active; it is the row's first figure. */
const INTERARRIVAL = 1;
/** The app's first device, and how many have it. */
const FIRST = 2;
const USERS = 3;
const ACTIVE = 4;
const PERIOD = 5;
const WORK = 6;

/**
 * The tasks of all devices, one after the other. Each device has an app and is active and idle by turns; while it is
 * active its tasks are a Poisson process. Drawn by thinning (Lewis and Shedler 1979): one process for all devices
 * as if all were always active, of which those draws are kept whose device is. So no device needs an event of its
 * own, and what a seed draws depends on nothing that becomes of the tasks.
 */
export class CellArrivals {
  /** The arrival that `advance` found: when (Infinity after the last), whose, and what it asks for. */
  at: number;
  device = 0;
  app = 0;
  /** Uniform over [0, 1): the task's lot where chance says where it goes. */
  lot = Number.NaN;
  work = Number.NaN;

  readonly #stream: Streams;
  readonly #end: number;
  /** A row of figures an app. Devices are numbered app by app. */
  readonly #apps: Float64Array;
  /** Arrivals a microsecond, if all devices were active. */
  readonly #rate: number;
  /** When each device is first active. */
  readonly #activeFrom: Float64Array;

  constructor(scenario: CellScenario, rng: Rng) {
    const { devices, apps, startsAt, duration } = scenario;
    assert(apps.length > 0 && apps.length < 256, "at least one app");
    this.#stream = new Streams(rng.uint32(), 1);
    this.at = startsAt;
    this.#end = duration;
    this.#apps = new Float64Array(apps.length * ROW);
    this.#rate = this.#settle(apps, this.#drawUsers(apps, devices));
    this.#activeFrom = new Float64Array(devices);
    for (let row = 0; row < this.#apps.length; row += ROW) {
      const first = this.#apps[row + FIRST] as number;
      const users = this.#apps[row + USERS] as number;
      for (let device = first; device < first + users; device++)
        this.#activeFrom[device] = startsAt + this.#stream.float(0) * (this.#apps[row + ACTIVE] as number);
    }
    this.advance();
  }

  /** Writes down the apps. Returns the rate of all of them together. */
  #settle(apps: readonly AppProfile[], users: Int32Array): number {
    let first = 0;
    let all = 0;
    apps.forEach(({ interarrival, active, idle, work }, app) => {
      const count = users[app] as number;
      const rate = count / interarrival;
      this.#apps.set([rate, interarrival, first, count, active, active + idle, work], app * ROW);
      first += count;
      all += rate;
    });
    return all;
  }

  /** How many devices have each app. */
  #drawUsers(apps: readonly AppProfile[], devices: number): Int32Array {
    const users = new Int32Array(apps.length);
    for (let device = 0; device < devices; device++) {
      let left = this.#stream.float(0);
      let app = 0;
      while (app < apps.length - 1 && left > (apps[app] as AppProfile).share)
        left -= (apps[app++] as AppProfile).share;
      users[app]! += 1;
    }
    return users;
  }

  /** Finds the next arrival. */
  advance(): void {
    const stream = this.#stream;
    const apps = this.#apps;
    const last = apps.length - ROW;
    const gap = 1 / this.#rate;
    let at = this.at;
    for (;;) {
      at += stream.exponential(0, gap);
      if (at > this.#end) {
        this.at = Number.POSITIVE_INFINITY;
        return;
      }
      let left = stream.float(0) * this.#rate;
      let row = 0;
      for (; row < last && left >= (apps[row] as number); row += ROW) left -= apps[row] as number;
      const among = Math.min(left * (apps[row + INTERARRIVAL] as number), (apps[row + USERS] as number) - 1);
      const device = ((apps[row + FIRST] as number) + among) | 0;
      const since = at - (this.#activeFrom[device] as number);
      if (since < 0) continue;
      const period = apps[row + PERIOD] as number;
      if (since - Math.floor(since / period) * period > (apps[row + ACTIVE] as number)) continue;
      this.at = at;
      this.device = device;
      this.app = (row / ROW) | 0;
      this.lot = stream.float(0);
      this.work = stream.exponential(0, apps[row + WORK] as number);
      return;
    }
  }
}
