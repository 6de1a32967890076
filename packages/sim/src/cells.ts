import {
  assert,
  type BitsPerSecond,
  type Bytes,
  type Micros,
  type Operations,
  type OperationsPerSecond,
  type Ratio,
  Rng,
} from "@weft/kernel";
import { CellNetwork } from "./cell-network.ts";
import { type CellOutcome, CellRecorder, FAILURES } from "./cell-outcome.ts";
import { CellServers } from "./cell-servers.ts";
import { EventCalendar } from "./event-calendar.ts";
import { Streams } from "./streams.ts";

/** One kind of program that devices run; each device has one. Times, sizes and work are exponential means. */
export interface AppProfile {
  readonly name: string;
  /** Share of all devices. */
  readonly share: Ratio;
  /** Chance that a task is sent to the cloud, where the tiers include it. */
  readonly toCloud: Ratio;
  /** Between two tasks of an active device. */
  readonly interarrival: Micros;
  /** Fixed lengths: a device is active, then idle, and so on. */
  readonly active: Micros;
  readonly idle: Micros;
  readonly upload: Bytes;
  readonly download: Bytes;
  readonly work: Operations;
  /** Share of a server's admission budget (1) that a task holds while it runs. */
  readonly edgeShare: Ratio;
  readonly cloudShare: Ratio;
}

/** Where tasks may run: the own cell's servers; also the cloud; also other cells' servers over the LAN. */
export type CellTiers = "edge" | "edge+cloud" | "edge+cloud+neighbours";

export interface ServerGroup {
  /** Servers (virtual machines); for the edge, in each cell. */
  readonly count: number;
  readonly cores: number;
  /** Of one core. */
  readonly rate: OperationsPerSecond;
}

/** A shared link in the M/M/1 model: mean delay 1 / (rate / size - n / interval) for n devices in the cell. */
export interface SharedLink {
  readonly rate: BitsPerSecond;
  /** Added to the queueing delay. */
  readonly propagation: Micros;
  /** Mean time between two messages of one device, as the model takes it. */
  readonly interval: Micros;
  readonly upload: Bytes;
  readonly download: Bytes;
}

/** Mobile devices in radio cells with edge servers, a cloud behind a WAN, and a LAN between the cells. */
export interface CellScenario {
  readonly devices: number;
  readonly duration: Micros;
  /** Tasks that start earlier are not counted. */
  readonly warmUp: Micros;
  /** Devices wake up from here on, each within its first active period. */
  readonly startsAt: Micros;
  /** Mean time a device stays in each cell, before it goes to another, all equally likely. */
  readonly dwell: readonly Micros[];
  readonly apps: readonly AppProfile[];
  readonly edge: ServerGroup;
  readonly cloud: ServerGroup;
  readonly wlan: SharedLink;
  readonly wan: SharedLink;
  /** One way between two cells. */
  readonly lan: Micros;
  /** A transfer slower than this fails. */
  readonly patience: Micros;
  readonly tiers: CellTiers;
}

const ARRIVE = 0;
const MOVE = 1;
const UPLOADED = 2;
const SERVER = 3;

/**
 * The task-level simulation of `CellScenario`: columns only, four kinds of event, nothing allocated a task.
 * Network delays are those of the M/M/1 model for the number of devices in the cell at the moment the transfer starts;
 * servers share their cores; a task fails when no server has budget for it (`capacity`), a transfer is too slow
 * (`bandwidth`) or its device is in another cell when the result is back (`mobility`).
 */
export class CellSimulation {
  readonly #scenario: CellScenario;
  readonly #calendar: EventCalendar;
  readonly #network: CellNetwork;
  readonly #servers: CellServers;
  readonly #recorder: CellRecorder;
  // Devices: stream 2i is device i's load, stream 2i + 1 its mobility.
  readonly #streams: Streams;
  readonly #app: Uint8Array;
  readonly #cell: Int32Array;
  readonly #nextMove: Float64Array;
  readonly #activeFrom: Float64Array;
  // Apps as columns: the hot path reads numbers, not objects.
  readonly #interarrival: Float64Array;
  readonly #active: Float64Array;
  readonly #period: Float64Array;
  readonly #work: Float64Array;
  readonly #toCloud: Float64Array;
  readonly #dwell: Float64Array;
  // Tasks in flight.
  #device = new Int32Array(1024);
  #from = new Int32Array(1024);
  #cloud = new Uint8Array(1024);
  #started = new Float64Array(1024);
  #uploading = new Float64Array(1024);
  #free = new Int32Array(1024);
  #freeCount = 0;
  #slots = 0;
  #events = 0;

  constructor(scenario: CellScenario, seed: number) {
    const { devices, dwell, apps } = scenario;
    assert(dwell.length > 1 && apps.length > 0 && apps.length < 256, "at least two cells and one app");
    this.#scenario = scenario;
    // A slot of the calendar holds a handful of events: a device does something every few seconds.
    this.#calendar = new EventCalendar(Math.max(4, 4e7 / devices), devices > 50_000 ? 65_536 : 8192);
    this.#network = new CellNetwork(scenario);
    this.#servers = new CellServers(scenario);
    this.#recorder = new CellRecorder(scenario);
    this.#streams = new Streams(new Rng(seed).fork("devices").uint32(), devices * 2);
    this.#app = new Uint8Array(devices);
    this.#cell = new Int32Array(devices);
    this.#nextMove = new Float64Array(devices);
    this.#activeFrom = new Float64Array(devices);
    this.#interarrival = Float64Array.from(apps, (app) => app.interarrival);
    this.#active = Float64Array.from(apps, (app) => app.active);
    this.#period = Float64Array.from(apps, (app) => app.active + app.idle);
    this.#work = Float64Array.from(apps, (app) => app.work);
    this.#toCloud = Float64Array.from(apps, (app) => (scenario.tiers === "edge" ? 0 : app.toCloud));
    this.#dwell = Float64Array.from(dwell);
    for (let device = 0; device < devices; device++) this.#settle(device);
  }

