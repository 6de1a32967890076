import { readFileSync } from "node:fs";
import {
  type MechanismResult,
  type PricingStudy,
  STUDIED,
  type StudiedMechanism,
  studyPricing,
} from "@weft/market";
import { expect, it } from "vitest";
import { parse } from "yaml";

const study: PricingStudy = {
  ...parse(readFileSync(new URL("pricing.yaml", import.meta.url), "utf8")),
  days: 1,
};
const results = Object.fromEntries(STUDIED.map((name) => [name, studyPricing(study, name, 1)]));
const of = (name: StudiedMechanism): MechanismResult => results[name] as MechanismResult;

it("no lie of a buyer or a small provider pays under the double auction, VCG and fixed prices", () => {
  for (const name of ["double", "vcg", "posted", "time-of-use"] as const) {
    expect(of(name).lyingBuyer, name).toBe(0);
    expect(of(name).lyingSmall, name).toBe(0);
  }
});

it("lying pays a provider in reverse auctions one after another, and whoever owns many lots", () => {
  expect(of("reverse").lyingSmall).toBeGreaterThan(0);
  expect(of("double").lyingLarge + of("vcg").lyingLarge + of("uniform").lyingLarge).toBeGreaterThan(0);
});

it("VCG makes all the gain there is and pays in; the double auction comes close and never does", () => {
  expect(of("vcg").welfare).toBe(1);
  expect(of("vcg").budget).toBeLessThanOrEqual(0);
  expect(of("double").welfare).toBeGreaterThan(0.97);
  expect(of("double").budget).toBeGreaterThanOrEqual(0);
  for (const name of STUDIED) expect(of(name).welfare).toBeLessThanOrEqual(1);
});

it("a congestion-driven price moves little from hour to hour", () => {
  expect(of("congestion").priceChange).toBeLessThan(study.congestion.mostStep);
});

it("is the same for the same seed", () => {
  expect(studyPricing(study, "double", 1)).toEqual(of("double"));
  expect(studyPricing(study, "double", 2)).not.toEqual(of("double"));
});
