import { expect, it } from "vitest";
import { edgeCloudSimApp1 } from "./app1.ts";
import type { CellTiers } from "./cell-scenario.ts";
import { CellSimulation } from "./cells.ts";

/** EdgeCloudSim's own five runs of each row: failed % with deviation, service s with deviation, network s. */
const ROWS: readonly (readonly [number, CellTiers, number, number, number, number, number])[] = [
  [500, "edge", 23.53, 2.4, 2.951, 0.084, 0.0204],
  [500, "edge+cloud", 13.68, 0.64, 2.269, 0.03, 0.1342],
  [500, "edge+cloud+neighbours", 0.92, 0.05, 1.988, 0.141, 0.1266],
  [1000, "edge", 47.16, 0.83, 3.38, 0.034, 0.0222],
  [1000, "edge+cloud", 32.53, 0.94, 2.511, 0.022, 0.1801],
  [1000, "edge+cloud+neighbours", 22.67, 2.34, 3.242, 0.011, 0.167],
];

it.each(ROWS)(
  "%i devices on %s behave as EdgeCloudSim's do",
  (devices, tiers, failed, failedSd, service, serviceSd, network) => {
    const seeds = [1, 2, 3, 4];
    const outcomes = seeds.map((seed) => new CellSimulation(edgeCloudSimApp1(devices, tiers), seed).run());
    const failures = outcomes.map(({ completed, tasks }) => 100 * (1 - completed / tasks));
    const services = outcomes.map(({ serviceTime }) => serviceTime.mean);
    // Both sides are a few runs each; the greater part of the spread is how many tasks their seeds happen to give.
    const spread = (values: readonly number[], peer: number): number =>
      3 * Math.hypot(deviation(values), peer);
    expect(Math.abs(mean(failures) - failed)).toBeLessThan(spread(failures, failedSd));
    expect(Math.abs(mean(services) - service)).toBeLessThan(spread(services, serviceSd));
    expect(mean(outcomes.map(({ networkTime }) => networkTime)) / network).toBeCloseTo(1, 1);
  },
);

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

it("one seed is one run; every task is accounted for", () => {
  const run = (seed: number) => new CellSimulation(edgeCloudSimApp1(200, "edge+cloud"), seed).run();
  const [a, b, c] = [run(5), run(5), run(6)];
  expect(a.serviceTime.sum).toBe(b.serviceTime.sum);
  expect(a.events).toBe(b.events);
  expect(c.serviceTime.sum).not.toBe(a.serviceTime.sum);
  const { capacity, bandwidth, mobility } = a.failed;
  expect(a.completed + capacity + bandwidth + mobility).toBe(a.tasks);
  expect(a.byApp.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(a.tasks);
  expect(a.byApp.reduce((sum, { failed }) => sum + failed, 0)).toBe(capacity + bandwidth + mobility);
});
