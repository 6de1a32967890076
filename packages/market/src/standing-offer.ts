import {
  type Canonical,
  type Cryptography,
  canonicalText,
  type Instant,
  ok,
  type PublicKey,
  type Refusal,
  type Result,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import { checkWindows, type SaleTerms, type WindowsRefusal } from "./offer.ts";
import { checkPrices, type PriceList, priceEntries } from "./prices.ts";
import {
  atLeast,
  type CongestionPolicy,
  congestion,
  type Pricing,
  posted,
  scalePrices,
  type TimeOfUseStep,
  timeOfUse,
} from "./pricing.ts";

/*
 * What a provider says once and for all of a node's price: the list, how it moves, when and for how long it sells. Signed by
 * the provider, so that its node can tell its owner's word from the manager's. The manager keeps it and prices by it.
 */

/** How a price list moves, as data. */
export type PricingPolicy =
  | { readonly kind: "posted" }
  | { readonly kind: "time-of-use"; readonly steps: readonly TimeOfUseStep[] }
  | ({ readonly kind: "congestion" } & CongestionPolicy);

export interface StandingOffer extends SaleTerms {
  readonly node: string;
  /** When it was made: a later one replaces an earlier, never the other way round. */
  readonly at: Instant;
  /** null: the node's own list. */
  readonly prices: PriceList | null;
  readonly pricing: PricingPolicy;
}

export interface SignedOffer {
  readonly offer: StandingOffer;
  /** A key that speaks for the provider. */
  readonly key: PublicKey;
  readonly signature: Signature;
}

const PPM = 1_000_000;

/** The policy at work. A congestion price begins at the list. */
export function pricingOf(policy: PricingPolicy): Pricing {
  switch (policy.kind) {
    case "posted":
      return posted();
    case "time-of-use":
      return timeOfUse(policy.steps);
    case "congestion":
      return congestion(policy);
  }
}

function lowestPpm(policy: PricingPolicy): number {
  switch (policy.kind) {
    case "posted":
      return PPM;
    case "time-of-use":
      return policy.steps.reduce((lowest, { ppm }) => Math.min(lowest, ppm), Number.POSITIVE_INFINITY);
    case "congestion":
      return policy.lowestPpm;
  }
}

/** The least that a list can come to under an offer: what a node that trusts its owner alone accepts. */
export function floorOf(offer: StandingOffer, own: PriceList): PriceList {
  const deepest = offer.discounts.reduce((most, { ppm }) => Math.max(most, Math.min(ppm, PPM)), 0);
  const lowest = scalePrices(scalePrices(offer.prices ?? own, lowestPpm(offer.pricing)), PPM - deepest);
  return offer.reserve === null ? lowest : atLeast(lowest, offer.reserve);
}

/** Whether no price of a list is below its counterpart. */
export function reaches(prices: PriceList, floor: PriceList): boolean {
  const least = priceEntries(floor);
  return priceEntries(prices).every(([, price], i) => price >= (least[i]?.[1] ?? 0n));
}

const offerText = (offer: StandingOffer): string =>
  canonicalText({ kind: "weft/offer/1", offer: offer as unknown as Canonical });

export const signOffer = (offer: StandingOffer, key: Signer): SignedOffer => ({
  offer,
  key: key.publicKey,
  signature: key.sign(offerText(offer)),
});

export type StandingOfferRefusal =
  | WindowsRefusal
  | Refusal<"E_PRICE_NEGATIVE" | "E_OFFER_SIGNATURE" | "E_OFFER_PRICING" | "E_OFFER_DISCOUNT">;

/** Accepts an offer that its key signed and that makes sense. */
export function checkSignedOffer(
  { offer, key, signature }: SignedOffer,
  cryptography: Cryptography,
): Result<StandingOffer, StandingOfferRefusal> {
  if (!cryptography.verify(key, offerText(offer), signature)) {
    return refuse("E_OFFER_SIGNATURE", "the offer is not signed by the key that it names", {
      path: "signature",
      expected: `a signature of ${key}`,
      hint: "sign the offer exactly as it is sent",
    });
  }
  for (const name of ["prices", "reserve"] as const) {
    const list = offer[name];
    const checked = list === null ? null : checkPrices(list, `offer.${name}`);
    if (checked?.ok === false) return checked;
  }
  const windows = checkWindows(offer);
  if (windows !== null) return { ok: false, refusal: windows };
  const wrong = offer.discounts.findIndex(
    ({ ppm, fromVolume }) => !(ppm >= 0 && ppm <= PPM) || fromVolume < 0n,
  );
  if (wrong >= 0) {
    const { ppm, fromVolume } = offer.discounts[wrong]!;
    return refuse("E_OFFER_DISCOUNT", "a discount is between nothing and everything", {
      path: `offer.discounts[${wrong}]`,
      found: `${ppm} millionths from a volume of ${fromVolume}`,
      expected: `0 to ${PPM} millionths, from a volume of 0 or more`,
      hint: "a price above the list is what pricing is for",
    });
  }
  return isSound(offer.pricing)
    ? ok(offer)
    : refuse("E_OFFER_PRICING", "the pricing makes no sense", {
        path: "offer.pricing",
        found: offer.pricing.kind,
        hint: "without a policy the list prices stand",
        expected: "steps in order of hours 0 to 23, or a congestion price with lowest <= list <= highest",
      });
}

function isSound(policy: PricingPolicy): boolean {
  const share = (value: number): boolean => Number.isFinite(value) && value > 0;
  if (policy.kind === "posted") return true;
  if (policy.kind === "time-of-use") {
    const sound = policy.steps.every(
      ({ fromHour, ppm }, i) =>
        Number.isInteger(fromHour) &&
        fromHour <= 23 &&
        fromHour > (policy.steps[i - 1]?.fromHour ?? -1) &&
        Number.isInteger(ppm) &&
        ppm >= 0,
    );
    return sound && policy.steps.length > 0;
  }
  const { target, gain, mostStep, lowestPpm: lowest, highestPpm: highest } = policy;
  const bounded = Number.isInteger(lowest) && Number.isInteger(highest) && lowest >= 0;
  return (
    share(target) &&
    share(gain) &&
    share(mostStep) &&
    mostStep < 1 &&
    bounded &&
    lowest <= PPM &&
    highest >= PPM
  );
}
