import { expect, it } from "vitest";
import { FuzzedNetwork } from "./network.ts";

it("a network under every kind of fault keeps its promises, and recovers", () => {
  const reports = [1, 2, 3, 4, 5, 6].map((seed) => new FuzzedNetwork({ seed }).run());
  // The sweep means something only if things really went wrong.
  expect(reports.reduce((sum, { lostRuns }) => sum + lostRuns, 0)).toBeGreaterThan(0);
  expect(reports.reduce((sum, { crashes }) => sum + crashes, 0)).toBeGreaterThan(5);
  for (const { tasks } of reports) expect(tasks).toBe(40);
}, 60_000);

it("seed 65: a node suspected and heard again in time takes tasks again", () => {
  expect(new FuzzedNetwork({ seed: 65 }).run().tasks).toBe(40);
}, 60_000);

it("one seed is one run, to the byte", () => {
  const run = () => new FuzzedNetwork({ seed: 9, tasks: 10, faults: 10 }).run();
  expect(run()).toEqual(run());
});
