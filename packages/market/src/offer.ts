import { type Instant, type Micros, type Money, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { AccountId } from "./ledger.ts";
import { checkPrices, type PricedCompute, type PriceList, quote, type Usage } from "./prices.ts";
import { atLeast, type DiscountRule, discounted, type Pricing, scalePrices } from "./pricing.ts";

/** From minute to minute of the UTC day (0 .. 1440), on some days of the week (0 is Sunday); may wrap past midnight. */
export interface OfferWindow {
  readonly from: number;
  readonly to: number;
  readonly days: readonly number[] | null;
}

/** What a provider sells of one node. */
export interface Offer {
  readonly id: string;
  readonly provider: AccountId;
  readonly node: string;
  readonly region: string;
  readonly grade: string;
  readonly compute: readonly PricedCompute[];
  readonly prices: PriceList;
  /** Below this it does not sell, whatever discounts and congestion make of the list. */
  readonly reserve: PriceList | null;
  readonly discounts: readonly DiscountRule[];
  /** Empty: always. */
  readonly windows: readonly OfferWindow[];
  /** The shortest and longest work it takes. */
  readonly shortest: Micros;
  readonly longest: Micros | null;
  readonly validUntil: Instant | null;
}

export type OfferRefusal = Refusal<"E_PRICE_NEGATIVE" | "E_OFFER_WINDOW" | "E_OFFER_LENGTH">;

/** Accepts an offer that makes sense. */
export function checkOffer(offer: Offer): Result<Offer, OfferRefusal> {
  const prices = checkPrices(offer.prices);
  if (!prices.ok) return prices;
  const refusal = checkWindows(offer);
  return refusal === null ? ok(offer) : { ok: false, refusal };
}

/** What is wrong with when and for how long an offer sells; null when nothing is. */
export function checkWindows(offer: Pick<Offer, "windows" | "shortest" | "longest">): OfferRefusal | null {
  const minute = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 1440;
  const wrong = offer.windows.find(({ from, to }) => !minute(from) || !minute(to) || from === to);
  if (wrong !== undefined) {
    return refuse("E_OFFER_WINDOW", "a window runs between two different minutes of the day", {
      found: `${wrong.from} to ${wrong.to}`,
    }).refusal;
  }
  if (offer.longest !== null && offer.longest < offer.shortest) {
    return refuse("E_OFFER_LENGTH", "the longest work is shorter than the shortest").refusal;
  }
  return null;
}

const MINUTE_US = 60e6;
const DAY_MINUTES = 1440;

/** How long from `at` the offer stays open without a break; 0 when it is closed. Looks a week ahead. */
export function openFor(offer: Pick<Offer, "windows" | "validUntil">, at: Instant): Micros {
  const end = offer.validUntil === null ? Number.POSITIVE_INFINITY : offer.validUntil - at;
  if (end <= 0) return 0 as Micros;
  const week = 7 * DAY_MINUTES;
  if (offer.windows.length === 0) return Math.min(end, week * MINUTE_US) as Micros;
  const start = at / MINUTE_US;
  let until = start;
  // each pass either finds a window that is open at `until` and moves to its end, or nothing is open there
  while (until < start + week) {
    const open = offer.windows.map((window) => windowEnd(window, until)).filter((closing) => closing > until);
    if (open.length === 0) break;
    until = Math.max(...open);
  }
  return Math.min(end, Math.round((until - start) * MINUTE_US)) as Micros;
}

/** When the window that is open at this minute (since the epoch) closes; the minute itself when it is closed. */
function windowEnd(window: OfferWindow, minute: number): number {
  const midnight = Math.floor(minute / DAY_MINUTES) * DAY_MINUTES;
  const length = (window.to - window.from + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  for (const day of [midnight - DAY_MINUTES, midnight]) {
    const opens = day + window.from;
    const weekday = (Math.floor(day / DAY_MINUTES) + 4) % 7; // the epoch was a Thursday
    const today = window.days === null || window.days.includes(weekday);
    if (today && minute >= opens && minute < opens + length) return opens + length;
  }
  return minute;
}

/** What somebody looks for. */
export interface CatalogueQuery {
  readonly at: Instant;
  readonly compute: PricedCompute;
  readonly expected: Usage;
  readonly lasting: Micros;
  readonly region: string | null;
  readonly grade: string | null;
  readonly leastReputation: number;
  readonly payAtMost: Money | null;
  /** What the buyer was charged by this provider before: volume discounts go by it. */
  readonly volume: (provider: AccountId) => Money;
}

export interface CatalogueEntry {
  readonly offer: Offer;
  /** The price list in force now, discounts and congestion in it. */
  readonly prices: PriceList;
  /** What the work asked about would cost. */
  readonly price: Money;
  readonly openFor: Micros;
  readonly reputation: number;
}

export interface Catalogue {
  readonly entries: readonly CatalogueEntry[];
  /** How many offers each condition ruled out, the first that did counting. */
  readonly ruledOut: Readonly<Record<string, number>>;
}

/** What is on sale now and what it costs for this work, cheapest first; and why the rest is not. */
export function catalogue(
  offers: readonly Offer[],
  query: CatalogueQuery,
  reputation: (provider: AccountId) => number,
  pricing: (offer: Offer) => Pricing | null,
  utilisation: number,
): Catalogue {
  const ruledOut: Record<string, number> = {};
  const entries: CatalogueEntry[] = [];
  for (const offer of offers) {
    const entry = entryOf(offer, query, reputation(offer.provider), pricing(offer), utilisation);
    if (typeof entry === "string") ruledOut[entry] = (ruledOut[entry] ?? 0) + 1;
    else entries.push(entry);
  }
  entries.sort((a, b) => (a.price < b.price ? -1 : a.price > b.price ? 1 : a.offer.id < b.offer.id ? -1 : 1));
  return { entries, ruledOut };
}

function entryOf(
  offer: Offer,
  query: CatalogueQuery,
  reputation: number,
  pricing: Pricing | null,
  utilisation: number,
): CatalogueEntry | string {
  if (!offer.compute.includes(query.compute)) return "compute";
  if (query.region !== null && offer.region !== query.region) return "region";
  if (query.grade !== null && offer.grade !== query.grade) return "grade";
  if (reputation < query.leastReputation) return "reputation";
  if (query.lasting < offer.shortest || (offer.longest !== null && query.lasting > offer.longest))
    return "length";
  const open = openFor(offer, query.at);
  if (open < query.lasting) return "hours";
  const ppm = pricing?.ppm({ at: query.at, utilisation }) ?? 1_000_000;
  const buyer = { grade: offer.grade, volume: query.volume(offer.provider) };
  const asked = discounted(scalePrices(offer.prices, ppm), offer.discounts, buyer);
  const prices = offer.reserve === null ? asked : atLeast(asked, offer.reserve);
  const price = quote(prices, query.compute, query.expected);
  if (query.payAtMost !== null && price > query.payAtMost) return "price";
  return { offer, prices, price, openFor: open, reputation };
}
