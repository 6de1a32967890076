import { z } from "zod";
import { MOST_STREAM_STEPS } from "../manifest/inputs.ts";
import type { Route } from "../route.ts";
import { signedOrder } from "../wire/market.ts";
import { planBody, submissionBody } from "../wire/requests.ts";
import { taskView } from "../wire/views.ts";
import { applicationDecisionView, applicationView, batchPlanView } from "./views.ts";

const ALL = ["consumer", "provider", "manager"] as const;
const CONSUMERS = ["consumer", "manager"] as const;
const list = <T>(item: z.ZodType<T>): z.ZodType<{ readonly items: readonly T[] }> =>
  z.looseObject({ items: z.array(item) });
const applicationParams = z.strictObject({
  application: z.string().min(1).max(128).describe("Id, or name: then the newest of it."),
});
const orders = z
  .array(signedOrder)
  .min(1)
  .max(MOST_STREAM_STEPS)
  .describe(
    "One a step, in their order; of a pipeline, one for each stage it may have, or of each such stage one an input.",
  );

export const APPLICATION_ROUTES = {
  "POST /v1/batches": {
    access: ["consumer"],
    act: "submit-tasks",
    summary:
      "Submit tasks to be placed together, all or none taken up; the same orders again give the same tasks",
    body: z.strictObject({ items: z.array(submissionBody).min(1).max(256) }),
    answer: list(taskView),
    status: 201,
  },
  "POST /v1/batches:plan": {
    access: CONSUMERS,
    act: "submit-tasks",
    summary: "Where tasks would go together, and how far from the best that can be; commits nothing",
    body: z.strictObject({ items: z.array(planBody).min(1).max(256) }),
    answer: batchPlanView,
  },
  "POST /v1/applications": {
    access: ["consumer"],
    act: "submit-tasks",
    summary: "Submit an application; the same orders again give the same application",
    body: submissionBody.omit({ order: true }).extend({ orders }),
    answer: applicationView,
    status: 201,
  },
  "POST /v1/applications:plan": {
    access: CONSUMERS,
    act: "submit-tasks",
    summary: "Where an application's steps would go, and when; commits nothing",
    body: planBody,
    answer: applicationDecisionView,
  },
  "GET /v1/applications": {
    access: ALL,
    act: "see-tasks",
    summary: "Applications, newest first",
    answer: list(applicationView),
  },
  "GET /v1/applications/{application}": {
    access: ALL,
    act: "see-tasks",
    summary: "One application and its steps",
    params: applicationParams,
    answer: applicationView,
  },
  "DELETE /v1/applications/{application}": {
    access: CONSUMERS,
    act: "submit-tasks",
    summary: "Stop an application at once, all its steps",
    params: applicationParams,
    answer: applicationView,
  },
  "GET /v1/schemas/application": {
    access: "anyone",
    summary: "JSON Schema of an application's manifest",
    answer: "application/schema+json",
  },
  "GET /v1/schemas/pipeline": {
    access: "anyone",
    summary: "JSON Schema of a pipeline's manifest",
    answer: "application/schema+json",
  },
} as const satisfies Readonly<Record<string, Route>>;
