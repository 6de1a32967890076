import { expect, it } from "vitest";
import { FuzzedNetwork } from "./network.ts";

it("a network under every kind of fault keeps its promises, and recovers", () => {
  const reports = [1, 2, 3, 4, 5, 6].map((seed) => new FuzzedNetwork({ seed }).run());
  // The sweep means something only if things really went wrong.
  expect(reports.reduce((sum, { lostRuns }) => sum + lostRuns, 0)).toBeGreaterThan(0);
  expect(reports.reduce((sum, { crashes }) => sum + crashes, 0)).toBeGreaterThan(5);
  expect(reports.reduce((sum, { cancelled }) => sum + cancelled, 0)).toBeGreaterThan(5);
  for (const { tasks } of reports) expect(tasks).toBe(40);
}, 180_000);

/** Runs of nodes with a wrong clock that were refused, by the node or by the manager. */
function refusedForTheirClock(seed: number): number {
  const network = new FuzzedNetwork({ seed });
  network.run();
  const wrong = new Set([...network.wrongClocks.keys()].map((agent) => network.world.name(agent)));
  const runs = network.store.state().runs.map(({ view }) => view);
  expect(runs.some(({ node }) => wrong.has(node))).toBe(true);
  return runs.filter(({ node, because }) => wrong.has(node) && because === "node_refused").length;
}

it("seed 1: a node whose clock is half a minute off is paid for what it runs", () => {
  expect(refusedForTheirClock(1)).toBe(0);
}, 180_000);

it("seed 5: a node whose clock is minutes off does not decline task after task", () => {
  // One task finds it out a minute, beside those already on their way.
  expect(refusedForTheirClock(5)).toBeLessThanOrEqual(6);
}, 180_000);

it("seed 65: a node suspected and heard again in time takes tasks again", () => {
  expect(new FuzzedNetwork({ seed: 65 }).run().tasks).toBe(40);
}, 180_000);

it("one seed is one run, to the byte", () => {
  const run = () => new FuzzedNetwork({ seed: 9, tasks: 10, faults: 10 }).run();
  expect(run()).toEqual(run());
});
