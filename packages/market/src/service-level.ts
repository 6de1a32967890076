import {
  type Cryptography,
  canonicalText,
  type Instant,
  type Micros,
  type Money,
  money,
  type Refusal,
  refuse,
  type Signature,
  type Signer,
  scaleMoney,
  ZERO,
} from "@weft/kernel";
import type { ContractTerms, ServiceLevel } from "./contract.ts";

/*
 * What a contract promises beyond running at all, and what missing it costs: a share of the charge, computed from
 * signed measurements alone. Rules K5 of docs/spec/contract.md.
 */

/** What one observer saw of one contract over one stretch of time. */
export interface Measurement {
  readonly contract: string;
  readonly observer: string;
  readonly from: Instant;
  readonly to: Instant;
  /** How long of it the service answered. */
  readonly up: Micros;
  readonly deliveries: number;
  /** Deliveries within the delay that the contract promises. */
  readonly withinDelay: number;
}

export interface SignedMeasurement {
  readonly measurement: Measurement;
  readonly signature: Signature;
}

export type MeasurementRefusal = Refusal<"E_MEASUREMENT_SIGNATURE" | "E_MEASUREMENT_FORM">;

const measurementText = (measurement: Measurement): string =>
  canonicalText({ kind: "weft/measurement/1", ...measurement });

export const signMeasurement = (measurement: Measurement, observer: Signer): SignedMeasurement => ({
  measurement,
  signature: observer.sign(measurementText(measurement)),
});

/**
 * null when one of the contract's three parties signed it, for this contract, and it is possible [K5.1]. Nobody
 * else's measurement counts.
 */
export function verifyMeasurement(
  signed: SignedMeasurement,
  terms: ContractTerms,
  cryptography: Cryptography,
): MeasurementRefusal | null {
  const { measurement } = signed;
  const { contract, from, to, up, deliveries, withinDelay } = measurement;
  const counts = [from, to, up, deliveries, withinDelay];
  const possible =
    contract === terms.id &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    from < to &&
    up <= to - from &&
    withinDelay <= deliveries &&
    from >= terms.validFrom &&
    to <= terms.validUntil;
  if (!possible)
    return refuse("E_MEASUREMENT_FORM", "no possible measurement of this contract", {
      path: "measurement",
      found: measurementText(measurement),
      expected: `whole counts, 0 or more, of a time within ${terms.validFrom} to ${terms.validUntil}`,
      hint: "no more time up, and no more deliveries in time, than there was",
    }).refusal;
  const text = measurementText(measurement);
  const parties = [terms.consumer, terms.provider, terms.manager];
  const party = parties.find(({ account }) => account === measurement.observer);
  if (party !== undefined && cryptography.verify(party.key, text, signed.signature)) return null;
  return refuse("E_MEASUREMENT_SIGNATURE", "no party of the contract signed this measurement", {
    path: "observer",
    found: measurement.observer,
    expected: parties.map(({ account }) => account).join(", "),
  }).refusal;
}

const PPM = 1_000_000n;

/** The promises that were missed, given what was measured and when the work was done (null: not yet, or never). */
export function missedLevels(
  levels: readonly ServiceLevel[],
  completedAt: Instant | null,
  measurements: readonly Measurement[],
): readonly ServiceLevel[] {
  const sum = (of: (measurement: Measurement) => number): bigint =>
    measurements.reduce((total, measurement) => total + BigInt(of(measurement)), 0n);
  return levels.filter((level) => {
    switch (level.kind) {
      case "completion":
        return completedAt === null || completedAt > level.by;
      case "delay":
        return sum((m) => m.withinDelay) * PPM < sum((m) => m.deliveries) * BigInt(level.sharePpm);
      case "availability":
        return sum((m) => m.up) * PPM < sum((m) => m.to - m.from) * BigInt(level.atLeastPpm);
    }
    return false;
  });
}

/** What missing those promises takes off the charge: rounded up, never more than the charge itself [K5.2]. */
export function penaltyFor(missed: readonly ServiceLevel[], charge: Money): Money {
  let penalty: bigint = ZERO;
  for (const level of missed) penalty += scaleMoney(charge, BigInt(level.penaltyPpm), PPM, "up");
  return money(penalty > charge ? charge : penalty);
}
