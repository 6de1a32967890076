import type { SiteId } from "@weft/infrastructure";
import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { type ApplicationDecision, type ApplicationNeeds, planApplication } from "@weft/scheduling";
import type { ApplicationPlanRequest, ApplicationSubmission, PipelineRequest } from "../../resources.ts";
import type { Core } from "../core.ts";
import { onSale } from "../offers.ts";
import { type CutPlan, cutPlan } from "./pipelines.ts";
import type { Kept } from "./register.ts";

/*
 * What of an application there is to plan, and what came of it.
 */

/** What would be planned now. Changes nothing. */
export function applicationPlan(
  core: Core,
  request: ApplicationPlanRequest,
): Result<ApplicationDecision & Partial<Pick<CutPlan, "stages" | "bottleneck" | "first">>> {
  if (!isPipeline(request)) {
    return planApplication(
      core.pool,
      needsOf(core, request, () => undefined),
    );
  }
  const cut = cutPlan(core, request);
  return cut.ok ? ok({ ...cut.value, places: null }) : cut;
}

export const isPipeline = (
  request: ApplicationPlanRequest,
): request is ApplicationPlanRequest & { readonly pipeline: PipelineRequest } =>
  request.pipeline !== undefined;

/** What the rest of an application needs: steps that have started stand where they are. */
export function needsOf(
  core: Pick<Core, "offers">,
  { at, objective, deadline, gang, steps }: ApplicationPlanRequest,
  settled: (step: number) => SiteId | undefined,
): ApplicationNeeds {
  const index = new Map(steps.map(({ name }, s) => [name, s]));
  return {
    at,
    objective,
    deadline,
    gang,
    steps: steps.map(({ needs, from }, s) => {
      const where = settled(s);
      return {
        needs: onSale(core, needs),
        from: from.map(({ step, bytes }) => ({ step: index.get(step)!, bytes })),
        ...(where === undefined ? {} : { settled: where }),
      };
    }),
  };
}

export const tooDear = ({ payAtMost }: ApplicationSubmission, cost: number): Refusal | null =>
  payAtMost !== null && Math.ceil(cost) > payAtMost
    ? refuse("price_above_limit", "the cheapest plan costs more than the application may", {
        path: "spec.pay.atMost",
        found: String(Math.ceil(cost)),
        expected: `at most ${payAtMost}`,
        hint: "in millionths of the currency: let it pay more, or take longer",
      }).refusal
    : null;

/** An application with a plan for those of its steps that had not started. */
export const planned = (kept: Kept, { steps, makespan, cost, bound, proven }: ApplicationDecision): Kept => ({
  ...kept,
  plan: kept.plan ?? { makespan, cost, bound, proven },
  steps: kept.steps.map((step, s) => {
    const now = steps[s];
    return now == null
      ? step
      : { ...step, node: now.node, planned: { start: now.start, finish: now.finish } };
  }),
});
