import { randomBytes } from "node:crypto";
import { ok, type Result, refuse } from "@weft/kernel";
import { nodeCryptography } from "@weft/live";
import type { Caller, NodeView } from "@weft/service";
import { APPLICATION_HANDLERS } from "../applications/handlers.ts";
import type { Awaitable } from "../asked.ts";
import { BILLING_HANDLERS } from "../billing/handlers.ts";
import { LOG_HANDLERS } from "../log/handlers.ts";
import type { ManagerApi } from "../manager-api.ts";
import { OFFER_HANDLERS } from "../offers/handlers.ts";
import { ORGANISATION_HANDLERS } from "../organisations/handlers.ts";
import type { RouteAnswer } from "../routes.ts";
import { selects } from "../selector.ts";
import { keyProofText } from "../wire/requests.ts";
import { newSecret, tokenDigest } from "./access.ts";
import type { Answer, Asked, Handler, PlainRoute } from "./handler.ts";
import { readPlan, submitTask } from "./submission.ts";

/** One handler a route; the compiler misses none. */
export const HANDLERS: { readonly [N in PlainRoute]: Handler<N> } = {
  "GET /v1/network": (manager) => ok(manager.network()),
  "GET /v1/whoami": (_, { caller }) => ok({ account: caller.account, role: caller.role }),

  "POST /v1/tasks": (manager, { caller, body }) => submitTask(manager, caller, body),
  "POST /v1/tasks:plan": (manager, { caller, body }) => {
    const plan = readPlan(manager, body);
    return plan.ok ? manager.plan(caller, plan.value) : plan;
  },
  "GET /v1/tasks": async (manager, { caller, query: { phase, labels, name, node, limit, cursor } }) =>
    ok(
      await manager.tasks(caller, {
        limit,
        cursor,
        labels,
        ...(phase === undefined ? {} : { phases: phase }),
        ...(name === undefined ? {} : { name }),
        ...(node === undefined ? {} : { node }),
      }),
    ),
  "GET /v1/tasks/{task}": (manager, { caller, params }) => manager.task(caller, params.task),
  "DELETE /v1/tasks/{task}": (manager, { caller, params }) =>
    withTask(manager, caller, params.task, (id) => manager.cancel(caller, id)),
  "GET /v1/tasks/{task}/explain": (manager, { caller, params }) =>
    withTask(manager, caller, params.task, (id) => manager.explain(caller, id)),

  "GET /v1/sites": (manager) => ok({ items: manager.sites() }),
  "GET /v1/domains": (manager, { caller }) => ok({ items: manager.domains(caller) }),
  "GET /v1/gateways": (manager, { caller }) =>
    ok({
      token: manager.dataToken(caller),
      items: manager
        .sites()
        .flatMap(({ id, gateway }) => (gateway === null ? [] : [{ site: id, url: gateway }])),
    }),
  "GET /v1/nodes": (manager, { caller, query }) =>
    ok({ items: manager.nodes(caller).filter((node) => selects(query.labels, nodeLabels(node))) }),
  "GET /v1/nodes/{node}": (manager, { caller, params }) => {
    const node = manager.nodes(caller).find((one) => one.description.id === params.node);
    return node === undefined ? absent("node", params.node) : ok(node);
  },
  "GET /v1/links": (manager, { caller }) => ok({ items: manager.links(caller) }),

  "GET /v1/offers": async (manager, { caller }) => ok({ items: await manager.offers(caller) }),
  "GET /v1/contracts": async (manager, { caller, query: { limit, cursor, task, node } }) =>
    ok(await manager.contracts(caller, { limit, cursor, ...given("task", task), ...given("node", node) })),
  "GET /v1/contracts/{contract}": (manager, { caller, params }) => manager.contract(caller, params.contract),
  "GET /v1/usage": async (manager, { caller, query: { limit, cursor, task } }) =>
    ok(await manager.usage(caller, { limit, cursor, ...given("task", task) })),
  "GET /v1/accounts": async (manager, { caller }) => ok({ items: await manager.accounts(caller) }),
  "GET /v1/accounts/{account}/transfers": (manager, { caller, params, query }) =>
    manager.transfers(caller, params.account, query),

  "GET /v1/keys": async (manager, { caller }) => ok({ items: await manager.keys(caller) }),
  "POST /v1/keys": (manager, { caller, body: { key, note, proof } }) =>
    nodeCryptography.verify(key, keyProofText(caller.account, key), proof)
      ? manager.addKey(caller, key, note)
      : refuse("E_KEY_PROOF", "the key's holder did not sign for this account", {
          path: "body.proof",
          expected: `a signature of ${keyProofText(caller.account, key)}`,
        }),
  "DELETE /v1/keys/{key}": (manager, { caller, params }) => manager.removeKey(caller, params.key),
  "GET /v1/tokens": async (manager, { caller }) => ok({ items: await manager.tokens(caller) }),
  "POST /v1/tokens": issueToken,
  ...OFFER_HANDLERS,
  ...ORGANISATION_HANDLERS,
  ...APPLICATION_HANDLERS,
  ...LOG_HANDLERS,
  ...BILLING_HANDLERS,
  "DELETE /v1/tokens/{token}": (manager, { caller, params }) => manager.revokeToken(caller, params.token),
};

