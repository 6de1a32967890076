import type { Refusal, Result } from "@weft/kernel";
import type { Caller } from "@weft/service";
import type { Awaitable } from "../asked.ts";
import type { ManagerApi } from "../manager-api.ts";
import type { RouteAnswer, RouteGiven, RouteName } from "../routes.ts";

/*
 * What a handler of a route is: what it is given, and what it answers.
 */

/** What a handler is given: parts of the request already read by their schemas, and who asks. */
export interface Asked<N extends RouteName> {
  readonly caller: Caller;
  readonly params: RouteGiven<N, "params">;
  readonly query: RouteGiven<N, "query">;
  readonly body: RouteGiven<N, "body">;
}

export type Answer<T> =
  | Result<T>
  | { readonly ok: false; readonly refusal: Refusal; readonly others: readonly Refusal[] };

/** Asks the manager what a route is for. */
export type Handler<N extends RouteName> = (
  manager: ManagerApi,
  asked: Asked<N>,
) => Awaitable<Answer<RouteAnswer<N>>>;

/** Routes whose answer is no single JSON value; streams.ts and server.ts serve them. */
export type SpecialRoute =
  | "GET /v1/tasks/{task}/logs"
  | "GET /v1/events"
  | "GET /v1/schemas/task"
  | "GET /v1/schemas/application"
  | "GET /v1/schemas/pipeline"
  | "GET /openapi.json"
  | "GET /healthz"
  | "GET /readyz"
  | "GET /metrics";

/** A handler for each of some routes. */
export type Handlers<N extends PlainRoute> = { readonly [M in N]: Handler<M> };
export type PlainRoute = Exclude<RouteName, SpecialRoute>;
