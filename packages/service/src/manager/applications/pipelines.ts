import type { NodeId } from "@weft/infrastructure";
import {
  type Bytes,
  formatTime,
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
import { planOfStream } from "./stream.ts";

/*
 * A layered model as an application: cut into contiguous stages over the nodes and paths there are now, each stage a step
 * that runs its layers' networks one after the other and hands tensors on.
 *
 * [M.L1] The layers of all stages are the model's, each once and in order: whatever the cut, the result is the same.
 * [M.L2] A stage keeps the node of the cut as long as that can serve it; then it runs wherever is best. It is not cut again.
 */

/** A cut, as the stages that it makes, and the plan of the steps that these run as. */
export interface CutPlan extends Omit<ApplicationDecision, "steps" | "places"> {
  readonly stages: readonly StepRequest[];
  /** By stage, and by input in each. */
  readonly steps: readonly StepPlan[];
  readonly bottleneck: Micros;
  /** Of many inputs: when the first result is there. */
  readonly first?: Micros;
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
  const inputs = pipeline.inputs?.length ?? 1;
  const makespan = (latency + (inputs - 1) * bottleneck) as Micros;
  if (deadline !== null && makespan > deadline) {
    return refuse("deadline_unreachable", "the stages one after the other take longer than the deadline", {
      path: "spec.deadline",
      found: formatTime(makespan),
      expected: `at most ${formatTime(deadline)}`,
      hint: "give it longer, or fewer stages",
    });
  }
  const steps = stages.map(({ from, to }, i) => stageOf(pipeline, i, from, to, i === stages.length - 1));
  const scheduler = new Scheduler(core.pool.snapshot());
  const places = stages.map(({ node }, i): StepPlan => {
    const cost = costOn(scheduler, onSale(core, steps[i]!.needs), node);
    return { node, start: 0 as Micros, finish: 0 as Micros, cost };
  });
  const way = stages.reduce((sum, { compute, transfer }) => sum + compute + transfer, 0);
  const turns = stages.map(({ compute, transfer }, i) => {
    const home = i === stages.length - 1 ? latency - way : 0;
    return { compute, transfer, home: home as Micros };
  });
  return ok({
    stages: steps,
    steps: planOfStream(places, turns, inputs),
    makespan,
    bottleneck,
    ...(pipeline.inputs === undefined ? {} : { first: latency }),
    cost: inputs * places.reduce((sum, { cost }) => sum + cost, 0),
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
