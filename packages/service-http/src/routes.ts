import type { Role } from "@weft/service";
import { z } from "zod";
import { APPLICATION_ROUTES } from "./applications/routes.ts";
import { BILLING_ROUTES } from "./billing/routes.ts";
import { LOG_ROUTES } from "./log/routes.ts";
import { OFFER_ROUTES } from "./offers/routes.ts";
import { ORGANISATION_ROUTES } from "./organisations/routes.ts";
import type { Route } from "./route.ts";
import {
  accountView,
  contractView,
  issuedToken,
  keyView,
  offerView,
  tokenView,
  transfer,
  usageView,
} from "./wire/market.ts";
import { page } from "./wire/quantities.ts";
import {
  accountParams,
  contractParams,
  contractQuery,
  eventsQuery,
  keyBody,
  keyParams,
  labelQuery,
  logsQuery,
  nodeParams,
  pageQuery,
  planBody,
  submissionBody,
  taskParams,
  taskQuery,
  tokenBody,
  tokenParams,
  usageQuery,
} from "./wire/requests.ts";
import {
  decisionView,
  domainView,
  gatewaysView,
  healthView,
  linkView,
  networkView,
  nodeView,
  siteView,
  taskView,
} from "./wire/views.ts";

/*
 * Every route of the API in one table: who may call it, what it takes and what it answers. Server, client, OpenAPI
 * and the test of role x route are all made from it.
 */

const ALL: readonly Role[] = ["consumer", "provider", "manager"];
/** A list that is always whole. */
const list = <T>(item: z.ZodType<T>): z.ZodType<{ readonly items: readonly T[] }> =>
  z.looseObject({ items: z.array(item) });

