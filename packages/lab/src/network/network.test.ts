import type { BitsPerSecond, Bytes, GramsCo2, Micros, OperationsPerSecond, Ratio, Watts } from "@weft/kernel";
import { describe, expect, it } from "vitest";
import type { Outcome } from "../study.ts";
import {
  caseOf,
  casesOf,
  type NetworkScenario,
  type NodeGroup,
  type Policy,
  type Workload,
} from "./scenario.ts";
import { NetworkSimulation } from "./simulation.ts";
import { drawTasks } from "./tasks.ts";

const seconds = (value: number): Micros => (value * 1e6) as Micros;
const place = (name: string, longitude: number) => ({ name, latitude: 0, longitude, region: null });

const group = (own: Partial<NodeGroup>): NodeGroup => ({
  name: "edge",
  tier: "edge",
  sites: [0],
  count: 1,
  type: "logical",
  lanes: 1,
  laneRate: 1e9 as OperationsPerSecond,
  memory: 1e12 as Bytes,
  watts: { idle: 10 as Watts, full: 110 as Watts },
  slowest: 1 as Ratio,
  pricePerGiga: 1,
  carbon: [360 as GramsCo2],
  battery: null,
  failures: null,
  ...own,
});
const workload = (own: Partial<Workload>): Workload => ({
  name: "count",
  arrivals: { kind: "poisson", perSecond: 1 },
  type: "logical",
  lanes: 1,
  input: { kind: "fixed", value: 0 },
  result: { kind: "fixed", value: 0 },
  work: { kind: "fixed", value: 1e8 },
  memory: 0 as Bytes,
  deadline: null,
  patience: seconds(1000),
  ...own,
});
const ANY: Policy = { name: "any", tier: null, ownSite: false, objective: "time" };

const scenario = (own: Partial<NetworkScenario>): NetworkScenario => ({
  topology: {
    name: "line",
    sites: [place("a", 0), place("b", 1), place("c", 2)],
    cables: [
      { a: 0, b: 1, delay: 10_000 as Micros, rate: 8e6 as BitsPerSecond },
      { a: 1, b: 2, delay: 20_000 as Micros, rate: 8e7 as BitsPerSecond },
    ],
    demands: [],
  },
  delayUnknown: 1000 as Micros,
  rateUnknown: 1e9 as BitsPerSecond,
  traffic: 0 as Ratio,
  duration: seconds(100),
  warmUp: 0 as Micros,
  startHour: 0,
  groups: [group({})],
  users: [1, 0, 0],
  mobility: null,
  workloads: [workload({})],
  peaks: [],
  faults: [],
  conditions: [],
  detection: seconds(1),
  misprediction: 0,
  joulesPerByte: 0,
  policies: [ANY],
  ...own,
});
const run = (own: Partial<NetworkScenario>, policy = ANY, seed = 1): Outcome =>
  new NetworkSimulation(scenario(own), policy, seed).run();
const one = (input: number, result = 0): Workload =>
  workload({
    arrivals: {
      kind: "trace",
      speedUp: 1,
      requests: [{ at: seconds(1), input: input as Bytes, result: result as Bytes, work: 1e8 as never }],
    },
  });

describe("one task alone", () => {
  it("takes its transfers, its delays and its work, there and back", () => {
    // 10 kB over 8 Mb/s is 10 ms, cut through on the faster link; 30 ms of delay; 100 ms of work; 30 ms back.
    const outcome = run({ groups: [group({ sites: [2] })], workloads: [one(10_000)] });
    expect(outcome.metrics.latencyMean).toBeCloseTo(0.01 + 0.03 + 0.1 + 0.03, 6);
    expect(outcome.metrics.hops).toBe(2);
    const withResult = run({ groups: [group({ sites: [2] })], workloads: [one(10_000, 20_000)] });
    expect(withResult.metrics.latencyMean).toBeCloseTo(0.17 + 0.02, 6);
  });

  it("costs the energy of its work, and of the nodes that wait", () => {
    const outcome = run({ workloads: [one(0)] });
    expect(outcome.metrics.energyPerTask).toBeCloseTo(100 * 10 + 0.1 * 100, 6);
    expect(outcome.metrics.carbonPerTask).toBeCloseTo((1010 / 3.6e6) * 360, 6);
    expect(outcome.metrics.costPerTask).toBeCloseTo(0.1 / 1e6, 9);
  });

  it("goes back to where its user has moved", () => {
    const still = run({ workloads: [one(0, 1000)] });
    const moved = run({
      workloads: [one(0, 1000)],
      mobility: { kind: "tracks", tracks: [{ at: [0 as Micros, seconds(1.05)], site: [0, 2] }] },
    });
    expect(moved.metrics.hops).toBe(2);
    expect((moved.metrics.latencyMean as number) - (still.metrics.latencyMean as number)).toBeCloseTo(
      0.031,
      6,
    );
  });
});

it("is the queue M/D/1 where one node serves one site", () => {
  // Load 0.5, service 0.5 s: the mean wait is rho / (2 mu (1 - rho)) = 0.25 s (Pollaczek and Khinchine).
  const outcome = run({
    duration: seconds(60_000),
    workloads: [workload({ work: { kind: "fixed", value: 5e8 } })],
  });
  expect(outcome.metrics.latencyMean).toBeCloseTo(0.75, 1);
  expect(outcome.metrics.utilisation).toBeCloseTo(50, 0);
});

