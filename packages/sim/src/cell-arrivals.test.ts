import { type Micros, type Ratio, Rng } from "@weft/kernel";
import { expect, it } from "vitest";
import { edgeCloudSimApp1 } from "./app1.ts";
import { CellArrivals } from "./cell-arrivals.ts";
import type { CellScenario } from "./cell-scenario.ts";

interface Arrival {
  readonly at: number;
  readonly device: number;
  readonly app: number;
  readonly work: number;
}

function arrivalsOf(scenario: CellScenario, seed: number): Arrival[] {
  const arrivals = new CellArrivals(scenario, new Rng(seed));
  const found: Arrival[] = [];
  for (; arrivals.at <= scenario.duration; arrivals.advance()) {
    const { at, device, app, work } = arrivals;
    found.push({ at, device, app, work });
  }
  return found;
}

it("gives each app as many tasks as its devices' active time and interarrival say, of the work they say", () => {
  const scenario = edgeCloudSimApp1(2000, "edge");
  const found = arrivalsOf(scenario, 1);
  scenario.apps.forEach((app, i) => {
    const own = found.filter((arrival) => arrival.app === i);
    const users = new Set(own.map(({ device }) => device)).size;
    expect(users / 2000 / app.share).toBeCloseTo(1, 0);
    const share = app.active / (app.active + app.idle);
    const expected = (users * share * (scenario.duration - scenario.startsAt)) / app.interarrival;
    // Few of the devices have no task at all; periods that the end cuts make up the rest.
    expect(Math.abs(own.length / expected - 1)).toBeLessThan(0.03);
    const work = own.reduce((sum, arrival) => sum + arrival.work, 0) / own.length;
    expect(Math.abs(work / app.work - 1)).toBeLessThan(0.05);
  });
});

it("a device has tasks only while it is active, with exponential times between them", () => {
  const [app] = edgeCloudSimApp1(1, "edge").apps;
  const scenario: CellScenario = {
    ...edgeCloudSimApp1(1, "edge"),
    duration: 400_000e6 as Micros,
    apps: [{ ...(app as CellScenario["apps"][0]), share: 1 as Ratio }],
  };
  const { active, idle, interarrival } = scenario.apps[0] as CellScenario["apps"][0];
  const at = arrivalsOf(scenario, 3).map((arrival) => arrival.at);
  // The device's phase is the one thing unknown: folded by its period, its tasks lie within one active time.
  const period = active + idle;
  const folded = at.map((t) => t % period).sort((a, b) => a - b);
  const gaps = folded.map((t, i) => ((folded[i + 1] ?? (folded[0] as number) + period) as number) - t);
  expect(Math.max(...gaps)).toBeGreaterThan(idle * 0.99);
  // Tasks in equal pieces of one active time: Poisson, so variance and mean are one.
  const phase = folded[(gaps.indexOf(Math.max(...gaps)) + 1) % folded.length] as number;
  const counts = new Map<number, number>();
  for (const t of at) {
    const turn = Math.floor((t - phase + 1) / period);
    counts.set(turn, (counts.get(turn) ?? 0) + 1);
  }
  const turns = Math.floor(scenario.duration / period);
  const mean = at.length / turns;
  let squares = 0;
  for (let turn = 0; turn < turns; turn++) squares += ((counts.get(turn) ?? 0) - mean) ** 2;
  expect(mean / (active / interarrival)).toBeCloseTo(1, 1);
  expect(squares / turns / mean).toBeCloseTo(1, 1);
});

it("draws the same tasks wherever they may run", () => {
  const tiers = ["edge", "edge+cloud", "edge+cloud+neighbours"] as const;
  const [a, b, c] = tiers.map((tier) => arrivalsOf(edgeCloudSimApp1(50, tier), 9));
  expect(b).toEqual(a);
  expect(c).toEqual(a);
});
