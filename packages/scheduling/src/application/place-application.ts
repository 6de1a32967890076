import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import {
  type Application,
  type ApplicationObjective,
  type ApplicationPlan,
  type StepGraph,
  spaceHolds,
  stepGraphOf,
} from "./application.ts";
import { BranchOverSteps } from "./branch-over-steps.ts";
import { listSchedule } from "./list-schedule.ts";
import { cheapestOnForest, fastestOnTree } from "./tree-placement.ts";

export interface PlacedApplication extends ApplicationPlan {
  /** No placement has a smaller objective (cost or makespan) than this. */
  readonly bound: number;
  /** The plan is the best there is. */
  readonly proven: boolean;
}

export type ApplicationRefusal = Refusal<"circular_steps" | "no_placement" | "search_exhausted">;

/**
 * Places all steps of an application jointly, all or nothing. Chains and trees are solved by dynamic programming
 * where memory and lanes leave them alone; all else starts from a list schedule and goes through exact branch and
 * bound for `states` states. `proven` says whether the end was reached, `bound` how far off the plan can be.
 *
 * Refuses `circular_steps`; `no_placement` where there is none (proven); `search_exhausted` where none was
 * found within `states`.
 */
export function placeApplication(
  app: Application,
  objective: ApplicationObjective,
  states = 200_000,
): Result<PlacedApplication, ApplicationRefusal> {
  const graph = stepGraphOf(app);
  if (graph === null) return refuse("circular_steps", "the steps wait for one another in a circle");
  const direct = placeTree(app, graph, objective);
  if (direct !== null) return ok(direct);
  const search = new BranchOverSteps(app, graph, objective);
  search.adopt(listSchedule(app, graph));
  search.run(states);
  const { best, bound, proven } = search;
  if (best !== null) return ok({ ...best, bound, proven });
  return proven
    ? refuse("no_placement", "no choice of nodes admits every step, path and limit")
    : refuse("search_exhausted", `no placement found in ${states} states`, {
        hint: "fewer steps or nodes, a later deadline, or more states",
      });
}

/** The optimum by dynamic programming, where the graph's shape allows it and the result keeps every limit. */
function placeTree(
  app: Application,
  graph: StepGraph,
  objective: ApplicationObjective,
): PlacedApplication | null {
  const node = objective.kind === "cost" ? cheapestOnForest(app, graph) : fastestOnTree(app, graph);
  if (node === null || !spaceHolds(app, node)) return null;
  const plan = listSchedule(app, graph, node);
  if (plan === null) return null;
  if (objective.kind === "cost") {
    return plan.makespan <= objective.deadline ? { ...plan, bound: plan.cost, proven: true } : null;
  }
  const unhindered = listSchedule({ ...app, lanes: new Int32Array(app.nodes).fill(app.steps) }, graph, node);
  if (unhindered === null || plan.makespan > unhindered.makespan) return null;
  return { ...plan, bound: plan.makespan, proven: true };
}
