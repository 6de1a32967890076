import type { Micros } from "@weft/kernel";
import type { PriceList, PricingPolicy, StandingOffer } from "@weft/market";
import { z } from "zod";
import type { OfferConditions } from "../views.ts";
import { instant, money, quantity } from "./quantities.ts";

export const priceList: z.ZodType<PriceList> = z.looseObject({
  petaOperation: z
    .looseObject({ logical: money(), parallel: money(), neural: money() })
    .describe("For 1e15 operations."),
  memoryGibHour: money(),
  storageGibHour: money(),
  transferGb: money().describe("For 1e9 bytes in or out."),
  bandwidthGbpsHour: money(),
  perTask: money().describe("The least that a task is charged."),
});

const minute = () => z.int().min(0).max(1440).describe("Minute of the UTC day.");
const ppm = () => z.int().min(0).max(100_000_000).describe("Millionths.");
const lasting = () => quantity<Micros>("Microseconds.");

const pricing: z.ZodType<PricingPolicy> = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("posted") }),
  z.looseObject({
    kind: z.literal("time-of-use"),
    steps: z
      .array(z.looseObject({ fromHour: z.int().min(0).max(23).describe("Hour of the UTC day."), ppm: ppm() }))
      .max(24),
  }),
  z.looseObject({
    kind: z.literal("congestion"),
    target: z.number().describe("The utilisation at which the price stays where it is."),
    gain: z.number().describe("Relative change a step for utilisation one above target."),
    mostStep: z.number().describe("The most it changes in one step, as a share."),
    lowestPpm: ppm(),
    highestPpm: ppm(),
  }),
]);
const windows = z
  .array(
    z.looseObject({
      from: minute(),
      to: minute(),
      days: z.array(z.int().min(0).max(6)).max(7).nullable().describe("0 is Sunday; null: every day."),
    }),
  )
  .max(64);
const discounts = z
  .array(z.looseObject({ grade: z.string().max(64).nullable(), fromVolume: money(), ppm: ppm() }))
  .max(64);

export const offerConditions: z.ZodType<OfferConditions> = z.looseObject({
  list: priceList,
  pricing,
  heeded: z.boolean().describe("Whether the node knows its owner's signature under it."),
  ppm: ppm(),
  reserve: priceList.nullable(),
  discounts,
  windows,
  openFor: lasting(),
  shortest: lasting(),
  longest: lasting().nullable(),
  validUntil: instant().nullable(),
});

export const standingOffer: z.ZodType<StandingOffer> = z.strictObject({
  node: z.string().min(1).max(253),
  at: instant().describe("When it was made; a later one replaces an earlier."),
  prices: priceList.nullable().describe("null: the node's own list."),
  pricing,
  reserve: priceList.nullable(),
  discounts,
  windows,
  shortest: lasting(),
  longest: lasting().nullable(),
  validUntil: instant().nullable(),
});
