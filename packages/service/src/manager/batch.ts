import { type Instant, ok, type Result } from "@weft/kernel";
import { planTogether } from "@weft/scheduling";
import type { Caller, TaskSubmission } from "../resources.ts";
import { endPromise, isLater, promiseAhead } from "./ahead.ts";
import type { Core } from "./core.ts";
import { onSale } from "./offers.ts";
import { admitTask, objectionTo, submit } from "./submitting.ts";

/** More tasks than this are decided in several batches: what is searched grows with their square. */
const MOST_TOGETHER = 256;

/**
 * Takes up several tasks, all or none, and places them where they are best together. A task that waits is tried later by
 * itself. The same orders again are the same tasks.
 */
export function submitBatch(
  core: Core,
  now: Instant,
  caller: Caller,
  submissions: readonly TaskSubmission[],
): Result<string> {
  const orders = new Set<string>();
  const fresh = submissions.filter(({ order: { order } }) => {
    if (orders.has(order.id) || core.tasks.ofOrder(order.id) !== undefined) return false;
    orders.add(order.id);
    return true;
  });
  for (const [i, submission] of fresh.entries()) {
    const refusal = objectionTo(core, now, caller, submission);
    if (refusal !== null)
      return { ok: false, refusal: { ...refusal, path: `items[${i}].${refusal.path ?? ""}` } };
  }
  const later = new Map<string, TaskSubmission>();
  for (const [i, submission] of fresh.entries()) {
    if (!isLater(submission.needs, now)) continue;
    const id = core.options.newId("task");
    const promised = promiseAhead(core, now, id, caller.account, submission.needs);
    if (promised.ok) later.set(id, submission);
    else {
      for (const made of later.keys()) endPromise(core, made);
      return {
        ok: false,
        refusal: { ...promised.refusal, path: `items[${i}].${promised.refusal.path ?? ""}` },
      };
    }
  }
  for (const [id, submission] of later) admitTask(core, now, id, caller.account, submission);
  const nowOn = fresh.filter(({ needs }) => !isLater(needs, now));
  for (let from = 0; from < nowOn.length; from += MOST_TOGETHER) {
    const part = nowOn.slice(from, from + MOST_TOGETHER);
    const needs = part.map((one) =>
      onSale(core, { ...one.needs, payAtMost: one.needs.payAtMost ?? one.order.order.payAtMost }),
    );
    const { decisions } = planTogether(core.pool, needs);
    const ids = part.map(() => core.options.newId("task"));
    decisions.forEach((decision, i) => {
      if (decision.outcome === "placed") core.planned.set(ids[i]!, decision);
    });
    // Those that have a place first: one that waits must not take it.
    for (const has of [true, false]) {
      part.forEach((submission, i) => {
        const id = ids[i]!;
        if ((decisions[i]!.outcome === "placed") === has)
          admitTask(core, now, id, caller.account, submission);
      });
    }
    for (const id of ids) core.planned.delete(id);
  }
  const made: string[] = [];
  for (const submission of submissions) {
    const known = submit(core, now, caller, submission);
    if (!known.ok) return known;
    made.push(known.value);
  }
  return ok(made.join(" "));
}
