import type { NodeId } from "@weft/infrastructure";
import { type Instant, type Refusal, refuse } from "@weft/kernel";
import { planApplication } from "@weft/scheduling";
import type { ApplicationSubmission, PipelineRequest } from "../../resources.ts";
import { type Core, tell } from "../core.ts";
import { observe, type TaskListener } from "../observing.ts";
import { admitTask } from "../submitting.ts";
import type { TaskEntry } from "../tasks.ts";
import { hold, holdPlaces, letGo } from "./holds.ts";
import { cutPlan } from "./pipelines.ts";
import { isPipeline, needsOf, planned, tooDear } from "./plan.ts";
import { type Entry, type Kept, type KeptStep, keep, NOT_BEGUN, withStep } from "./register.ts";
import { taskOf } from "./step-task.ts";

/*
 * Applications: steps joined by data, planned jointly and each run as a task under a contract of its own.
 *
 * [M.A1] A step becomes a task once every step it takes data from has succeeded, and exactly once.
 * [M.A2] What is kept of an application is one document, written with the changes of its tasks, so that after a
 *        restart it goes on where it was.
 * [M.A3] A step's node is the plan's as long as that can serve it. The rest is planned anew whenever a step ends.
 * [M.A4] Of a gang no step starts before all have a place; those that wait for data hold theirs until it is there.
 *        Of a stream each stage holds its own while it waits for the next input [M.S2].
 * [M.A5] A step that fails for good, or is cancelled, ends the application: its other steps are stopped.
 */

/** Plans an application that has not begun, and starts what may start; else says why it waits. */
export function begin(core: Core, now: Instant, entry: Entry): void {
  if (isPipeline(entry.kept.submission)) return beginPipeline(core, now, entry, entry.kept.submission);
  const { kept } = entry;
  const plan = planApplication(
    core.pool,
    needsOf(core, kept.submission, () => undefined),
  );
  const refusal = !plan.ok ? plan.refusal : tooDear(kept.submission, plan.value.cost);
  if (refusal !== null || !plan.ok) return waits(core, now, entry, refusal);
  if (plan.value.places !== null) {
    const { committed } = core.pool.commit(
      plan.value.places.map(({ claim }) => claim),
      { allOrNothing: true },
    );
    committed.forEach(({ id }, s) => {
      hold(core, entry, s, id);
    });
  }
  keep(core, now, { ...planned(kept, plan.value), phase: "running", reason: null });
  tell(core, now, "planned", "application", kept.id);
  advance(core, now, entry);
}

function waits(core: Core, now: Instant, { kept }: Entry, refusal: Refusal | null): void {
  if (kept.reason?.code === refusal?.code) return;
  keep(core, now, { ...kept, reason: refusal });
  tell(core, now, "waiting", "application", kept.id);
}

/** Cuts a pipeline that has not begun into the stages that it runs as, and starts the first; else says why it waits. */
function beginPipeline(
  core: Core,
  now: Instant,
  entry: Entry,
  submission: ApplicationSubmission & { readonly pipeline: PipelineRequest },
): void {
  const { pipeline, orders } = submission;
  const cut = cutPlan(core, submission, orders.length / (pipeline.inputs?.length ?? 1));
  const refusal = cut.ok ? tooDear(submission, cut.value.cost) : cut.refusal;
  if (refusal !== null || !cut.ok) return waits(core, now, entry, refusal);
  const { makespan, cost, bound, proven, bottleneck, first, stages, steps } = cut.value;
  keep(core, now, {
    ...entry.kept,
    submission: { ...submission, steps: stages },
    phase: "running",
    reason: null,
    plan: { makespan, cost, bound, proven, bottleneck, ...(first === undefined ? {} : { first }) },
    steps: steps.map(({ node, start, finish }) => ({ ...NOT_BEGUN, node, planned: { start, finish } })),
  });
  tell(core, now, "planned", "application", entry.kept.id);
  holdPlaces(core, entry);
  advance(core, now, entry);
}

/** Starts every step whose inputs are there, and whose turn it is. */
function advance(core: Core, now: Instant, entry: Entry): void {
  const { steps, index } = entry;
  const stepNamed = (name: string): KeptStep => entry.kept.steps[index.get(name)!]!;
  for (const [s, { from, after = [] }] of steps.entries()) {
    if (entry.kept.phase !== "running") return;
    if (entry.kept.steps[s]!.task !== null) continue;
    const sources = from.map(({ step }) => stepNamed(step));
    const before = [...sources, ...after.map(stepNamed)];
    if (before.every(({ ended }) => ended === "succeeded")) start(core, now, entry, s, sources);
  }
}

