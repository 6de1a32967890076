import type { NodeId } from "@weft/infrastructure";
import type { SignedOffer } from "@weft/market";
import { z } from "zod";
import type { Route } from "../route.ts";
import { offerView } from "../wire/market.ts";
import { standingOffer } from "../wire/offers.ts";
import { instant, named, publicKey, signature } from "../wire/quantities.ts";
import { planBody } from "../wire/requests.ts";
import { decisionView, placementView } from "../wire/views.ts";
import type { QuotesView } from "./api.ts";

const offerBody: z.ZodType<SignedOffer> = z.strictObject({
  offer: standingOffer,
  key: publicKey().describe("A key that speaks for the node's provider."),
  signature: signature().describe('Of the canonical text {"kind":"weft/offer/1","offer":OFFER}.'),
});

const quotesView: z.ZodType<QuotesView> = z.looseObject({
  at: instant(),
  quotes: z.array(z.looseObject({ placement: placementView, reputation: z.number() })),
  rest: decisionView,
});

const offerParams = z.strictObject({ node: named<NodeId>() });

/** What providers set of their prices, and what work would cost; part of the one table of routes. */
export const OFFER_ROUTES = {
  "POST /v1/offers": {
    access: ["provider"],
    act: "manage-offers",
    summary: "Set a node's prices, hours and conditions; replaces what was set before",
    body: offerBody,
    answer: offerView,
  },
  "DELETE /v1/offers/{node}": {
    access: ["provider", "manager"],
    act: "manage-offers",
    summary: "Let a node sell at its own list again",
    params: offerParams,
    answer: offerView,
  },
  "POST /v1/offers:price": {
    access: ["consumer", "manager"],
    act: "submit-tasks",
    summary: "What a task would cost now on each node where it fits, cheapest first; commits nothing",
    body: planBody,
    answer: quotesView,
  },
} as const satisfies Readonly<Record<string, Route>>;
