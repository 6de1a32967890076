import { aggregate, type OriginView } from "@weft/announcement";
import type { DomainId, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import { type Instant, type Money, money, scaleMoney } from "@weft/kernel";
import { checkPrices, type PriceList, priceEntries } from "@weft/market";
import { fromStoredText, storedText } from "../stored-text.ts";
import { foreignName, type OfferPolicy } from "./messages.ts";

/*
 * What of a domain is told and sold outside: which nodes, as one, and at which prices.
 */

/** The announced prices: those of the cheapest node on offer, before whatever the asking manager keeps. */
const PRICES_LABEL = "weft.dev/prices";

const PPM = 1_000_000n;

/** Every price of a list, scaled and rounded up. */
function scaled(prices: PriceList, by: (price: Money) => Money): PriceList {
  const { logical, parallel, neural } = prices.petaOperation;
  return {
    petaOperation: { logical: by(logical), parallel: by(parallel), neural: by(neural) },
    memoryGibHour: by(prices.memoryGibHour),
    storageGibHour: by(prices.storageGibHour),
    transferGb: by(prices.transferGb),
    bandwidthGbpsHour: by(prices.bandwidthGbpsHour),
    perTask: by(prices.perTask),
  };
}

/** A node's prices as its domain sells them outside. */
export const marked = (prices: PriceList, { markupPpm }: OfferPolicy): PriceList =>
  markupPpm === 0 ? prices : scaled(prices, (price) => scaleMoney(price, PPM + BigInt(markupPpm), PPM, "up"));

/** Prices of which so much is left once a manager has kept its commission. */
export const grossed = (prices: PriceList, commissionPpm: number): PriceList =>
  commissionPpm === 0
    ? prices
    : scaled(prices, (price) => scaleMoney(price, PPM, PPM - BigInt(commissionPpm), "up"));

/** Whether no price of `a` is above that of `b`. */
export function within(a: PriceList, b: PriceList): boolean {
  const most = priceEntries(b);
  return priceEntries(a).every(([, price], i) => price <= (most[i]?.[1] ?? money(0n)));
}

/** Whether the policy lets a node be told and sold outside. */
export const onOffer = (node: NodeDescription, { tiers, labels }: OfferPolicy): boolean =>
  (tiers === null || tiers.includes(node.tier)) &&
  Object.entries(labels).every(([label, value]) => node.labels[label] === value);

/** A domain as one node: the best side of what it offers, with prices; null while it offers nothing. */
export function offering(
  domain: DomainId,
  members: Iterable<{ readonly view: OriginView; readonly prices: PriceList }>,
  policy: OfferPolicy,
  now: Instant,
): { readonly description: NodeDescription; readonly load: NodeLoad } | null {
  const views: OriginView[] = [];
  let cheapest: PriceList | null = null;
  for (const { view, prices } of members) {
    if (view.description === null || !onOffer(view.description, policy)) continue;
    views.push(view);
    if (view.load?.accepting !== true || view.health !== "up") continue;
    if (cheapest === null || sum(prices) < sum(cheapest)) cheapest = prices;
  }
  const id = foreignName(domain);
  const whole = aggregate({ id, site: id as unknown as SiteId, domain }, views, now);
  if (whole === null || cheapest === null) return null;
  const labels = { ...whole.description.labels, [PRICES_LABEL]: storedText(marked(cheapest, policy)) };
  return { ...whole, description: { ...whole.description, labels } };
}

const sum = (prices: PriceList): bigint => priceEntries(prices).reduce((all, [, price]) => all + price, 0n);

/** The prices in a foreign domain's description; null where there are none that can be read. */
export function pricesIn(description: NodeDescription): PriceList | null {
  try {
    const prices = fromStoredText<PriceList>(description.labels[PRICES_LABEL] ?? "");
    return priceEntries(prices).every(([, price]) => typeof price === "bigint") && checkPrices(prices).ok
      ? prices
      : null;
  } catch {
    return null;
  }
}

/** A foreign description as it stands in our pool: under its domain's name, whatever it calls itself, without the price tag. */
export function asForeign(description: NodeDescription, id: NodeId, domain: DomainId): NodeDescription {
  const { [PRICES_LABEL]: _, ...labels } = description.labels;
  return { ...description, id, site: id as unknown as SiteId, domain, labels };
}
