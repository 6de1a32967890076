import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { BatchProblem } from "../batch/batch-problem.ts";
import { type BoundedPlan, planBatch } from "../batch/exact-batch.ts";
import { alwaysPlace } from "../batch/unit-assignment.ts";

export type GangRefusal = Refusal<"gang_does_not_fit" | "search_exhausted">;

/**
 * A gang: all its tasks at once, or none (training workers that wait for one another). The problem's `leaveOut` is
 * not used. Refuses `gang_does_not_fit` when it is proven that no plan places all, `search_exhausted` when none
 * was found in the given effort; either says how many could be placed at best so far.
 */
export function placeGang(
  problem: BatchProblem,
  seed: number,
  effort = { moves: 10_000, states: 100_000 },
): Result<BoundedPlan, GangRefusal> {
  const plan = planBatch({ ...problem, leaveOut: alwaysPlace(problem.cost, problem.tasks) }, seed, effort);
  const placed = plan.arc.reduce((count, a) => count + (a >= 0 ? 1 : 0), 0);
  if (placed === problem.tasks) return ok(plan);
  const found = `${placed} of ${problem.tasks} tasks`;
  return plan.proven
    ? refuse("gang_does_not_fit", "not all of the gang fits at once", { found })
    : refuse("search_exhausted", "no plan for the whole gang was found", { found });
}