export const ROUTES = {
  "GET /v1/network": {
    access: ALL,
    summary: "The network: its name, currency, manager's key",
    answer: networkView,
  },
  "GET /v1/whoami": {
    access: ALL,
    summary: "Whose token this is",
    answer: z.looseObject({ account: z.string(), role: z.enum(["consumer", "provider", "manager"]) }),
  },

  "POST /v1/tasks": {
    access: ["consumer"],
    act: "submit-tasks",
    summary: "Submit a task; the same order again gives the same task",
    body: submissionBody,
    answer: taskView,
    status: 201,
  },
  "POST /v1/tasks:plan": {
    access: ["consumer", "manager"],
    act: "submit-tasks",
    summary: "What would happen to a task now; commits nothing",
    body: planBody,
    answer: decisionView,
  },
  "GET /v1/tasks": {
    access: ALL,
    act: "see-tasks",
    summary: "Tasks, newest first",
    query: taskQuery,
    answer: page(taskView),
  },
  "GET /v1/tasks/{task}": {
    access: ALL,
    act: "see-tasks",
    summary: "One task",
    params: taskParams,
    answer: taskView,
  },
  "DELETE /v1/tasks/{task}": {
    access: ["consumer", "manager"],
    act: "submit-tasks",
    summary: "Stop a task at once",
    params: taskParams,
    answer: taskView,
  },
  "GET /v1/tasks/{task}/explain": {
    access: ALL,
    act: "see-tasks",
    summary: "Why the task is where it is",
    params: taskParams,
    answer: decisionView,
  },
  "GET /v1/tasks/{task}/logs": {
    access: ["consumer", "manager"],
    act: "see-tasks",
    summary: "What the task printed, one JSON object a line",
    params: taskParams,
    query: logsQuery,
    answer: "application/x-ndjson",
  },

  "GET /v1/sites": { access: ALL, summary: "Sites and their gateways", answer: list(siteView) },
  "GET /v1/domains": {
    access: ALL,
    summary: "This domain and the others it deals with",
    answer: list(domainView),
  },
  "GET /v1/gateways": {
    access: ["consumer", "manager"],
    act: "submit-tasks",
    summary: "Where data can be put and fetched, and the word that gateways ask for",
    answer: gatewaysView,
  },
  "GET /v1/nodes": { access: ALL, summary: "Nodes", query: labelQuery, answer: list(nodeView) },
  "GET /v1/nodes/{node}": { access: ALL, summary: "One node", params: nodeParams, answer: nodeView },
  "GET /v1/links": { access: ALL, summary: "Links, each direction", answer: list(linkView) },

  "GET /v1/offers": { access: ALL, summary: "What is on sale now", answer: list(offerView) },
  "GET /v1/contracts": {
    access: ALL,
    act: "see-tasks",
    summary: "Contracts, newest first",
    query: contractQuery,
    answer: page(contractView),
  },
  "GET /v1/contracts/{contract}": {
    access: ALL,
    act: "see-tasks",
    summary: "One contract, with what was signed",
    params: contractParams,
    answer: contractView,
  },
  "GET /v1/usage": {
    access: ALL,
    act: "see-tasks",
    summary: "Signed usage and its charge, newest first",
    query: usageQuery,
    answer: page(usageView),
  },
  "GET /v1/accounts": {
    access: ALL,
    act: "see-bills",
    summary: "Accounts and balances",
    answer: list(accountView),
  },
  "GET /v1/accounts/{account}/transfers": {
    access: ALL,
    act: "see-bills",
    summary: "What moved on an account, newest first",
    params: accountParams,
    query: pageQuery,
    answer: page(transfer),
  },

  "GET /v1/keys": { access: ALL, summary: "Keys that speak for the account", answer: list(keyView) },
  "POST /v1/keys": {
    access: ALL,
    act: "submit-tasks",
    summary: "Let a key speak for the account",
    body: keyBody,
    answer: keyView,
    status: 201,
  },
  "DELETE /v1/keys/{key}": {
    access: ALL,
    summary: "Let it speak no more",
    params: keyParams,
    answer: keyView,
  },
  "GET /v1/tokens": { access: ALL, summary: "Tokens, without their secrets", answer: list(tokenView) },
  "POST /v1/tokens": {
    access: ALL,
    summary: "Make a token; its secret is told once",
    body: tokenBody,
    answer: issuedToken,
    status: 201,
  },
  "DELETE /v1/tokens/{token}": {
    access: ALL,
    summary: "Revoke a token",
    params: tokenParams,
    answer: tokenView,
  },

  ...OFFER_ROUTES,
  ...ORGANISATION_ROUTES,
  ...APPLICATION_ROUTES,
  ...LOG_ROUTES,
  ...BILLING_ROUTES,

  "GET /v1/events": {
    access: ALL,
    summary:
      "What changes, as server-sent events; as CloudEvents where Accept names application/cloudevents+json (each event) or application/cloudevents-batch+json (what is kept, at once)",
    query: eventsQuery,
    answer: "text/event-stream",
  },

  "GET /v1/schemas/task": {
    access: "anyone",
    summary: "JSON Schema of a task's manifest",
    answer: "application/schema+json",
  },
  "GET /openapi.json": { access: "anyone", summary: "This description", answer: "application/json" },
  "GET /healthz": { access: "anyone", summary: "The process answers", answer: healthView },
  "GET /readyz": { access: "anyone", summary: "It takes commands; 503 while not", answer: healthView },
  "GET /metrics": { access: "local", summary: "Prometheus metrics", answer: "text/plain" },
} as const satisfies Readonly<Record<string, Route>>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;

type Part<R, K extends string> = R extends { readonly [key in K]: infer S extends z.ZodType } ? S : never;
/** What a caller gives a route: the JSON side of its schemas. */
export type RouteInput<N extends RouteName, K extends "params" | "query" | "body"> = z.input<
  Part<Routes[N], K>
>;
/** What a handler gets: the floors' side. */
export type RouteGiven<N extends RouteName, K extends "params" | "query" | "body"> = z.output<
  Part<Routes[N], K>
>;
/** What a route answers, the floors' side. */
export type RouteAnswer<N extends RouteName> = z.output<Part<Routes[N], "answer">>;

/** `GET /v1/tasks/{task}` in two parts. */
export function splitRoute(name: string): {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
} {
  const [method, path] = name.split(" ") as ["GET" | "POST" | "DELETE", string];
  return { method, path };
}
