import type { CellScenario } from "./cells.ts";
import { SharedServers } from "./sharing.ts";

/**
 * Edge servers `cell * perCell + i`, then the cloud's. Each admits tasks while the sum of their shares is at most 1,
 * and shares its cores evenly among those it admitted.
 */
export class CellServers {
  readonly #servers: SharedServers;
  readonly #perCell: number;
  readonly #edge: number;
  readonly #all: number;
  readonly #neighbours: boolean;
  readonly #edgeShare: Float64Array;
  readonly #cloudShare: Float64Array;
  readonly #held: Float64Array;
  readonly #scheduled: Float64Array;
  /** NEXT_FIT goes on where it stopped: the last server tried in each cell, and the last cell tried. */
  readonly #lastServer: Int32Array;
  #lastCell: number;

  constructor(scenario: CellScenario) {
    const { edge, cloud, dwell, apps } = scenario;
    this.#perCell = edge.count;
    this.#edge = edge.count * dwell.length;
    this.#all = this.#edge + cloud.count;
    this.#neighbours = scenario.tiers === "edge+cloud+neighbours";
    const groups = Array.from({ length: this.#all }, (_, s) => (s < this.#edge ? edge : cloud));
    this.#servers = new SharedServers(
      groups.map(({ cores }) => cores),
      groups.map(({ rate }) => rate / 1e6),
    );
    this.#edgeShare = Float64Array.from(apps, (app) => app.edgeShare);
    this.#cloudShare = Float64Array.from(apps, (app) => app.cloudShare);
    this.#held = new Float64Array(this.#all);
    this.#scheduled = new Float64Array(this.#all).fill(Number.POSITIVE_INFINITY);
    this.#lastServer = new Int32Array(dwell.length).fill(-1);
    this.#lastCell = -1;
  }

  cellOf(server: number): number {
    return Math.floor(server / this.#perCell);
  }

  /** The server for a task that is in `cell`, -1 where none has budget. */
  pick(app: number, cloud: boolean, cell: number): number {
    if (cloud) return this.#leastHeld(this.#cloudShare[app] as number);
    const share = this.#edgeShare[app] as number;
    if (!this.#neighbours) return this.#nextFit(cell, share);
    const cells = this.#lastServer.length;
    for (let tries = 0; tries < cells; tries++) {
      this.#lastCell = this.#lastCell + 1 === cells ? 0 : this.#lastCell + 1;
      const server = this.#nextFit(this.#lastCell, share);
      if (server >= 0) return server;
    }
    return -1;
  }

  #nextFit(cell: number, share: number): number {
    const first = cell * this.#perCell;
    let last = this.#lastServer[cell] as number;
    for (let tries = 0; tries < this.#perCell; tries++) {
      last = last + 1 === this.#perCell ? 0 : last + 1;
      if (share <= 1 - (this.#held[first + last] as number) + 1e-9) {
        this.#lastServer[cell] = last;
        return first + last;
      }
    }
    this.#lastServer[cell] = last;
    return -1;
  }

  #leastHeld(share: number): number {
    let best = -1;
    let most = 0;
    for (let server = this.#edge; server < this.#all; server++) {
      const left = 1 - (this.#held[server] as number);
      if (share <= left + 1e-9 && left > most) {
        best = server;
        most = left;
      }
    }
    return best;
  }

  #share(server: number, app: number): number {
    return (server < this.#edge ? this.#edgeShare[app] : this.#cloudShare[app]) as number;
  }

  /** Starts a task. Returns when the server must be looked at next, or 0 where that is scheduled already. */
  add(server: number, now: number, task: number, work: number, app: number): number {
    this.#held[server]! += this.#share(server, app);
    this.#servers.add(server, now, task, work);
    return this.rearm(server);
  }

  release(server: number, app: number): void {
    this.#held[server]! -= this.#share(server, app);
  }

  /** True for the one scheduled look at a server; earlier plans that were overtaken are not it. */
  isDue(server: number, now: number): boolean {
    if (this.#scheduled[server] !== now) return false;
    this.#scheduled[server] = Number.POSITIVE_INFINITY;
    return true;
  }

  takeDone(server: number, now: number): number {
    return this.#servers.takeDone(server, now);
  }

  /** When the server must be looked at next, or 0 where a look at least as early is scheduled. */
  rearm(server: number): number {
    const next = this.#servers.nextAt(server);
    if (next >= (this.#scheduled[server] as number)) return 0;
    this.#scheduled[server] = next;
    return next;
  }

  /** Mean share of cores in use from the start to `now`, at the edge and in the cloud. */
  utilisation(now: number, edgeCores: number, cloudCores: number): { edge: number; cloud: number } {
    let edge = 0;
    let cloud = 0;
    for (let server = 0; server < this.#all; server++) {
      const busy = this.#servers.busyTime(server, now);
      if (server < this.#edge) edge += busy;
      else cloud += busy;
    }
    const clouds = this.#all - this.#edge;
    return {
      edge: edge / (now * edgeCores * this.#edge),
      cloud: clouds === 0 ? 0 : cloud / (now * cloudCores * clouds),
    };
  }
}
