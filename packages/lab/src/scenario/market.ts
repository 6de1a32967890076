import { type CheatingStudy, type PricingStudy, STUDIED, type TrustPolicy } from "@weft/market";
import { z } from "zod";
import { count, positive, time } from "./fields.ts";
import { head } from "./schema.ts";

const share = () => z.number().min(0, "0 or more").max(1, "at most 1");
const ppm = () => z.int().min(0).max(100_000_000);

/** Ways to price the same lots to the same people; the cases are the mechanisms. */
export const pricingScenario = z.strictObject({
  ...head,
  study: z.literal("pricing"),
  roundsPerDay: count(1440),
  days: count(366),
  large: z.strictObject({ count: count(1000), lots: count(1000), cost: positive() }),
  small: z.strictObject({ count: count(10_000), cost: positive() }),
  costSpread: share(),
  demand: z.strictObject({ least: z.int().min(0), most: count(100_000) }),
  value: positive(),
  listPrice: positive(),
  timeOfUse: z.array(z.strictObject({ fromHour: z.int().min(0).max(23), ppm: ppm() })).min(1),
  congestion: z.strictObject({
    target: positive(),
    gain: positive(),
    mostStep: share(),
    lowestPpm: ppm(),
    highestPpm: ppm(),
  }),
  lies: z.array(positive()).min(1).max(64),
  mechanisms: z
    .array(z.enum(STUDIED))
    .min(1)
    .default([...STUDIED]),
});

/** Guards against providers that cheat; the cases are the policies. */
export const trustScenario = z.strictObject({
  ...head,
  study: z.literal("trust"),
  providers: count(100_000),
  cheaters: share(),
  cheatingRate: share(),
  colluding: share(),
  tasks: count(10_000_000),
  secondsBetweenTasks: positive(),
  reputation: z.strictObject({ memory: time(), priorWeight: positive(), priorScore: share() }),
  policies: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(80),
        need: count(99),
        most: count(99),
        spotChecks: share(),
        leastReputation: share(),
        /** Above 1: nobody is trusted with one answer. */
        trustedFrom: z.number().min(0),
      }),
    )
    .min(1),
});

type PricingDocument = z.infer<typeof pricingScenario>;
type TrustDocument = z.infer<typeof trustScenario>;

export interface TrustScenario {
  readonly study: CheatingStudy;
  readonly policies: readonly TrustPolicy[];
}

/** A checked scenario as what the market's study reads. */
export function buildPricingStudy(document: PricingDocument): PricingStudy {
  const { apiVersion: _, kind: __, metadata: ___, study: ____, mechanisms: _____, ...study } = document;
  return study;
}

export function buildTrustStudy(document: TrustDocument): TrustScenario {
  const { providers, cheaters, cheatingRate, colluding, tasks, secondsBetweenTasks, reputation } = document;
  const study = { providers, cheaters, cheatingRate, colluding, tasks, secondsBetweenTasks, reputation };
  return { study, policies: document.policies };
}
