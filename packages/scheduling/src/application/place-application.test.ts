import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type Application,
  type DataEdge,
  placementCost,
  spaceHolds,
  stepGraphOf,
  transferTime,
} from "./application.ts";
import { placeApplication } from "./place-application.ts";

function randomApplication(
  rng: Rng,
  steps: number,
  nodes: number,
  shape: "dag" | "tree" | "chain",
): Application {
  const edges: DataEdge[] = [];
  for (let to = 1; to < steps; to++) {
    const bytes = rng.below(10);
    if (shape === "chain") edges.push({ from: to - 1, to, bytes });
    else if (shape === "tree") edges.push({ from: rng.below(to), to, bytes });
    else {
      for (let from = 0; from < to; from++)
        if (rng.chance(0.4)) edges.push({ from, to, bytes: rng.below(10) });
    }
  }
  const table = (size: number, of: () => number) => Float64Array.from({ length: size }, of);
  return {
    steps,
    nodes,
    time: table(steps * nodes, () => (rng.chance(0.15) ? Number.POSITIVE_INFINITY : 1 + rng.below(9))),
    price: table(steps * nodes, () => rng.below(20)),
    edges,
    delay: table(nodes * nodes, () => (rng.chance(0.1) ? Number.POSITIVE_INFINITY : rng.below(4))),
    secondsPerByte: table(nodes * nodes, () => rng.below(3)),
    pricePerByte: table(nodes * nodes, () => rng.below(3)),
    space: table(steps, () => rng.below(4)),
    room: table(nodes, () => (rng.chance(0.5) ? Number.POSITIVE_INFINITY : 2 + rng.below(10))),
    lanes: Int32Array.from({ length: nodes }, () => (rng.chance(0.3) ? steps : 1 + rng.below(2))),
  };
}

/** Every choice of nodes, and for each every order of starting the steps: obviously right, and slow. */
function byTrying(app: Application, visit: (cost: number, makespan: number) => void): void {
  const node = new Int32Array(app.steps).fill(-1);
  const finish = new Float64Array(app.steps);
  const lanes = Array.from(app.lanes, (count) => new Float64Array(count));
  const order = (placed: number): void => {
    if (placed === app.steps) {
      visit(placementCost(app, node), Math.max(...finish));
      return;
    }
    for (let s = 0; s < app.steps; s++) {
      if (finish[s]! > 0 || app.edges.some((e) => e.to === s && finish[e.from] === 0)) continue;
      const mine = lanes[node[s]!]!;
      const lane = mine.indexOf(Math.min(...mine));
      let at = mine[lane]!;
      for (const e of app.edges) {
        if (e.to === s)
          at = Math.max(at, finish[e.from]! + transferTime(app, e.bytes, node[e.from]!, node[s]!));
      }
      const before = mine[lane]!;
      finish[s] = at + app.time[s * app.nodes + node[s]!]!;
      mine[lane] = finish[s]!;
      order(placed + 1);
      mine[lane] = before;
      finish[s] = 0;
    }
  };
  const choose = (s: number): void => {
    if (s === app.steps) {
      if (spaceHolds(app, node) && placementCost(app, node) < Number.POSITIVE_INFINITY) order(0);
      return;
    }
    for (let j = 0; j < app.nodes; j++) {
      node[s] = j;
      choose(s + 1);
    }
  };
  choose(0);
}

function checkTimes(
  app: Application,
  plan: { node: Int32Array; start: Float64Array; finish: Float64Array },
): void {
  for (const e of app.edges) {
    const arrives = plan.finish[e.from]! + transferTime(app, e.bytes, plan.node[e.from]!, plan.node[e.to]!);
    expect(plan.start[e.to]).toBeGreaterThanOrEqual(arrives - 1e-9);
  }
  for (let s = 0; s < app.steps; s++) {
    const j = plan.node[s]!;
    expect(plan.finish[s]).toBeCloseTo(plan.start[s]! + app.time[s * app.nodes + j]!, 9);
    const during = (t: number) =>
      plan.node.filter((n, o) => n === j && plan.start[o]! <= t && plan.finish[o]! > t).length;
    expect(during(plan.start[s]!)).toBeLessThanOrEqual(app.lanes[j]!);
  }
}