/** Makes a step the task that it is. */
function start(core: Core, now: Instant, entry: Entry, s: number, sources: readonly KeptStep[]): void {
  const { kept } = entry;
  const task = taskOf(entry, s, sources);
  letGo(core, entry, s); // taken again at once, by the step's own run
  const id = core.options.newId("task");
  keep(core, now, withStep(kept, s, { task: id, startedAt: now }));
  admitTask(core, now, id, kept.consumer, task);
}

/** A task has ended: where it was a step, its application goes on, or ends with it. */
function stepEnded(core: Core, now: Instant, task: TaskEntry): void {
  const { step } = task.row.submission;
  const entry = step === undefined ? undefined : core.applications.entry(step.application);
  if (entry === undefined) return;
  const s = entry.index.get(step?.name ?? "")!;
  const { phase, reason, result, charged } = task.row.progress;
  if (phase !== "succeeded" && phase !== "failed" && phase !== "cancelled") return;
  const node = (task.runs.at(-1)?.view.node ?? null) as NodeId | null;
  const brought = { ended: phase, endedAt: now, result: result as KeptStep["result"], charged, node };
  keep(core, now, stayed(entry, s, withStep(entry.kept, s, brought)));
  if (entry.kept.finishedAt !== null) return;
  if (phase !== "succeeded") {
    const why = reason === null ? null : { ...reason, message: `${step?.name}: ${reason.message}` };
    end(core, now, entry, phase, why);
  } else if (entry.kept.steps.every(({ ended }) => ended === "succeeded")) {
    end(core, now, entry, "succeeded", null);
  } else {
    planRest(core, now, entry);
    holdPlaces(core, entry);
    advance(core, now, entry);
  }
}

/** Where a stage went it takes its next input too [M.S3]. */
function stayed({ steps }: Entry, s: number, kept: Kept): Kept {
  const { of } = steps[s]!;
  if (of === undefined || steps[s + 1]?.of?.stage !== of.stage) return kept;
  const { node } = kept.steps[s]!;
  return kept.steps[s + 1]!.node === node ? kept : withStep(kept, s + 1, { node });
}

/** Plans the steps to come from where the others really are [M.A3]; keeps the former plan where there is no new one. */
function planRest(core: Core, now: Instant, entry: Entry): void {
  const { kept } = entry;
  if (kept.submission.gang || isPipeline(kept.submission) || kept.steps.every(({ task }) => task !== null))
    return;
  const plan = planApplication(
    core.pool,
    needsOf(core, { ...kept.submission, deadline: null }, (s) => {
      const { result, task, node } = kept.steps[s]!;
      if (task === null) return undefined;
      const site = node === null ? undefined : core.fleet.member(node)?.row.description.site;
      return result?.at ?? site ?? kept.submission.at;
    }),
  );
  if (!plan.ok) return;
  const before = kept.steps.map(({ node }) => node);
  const next = planned(kept, plan.value);
  if (next.steps.some(({ node }, s) => node !== before[s])) keep(core, now, next);
}

export function end(
  core: Core,
  now: Instant,
  entry: Entry,
  phase: "succeeded" | "failed" | "cancelled",
  reason: Refusal | null,
): void {
  for (const s of [...entry.held.keys()]) letGo(core, entry, s);
  keep(core, now, { ...entry.kept, phase, reason, finishedAt: now });
  tell(core, now, phase, "application", entry.kept.id);
  for (const { task, ended } of entry.kept.steps) {
    if (task !== null && ended === null) observe(core, now, { kind: "cancelled", task });
  }
  if (phase !== "succeeded") observe(core, now, { kind: "room" });
}

/** Something may fit now: applications that wait for a plan are tried. */
function retryApplications(core: Core, now: Instant): void {
  const waiting = [...core.applications.open].filter(({ kept }) => kept.phase === "pending");
  const share = ({ kept }: Entry): number => core.shares.of(kept.consumer);
  for (const entry of waiting.sort((a, b) => share(a) - share(b))) begin(core, now, entry);
}

/** Applications whose orders ended before there was a plan fail with the last reason. */
export function giveUpApplications(core: Core, now: Instant): void {
  for (const id of core.applications.deadlines.due(now)) {
    const entry = core.applications.entry(id);
    if (entry?.kept.phase !== "pending") continue;
    const expired = refuse(
      "order_expired",
      "the orders ended before the application could be planned",
    ).refusal;
    end(core, now, entry, "failed", entry.kept.reason ?? expired);
  }
}

/** What applications hear of tasks. */
export const steps: TaskListener = { ended: stepEnded, roomLeft: retryApplications };
