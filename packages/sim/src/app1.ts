import type { BitsPerSecond, Bytes, Micros, Operations, OperationsPerSecond, Ratio } from "@weft/kernel";
import type { AppProfile, CellScenario, CellTiers } from "./cell-scenario.ts";

const seconds = (value: number): Micros => Math.round(value * 1e6) as Micros;

/** name, share %, cloud %, interarrival s, active s, idle s, upload kB, download kB, MI, edge %, cloud % */
const APPS: readonly (readonly [string, ...number[]])[] = [
  ["augmented-reality", 30, 20, 5, 45, 15, 1500, 25, 2000, 20, 2],
  ["health", 20, 20, 30, 10, 20, 1250, 20, 400, 5, 0.5],
  ["heavy", 20, 40, 60, 60, 60, 2500, 250, 3000, 30, 3],
  ["infotainment", 30, 15, 7, 15, 45, 25, 2000, 750, 10, 1],
];

/**
 * The first sample application of EdgeCloudSim (Sonmez, Ozgovde and Ersoy 2018), as its configuration files give
 * it: 30 minutes, 14 cells, four apps. docs/spec/models.md says where its models depart from their own names.
 */
export function edgeCloudSimApp1(devices: number, tiers: CellTiers, cells = 14): CellScenario {
  const apps = APPS.map(([name, ...figures]): AppProfile => {
    const [share, cloud, interarrival, active, idle, up, down, work, edge, cloudShare] = figures as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      name,
      share: (share / 100) as Ratio,
      // It compares a whole number from 0 to 100, both included, with the percentage.
      toCloud: ((cloud + 1) / 101) as Ratio,
      interarrival: seconds(interarrival),
      active: seconds(active),
      idle: seconds(idle),
      upload: (up * 1000) as Bytes,
      download: (down * 1000) as Bytes,
      work: (work * 1e6) as Operations,
      edgeShare: (edge / 100) as Ratio,
      cloudShare: (cloudShare / 100) as Ratio,
    };
  });
  // Its M/M/1 model takes weighted means divided once more by the number of apps, and sums the WAN's as it goes.
  const quarter = (of: (app: AppProfile) => number): number =>
    apps.reduce((sum, app) => sum + of(app) * app.share, 0) / apps.length;
  let wlanSum = 0;
  let wanInterval = 0;
  APPS.forEach(([, , cloud], i) => {
    const { interarrival, share } = apps[i] as AppProfile;
    wlanSum += interarrival * share;
    wanInterval += wlanSum * (100 / (cloud as number)) * share;
  });
  const sizes = {
    upload: quarter((app) => app.upload) as Bytes,
    download: quarter((app) => app.download) as Bytes,
  };
  const dwellOf = (cell: number): Micros => seconds(cell % 14 < 2 ? 500 : cell % 14 < 6 ? 300 : 120);
  return {
    devices,
    duration: seconds(1800),
    warmUp: seconds(180),
    startsAt: seconds(10),
    dwell: Array.from({ length: cells }, (_, cell) => dwellOf(cell)),
    apps,
    edge: { count: 2, cores: 2, rate: 1e9 as OperationsPerSecond },
    cloud: { count: 4 * Math.max(1, Math.round(cells / 14)), cores: 4, rate: 1e10 as OperationsPerSecond },
    wlan: {
      rate: 2e8 as BitsPerSecond,
      propagation: seconds(0),
      interval: (wlanSum / 4) as Micros,
      ...sizes,
    },
    wan: {
      rate: 1.5e7 as BitsPerSecond,
      propagation: seconds(0.1),
      interval: wanInterval as Micros,
      ...sizes,
    },
    lan: seconds(0.005),
    patience: seconds(5),
    tiers,
  };
}
