import {
  type Instant,
  type Micros,
  type Money,
  money,
  parseMoney,
  parseTime,
  type Result,
} from "@weft/kernel";
import {
  negativePrice,
  type OfferWindow,
  type PriceList,
  type PricingPolicy,
  type StandingOffer,
} from "@weft/market";
import { type fields, formatProblem, readDocument } from "@weft/service-http/manifest";
import { z } from "zod";
import { Failure } from "./failure.ts";

/*
 * A provider's offer as it is written by hand (`kind: Offer`): prices, how they move, hours (UTC), limits and discounts.
 * docs/guides/market.md explains each.
 */

/** Which nodes it is for. */
export interface OfferFile {
  /** null: all of the provider's. */
  readonly nodes: readonly string[] | null;
  readonly offer: Omit<StandingOffer, "node" | "at">;
}

/** A value in its human form, read by `parse`; what is expected stands beside what was found. */
const human = <T>(parse: (text: string) => Result<T> | T | null, expected: string) =>
  z.unknown().transform((found, context): T => {
    const read = typeof found === "string" || typeof found === "number" ? parse(String(found)) : null;
    const result = typeof read === "object" && read !== null && "ok" in read ? read : null;
    if (result?.ok) return result.value;
    if (result === null && read !== null) return read as T;
    const negative = result?.refusal.code === "E_PRICE_NEGATIVE";
    const trouble: fields.FieldTrouble = {
      code: negative ? "E_PRICE_NEGATIVE" : "E_MANIFEST_UNIT",
      ...(result?.refusal.hint === undefined ? {} : { hint: result.refusal.hint }),
    };
    const message = (negative ? result?.refusal.expected : undefined) ?? expected;
    context.addIssue({ code: "custom", message, params: { trouble } });
    return z.NEVER;
  });

const MILLION = 1_000_000;
const share = human((text) => {
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1];
  const part = percent === undefined ? Number(text) : Number(percent) / 100;
  return Number.isFinite(part) && part >= 0 ? part : null;
}, "a part such as 45%");
const ppm = share.transform((part) => Math.round(part * MILLION));
const length = human<Micros>(parseTime, "a time such as 20s");
/** No price is below zero: as the manager says it, and without asking. */
const unlessNegative = (text: string): Result<Money> => {
  const read = parseMoney(text);
  return read.ok && read.value < 0n ? { ok: false, refusal: negativePrice("", text) } : read;
};
const amount = human<Money>(unlessNegative, "money such as 0.02 CNY");
const price = human<Money>(
  (text) => unlessNegative(text.replace(/\s*\/\s*T(?:FL)?OPS?$/i, "")),
  "a price such as 0.02 CNY/TFLOP",
);

const CLOCK = /^([01]\d|2[0-3]|24):([0-5]\d)$/;
const minute = (clock: string): number | null => {
  const [, hours, minutes] = CLOCK.exec(clock) ?? [];
  const value = Number(hours) * 60 + Number(minutes);
  return value <= 1440 ? value : null;
};
const hours = human((text) => {
  const [from, to] = text.split("-").map((clock) => minute(clock.trim()));
  return from == null || to == null || from === to ? null : { from, to };
}, "hours of UTC such as 22:00-07:00");
const hour = z.string().transform((text, context) => {
  const at = minute(text);
  if (at !== null && at % 60 === 0 && at < 1440) return at / 60;
  context.addIssue({ code: "custom", message: "a full hour of UTC such as 22:00" });
  return z.NEVER;
});

const WEEK = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** One price gives the whole list, each of the others in the usual proportion to it. */
const list = z.union([
  price.transform((one): PriceList => ofOne(one)),
  z.strictObject({
    petaOperation: z.strictObject({ logical: amount, parallel: amount, neural: amount }),
    memoryGibHour: amount,
    storageGibHour: amount,
    transferGb: amount,
    bandwidthGbpsHour: amount,
    perTask: amount,
  }),
]);

function ofOne(perTeraOperation: Money): PriceList {
  const peta = money(perTeraOperation * 1000n);
  return {
    petaOperation: { logical: peta, parallel: peta, neural: peta },
    memoryGibHour: money(perTeraOperation / 2n),
    storageGibHour: money(perTeraOperation / 100n),
    transferGb: money(perTeraOperation * 5n),
    bandwidthGbpsHour: money(perTeraOperation * 20n),
    perTask: money(perTeraOperation / 2000n),
  };
}

const pricing = z.union([
  z.literal("posted").transform((): PricingPolicy => ({ kind: "posted" })),
  z.strictObject({ timeOfUse: z.record(hour, ppm) }).transform(
    ({ timeOfUse }): PricingPolicy => ({
      kind: "time-of-use",
      steps: Object.entries(timeOfUse)
        .map(([fromHour, millionths]) => ({ fromHour: Number(fromHour), ppm: millionths as number }))
        .sort((a, b) => a.fromHour - b.fromHour),
    }),
  ),
  z
    .strictObject({
      congestion: z.strictObject({
        target: share.default(0.7),
        gain: share.default(0.2),
        mostStep: share.default(0.05),
        lowest: ppm.default(MILLION / 2),
        highest: ppm.default(MILLION * 3),
      }),
    })
    .transform(
      ({ congestion: { lowest, highest, ...rest } }): PricingPolicy => ({
        kind: "congestion",
        ...rest,
        lowestPpm: lowest,
        highestPpm: highest,
      }),
    ),
]);

const discount = z
  .strictObject({ grade: z.string().nullable().default(null), from: amount.default(money(0n)), off: ppm })
  .transform(({ grade, from, off }) => ({ grade, fromVolume: from, ppm: off }));

const schema = z.strictObject({
  apiVersion: z.literal("weft.dev/v1"),
  kind: z.literal("Offer"),
  metadata: z.strictObject({
    nodes: z.union([z.array(z.string().min(1)).min(1), z.literal("all").transform(() => null)]),
  }),
  spec: z.strictObject({
    prices: list.nullable().default(null),
    pricing: pricing.default({ kind: "posted" }),
    reserve: list.nullable().default(null),
    discounts: z.array(discount).max(64).default([]),
    hours: z.union([hours.transform((one) => [one]), z.array(hours)]).default([]),
    days: z.array(z.enum(WEEK)).min(1).nullable().default(null),
    shortest: length.default(0 as Micros),
    longest: length.nullable().default(null),
    until: z.iso
      .datetime({ offset: true })
      .transform((text) => (Date.parse(text) * 1000) as Instant)
      .nullable()
      .default(null),
  }),
});

/** Reads an offer's text; refused with line, path, what was found and what was expected. */
export function parseOfferFile(text: string, file: string): OfferFile {
  const parsed = readDocument(text, file, schema);
  if (!parsed.ok) throw new Failure(parsed.problems.map(formatProblem).join("\n"), 2);
  const { metadata, spec } = parsed.value;
  const { hours: open, days, until, ...rest } = spec;
  const on = days?.map((day) => WEEK.indexOf(day)) ?? null;
  const windows: OfferWindow[] = open.map((window) => ({ ...window, days: on }));
  if (open.length === 0 && on !== null) windows.push({ from: 0, to: 1440, days: on });
  return { nodes: metadata.nodes, offer: { ...rest, windows, validUntil: until } };
}
