import type { NodeId } from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";
import type { ApplicationPlanView, ApplicationView, InputView, StepView } from "@weft/service";
import { z } from "zod";
import { instant, money, named, quantity } from "../wire/quantities.ts";
import { contentReference, namedDecisionView, refusal, TASK_PHASES } from "../wire/views.ts";
import type { ApplicationDecisionView, BatchPlanView } from "./api.ts";

const micros = () => quantity<Micros>("Microseconds.");
const content = contentReference.extend({ at: z.string() }).nullable() as unknown as z.ZodType<
  StepView["result"]
>;

const plan: z.ZodType<ApplicationPlanView> = z.looseObject({
  makespan: micros(),
  cost: z.number().describe("Millionths of the network's currency expected."),
  bound: z
    .number()
    .nullable()
    .describe("No choice of nodes has a smaller objective; null where not all were looked at."),
  proven: z.boolean(),
  bottleneck: micros()
    .optional()
    .describe(
      "Of a pipeline, the longest turn of a stage: when it is full a result comes every so many microseconds.",
    ),
  first: micros().optional().describe("Of a pipeline with many inputs: when the first result is there."),
});

const planned: z.ZodType<StepView["planned"]> = z
  .looseObject({ start: micros(), finish: micros() })
  .nullable()
  .describe("Microseconds after the application's start.");

const layers = () => z.array(z.string()).optional().describe("Of a pipeline's stage: its layers.");

const step: z.ZodType<StepView> = z.looseObject({
  name: z.string(),
  layers: layers(),
  from: z.array(z.string()),
  phase: z.enum(["waiting", ...TASK_PHASES]),
  task: z.string().nullable(),
  node: named<NodeId>().nullable(),
  planned,
  startedAt: instant().nullable(),
  finishedAt: instant().nullable(),
  result: content,
  charged: money().nullable(),
  input: z.string().optional().describe("Of a pipeline with many inputs: the one it works on."),
});

const input: z.ZodType<InputView> = z.looseObject({
  name: z.string(),
  phase: z.enum(["waiting", "running", "succeeded", "failed", "cancelled"]),
  step: z.string().nullable().describe("The step that it is in, or was in last."),
  startedAt: instant().nullable(),
  finishedAt: instant().nullable(),
  planned,
  result: content,
});

export const applicationView: z.ZodType<ApplicationView> = z.looseObject({
  id: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  consumer: z.string(),
  phase: z.enum(["pending", "running", "succeeded", "failed", "cancelled"]),
  reason: refusal.nullable(),
  objective: z.enum(["cost", "time"]),
  deadline: micros().nullable(),
  gang: z.boolean(),
  submittedAt: instant(),
  finishedAt: instant().nullable(),
  plan: plan.nullable(),
  steps: z.array(step),
  inputs: z.array(input).optional().describe("Of a pipeline with many inputs: how far each is."),
  charged: money(),
});

export const applicationDecisionView: z.ZodType<ApplicationDecisionView> = z.looseObject({
  at: instant(),
  plan: plan.nullable(),
  refusal: refusal.nullable(),
  steps: z.array(
    z.looseObject({
      name: z.string(),
      layers: layers(),
      from: z.array(z.string()),
      node: named<NodeId>().nullable(),
      planned,
      price: money().nullable(),
    }),
  ),
});

export const batchPlanView: z.ZodType<BatchPlanView> = z.looseObject({
  at: instant(),
  items: z.array(namedDecisionView),
  placed: z.int(),
  mostPlaced: z.int().describe("No plan places more."),
  score: z.number(),
  unit: z
    .enum(["cost", "time", "energy", "carbon", "weighted", "relative"])
    .describe("What scores are summed in; relative: as multiples of the best a task could have alone."),
  bound: z.number().nullable().describe("No plan that places all scores less; null where some are left out."),
  gap: z.number().nullable().describe("How far the score lies above the bound, as a share of it."),
  alone: z.looseObject({ placed: z.int(), score: z.number() }).describe("What one at a time would reach."),
});
