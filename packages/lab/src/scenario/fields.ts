import { parseGrams, parseJoules, parseWatts, type Result } from "@weft/kernel";
import { fields } from "@weft/service-http";
import { z } from "zod";

/** A quantity that manifests of tasks do not have, read in the same way. */
function quantity<T>(expected: string, read: (text: string) => Result<T>) {
  return z.unknown().transform((found, context): T => {
    const text = typeof found === "string" || typeof found === "number" ? String(found) : "";
    const parsed = read(text);
    if (parsed.ok) return parsed.value;
    const { hint } = parsed.refusal;
    const trouble = { code: "E_MANIFEST_UNIT" as const, ...(hint === undefined ? {} : { hint }) };
    context.addIssue({ code: "custom", message: expected, params: { trouble } });
    return z.NEVER;
  });
}

export const watts = () => quantity("a power such as 65W", parseWatts);
export const joules = () => quantity("an energy such as 120kJ", parseJoules);
export const grams = () => quantity("a mass of CO2 such as 350g", parseGrams);

export const positive = () => z.number().positive("more than zero");
export const count = (most = 1e6) => z.int().min(1, "1 or more").max(most, `at most ${most}`);

const median = <T extends z.ZodType>(of: T) => z.strictObject({ median: of, p99: of });

/** An amount: the value itself, `{ mean: ... }` of an exponential, or `{ median: ..., p99: ... }` of a log-normal. */
export function amount<T extends z.ZodType<number>>(of: () => T) {
  return z.union([z.strictObject({ mean: of() }), median(of()), of()]).transform((found) => {
    const value = found as number | { mean: number } | { median: number; p99: number };
    if (typeof value === "number") return { kind: "fixed" as const, value };
    if ("mean" in value) return { kind: "exponential" as const, mean: value.mean };
    return { kind: "lognormal" as const, median: value.median, p99: value.p99 };
  });
}

export const { time, size, bitRate, work, computingPower, ratio, identifier, line } = fields;
/** A name on a map: towns have capitals, spaces and accents. */
export const placeName = () => line(80).min(1, "a name");
