import type { Instant, Result } from "@weft/kernel";
import type { SignedOffer } from "@weft/market";
import type { Caller } from "@weft/service";
import type { Awaitable, PlanRequest } from "../asked.ts";
import type { DecisionView, OfferView, PlacementView } from "../views.ts";

/** One place where the work asked about would fit now, at the price in force now. */
export interface QuoteView {
  readonly placement: PlacementView;
  readonly reputation: number;
}

export interface QuotesView {
  readonly at: Instant;
  /** Cheapest first. */
  readonly quotes: readonly QuoteView[];
  /** Why no further node fits. */
  readonly rest: DecisionView;
}

export interface OffersApi {
  /** Replaces what was set of that node before. */
  set(caller: Caller, offer: SignedOffer): Promise<Result<OfferView>>;
  /** From now on the node sells at its own list, always. */
  remove(caller: Caller, node: string): Promise<Result<OfferView>>;
  quotes(caller: Caller, request: PlanRequest): Awaitable<Result<QuotesView>>;
}
