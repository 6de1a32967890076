import { type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { verifyOrder } from "@weft/market";
import type { Caller, TaskSubmission } from "../resources.ts";
import { hasEnded, type TaskRow, type TokenRow } from "../store.ts";
import { endPromise, isLater, promiseAhead } from "./ahead.ts";
import { applicationsCommand } from "./applications/commands.ts";
import { submitBatch } from "./batch.ts";
import { billingCommand } from "./billing.ts";
import { type Command, type Core, store, tell } from "./core.ts";
import { disputeCommand } from "./disputes.ts";
import { offersCommand } from "./offers.ts";
import { mayTouch, organisationsCommand } from "./organisations.ts";
import { observe, shapeOf } from "./placing.ts";
import { turnFor } from "./preempting.ts";

/** Carries a command out; the answer is the id of what it made or changed. */
export function command(core: Core, now: Instant, asked: Command): Result<string> {
  switch (asked.kind) {
    case "submit":
      return submit(core, now, asked.caller, asked.submission);
    case "cancel":
      return cancel(core, now, asked.caller, asked.task);
    case "open-account": {
      const { id, name, role, limit } = asked;
      const createdAt = core.books.account(id)?.createdAt ?? now;
      const { currency } = core.options;
      store(core, core.books.open({ id, name, role, limit, currency, createdAt }));
      return ok(id);
    }
    case "deposit": {
      const entered = core.books.deposit(asked.id, asked.account, asked.amount, now);
      if (!entered.ok) return entered;
      store(core, entered.value);
      observe(core, now, { kind: "room" });
      return ok(asked.id);
    }
    case "add-key":
      return addKey(core, now, asked);
    case "remove-key":
      return removeKey(core, asked.caller, asked.key);
    case "create-token":
      return createToken(core, now, asked.token);
    case "revoke-token":
      return revokeToken(core, asked.caller, asked.id);
    case "set-offer":
    case "remove-offer":
      return offersCommand(core, now, asked);
    case "issue-invoice":
    case "credit-invoice":
    case "pay-out":
    case "set-time-zone":
    case "flush":
      return billingCommand(core, now, asked);
    case "dispute":
    case "resolve":
      return disputeCommand(core, now, asked);
    case "cosign-head":
      return core.log.cosign(core, now, asked);
    case "submit-batch":
      return submitBatch(core, now, asked.caller, asked.submissions);
    case "submit-application":
    case "cancel-application":
      return applicationsCommand(core, now, asked);
    default:
      return organisationsCommand(core, now, asked);
  }
}

const notFound = (what: string, id: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", `no such ${what}`, { found: id });

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
    return refuse("E_ORDER_REUSED", "this order's id already stands for another task", { path: "order.id" });
  }
  const refusal = objectionTo(core, now, caller, submission);
  if (refusal !== null) return { ok: false, refusal };
  const id = core.options.newId("task");
  const unpromised = isLater(submission.needs, now) ? promiseAhead(core, now, id, submission.needs) : null;
  if (unpromised !== null) return { ok: false, refusal: unpromised };
  admitTask(core, now, id, caller.account, submission);
  return ok(id);
}