it("runs a task with time to spare as slowly as its deadline allows, for the square of it in energy", () => {
  const lazy = { ...one(0), deadline: seconds(0.2) };
  const groups = [group({ slowest: 0.25 as Ratio, watts: { idle: 0 as Watts, full: 100 as Watts } })];
  const outcome = run({ groups, workloads: [lazy] });
  expect(outcome.metrics.latencyMean).toBeCloseTo(0.2, 6);
  expect(outcome.metrics.missed).toBe(0);
  expect(outcome.metrics.energyPerTask).toBeCloseTo(0.1 * 100 * 0.5 ** 2, 6);
});

it("keeps a task at its own site where compute does not cooperate, and shares where it does", () => {
  const groups = [group({ sites: [0, 1, 2], lanes: 1 })];
  const busy = {
    groups,
    workloads: [workload({ arrivals: { kind: "poisson", perSecond: 12 }, patience: seconds(2) })],
  };
  const island = run(busy, { ...ANY, ownSite: true });
  const network = run(busy);
  expect(island.metrics.hops).toBe(0);
  expect(island.metrics.unserved).toBeGreaterThan(5);
  expect(network.metrics.unserved).toBe(0);
  expect(network.metrics.latencyP99).toBeLessThan(island.metrics.latencyP99 as number);
});

it("places a lost run again, and every task ends once", () => {
  const groups = [group({ sites: [0, 1], failures: { every: seconds(20), lasts: seconds(3) } })];
  const outcome = run({
    duration: seconds(500),
    groups,
    workloads: [workload({ work: { kind: "fixed", value: 3e8 } })],
  });
  expect(outcome.metrics.placedAgain).toBeGreaterThan(0);
  expect(outcome.metrics.unserved).toBe(0);
  expect(outcome.metrics.tasks).toBe(drawTasks(scenario({ duration: seconds(500) }), 1).count);
});

it("does without a site that fails, and a link that is down", () => {
  const groups = [group({ sites: [0, 1] })];
  const fault = { at: seconds(0.5), lasts: seconds(10) };
  const site = run({
    groups,
    workloads: [one(0)],
    faults: [{ kind: "site", site: 0, ...fault }],
    detection: 1000 as Micros,
  });
  expect(site.metrics.hops).toBe(1);
  const link = run({
    groups: [group({ sites: [2] })],
    workloads: [one(0)],
    faults: [{ kind: "link", a: 0, b: 1, ...fault }],
  });
  expect(link.metrics.latencyMean).toBeCloseTo(9.5 + 0.16, 3);
});

it("stops using a node whose battery runs low", () => {
  const groups = [group({ battery: 20 as never }), group({ name: "mains", sites: [1] })];
  const outcome = run({ groups, duration: seconds(200) });
  const used = outcome.map?.sites.map(({ share }) => share) ?? [];
  expect(used[0]).toBeGreaterThan(0);
  expect(used[0]).toBeLessThan(0.02);
});

it("one seed is one run; policies of a seed get the same tasks", () => {
  expect(run({}).digest).toBe(run({}).digest);
  expect(run({}, ANY, 2).digest).not.toBe(run({}).digest);
  const tasks = drawTasks(scenario({}), 3);
  expect([...tasks.at]).toEqual([...drawTasks(scenario({ groups: [] }), 3).at]);
  expect(tasks.count).toBeGreaterThan(60);
});

it("arrivals follow the tide, the bursts and the peaks", () => {
  const day = {
    duration: seconds(86_400),
    workloads: [
      workload({ arrivals: { kind: "diurnal", perSecond: 0.5, swing: 0.8 as Ratio, peakHour: 18 } }),
    ],
  };
  const tide = drawTasks(scenario(day), 1);
  const within = (from: number, to: number): number =>
    [...tide.at].filter((at) => at >= from * 3.6e9 && at < to * 3.6e9).length;
  expect(within(17, 19) / within(5, 7)).toBeGreaterThan(6);
  const peak = { site: 0, at: seconds(40), lasts: seconds(20), times: 5 };
  const peaked = drawTasks(
    scenario({ peaks: [peak], workloads: [workload({ arrivals: { kind: "poisson", perSecond: 20 } })] }),
    1,
  );
  const during = [...peaked.at].filter((at) => at >= 40e6 && at < 60e6).length;
  expect(during / (peaked.count - during)).toBeGreaterThan(1);
  const bursts = drawTasks(
    scenario({
      duration: seconds(1000),
      workloads: [
        workload({ arrivals: { kind: "on-off", perSecond: 10, on: seconds(5), off: seconds(15) } }),
      ],
    }),
    1,
  );
  expect(bursts.count / 1000).toBeGreaterThan(1.5);
  expect(bursts.count / 1000).toBeLessThan(3.7);
});

it("runs every policy under every condition", () => {
  const conditions = [
    { name: "calm", peaks: [], faults: [], failures: null },
    {
      name: "failing",
      peaks: [],
      faults: [],
      failures: { tier: "edge" as const, every: seconds(5), lasts: seconds(1) },
    },
  ];
  const both = scenario({ conditions });
  expect(casesOf(both)).toEqual(["calm / any", "failing / any"]);
  expect(caseOf(both, "failing / any")?.scenario.groups[0]?.failures?.every).toBe(seconds(5));
  expect(caseOf(both, "stormy / any")).toBeNull();
});
