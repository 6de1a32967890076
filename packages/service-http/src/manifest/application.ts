import type { SiteId } from "@weft/infrastructure";
import type { Bytes, Micros, Money } from "@weft/kernel";
import type { ApplicationPlanRequest, StepRequest } from "@weft/service";
import { z } from "zod";
import { identifier, labels, name, size, time } from "./fields.ts";
import { type ManifestProblem, pathText } from "./problems.ts";
import {
  API_VERSION,
  algorithm,
  compute,
  editorSchema,
  network,
  pay,
  priority,
  run,
  storage,
  type TaskManifest,
  data as taskData,
  where,
} from "./schema.ts";
import { DEFAULT_RESULT, taskOf } from "./task.ts";

/*
 * An application as a person writes it: steps joined by the data that flows between them. Each step says what it needs as a task does; where data starts and ends, and what the whole is worth, is
 * said once.
 */

/** More steps than this in one application are several applications. */
export const MOST_STEPS = 64;

const { at: _at, mayLeave: _mayLeave, ...ownData } = taskData.shape;
const flow = z.strictObject({
  step: name().describe("The step whose result it is."),
  size: size().optional().describe("How much of it is expected. Default: the greatest size of that result."),
});

const step = z.strictObject({
  name: name(),
  from: z
    .array(flow)
    .max(MOST_STEPS, `at most ${MOST_STEPS} steps`)
    .optional()
    .describe("Steps whose results are its input, one behind the other, after `data.content` if any."),
  data: z.strictObject(ownData).optional(),
  compute,
  storage: storage.optional(),
  algorithm: algorithm.optional(),
  network: network.optional(),
  where: where.optional().describe("Which nodes may run it."),
  run: run.describe("What is run."),
  pay: pay.optional(),
});

const spec = z.strictObject({
  data: z
    .strictObject({
      at: identifier()
        .optional()
        .describe("Site where first inputs are and last results are wanted. Default: the network's."),
      mayLeave: taskData.shape.mayLeave,
    })
    .optional(),
  steps: z.array(step).min(1, "at least one step").max(MOST_STEPS, `at most ${MOST_STEPS} steps`),
  gang: z
    .boolean()
    .optional()
    .describe("No step starts before every step has its place: all are reserved together or none."),
  deadline: time().optional().describe("From the application's start to its last result."),
  objective: z.enum(["cost", "time"]).optional().describe("What the best plan is best at. Default cost."),
  pay: pay.optional().describe("The highest price of the whole."),
  priority: priority().optional(),
});

/** The schema of an application's manifest: takes human forms, gives base units. */
export const applicationManifest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("Application"),
  metadata: z.strictObject({ name: name(), labels: labels().optional() }),
  spec,
});

export type ApplicationManifest = z.output<typeof applicationManifest>;

export const applicationJsonSchema = (): object =>
  editorSchema(
    "application",
    "Steps joined by data, planned together and run in their order.",
    applicationManifest,
  );

type Problems = { readonly ok: false; readonly problems: readonly Omit<ManifestProblem, "file" | "line">[] };

/**
 * What an application's manifest asks for, in base units. Refused where a content is still a file, where a step is named
 * twice, unknown, or waits for itself.
 */
export function applicationOf(
  manifest: ApplicationManifest,
  site: SiteId,
): { readonly ok: true; readonly value: ApplicationPlanRequest } | Problems {
  const { metadata, spec } = manifest;
  const steps = spec.steps;
  const problems: Omit<ManifestProblem, "file" | "line">[] = [...stepProblems(manifest)];
  const read: StepRequest[] = [];
  const at = (spec.data?.at as SiteId | undefined) ?? site;
  steps.forEach((one, i) => {
    const task = taskOf(taskManifestOf(manifest, i), site);
    if (!task.ok) {
      problems.push(
        ...task.problems.map((problem) => ({
          ...problem,
          path: (problem.path ?? "").replace(/^spec\b/, `spec.steps[${i}]`),
        })),
      );
      return;
    }
    const { needs, program, input } = task.value;
    const from = (one.from ?? []).map((flow) => {
      const source = steps.find((other) => other.name === flow.step);
      return { step: flow.step, bytes: (flow.size ?? source?.data?.result ?? DEFAULT_RESULT) as Bytes };
    });
    read.push({
      name: one.name,
      from,
      needs: { ...needs, basic: { ...needs.basic, dataAt: at } },
      program,
      input,
    });
  });
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value: {
      name: metadata.name,
      labels: metadata.labels ?? {},
      at,
      objective: spec.objective ?? "cost",
      deadline: (spec.deadline ?? null) as Micros | null,
      gang: spec.gang ?? false,
      payAtMost: (spec.pay?.atMost ?? null) as Money | null,
      steps: read,
    },
  };
}

/** A step as the manifest of a task of its own: what the application says once is said in it. */
function taskManifestOf({ metadata, spec }: ApplicationManifest, index: number): TaskManifest {
  const { name: stepName, from: _, data, pay: stepPay, ...rest } = spec.steps[index]!;
  return {
    apiVersion: API_VERSION,
    kind: "Task",
    metadata: { name: `${metadata.name}.${stepName}` },
    spec: {
      ...rest,
      data: { ...data, at: spec.data?.at, mayLeave: spec.data?.mayLeave },
      objective: spec.objective,
      pay: stepPay ?? spec.pay,
      priority: spec.priority,
    },
  } as TaskManifest;
}

function stepProblems({ spec }: ApplicationManifest): Omit<ManifestProblem, "file" | "line">[] {
  const steps = spec.steps;
  const problems: Omit<ManifestProblem, "file" | "line">[] = [];
  const say = (path: readonly (string | number)[], found: string, expected: string) =>
    problems.push({
      code: "E_MANIFEST_VALUE",
      message: `expected ${expected}`,
      path: pathText(["spec", ...path]),
      found: JSON.stringify(found),
      expected,
    });
  const known = new Set(steps.map((one) => one.name));
  const seen = new Set<string>();
  steps.forEach((one, i) => {
    if (seen.has(one.name)) say(["steps", i, "name"], one.name, "a name no other step has");
    seen.add(one.name);
    one.from?.forEach((flow, f) => {
      if (!known.has(flow.step)) {
        say(["steps", i, "from", f, "step"], flow.step, `one of ${[...known].join(", ")}`);
      }
    });
  });
  if (problems.length > 0) return problems;
  const done = new Set<string>();
  for (let before = -1; before !== done.size; ) {
    before = done.size;
    for (const one of steps) if ((one.from ?? []).every((flow) => done.has(flow.step))) done.add(one.name);
  }
  const circle = steps.findIndex((one) => !done.has(one.name));
  if (circle >= 0) {
    say(["steps", circle, "from"], steps[circle]!.name, "steps that do not wait for one another in a circle");
  }
  return problems;
}
