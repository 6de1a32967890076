import { type Instant, type Money, money, scaleMoney } from "@weft/kernel";
import type { PriceList } from "./prices.ts";

/*
 * How a provider's price list moves: each policy says, at any moment, by how many millionths of the list everything is
 * multiplied. A contract holds the list as it was when it was made, so a later price never changes an earlier deal.
 */

/** What a policy may look at. */
export interface PricingMoment {
  readonly at: Instant;
  /** Demand over what is offered at the present price: 0.5 is half used, 1.2 is a sixth turned away. */
  readonly utilisation: number;
}

export interface Pricing {
  /** Millionths of the list price at this moment. Called in order of time, once a moment. */
  ppm(moment: PricingMoment): number;
}

const PPM = 1_000_000;

/** The list as it is. */
export const posted = (): Pricing => ({ ppm: () => PPM });

/** From this hour of the UTC day (0 .. 23), this many millionths of the list, until the next entry; wraps at midnight. */
export interface TimeOfUseStep {
  readonly fromHour: number;
  readonly ppm: number;
}

/** A price by the hour, known beforehand. `steps` are in order of their hours; at least one. */
export function timeOfUse(steps: readonly TimeOfUseStep[]): Pricing {
  return {
    ppm({ at }) {
      const hour = Math.floor(at / 3_600e6) % 24;
      const step = steps.findLast(({ fromHour }) => fromHour <= hour) ?? steps.at(-1);
      return step?.ppm ?? PPM;
    },
  };
}

export interface CongestionPolicy {
  /** The utilisation at which the price stays where it is. */
  readonly target: number;
  /** How strongly the price answers: its relative change for utilisation one above target. */
  readonly gain: number;
  /** The most it changes in one step, as a share. */
  readonly mostStep: number;
  readonly lowestPpm: number;
  readonly highestPpm: number;
}

/**
 * Scarcity raises the price, idleness lowers it: multiplied each step by 1 + gain x (utilisation - target), no step larger
 * than `mostStep`, within bounds. With a demand of constant elasticity e it settles for any gain below 2 / (e x target)
 * and swings beyond; `mostStep` keeps even those swings small.
 */
export function congestion(policy: CongestionPolicy, startPpm = PPM): Pricing {
  let price = startPpm;
  return {
    ppm({ utilisation }) {
      const pull = policy.gain * (utilisation - policy.target);
      const step = Math.max(-policy.mostStep, Math.min(policy.mostStep, pull));
      price = Math.min(policy.highestPpm, Math.max(policy.lowestPpm, price * (1 + step)));
      return Math.round(price);
    },
  };
}

/** Every price of a list times `ppm` millionths, rounded up. */
export function scalePrices(prices: PriceList, ppm: number): PriceList {
  const scaled = (price: Money): Money => scaleMoney(price, BigInt(ppm), BigInt(PPM), "up");
  return {
    petaOperation: {
      logical: scaled(prices.petaOperation.logical),
      parallel: scaled(prices.petaOperation.parallel),
      neural: scaled(prices.petaOperation.neural),
    },
    memoryGibHour: scaled(prices.memoryGibHour),
    storageGibHour: scaled(prices.storageGibHour),
    transferGb: scaled(prices.transferGb),
    bandwidthGbpsHour: scaled(prices.bandwidthGbpsHour),
    perTask: scaled(prices.perTask),
  };
}

/** A discount on a price list: for a grade of node, or from a volume of earlier charges on. */
export interface DiscountRule {
  readonly grade: string | null;
  readonly fromVolume: Money;
  readonly ppm: number;
}

/** The list after the best discount that applies; discounts do not add up. */
export function discounted(
  prices: PriceList,
  rules: readonly DiscountRule[],
  buyer: { readonly grade: string; readonly volume: Money },
): PriceList {
  const applying = rules.filter(
    ({ grade, fromVolume }) => (grade === null || grade === buyer.grade) && buyer.volume >= fromVolume,
  );
  const best = applying.reduce((most, { ppm }) => Math.max(most, ppm), 0);
  return best === 0 ? prices : scalePrices(prices, PPM - Math.min(best, PPM));
}

/** Prices no lower than a provider's reserve: what it would rather keep the machine idle for. */
export function atLeast(prices: PriceList, reserve: PriceList): PriceList {
  const max = (a: Money, b: Money): Money => money(a > b ? a : b);
  return {
    petaOperation: {
      logical: max(prices.petaOperation.logical, reserve.petaOperation.logical),
      parallel: max(prices.petaOperation.parallel, reserve.petaOperation.parallel),
      neural: max(prices.petaOperation.neural, reserve.petaOperation.neural),
    },
    memoryGibHour: max(prices.memoryGibHour, reserve.memoryGibHour),
    storageGibHour: max(prices.storageGibHour, reserve.storageGibHour),
    transferGb: max(prices.transferGb, reserve.transferGb),
    bandwidthGbpsHour: max(prices.bandwidthGbpsHour, reserve.bandwidthGbpsHour),
    perTask: max(prices.perTask, reserve.perTask),
  };
}
