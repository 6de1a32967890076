import { ok } from "@weft/kernel";
import type { Handlers } from "../server/handler.ts";
import type { BILLING_ROUTES } from "./routes.ts";

/** One handler for each route of bills, payouts and disputes. */
export const BILLING_HANDLERS: Handlers<keyof typeof BILLING_ROUTES> = {
  "GET /v1/invoices": async ({ billing }, { caller }) => ok({ items: await billing.invoices(caller) }),
  "GET /v1/invoices/{invoice}": ({ billing }, { caller, params }) => billing.invoice(caller, params.invoice),
  "POST /v1/invoices": async ({ billing }, { body }) => {
    const issued = await billing.issue(body.period, body.dryRun);
    return issued.ok ? ok({ items: issued.value }) : issued;
  },
  "POST /v1/invoices:draft": ({ billing }, { caller, body }) =>
    billing.draft(caller, body.account ?? caller.account, body.period ?? null),
  "POST /v1/invoices/{invoice}/credits": ({ billing }, { params, body }) =>
    billing.credit(params.invoice, { ...body, borneBy: body.borneBy ?? null }),
  "GET /v1/payouts": async ({ billing }, { caller }) => ok({ items: await billing.payouts(caller) }),
  "POST /v1/payouts": ({ billing }, { caller, body }) =>
    billing.payOut(caller, body.account ?? caller.account, body.dryRun),
  "GET /v1/accounts/{account}/statement": ({ billing }, { caller, params, query }) =>
    billing.statement(caller, params.account, query.period ?? null),
  "POST /v1/accounts/{account}/time-zone": ({ billing }, { caller, params, body }) =>
    billing.setTimeZone(caller, params.account, body.timeZone),
  "POST /v1/contracts/{contract}/dispute": ({ billing }, { caller, params, body }) =>
    billing.dispute(caller, params.contract, body.claim),
  "POST /v1/contracts/{contract}/resolve": ({ billing }, { caller, params, body }) =>
    billing.resolve(caller, params.contract, body),
};