  /** Runs to the end and says what came of it. `progress` hears the share done now and then. */
  run(progress: (done: number) => void = () => {}): CellOutcome {
    const calendar = this.#calendar;
    const end = this.#scenario.duration;
    let untilProgress = 65_536;
    while (calendar.size > 0) {
      const what = calendar.pop();
      const now = calendar.at;
      if (now > end) break;
      const id = what >> 2;
      const kind = what & 3;
      if (kind === ARRIVE) this.#arrive(now, id);
      else if (kind === UPLOADED) this.#uploaded(now, id);
      else if (kind === SERVER) this.#served(now, id);
      else this.#move(now, id);
      this.#events++;
      if (--untilProgress === 0) {
        untilProgress = 65_536;
        progress(now / end);
      }
    }
    return this.#recorder.outcome(this.#events, this.#servers);
  }

  /** Gives a device its app, its first cell and its first task. */
  #settle(device: number): void {
    const { apps, dwell, startsAt } = this.#scenario;
    const load = 2 * device;
    let left = this.#streams.float(load);
    let app = 0;
    while (app < apps.length - 1 && left > (apps[app] as AppProfile).share)
      left -= (apps[app++] as AppProfile).share;
    this.#app[device] = app;
    const cell = this.#streams.below(load + 1, dwell.length);
    this.#cell[device] = cell;
    this.#network.enter(cell);
    this.#planMove(startsAt, device, cell);
    const from = startsAt + this.#streams.float(load) * (this.#active[app] as number);
    this.#activeFrom[device] = from;
    this.#planArrival(from, device);
  }

  #planMove(now: number, device: number, cell: number): void {
    const at = now + this.#streams.exponential(2 * device + 1, this.#dwell[cell] as number);
    this.#nextMove[device] = at;
    this.#calendar.push(at, (device << 2) | MOVE);
  }

  #planArrival(now: number, device: number): void {
    const app = this.#app[device] as number;
    const mean = this.#interarrival[app] as number;
    const active = this.#active[app] as number;
    let from = this.#activeFrom[device] as number;
    let at = now;
    for (;;) {
      at += this.#streams.exponential(2 * device, mean);
      if (at <= from + active) break;
      from += this.#period[app] as number;
      at = from;
      if (at > this.#scenario.duration) return;
    }
    this.#activeFrom[device] = from;
    this.#calendar.push(at, (device << 2) | ARRIVE);
  }

  #move(now: number, device: number): void {
    const cell = this.#cell[device] as number;
    let next = this.#streams.below(2 * device + 1, this.#dwell.length - 1);
    if (next >= cell) next++;
    this.#network.leave(cell);
    this.#network.enter(next);
    this.#cell[device] = next;
    this.#planMove(now, device, next);
  }

  #arrive(now: number, device: number): void {
    const app = this.#app[device] as number;
    const cell = this.#cell[device] as number;
    const chance = this.#toCloud[app] as number;
    const cloud = chance > 0 && this.#streams.float(2 * device) < chance;
    const delay = this.#network.upload(cell, cloud);
    if (delay > 0) {
      const task = this.#newTask();
      this.#device[task] = device;
      this.#from[task] = cell;
      this.#cloud[task] = cloud ? 1 : 0;
      this.#started[task] = now;
      this.#uploading[task] = delay;
      this.#calendar.push(now + delay, (task << 2) | UPLOADED);
    } else {
      this.#recorder.failed(now, now, app, FAILURES.bandwidth);
    }
    this.#planArrival(now, device);
  }

  #uploaded(now: number, task: number): void {
    const device = this.#device[task] as number;
    const app = this.#app[device] as number;
    const server = this.#servers.pick(app, this.#cloud[task] === 1, this.#cell[device] as number);
    if (server < 0) {
      this.#recorder.failed(now, this.#started[task] as number, app, FAILURES.capacity);
      this.#freeTask(task);
      return;
    }
    const work = this.#streams.exponential(2 * device, this.#work[app] as number);
    const next = this.#servers.add(server, now, task, work, app);
    if (next > 0) this.#calendar.push(next, (server << 2) | SERVER);
  }

  #served(now: number, server: number): void {
    const servers = this.#servers;
    if (!servers.isDue(server, now)) return;
    for (let task = servers.takeDone(server, now); task >= 0; task = servers.takeDone(server, now)) {
      const app = this.#app[this.#device[task] as number] as number;
      servers.release(server, app);
      this.#returned(now, server, task, app);
    }
    const next = servers.rearm(server);
    if (next > 0) this.#calendar.push(next, (server << 2) | SERVER);
  }

  /** Ends a task: its way back is known now, and so is whether its device will still be where it asked from. */
  #returned(now: number, server: number, task: number, app: number): void {
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
    this.#cloud = grown(this.#cloud, new Uint8Array(capacity));
    this.#started = grown(this.#started, new Float64Array(capacity));
    this.#uploading = grown(this.#uploading, new Float64Array(capacity));
    this.#free = grown(this.#free, new Int32Array(capacity));
  }
}
