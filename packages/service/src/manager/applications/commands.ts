import { type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { ApplicationSubmission, Caller } from "../../resources.ts";
import { type Core, tell } from "../core.ts";
import { objectionTo } from "../submitting.ts";
import { begin, end } from "./course.ts";
import { isPipeline } from "./plan.ts";
import { type Entry, keep, NOT_BEGUN } from "./register.ts";
import { stepTask } from "./step-task.ts";

/*
 * What a consumer may ask of an application: to be taken, and to be stopped.
 */

export type ApplicationsCommand =
  | {
      readonly kind: "submit-application";
      readonly caller: Caller;
      readonly submission: ApplicationSubmission;
    }
  | { readonly kind: "cancel-application"; readonly caller: Caller; readonly application: string };

export function applicationsCommand(core: Core, now: Instant, asked: ApplicationsCommand): Result<string> {
  return asked.kind === "submit-application"
    ? submit(core, now, asked.caller, asked.submission)
    : cancel(core, now, asked.caller, asked.application);
}

function submit(core: Core, now: Instant, caller: Caller, given: ApplicationSubmission): Result<string> {
  const known = core.applications.ofOrder(given.orders[0]?.order.id ?? "");
  if (known !== undefined) {
    const same = known.kept.consumer === caller.account && known.kept.submission.manifest === given.manifest;
    if (same) return ok(known.kept.id); // the same orders are the same application
    return refuse("E_ORDER_REUSED", "this order's id already stands for another application", {
      path: "orders",
      expected: "ids not used before",
      hint: "sign new orders",
    });
  }
  const refusal = objection(core, now, caller, given);
  if (refusal !== null) return { ok: false, refusal };
  const id = core.options.newId("application");
  keep(core, now, {
    id,
    consumer: caller.account,
    submittedAt: now,
    submission: given,
    phase: "pending",
    reason: null,
    finishedAt: null,
    plan: null,
    steps: given.steps.map(() => NOT_BEGUN),
  });
  tell(core, now, "submitted", "application", id);
  begin(core, now, core.applications.entry(id) as Entry);
  return ok(id);
}

function objection(core: Core, now: Instant, caller: Caller, given: ApplicationSubmission): Refusal | null {
  // How many stages there will be is known once it is cut: there are orders for as many as it may have.
  const steps = isPipeline(given)
    ? given.orders.map((_, s) => ({ ...given.pipeline.whole, name: `stage-${s + 1}`, from: [] }))
    : given.steps;
  const inputs = given.pipeline?.inputs?.length ?? 1;
  if (given.orders.length !== steps.length || given.orders.length % inputs !== 0) {
    return refuse("E_ORDER_TASK", "one order a step", {
      path: "orders",
      found: String(given.orders.length),
      expected: isPipeline(given) ? `for each stage ${inputs}, one an input` : String(steps.length),
      hint: "sign an order for each step",
    }).refusal;
  }
  const { manifest, contents } = given;
  const digest = core.options.cryptography.digest(manifest);
  const ids = new Set(given.orders.map(({ order }) => order.id));
  for (const [s, step] of steps.entries()) {
    const order = given.orders[s]!;
    const used = core.tasks.ofOrder(order.order.id) !== undefined || ids.size < given.orders.length;
    if (used) {
      return refuse("E_ORDER_REUSED", "this order's id already stands for another task", {
        path: `orders[${s}].order.id`,
        expected: "an id not used before",
        hint: "sign a new order",
      }).refusal;
    }
    const task = { ...stepTask(given, step), manifest, contents, order };
    const refusal = objectionTo(core, now, caller, task, digest);
    if (refusal !== null) return { ...refusal, path: `orders[${s}].${refusal.path ?? "order"}` };
  }
  return null;
}

function cancel(core: Core, now: Instant, caller: Caller, id: string): Result<string> {
  const entry = core.applications.find(id, caller.role === "manager" ? null : caller.account);
  if (entry === undefined)
    return refuse("E_NOT_FOUND", "no such application", {
      found: id,
      hint: "weft get applications lists what there is",
    });
  if (entry.kept.finishedAt === null) end(core, now, entry, "cancelled", null);
  return ok(entry.kept.id);
}
