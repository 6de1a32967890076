import { expect, it } from "vitest";
import type { BatchProblem } from "../batch/batch-problem.ts";
import { placeGang } from "./gang.ts";

/** `tasks` like tasks of one core each, anywhere on two nodes of the given cores; the second costs more. */
const gang = (tasks: number, cores: readonly [number, number]): BatchProblem => ({
  tasks,
  nodes: 2,
  resources: 1,
  start: Int32Array.from({ length: tasks + 1 }, (_, t) => 2 * t),
  node: Int32Array.from({ length: 2 * tasks }, (_, a) => a % 2),
  cost: Float64Array.from({ length: 2 * tasks }, (_, a) => 1 + (a % 2)),
  demand: new Float64Array(2 * tasks).fill(1),
  capacity: Float64Array.from(cores),
  leaveOut: 0,
});

it("places all of a gang at least cost", () => {
  const placed = placeGang(gang(5, [3, 4]), 1);
  expect(placed.ok && placed.value.cost).toBe(7);
  expect(placed.ok && placed.value.proven).toBe(true);
});

it("places none of a gang that does not fit whole, and says how much would", () => {
  const placed = placeGang(gang(5, [3, 1]), 1);
  expect(placed.ok ? "" : placed.refusal.code).toBe("gang_does_not_fit");
  expect(placed.ok ? "" : placed.refusal.found).toBe("4 of 5 tasks");
});
