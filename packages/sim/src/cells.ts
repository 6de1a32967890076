import { assert, Rng } from "@weft/kernel";
import { CellArrivals } from "./cell-arrivals.ts";
import { CellNetwork } from "./cell-network.ts";
import { type CellOutcome, CellRecorder, FAILURES } from "./cell-outcome.ts";
import type { CellScenario } from "./cell-scenario.ts";
import { CellServers } from "./cell-servers.ts";
import { EventCalendar } from "./event-calendar.ts";
import { Streams } from "./streams.ts";

const MOVE = 0;
const UPLOADED = 1;

/**
 * The task-level simulation of `CellScenario`: columns only, nothing allocated a task, four kinds of event. Arrivals
 * and ends of tasks on servers come one by one from where they are kept; moves and uploads are in a calendar.
 * Network delays are those of the M/M/1 model for the number of devices in the cell at the moment the transfer starts;
 * servers share their cores; a task fails when no server has budget for it (`capacity`), a transfer is too slow
 * (`bandwidth`) or its device is in another cell when the result is back (`mobility`).
 */
export class CellSimulation {
  readonly #scenario: CellScenario;
  readonly #arrivals: CellArrivals;
  readonly #calendar: EventCalendar;
  readonly #network: CellNetwork;
  readonly #servers: CellServers;
  readonly #recorder: CellRecorder;
  // Devices.
  readonly #mobility: Streams;
  readonly #cell: Int32Array;
  readonly #nextMove: Float64Array;
  // Apps and cells as columns: the hot path reads numbers, not objects.
  readonly #toCloud: Float64Array;
  readonly #dwell: Float64Array;
  // Tasks in flight.
  #device = new Int32Array(1024);
  #from = new Int32Array(1024);
  #app = new Uint8Array(1024);
  #cloud = new Uint8Array(1024);
  #started = new Float64Array(1024);
  #uploading = new Float64Array(1024);
  #work = new Float64Array(1024);
  #free = new Int32Array(1024);
  #freeCount = 0;
  #slots = 0;
  #events = 0;

  constructor(scenario: CellScenario, seed: number) {
    const { devices, dwell, apps, tiers, startsAt } = scenario;
    assert(dwell.length > 1, "at least two cells");
    const rng = new Rng(seed);
    this.#scenario = scenario;
    this.#arrivals = new CellArrivals(scenario, rng.fork("tasks"));
    // A slot of the calendar holds a handful of events, and all slots together reach over most pending moves.
    this.#calendar = new EventCalendar(Math.max(4, 4e7 / devices), Math.max(8192, devices));
    this.#network = new CellNetwork(scenario);
    this.#servers = new CellServers(scenario);
    this.#recorder = new CellRecorder(scenario);
    this.#mobility = new Streams(rng.fork("mobility").uint32(), devices);
    this.#cell = new Int32Array(devices);
    this.#nextMove = new Float64Array(devices);
    this.#toCloud = Float64Array.from(apps, (app) => (tiers === "edge" ? 0 : app.toCloud));
    this.#dwell = Float64Array.from(dwell);
    for (let device = 0; device < devices; device++) {
      const cell = this.#mobility.below(device, dwell.length);
      this.#cell[device] = cell;
      this.#network.enter(cell);
      this.#planMove(startsAt, device, cell);
    }
  }

  /** Runs to the end and says what came of it. `progress` hears the share done now and then. */
  run(progress: (done: number) => void = () => {}): CellOutcome {
    const arrivals = this.#arrivals;
    const calendar = this.#calendar;
    const servers = this.#servers;
    const end = this.#scenario.duration;
    let untilProgress = 65_536;
    for (;;) {
      const ends = servers.nextAt;
      const pending = calendar.nextAt;
      const arrives = arrivals.at;
      // Of one instant: what ends makes room first, and who arrives comes last.
      if (ends <= pending && ends <= arrives) {
        if (!(ends <= end)) break;
        this.#ended(ends, servers.next);
      } else if (pending <= arrives) {
        if (pending > end) break;
        const what = calendar.pop();
        if ((what & 1) === UPLOADED) this.#uploaded(pending, what >> 1);
        else this.#move(pending, what >> 1);
      } else this.#arrived(arrives);
      this.#events++;
      if (--untilProgress === 0) {
        untilProgress = 65_536;
        progress(Math.min(ends, pending, arrives) / end);
      }
    }
    return this.#recorder.outcome(this.#events, this.#servers);
  }

