import type { Instant, Micros, Refusal } from "@weft/kernel";
import { formatTime, refuse } from "@weft/kernel";
import type { AccountId } from "./ledger.ts";
import type { PricedCompute, PriceList } from "./prices.ts";
import type { DiscountRule } from "./pricing.ts";

/** From minute to minute of the UTC day (0 .. 1440), on some days of the week (0 is Sunday); may wrap past midnight. */
export interface OfferWindow {
  readonly from: number;
  readonly to: number;
  readonly days: readonly number[] | null;
}

/** On what terms a provider sells, whatever the list. */
export interface SaleTerms {
  /** Below this it does not sell, whatever discounts, hours and congestion make of the list. */
  readonly reserve: PriceList | null;
  readonly discounts: readonly DiscountRule[];
  /** Empty: always. */
  readonly windows: readonly OfferWindow[];
  /** The shortest and longest work it takes. */
  readonly shortest: Micros;
  readonly longest: Micros | null;
  readonly validUntil: Instant | null;
}

/** What a provider sells of one node. */
export interface Offer extends SaleTerms {
  readonly id: string;
  readonly provider: AccountId;
  readonly node: string;
  readonly region: string;
  readonly grade: string;
  readonly compute: readonly PricedCompute[];
  readonly prices: PriceList;
}

/** Why hours and lengths make no sense. */
export type WindowsRefusal = Refusal<"E_OFFER_WINDOW" | "E_OFFER_LENGTH">;

/** What is wrong with when and for how long an offer sells; null when nothing is. */
export function checkWindows(
  offer: Pick<SaleTerms, "windows" | "shortest" | "longest">,
): WindowsRefusal | null {
  const minute = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 1440;
  const wrong = offer.windows.find(({ from, to }) => !minute(from) || !minute(to) || from === to);
  if (wrong !== undefined) {
    return refuse("E_OFFER_WINDOW", "a window runs between two different minutes of the day", {
      path: `windows[${offer.windows.indexOf(wrong)}]`,
      found: `${wrong.from} to ${wrong.to}`,
      expected: "two different minutes from 0 to 1440",
      hint: "no window at all sells all day",
    }).refusal;
  }
  if (offer.longest !== null && offer.longest < offer.shortest) {
    return refuse("E_OFFER_LENGTH", "the longest work is shorter than the shortest", {
      path: "longest",
      found: formatTime(offer.longest),
      expected: `${formatTime(offer.shortest)} or more`,
      hint: "leave one of the two out",
    }).refusal;
  }
  return null;
}

const MINUTE_US = 60e6;
const DAY_MINUTES = 1440;

/** How long from `at` the offer stays open without a break; 0 when it is closed. Looks a week ahead. */
export function openFor(offer: Pick<SaleTerms, "windows" | "validUntil">, at: Instant): Micros {
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
