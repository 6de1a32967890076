import { type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { Caller } from "../resources.ts";
import { hasEnded, type TokenRow } from "../store.ts";
import { endPromise, isLater } from "./ahead.ts";
import { applicationsCommand } from "./applications/commands.ts";
import { submitBatch } from "./batch.ts";
import { billingCommand } from "./billing.ts";
import { type Command, type Core, store, tell } from "./core.ts";
import { disputeCommand } from "./disputes.ts";
import { observe } from "./observing.ts";
import { mayTouch, organisationsCommand } from "./organisations.ts";
import { offersCommand } from "./repricing.ts";
import { submit } from "./submitting.ts";

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
  refuse("E_NOT_FOUND", `no such ${what}`, { found: id, hint: `weft get ${what}s lists what there is` });

function cancel(core: Core, now: Instant, caller: Caller, task: string): Result<string> {
  const entry = core.tasks.find(task, caller.role === "consumer" ? caller.account : null);
  if (entry === undefined || (caller.role !== "manager" && entry.row.consumer !== caller.account)) {
    return notFound("task", task);
  }
  entry.cancelledBy = caller.role === "manager" ? "manager" : "consumer";
  if (!hasEnded(entry.row.progress.phase) && isLater(entry.row.submission.needs, now)) {
    store(core, core.tasks.progress(entry, "cancelled", { finishedAt: now }));
    tell(core, now, "cancelled", "task", entry.row.id);
    if (endPromise(core, entry.row.id)) observe(core, now, { kind: "room" });
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
    return refuse("E_KEY_TAKEN", "the key speaks for another account", {
      path: "key",
      found: key,
      expected: "a key that is new here, or the account's own",
      hint: "have it removed there first: weft key remove",
    });
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
  if (core.tokensByDigest.has(asked.digest))
    return refuse("E_CONFLICT", "there is such a token already", {
      path: "token",
      hint: "make another",
    });
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