const given = <K extends string, T>(key: K, value: T | undefined): { readonly [k in K]?: T } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [k in K]?: T });

const absent = (what: string, name: string) =>
  refuse("E_NOT_FOUND", `no ${what} "${name}"`, { hint: `weft get ${what}s lists what there is` });

/** What selectors match on a node: its own labels, and what else tells nodes apart. */
const nodeLabels = ({ description }: NodeView): Readonly<Record<string, string>> => ({
  ...description.labels,
  id: description.id,
  tier: description.tier,
  site: description.site,
  domain: description.domain,
});

/** Resolves an id or a name first, so that what is not the caller's is refused as what is not there. */
async function withTask<T>(
  manager: ManagerApi,
  caller: Caller,
  idOrName: string,
  then: (id: string) => Awaitable<Result<T>>,
): Promise<Result<T>> {
  const task = await manager.task(caller, idOrName);
  return task.ok ? then(task.value.id) : task;
}

/** Managers make any token; others only such as open no more than their own. The secret leaves here alone. */
async function issueToken(
  manager: ManagerApi,
  { caller, body }: Asked<"POST /v1/tokens">,
): Promise<Answer<RouteAnswer<"POST /v1/tokens">>> {
  const account = body.account ?? caller.account;
  const role = body.role ?? (body.use === "join" ? "provider" : caller.role);
  if (caller.role !== "manager" && (account !== caller.account || role !== caller.role)) {
    return refuse("E_FORBIDDEN", "only a manager makes tokens for others", {
      found: `${role} of ${account}`,
      expected: `${caller.role} of ${caller.account}`,
    });
  }
  if (body.use === "join" && role !== "provider") {
    return refuse("E_FORBIDDEN", "nodes join as a provider's", { found: role, expected: "provider" });
  }
  if (body.use === "join" && caller.acts !== undefined && !caller.acts.includes("manage-nodes")) {
    return refuse("E_FORBIDDEN", "this member does not bring nodes", { expected: "manage-nodes" });
  }
  const secret = newSecret(body.use);
  const made = await manager.createToken(caller, {
    id: `t${randomBytes(6).toString("hex")}`,
    digest: tokenDigest(secret),
    use: body.use,
    account,
    role,
    note: body.note,
    expiresAt: body.expiresAt,
    // A member hands on no more than it has itself.
    ...(caller.person === undefined ? {} : { person: caller.person, acts: caller.acts ?? [] }),
  });
  return made.ok ? ok({ ...made.value, secret }) : made;
}