for (const shape of ["dag", "tree", "chain"] as const) {
  it(`places a ${shape} as fast, as cheaply, and as cheaply within a deadline as the best of all ways`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const rng = new Rng(seed);
        const app = randomApplication(rng, 1 + rng.below(4), 1 + rng.below(3), shape);
        const deadline = 5 + rng.below(20);
        let fastest = Number.POSITIVE_INFINITY;
        let cheapest = Number.POSITIVE_INFINITY;
        let cheapestInTime = Number.POSITIVE_INFINITY;
        byTrying(app, (cost, makespan) => {
          fastest = Math.min(fastest, makespan);
          cheapest = Math.min(cheapest, cost);
          if (makespan <= deadline) cheapestInTime = Math.min(cheapestInTime, cost);
        });
        const objectives = [
          [{ kind: "time" }, fastest],
          [{ kind: "cost", deadline: Number.POSITIVE_INFINITY }, cheapest],
          [{ kind: "cost", deadline }, cheapestInTime],
        ] as const;
        for (const [objective, best] of objectives) {
          const placed = placeApplication(app, objective);
          expect(placed.ok).toBe(best < Number.POSITIVE_INFINITY);
          if (!placed.ok) {
            expect(placed.refusal.code).toBe("no_placement");
            continue;
          }
          const value = objective.kind === "time" ? placed.value.makespan : placed.value.cost;
          expect(value).toBeCloseTo(best, 9);
          expect(placed.value.proven).toBe(true);
          expect(placed.value.bound).toBeCloseTo(best, 9);
          expect(spaceHolds(app, placed.value.node)).toBe(true);
          expect(placementCost(app, placed.value.node)).toBeCloseTo(placed.value.cost, 9);
          checkTimes(app, placed.value);
        }
      }),
      { numRuns: 150 },
    );
  });
}

it("bounds what it cannot finish, and the bound lies below the plan", () => {
  for (let seed = 0; seed < 5; seed++) {
    const rng = new Rng(seed);
    const app = randomApplication(rng, 14, 6, "dag");
    const placed = placeApplication(app, { kind: "time" }, 2_000);
    if (!placed.ok) continue;
    expect(placed.value.bound).toBeLessThanOrEqual(placed.value.makespan + 1e-9);
    expect(stepGraphOf(app)).not.toBeNull();
    checkTimes(app, placed.value);
  }
});

it("refuses steps that wait for one another in a circle", () => {
  const app = randomApplication(new Rng(1), 2, 2, "chain");
  const circular = { ...app, edges: [...app.edges, { from: 1, to: 0, bytes: 1 }] };
  const placed = placeApplication(circular, { kind: "time" });
  expect(placed.ok ? "" : placed.refusal.code).toBe("circular_steps");
});

it("[E3] routes a function chain from a fixed source to a fixed sink through the best instances", () => {
  // Nodes: 0 source, 1 near but slow, 2 far but fast, 3 sink. Functions may run on 1 and 2 only.
  const x = Number.POSITIVE_INFINITY;
  const app: Application = {
    steps: 4,
    nodes: 4,
    time: Float64Array.of(0, x, x, x, x, 9, 2, x, x, 9, 2, x, x, x, x, 0),
    price: new Float64Array(16),
    edges: [
      { from: 0, to: 1, bytes: 1 },
      { from: 1, to: 2, bytes: 1 },
      { from: 2, to: 3, bytes: 1 },
    ],
    delay: Float64Array.of(0, 1, 4, x, 1, 0, 3, 1, 4, 3, 0, 4, x, 1, 4, 0),
    secondsPerByte: new Float64Array(16),
    pricePerByte: new Float64Array(16),
    space: new Float64Array(4),
    room: new Float64Array(4).fill(x),
    lanes: new Int32Array(4).fill(4),
  };
  const placed = placeApplication(app, { kind: "time" });
  expect(placed.ok && [...placed.value.node]).toEqual([0, 2, 2, 3]);
  expect(placed.ok && placed.value.makespan).toBe(12);
});
