import type { Handlers } from "../server/handler.ts";
import { readPlan } from "../server/submission.ts";
import type { OFFER_ROUTES } from "./routes.ts";

/** One handler for each route of offers. */
export const OFFER_HANDLERS: Handlers<keyof typeof OFFER_ROUTES> = {
  "POST /v1/offers": ({ selling }, { caller, body }) => selling.set(caller, body),
  "DELETE /v1/offers/{node}": ({ selling }, { caller, params }) => selling.remove(caller, params.node),
  "POST /v1/offers:price": (manager, { caller, body }) => {
    const plan = readPlan(manager, body);
    return plan.ok ? manager.selling.quotes(caller, plan.value) : plan;
  },
};
