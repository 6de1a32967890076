import type { BitsPerSecond, Bytes, Micros, Operations, OperationsPerSecond, Ratio } from "@weft/kernel";

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
