import type { CellScenario } from "./cell-scenario.ts";
import { SharedServers } from "./sharing.ts";
import { Tournament } from "./tournament.ts";

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
  /** Budget in use at each edge server. */
  readonly #held: Float64Array;
  /** The same in the cloud, where the least loaded one is looked for. */
  readonly #cloudHeld: Tournament;
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
    this.#held = new Float64Array(this.#edge);
    this.#cloudHeld = new Tournament(cloud.count, 0);
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
    return share <= 1 - this.#cloudHeld.value + 1e-9 ? this.#edge + this.#cloudHeld.least : -1;
  }

  /** When the next task ends, on whichever server; Infinity where none runs. */
  get nextAt(): number {
    return this.#servers.nextAt;
  }

  /** The server on which the next task ends. */
  get next(): number {
    return this.#servers.next;
  }

  add(server: number, now: number, task: number, work: number, app: number): void {
    if (server < this.#edge) this.#held[server]! += this.#edgeShare[app] as number;
    else this.#hold(server - this.#edge, this.#cloudShare[app] as number);
    this.#servers.add(server, now, task, work);
  }

  /** Takes the task that ends at `nextAt` off its server. */
  takeNext(): number {
    return this.#servers.takeNext();
  }

  /** Gives back the budget that a task of `app` held. */
  release(server: number, app: number): void {
    if (server < this.#edge) this.#held[server]! -= this.#edgeShare[app] as number;
    else this.#hold(server - this.#edge, -(this.#cloudShare[app] as number));
  }

  #hold(cloud: number, share: number): void {
    this.#cloudHeld.set(cloud, this.#cloudHeld.of(cloud) + share);
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
