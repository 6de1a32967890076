import {
  type Digest,
  formatInstant,
  type Instant,
  ok,
  type Refusal,
  type Result,
  refuse,
} from "@weft/kernel";
import { verifyOrder } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import type { Caller, TaskSubmission } from "../resources.ts";
import { hasEnded, type TaskRow } from "../store.ts";
import { isLater, promiseAhead } from "./ahead.ts";
import { type Core, store, tell } from "./core.ts";
import { observe } from "./observing.ts";
import { shapeOf, turnFor } from "./turns.ts";

/*
 * A task comes in: whether it may, and that it is taken up.
 */

export function submit(core: Core, now: Instant, caller: Caller, submission: TaskSubmission): Result<string> {
  const { order } = submission.order;
  const known = core.tasks.ofOrder(order.id);
  if (known !== undefined) {
    if (
      known.row.consumer === caller.account &&
      known.row.submission.order.order.taskDigest === order.taskDigest
    ) {
      return ok(known.row.id); // the same order is the same task
    }
    return refuse("E_ORDER_REUSED", "this order's id already stands for another task", {
      path: "order.id",
      found: order.id,
      expected: "an id not used before",
      hint: "sign a new order",
    });
  }
  const refusal = objectionTo(core, now, caller, submission);
  if (refusal !== null) return { ok: false, refusal };
  const id = core.options.newId("task");
  if (isLater(submission.needs, now)) {
    const promised = promiseAhead(core, now, id, caller.account, submission.needs);
    if (!promised.ok) return promised;
  }
  admitTask(core, now, id, caller.account, submission);
  return ok(id);
}

/** Tasks whose moment has come. */
export function beginPromised(core: Core, now: Instant): void {
  for (const task of core.ahead.due.due(now)) {
    const entry = core.tasks.task(task);
    if (entry === undefined || hasEnded(entry.row.progress.phase)) continue;
    lineUp(core, now, entry.row);
  }
}

/** Takes up a task that nothing speaks against. */
export function admitTask(
  core: Core,
  now: Instant,
  id: string,
  consumer: string,
  submission: TaskSubmission,
): void {
  const { order } = submission.order;
  const { startAt, ...others } = submission.needs;
  const needs = {
    ...others,
    payAtMost: others.payAtMost ?? order.payAtMost,
    // A moment that is past promises nothing.
    ...(startAt === undefined || startAt <= now ? {} : { startAt }),
  };
  const row: TaskRow = {
    id,
    consumer,
    submittedAt: now,
    submission: { ...submission, needs },
    progress: { phase: "pending", reason: null, finishedAt: null, result: null, charged: null },
  };
  store(core, core.tasks.add(row));
  tell(core, now, "submitted", "task", id);
  if (isLater(needs, now)) return;
  lineUp(core, now, row);
}

function lineUp(core: Core, now: Instant, row: TaskRow): void {
  const { needs, order } = row.submission;
  const giveUpAt = order.order.notAfter;
  observe(core, now, {
    kind: "submitted",
    task: row.id,
    turn: turnFor(row),
    shape: shapeOf(needs),
    giveUpAt,
  });
}

/** Why a task is not taken up; null: nothing speaks against it. The digest is the manifest's: many steps share one. */
export function objectionTo(
  core: Core,
  now: Instant,
  caller: Caller,
  submission: TaskSubmission,
  digest: Digest = core.options.cryptography.digest(submission.manifest),
): Refusal | null {
  const { order } = submission.order;
  const { cryptography } = core.options;
  if (order.taskDigest !== digest) {
    return refuse("E_ORDER_TASK", "the order is for another task", {
      path: "order.taskDigest",
      found: order.taskDigest,
      expected: digest,
      hint: "sign the digest of the manifest exactly as it is sent",
    }).refusal;
  }
  if (order.notAfter <= now) {
    return refuse("E_ORDER_EXPIRED", "the order has lapsed", {
      path: "order.notAfter",
      found: formatInstant(order.notAfter),
      expected: `later than ${formatInstant(now)}`,
      hint: "submit again with a later moment, and compare your clock with the manager's",
    }).refusal;
  }
  if ((submission.needs.startAt ?? now) > order.notAfter) {
    return refuse("E_ORDER_EXPIRED", "the order lapses before the task may start", {
      path: "order.notAfter",
      found: formatInstant(order.notAfter),
      expected: `${formatInstant(submission.needs.startAt ?? now)} or later`,
      hint: "sign it for longer: weft apply --valid",
    }).refusal;
  }
  if (core.books.account(caller.account) === undefined) {
    return refuse("E_NO_ACCOUNT", "the caller has no account", {
      path: "account",
      found: caller.account,
      hint: "have the manager make it with a token: weft token create --role consumer --account NAME",
    }).refusal;
  }
  if (core.keys.get(order.consumer)?.account !== caller.account) {
    return refuse("E_KEY_UNKNOWN", "the order's key does not speak for the caller's account", {
      path: "order.consumer",
      found: order.consumer,
      hint: "have the manager add the key: weft key add",
    }).refusal;
  }
  const { payAtMost } = submission.needs;
  if (payAtMost !== null && payAtMost > order.payAtMost) {
    return refuse("E_ORDER_BOUND", "the task may pay more than the order", {
      path: "order.payAtMost",
      found: String(order.payAtMost),
      expected: `${payAtMost} or more`,
      hint: "sign the order for what spec.pay.atMost says",
    }).refusal;
  }
  return unknownSite(core, submission.needs) ?? verifyOrder(submission.order, cryptography);
}

/** Why a task whose data is at no site of the network can be neither planned nor taken up; null: there is such a site. */
export function unknownSite(core: Core, { basic: { dataAt } }: TaskNeeds): Refusal | null {
  if (core.pool.links.sites.find(dataAt) >= 0 || dataAt === core.options.site) return null;
  return refuse("E_UNKNOWN_SITE", "no such site in the network", {
    path: "spec.data.at",
    found: dataAt,
    hint: "weft get sites lists them",
  }).refusal;
}
