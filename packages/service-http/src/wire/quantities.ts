import type { Instant, Money } from "@weft/kernel";
import { z } from "zod";
import type { Page } from "../asked.ts";

/*
 * How values travel as JSON: quantities as numbers in base units, bigints as strings of digits. A schema's input is
 * the JSON, its output what the floors know. Groups are loose: a newer server may say more than an older client
 * knows, and the client passes it on.
 */

/** A number of the given brand. */
export const quantity = <T extends number>(description: string) =>
  z.number().describe(description) as unknown as z.ZodType<T, number>;

/** A name of the given brand. */
export const named = <T extends string>(longest = 253) =>
  z.string().max(longest) as unknown as z.ZodType<T, string>;

export const instant = () => quantity<Instant>("Microseconds since the Unix epoch.");

const DIGITS = /^-?\d{1,38}$/;

export const digits = (description: string) =>
  z
    .string()
    .regex(DIGITS)
    .describe(description)
    .transform((text) => BigInt(text));

export const money = () =>
  digits("Millionths of the network's currency, as digits.").transform((micros) => micros as Money);

export const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));
export const digest = () => hex(64).describe("SHA-256, lower-case hex.");
export const publicKey = () => hex(64).describe("Ed25519 public key, lower-case hex.");
export const signature = () => hex(128).describe("Ed25519 signature, lower-case hex.");

/** A page of a list. */
export const page = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z.looseObject({
    items: z.array(item),
    next: z.string().nullable().describe("Cursor of the next page; null on the last."),
  });

/** JSON of what the floors know: bigints as digits, endless numbers as null. */
export const wireText = (value: unknown): string =>
  JSON.stringify(value, (_, member) => (typeof member === "bigint" ? member.toString() : member));
