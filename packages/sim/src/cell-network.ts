import type { CellScenario, SharedLink } from "./cell-scenario.ts";

/** Delays in the cells: tables by number of devices, since the M/M/1 model knows nothing else. */
export class CellNetwork {
  readonly #devices: Int32Array;
  readonly #wlanUp: Float64Array;
  readonly #wlanDown: Float64Array;
  readonly #wanUp: Float64Array;
  readonly #wanDown: Float64Array;
  readonly #lan: number;

  constructor(scenario: CellScenario) {
    const { wlan, wan, patience, devices, dwell, lan } = scenario;
    this.#devices = new Int32Array(dwell.length);
    // Beyond the count at which even the WLAN fails every longer queue fails too.
    const last = Math.min(
      devices,
      saturation(wlan),
      Math.max(saturation(wan), 4 * (devices / dwell.length) + 1000),
    );
    const table = (link: SharedLink, size: number): Float64Array =>
      Float64Array.from({ length: Math.ceil(last) + 2 }, (_, n) => mm1Delay(link, size, n, patience));
    this.#wlanUp = table(wlan, wlan.upload);
    this.#wlanDown = table(wlan, wlan.download);
    this.#wanUp = table(wan, wan.upload);
    this.#wanDown = table(wan, wan.download);
    this.#lan = lan;
  }

  enter(cell: number): void {
    this.#devices[cell]! += 1;
  }

  leave(cell: number): void {
    this.#devices[cell]! -= 1;
  }

  /** Time to the cell's servers or the cloud; NaN where it would take too long. */
  upload(cell: number, cloud: boolean): number {
    const n = this.#row(cell);
    const wlan = this.#wlanUp[n] as number;
    return cloud ? wlan + (this.#wanUp[n] as number) : wlan;
  }

  /** Time from the cloud or the servers of cell `from`; NaN where it would take too long. */
  download(cell: number, cloud: boolean, from: number): number {
    const n = this.#row(cell);
    const wlan = this.#wlanDown[n] as number;
    if (cloud) return wlan + (this.#wanDown[n] as number);
    return from === cell ? wlan : wlan + 2 * this.#lan;
  }

  #row(cell: number): number {
    return Math.min(this.#devices[cell] as number, this.#wlanUp.length - 1);
  }
}

/** Devices at which a link's queue has no steady state any more. */
const saturation = (link: SharedLink): number =>
  (link.rate / 8 / Math.min(link.upload, link.download)) * (link.interval / 1e6) + 1;

/**
 * Mean time in an M/M/1 queue that serves messages of `size` bytes and gets one from each of `n` devices an
 * `interval`, plus propagation, in microseconds (Kleinrock 1975); NaN above `patience` or without steady state.
 */
function mm1Delay(link: SharedLink, size: number, n: number, patience: number): number {
  const served = link.rate / 8 / size;
  const arriving = (n * 1e6) / link.interval;
  const delay = 1e6 / (served - arriving) + link.propagation;
  return served > arriving && delay <= patience ? delay : Number.NaN;
}
