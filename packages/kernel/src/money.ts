import type { Brand } from "./brand.ts";
import { ok, type Refusal, type Result, refuse } from "./refusal.ts";

/** Whole millionths of one currency unit. Never a float; every posting sums to zero. */
export type Money = Brand<bigint, "Money">;

/** An ISO 4217 code. One deployment keeps its books in one currency unless an account says otherwise. */
export type Currency = string;

export const ZERO = 0n as Money;
/** Millionths in one unit of currency. */
const MICROS_PER_UNIT = 1_000_000n;

export const money = (micros: bigint): Money => micros as Money;

const MONEY = /^([+-]?)(\d{1,15})(?:\.(\d{1,6}))?\s*([A-Z]{3})?$/;

/** Reads `0.0010 CNY`, `3CNY` or `1.5`; at most six decimals, since the books keep millionths. */
export function parseMoney(
  text: string,
  currency: Currency = "CNY",
): Result<Money, Refusal<"E_UNIT_MONEY" | "E_UNIT_CURRENCY">> {
  const match = MONEY.exec(text.trim());
  if (match === null) {
    return refuse("E_UNIT_MONEY", "not an amount of money", {
      found: text,
      expected: `an amount with at most six decimals, such as 0.0010 ${currency}`,
    });
  }
  const [, sign, whole, fraction = "", found] = match;
  if (found !== undefined && found !== currency) {
    return refuse("E_UNIT_CURRENCY", "another currency than the books are kept in", {
      found,
      expected: currency,
    });
  }
  const micros = BigInt(whole as string) * MICROS_PER_UNIT + BigInt(fraction.padEnd(6, "0"));
  return ok((sign === "-" ? -micros : micros) as Money);
}

/** `0.0010 CNY`: as few decimals as hold the value, at least two. Parses back to the same amount. */
export function formatMoney(amount: Money, currency?: Currency): string {
  const sign = amount < 0n ? "-" : "";
  const absolute = amount < 0n ? -amount : amount;
  const whole = absolute / MICROS_PER_UNIT;
  const fraction = (absolute % MICROS_PER_UNIT)
    .toString()
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  return `${sign}${whole}.${fraction}${currency === undefined ? "" : ` ${currency}`}`;
}

/**
 * `amount * numerator / denominator` in whole micros, rounded up for a charge, down for a share.
 * Rounding is always explicit: there is no default.
 */
export function scaleMoney(
  amount: Money,
  numerator: bigint,
  denominator: bigint,
  rounding: "up" | "down",
): Money {
  const product = amount * numerator;
  const quotient = product / denominator; // truncates toward zero
  const exact = quotient * denominator === product;
  if (exact) return quotient as Money;
  const positive = product > 0n === denominator > 0n;
  if (rounding === "up") return (positive ? quotient + 1n : quotient) as Money;
  return (positive ? quotient : quotient - 1n) as Money;
}
