import type { Instant, Micros, Result } from "@weft/kernel";
import type { OfferWindow, PriceList, PricingPolicy, SignedOffer, StandingOffer } from "@weft/market";
import type { Caller } from "@weft/service";
import type { Awaitable, PlanRequest } from "../manager-api.ts";
import type { DecisionView, OfferView, PlacementView } from "../views.ts";

/** What a node's provider set beside its list; null members: nothing was set. */
export interface OfferConditions {
  /** What the multiplier and the discounts begin from. */
  readonly list: PriceList;
  readonly pricing: PricingPolicy;
  /** Whether the node knows its owner's signature under it; if not, it sells no lower than at its own list. */
  readonly heeded: boolean;
  /** Millionths of the list at which it sells now. */
  readonly ppm: number;
  readonly reserve: PriceList | null;
  readonly discounts: StandingOffer["discounts"];
  /** Minutes of the UTC day; empty: always open. */
  readonly windows: readonly OfferWindow[];
  /** How long it stays open from now on without a break, at most a week; 0: closed. */
  readonly openFor: Micros;
  readonly shortest: Micros;
  readonly longest: Micros | null;
  readonly validUntil: Instant | null;
}

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
