import { COMPUTE_TYPES, type SiteId } from "@weft/infrastructure";
import type { Bytes, Micros, Money } from "@weft/kernel";
import type { ApplicationPlanRequest } from "@weft/service";
import { z } from "zod";
import { MOST_STEPS } from "./application.ts";
import { content, labels, name, size, time, work } from "./fields.ts";
import { inputsOf, MOST_STREAM_STEPS, streamData } from "./inputs.ts";
import type { ManifestProblem } from "./problems.ts";
import {
  API_VERSION,
  compute,
  editorSchema,
  network,
  pay,
  priority,
  type TaskManifest,
  where,
} from "./schema.ts";
import { DEFAULT_RESULT, taskOf } from "./task.ts";

/*
 * A layered model as a person writes it: its layers in their order, each a network. The manager cuts it into stages over the
 * nodes there are; what a stage needs follows from its layers.
 */

/** More stages than this gain nothing over a network of sites. */
const MOST_STAGES = 16;

const layer = z.strictObject({
  name: name().optional().describe("Default: layer-1, layer-2 and so on."),
  network: content().describe("An ONNX network: takes what the layer before gives, by order."),
  work: work().describe("Floating-point operations for one input."),
  memory: size().describe("What it holds where it runs: weights, and room to compute in."),
  output: size().optional().describe("What it hands on. Default: 1MB, of the last layer `data.result`."),
});

const { work: _work, type: _type, ...demands } = compute.shape;

const spec = z.strictObject({
  data: streamData.optional(),
  layers: z.array(layer).min(1, "at least one layer").max(MOST_STEPS, `at most ${MOST_STEPS} layers`),
  stages: z
    .union([
      z.literal("auto"),
      z.int("a whole number").min(1, "1 or more").max(MOST_STAGES, `at most ${MOST_STAGES}`),
    ])
    .optional()
    .describe(`Most stages, each on a node of its own; auto, the default: up to ${MOST_STAGES}.`),
  objective: z
    .enum(["throughput", "latency"])
    .optional()
    .describe(
      "throughput: the longest turn of a stage (its transfer and its work) is least, for many inputs; latency, the default: one input is through soonest.",
    ),
  compute: z
    .strictObject({ type: z.enum(COMPUTE_TYPES).optional().describe("Default neural."), ...demands })
    .optional(),
  network: network.optional(),
  where: where.optional().describe("Which nodes may run a stage."),
  deadline: time().optional().describe("From the start to the result, of many inputs the last one's."),
  pay: pay.optional().describe("The highest price of the whole, all inputs together."),
  priority: priority().optional(),
});

/** The schema of a pipeline's manifest: takes human forms, gives base units. */
export const pipelineManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Pipeline"),
  metadata: z.strictObject({ name: name(), labels: labels().optional() }),
  spec,
});

export type PipelineManifest = z.output<typeof pipelineManifest>;

export const pipelineJsonSchema = (): object =>
  editorSchema("pipeline", "A layered model, cut into stages over several nodes.", pipelineManifest);

/** How many inputs go through: one unless `data.inputs` says more. */
export const inputCountOf = ({ spec: { data } }: PipelineManifest): number =>
  Array.isArray(data?.inputs) ? data.inputs.length : 1;

/** How many stages a pipeline may have at most: each has an order of its own for each input. */
export const stagesOf = (manifest: PipelineManifest): number => {
  const { stages = "auto", layers } = manifest.spec;
  return Math.min(stages === "auto" ? MOST_STAGES : stages, layers.length, mostStagesOf(manifest));
};

const mostStagesOf = (manifest: PipelineManifest): number =>
  Math.floor(MOST_STREAM_STEPS / inputCountOf(manifest));

/** What a stage may cost for one input, where all inputs together may cost so much. */
export const shareOf = (atMost: Money, inputs: number): Money =>
  ((atMost + BigInt(inputs) - 1n) / BigInt(inputs)) as Money;

/** What a pipeline's manifest asks for, in base units. Refused where a content is still a file. */
export function pipelineOf(
  manifest: PipelineManifest,
  site: SiteId,
):
  | { readonly ok: true; readonly value: ApplicationPlanRequest }
  | { readonly ok: false; readonly problems: readonly Omit<ManifestProblem, "file" | "line">[] } {
  const { metadata, spec } = manifest;
  const inputs = spec.data?.inputs === undefined ? null : inputsOf(spec.data.inputs);
  if (inputs?.ok === false) return inputs;
  const task = taskOf(wholeOf(manifest), site);
  if (!task.ok) {
    const layered = /^spec\.run\.model\.onnx\[(\d+)\]/;
    return {
      ok: false,
      problems: task.problems.map((problem) => ({
        ...problem,
        path: (problem.path ?? "").replace(layered, "spec.layers[$1].network"),
      })),
    };
  }
  const { needs, program, input } = task.value;
  const most = mostStagesOf(manifest);
  if (typeof spec.stages === "number" && spec.stages > most) {
    return { ok: false, problems: [tooManyStages(spec.stages, most, inputCountOf(manifest))] };
  }
  const networks = program.kind === "model" ? program.networks : [];
  const last = spec.layers.length - 1;
  return {
    ok: true,
    value: {
      name: metadata.name,
      labels: metadata.labels ?? {},
      at: needs.basic.dataAt,
      objective: "time",
      deadline: (spec.deadline ?? null) as Micros | null,
      gang: false,
      payAtMost: (spec.pay?.atMost ?? null) as Money | null,
      steps: [],
      pipeline: {
        whole: { needs, program, input },
        layers: spec.layers.map((one, i) => ({
          name: one.name ?? `layer-${i + 1}`,
          network: networks[i]!,
          work: one.work,
          memory: one.memory,
          output: one.output ?? (i === last ? needs.basic.resultBytes : DEFAULT_RESULT),
        })),
        stages: stagesOf(manifest),
        objective: spec.objective ?? "latency",
        ...(inputs === null ? {} : { inputs: inputs.value }),
      },
    },
  };
}

const tooManyStages = (found: number, most: number, inputs: number) => ({
  code: "E_MANIFEST_VALUE" as const,
  message: "more stages than so many inputs can have orders for",
  path: "spec.stages",
  found: String(found),
  expected: `at most ${most} with ${inputs} inputs`,
  hint: "auto takes as many as may be",
});

/** The model as a task of its own, on one node, for one input: the largest. */
function wholeOf(manifest: PipelineManifest): TaskManifest {
  const { metadata, spec } = manifest;
  const { layers, stages: _, objective: __, deadline: ___, data: given, pay, compute = {}, ...rest } = spec;
  const { inputs, ...data } = given ?? {};
  const largest = Array.isArray(inputs) ? Math.max(...inputs.map(({ size = 0 }) => size)) : undefined;
  const total = (of: (layer: (typeof layers)[number]) => number): number =>
    layers.reduce((sum, one) => sum + of(one), 0);
  return {
    apiVersion: API_VERSION,
    kind: "Task",
    metadata: { name: metadata.name },
    spec: {
      ...rest,
      data: {
        ...data,
        input: largest ?? data.input,
        result: data.result ?? layers.at(-1)!.output ?? DEFAULT_RESULT,
      },
      ...(pay?.atMost === undefined ? {} : { pay: { atMost: shareOf(pay.atMost, inputCountOf(manifest)) } }),
      compute: { type: "neural", ...compute, work: total(({ work }) => work) },
      algorithm: { space: total(({ memory }) => memory) as Bytes },
      run: { model: { onnx: layers.map(({ network }) => network), pipeline: "tensor" } },
    },
  } as TaskManifest;
}