/** Tasks whose moment has come. */
export function beginPromised(core: Core, now: Instant): void {
  for (const task of core.ahead.due.due(now)) {
    const entry = core.tasks.task(task);
    if (entry === undefined || hasEnded(entry.row.progress.phase)) continue;
    const { needs, order } = entry.row.submission;
    const giveUpAt = order.order.notAfter;
    observe(core, now, {
      kind: "submitted",
      task,
      turn: turnFor(entry.row),
      shape: shapeOf(needs),
      giveUpAt,
    });
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
  const shape = shapeOf(needs);
  observe(core, now, { kind: "submitted", task: id, turn: turnFor(row), shape, giveUpAt: order.notAfter });
}

/** Why a task is not taken up; null: nothing speaks against it. */
export function objectionTo(
  core: Core,
  now: Instant,
  caller: Caller,
  submission: TaskSubmission,
): Refusal | null {
  const { order } = submission.order;
  const { cryptography } = core.options;
  if (order.taskDigest !== cryptography.digest(submission.manifest)) {
    return refuse("E_ORDER_TASK", "the order is for another task", {
      path: "order.taskDigest",
      hint: "sign the digest of the manifest exactly as it is sent",
    }).refusal;
  }
  if (order.notAfter <= now) {
    return refuse("E_ORDER_EXPIRED", "the order has lapsed", {
      path: "order.notAfter",
      hint: "submit again with a later moment, and compare your clock with the manager's",
    }).refusal;
  }
  if ((submission.needs.startAt ?? now) > order.notAfter) {
    return refuse("E_ORDER_EXPIRED", "the order lapses before the task may start", {
      path: "order.notAfter",
      hint: "sign it for longer: weft apply --valid",
    }).refusal;
  }
  if (core.books.account(caller.account) === undefined) {
    return refuse("E_NO_ACCOUNT", "the caller has no account", { found: caller.account }).refusal;
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
    return refuse("E_ORDER_BOUND", "the task may pay more than the order", { path: "order.payAtMost" })
      .refusal;
  }
  const { dataAt } = submission.needs.basic;
  if (core.pool.links.sites.find(dataAt) < 0 && dataAt !== core.options.site) {
    return refuse("E_UNKNOWN_SITE", "no such site in the network", {
      path: "spec.data.at",
      found: dataAt,
      hint: "weft get sites lists them",
    }).refusal;
  }
  return verifyOrder(submission.order, cryptography);
}

function cancel(core: Core, now: Instant, caller: Caller, task: string): Result<string> {
  const entry = core.tasks.find(task, caller.role === "consumer" ? caller.account : null);
  if (entry === undefined || (caller.role !== "manager" && entry.row.consumer !== caller.account)) {
    return notFound("task", task);
  }
  entry.cancelledBy = caller.role === "manager" ? "manager" : "consumer";
  if (!hasEnded(entry.row.progress.phase) && isLater(entry.row.submission.needs, now)) {
    store(core, core.tasks.progress(entry, "cancelled", { finishedAt: now }));
    tell(core, now, "cancelled", "task", entry.row.id);
    endPromise(core, entry.row.id);
  } else if (!hasEnded(entry.row.progress.phase)) {
    observe(core, now, { kind: "cancelled", task: entry.row.id });
    observe(core, now, { kind: "room" });
  }
  return ok(entry.row.id);
}

function addKey(
  core: Core,
  now: Instant,
  { account, key, note, person }: Command & { readonly kind: "add-key" },
): Result<string> {
  if (core.books.account(account) === undefined) return notFound("account", account);
  const owner = core.keys.get(key)?.account;
  if (owner !== undefined && owner !== account) {
    return refuse("E_KEY_TAKEN", "the key speaks for another account", { path: "key" });
  }
  const row = { key, account, note, addedAt: now, ...(person === undefined ? {} : { person }) };
  core.keys.set(key, row);
  store(core, [{ kind: "put-key", row }]);
  return ok(key);
}

function removeKey(core: Core, caller: Caller, key: string): Result<string> {
  const row = core.keys.get(key);
  if (row === undefined || !mayTouch(caller, row)) return notFound("key", key);
  core.keys.delete(key);
  store(core, [{ kind: "remove-key", id: key }]);
  return ok(key);
}

function createToken(core: Core, now: Instant, asked: Omit<TokenRow, "createdAt">): Result<string> {
  if (core.books.account(asked.account) === undefined) return notFound("account", asked.account);
  if (core.tokensByDigest.has(asked.digest)) return refuse("E_CONFLICT", "there is such a token already");
  const row: TokenRow = { ...asked, createdAt: now };
  core.tokens.set(row.id, row);
  core.tokensByDigest.set(row.digest, row);
  store(core, [{ kind: "put-token", row }]);
  return ok(row.id);
}

function revokeToken(core: Core, caller: Caller, id: string): Result<string> {
  const row = core.tokens.get(id);
  if (row === undefined || !mayTouch(caller, row)) return notFound("token", id);
  core.tokens.delete(id);
  core.tokensByDigest.delete(row.digest);
  store(core, [{ kind: "remove-token", id }]);
  return ok(id);
}
