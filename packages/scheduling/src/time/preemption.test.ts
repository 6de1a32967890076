import { Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { choosePreemption, type PreemptionProblem } from "./preemption.ts";

function randomProblem(rng: Rng, nodes: number, running: number): PreemptionProblem {
  const resources = 1 + rng.below(3);
  const table = (size: number, of: () => number) => Float64Array.from({ length: size }, of);
  return {
    resources,
    need: table(resources, () => rng.below(12)),
    priority: 5,
    nodes,
    free: table(nodes * resources, () => rng.below(4)),
    admissible: Uint8Array.from({ length: nodes }, () => (rng.chance(0.8) ? 1 : 0)),
    runningOn: Int32Array.from({ length: running }, () => rng.below(nodes)),
    runningPriority: table(running, () => rng.below(8)),
    held: table(running * resources, () => rng.below(6)),
    cost: table(running, () => rng.below(10)),
  };
}

/** Whether ending `victims` makes room on a node. */
function makesRoom(p: PreemptionProblem, node: number, victims: readonly number[]): boolean {
  return [...p.need].every((need, k) => {
    let room = p.free[node * p.resources + k]!;
    for (const v of victims) room += p.held[v * p.resources + k]!;
    return room >= need;
  });
}

function cheapestByTrying(p: PreemptionProblem): number {
  let best = Number.POSITIVE_INFINITY;
  for (let node = 0; node < p.nodes; node++) {
    if (p.admissible[node] !== 1) continue;
    const lower = [...p.runningOn.keys()].filter(
      (v) => p.runningOn[v] === node && p.runningPriority[v]! < p.priority,
    );
    for (let set = 0; set < 1 << lower.length; set++) {
      const victims = lower.filter((_, i) => (set >> i) & 1);
      if (makesRoom(p, node, victims))
        best = Math.min(
          best,
          victims.reduce((sum, v) => sum + p.cost[v]!, 0),
        );
    }
  }
  return best;
}

it("ends the cheapest set of lower tasks, none of them in vain", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomProblem(rng, 1 + rng.below(3), rng.below(14));
      const best = cheapestByTrying(problem);
      const chosen = choosePreemption(problem);
      expect(chosen.ok).toBe(best < Number.POSITIVE_INFINITY);
      if (!chosen.ok) return;
      const { node, victims, cost, bound, proven } = chosen.value;
      expect(cost).toBe(best);
      expect(bound).toBe(best);
      expect(proven).toBe(true);
      expect(problem.admissible[node]).toBe(1);
      expect(makesRoom(problem, node, victims)).toBe(true);
      for (const v of victims) {
        expect(problem.runningOn[v]).toBe(node);
        expect(problem.runningPriority[v]).toBeLessThan(problem.priority);
        expect(
          makesRoom(
            problem,
            node,
            victims.filter((other) => other !== v),
          ),
        ).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

it("gives a set that makes room and a bound below it when the search is cut short", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const problem = randomProblem(rng, 2, 14);
      const best = cheapestByTrying(problem);
      const chosen = choosePreemption(problem, 2);
      if (!chosen.ok) return;
      expect(chosen.value.bound).toBeLessThanOrEqual(best);
      expect(chosen.value.cost).toBeGreaterThanOrEqual(best);
      expect(makesRoom(problem, chosen.value.node, chosen.value.victims)).toBe(true);
    }),
    { numRuns: 200 },
  );
});
