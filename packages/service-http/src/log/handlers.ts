import { ok, refuse } from "@weft/kernel";
import type { Handlers } from "../server/handler.ts";
import type { LOG_ROUTES } from "./routes.ts";

/** One handler for each route of the log. */
export const LOG_HANDLERS: Handlers<keyof typeof LOG_ROUTES> = {
  "GET /v1/log/head": ({ log }) => log.head(),
  "GET /v1/log/heads": async ({ log }) => ok({ items: await log.heads() }),
  "GET /v1/log/entries": async ({ log }, { query }) =>
    ok({ items: await log.entries(query.first, query.limit) }),
  "GET /v1/log/proof": ({ log }, { caller, query: { index, contract } }) => {
    if (contract !== undefined) return log.inclusion(caller, { contract });
    if (index !== undefined) return log.inclusion(caller, { index });
    return refuse("E_REQUEST", "of which line?", { path: "query", expected: "index or contract" });
  },
  "GET /v1/log/consistency": ({ log }, { query }) => log.consistency(query.first, query.second),
  "POST /v1/log/cosignatures": ({ log }, { body }) => log.cosign(body.size, body.witness, body.signature),
};