  #planMove(now: number, device: number, cell: number): void {
    const at = now + this.#mobility.exponential(device, this.#dwell[cell] as number);
    this.#nextMove[device] = at;
    this.#calendar.push(at, (device << 1) | MOVE);
  }

  #move(now: number, device: number): void {
    const cell = this.#cell[device] as number;
    let next = this.#mobility.below(device, this.#dwell.length - 1);
    if (next >= cell) next++;
    this.#network.leave(cell);
    this.#network.enter(next);
    this.#cell[device] = next;
    this.#planMove(now, device, next);
  }

  #arrived(now: number): void {
    const { device, app, work, lot } = this.#arrivals;
    const cell = this.#cell[device] as number;
    const cloud = lot < (this.#toCloud[app] as number);
    const delay = this.#network.upload(cell, cloud);
    if (delay > 0) {
      const task = this.#newTask();
      this.#device[task] = device;
      this.#from[task] = cell;
      this.#app[task] = app;
      this.#cloud[task] = cloud ? 1 : 0;
      this.#started[task] = now;
      this.#uploading[task] = delay;
      this.#work[task] = work;
      this.#calendar.push(now + delay, (task << 1) | UPLOADED);
    } else {
      this.#recorder.failed(now, now, app, FAILURES.bandwidth);
    }
    this.#arrivals.advance();
  }

  #uploaded(now: number, task: number): void {
    const app = this.#app[task] as number;
    const cell = this.#cell[this.#device[task] as number] as number;
    const server = this.#servers.pick(app, this.#cloud[task] === 1, cell);
    if (server < 0) {
      this.#recorder.failed(now, this.#started[task] as number, app, FAILURES.capacity);
      this.#freeTask(task);
      return;
    }
    this.#servers.add(server, now, task, this.#work[task] as number, app);
  }

  /** Ends a task: its way back is known now, and so is whether its device will still be where it asked from. */
  #ended(now: number, server: number): void {
    const task = this.#servers.takeNext();
    const app = this.#app[task] as number;
    this.#servers.release(server, app);
    const device = this.#device[task] as number;
    const started = this.#started[task] as number;
    const cloud = this.#cloud[task] === 1;
    const cell = this.#cell[device] as number;
    const delay = this.#network.download(cell, cloud, cloud ? cell : this.#servers.cellOf(server));
    if (!(delay > 0)) {
      this.#recorder.failed(now, started, app, FAILURES.bandwidth);
    } else if (cell !== this.#from[task] || now + delay >= (this.#nextMove[device] as number)) {
      this.#recorder.failed(now, started, app, FAILURES.mobility);
    } else if (now + delay <= this.#scenario.duration) {
      this.#recorder.completed(now + delay, started, app, (this.#uploading[task] as number) + delay, cloud);
    }
    this.#freeTask(task);
  }

  #newTask(): number {
    if (this.#freeCount > 0) return this.#free[--this.#freeCount] as number;
    if (this.#slots === this.#device.length) this.#grow();
    return this.#slots++;
  }

  #freeTask(task: number): void {
    this.#free[this.#freeCount++] = task;
  }

  #grow(): void {
    const capacity = this.#slots * 2;
    const grown = <T extends Int32Array | Float64Array | Uint8Array>(column: T, into: T): T => {
      into.set(column);
      return into;
    };
    this.#device = grown(this.#device, new Int32Array(capacity));
    this.#from = grown(this.#from, new Int32Array(capacity));
    this.#app = grown(this.#app, new Uint8Array(capacity));
    this.#cloud = grown(this.#cloud, new Uint8Array(capacity));
    this.#started = grown(this.#started, new Float64Array(capacity));
    this.#uploading = grown(this.#uploading, new Float64Array(capacity));
    this.#work = grown(this.#work, new Float64Array(capacity));
    this.#free = grown(this.#free, new Int32Array(capacity));
  }
}
