import type { NodeId } from "@weft/infrastructure";
import {
  type Bytes,
  type Micros,
  type Operations,
  ok,
  type Refusal,
  type Result,
  refuse,
} from "@weft/kernel";
import { type ApplicationDecision, cutOverPool, Scheduler, type StepPlan } from "@weft/scheduling";
import type { ApplicationPlanRequest, PipelineRequest, StepRequest } from "../../resources.ts";
import type { Core } from "../core.ts";
import { onSale } from "../offers.ts";

/*
 * A layered model as an application: cut into contiguous stages over the nodes and paths there are now, each stage a step
 * that runs its layers' networks one after the other and hands tensors on.
 *
 * [M.L1] The layers of all stages are the model's, each once and in order: whatever the cut, the result is the same.
 * [M.L2] A stage keeps the node of the cut as long as that can serve it; then it runs wherever is best. It is not cut again.
 */

/** A cut, as the steps that it makes and the plan of these. */
export interface CutPlan extends Omit<ApplicationDecision, "steps" | "places"> {
  readonly stages: readonly StepRequest[];
  readonly steps: readonly StepPlan[];
  readonly bottleneck: Micros;
}

/** Cuts a pipeline over the pool as it is. Changes nothing. */
export function cutPlan(
  core: Pick<Core, "pool" | "offers">,
  request: ApplicationPlanRequest & { readonly pipeline: PipelineRequest },
  most = Number.POSITIVE_INFINITY,
): Result<CutPlan, Refusal> {
  const { pipeline, at, deadline } = request;
  const whole = onSale(core, pipeline.whole.needs);
  const { layers, objective } = pipeline;
  const cut = cutOverPool(core.pool, {
    at,
    whole,
    layers,
    stages: Math.min(pipeline.stages, most),
    objective,
  });
  if (!cut.ok) return cut;
  const { stages, bottleneck, latency, proven } = cut.value;
  if (deadline !== null && latency > deadline) {
    return refuse("deadline_unreachable", "the stages one after the other take longer than the deadline", {
      path: "spec.deadline",
      found: String(latency),
    });
  }
  const steps = stages.map(({ from, to }, i) => stageOf(pipeline, i, from, to, i === stages.length - 1));
  const places: StepPlan[] = [];
  let cost = 0;
  let now = 0;
  const scheduler = new Scheduler(core.pool.snapshot());
  for (const [i, { node, compute, transfer }] of stages.entries()) {
    const price = costOn(scheduler, onSale(core, steps[i]!.needs), node);
    const start = now + transfer;
    now = start + compute;
    cost += price;
    places.push({ node, start: start as Micros, finish: now as Micros, cost: price });
  }
  return ok({
    stages: steps,
    steps: places,
    makespan: latency,
    bottleneck,
    cost,
    bound: proven ? (objective === "throughput" ? bottleneck : latency) : null,
    proven,
    basedOn: core.pool.version,
  });
}

/** Micro-units of money expected for a stage on its node; 0 where it would not be placed there after all. */
function costOn(scheduler: Scheduler, needs: StepRequest["needs"], node: NodeId): number {
  const basic = { ...needs.basic, deadline: null };
  const decision = scheduler.place({ ...needs, basic, payAtMost: null }, { sticky: node, margin: 1 });
  return decision.outcome === "placed" ? decision.cost : 0;
}

/** Layers `from` up to, not including, `to` as a step. */
function stageOf(
  { whole, layers }: PipelineRequest,
  index: number,
  from: number,
  to: number,
  last: boolean,
): StepRequest {
  const own = layers.slice(from, to);
  const sum = (of: (layer: (typeof own)[number]) => number): number =>
    own.reduce((total, layer) => total + of(layer), 0);
  const { needs, program, input } = whole;
  const first = index === 0;
  const networks = own.map(({ network }) => network);
  const model = program as typeof program & { readonly kind: "model" };
  const resultBytes = last ? needs.basic.resultBytes : (own.at(-1)!.output as Bytes);
  return {
    name: `stage-${index + 1}`,
    from: first ? [] : [{ step: `stage-${index}`, bytes: layers[from - 1]!.output as Bytes }],
    needs: {
      ...needs,
      basic: { ...needs.basic, inputBytes: first ? needs.basic.inputBytes : (0 as Bytes), resultBytes },
      compute: { ...needs.compute, work: sum(({ work }) => work) as Operations },
      algorithm: {
        ...needs.algorithm,
        function: `${model.pipeline}/${networks[0]!.slice(0, 12)}+${networks.length - 1}`,
        space: sum(({ memory }) => memory) as Bytes,
      },
    },
    // Tensors of the stage before go by its names: they are taken in their order.
    program: { ...model, networks, options: first ? model.options : { ...model.options, feed: "order" } },
    input: first ? input : null,
    layers: own.map(({ name }) => name),
  };
}
