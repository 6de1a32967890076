import { readFileSync } from "node:fs";
import { type MechanismResult, type PricingStudy, STUDIED, studyPricing } from "@weft/market";
import { parse } from "yaml";
import type { Bench } from "./bench.ts";

const SCENARIO = new URL("../../scenarios/pricing.yaml", import.meta.url);

const MEASURES: readonly (readonly [keyof MechanismResult, string, string])[] = [
  ["welfare", "ratio", "the greatest gain possible"],
  ["price", "micro", "mean price that buyers paid"],
  ["priceChange", "ratio", "mean change from round to round over the mean price"],
  ["largeProfit", "micro/lot/round", "large providers"],
  ["smallProfit", "micro/lot/round", "small providers"],
  ["budget", "ratio", "what buyers paid; below 0 the manager pays in"],
  ["lyingBuyer", "ratio", "gain of a buyer's best lie"],
  ["lyingSmall", "ratio", "gain of a small provider's best lie"],
  ["lyingLarge", "ratio", "gain of a large provider's best lie"],
];

/** The lab study of pricing (scenarios/pricing.yaml), averaged over seeds. */
export const pricing: Bench = {
  name: "pricing",
  run(size, report) {
    const scenario = parse(readFileSync(SCENARIO, "utf8")) as PricingStudy;
    const study = size === "full" ? scenario : { ...scenario, days: 1, lies: scenario.lies.slice(0, 1) };
    const seeds = size === "full" ? [1, 2, 3, 4, 5] : [1];
    for (const mechanism of STUDIED) {
      const results = seeds.map((seed) => studyPricing(study, mechanism, seed));
      for (const [measure, unit, against] of MEASURES) {
        const value = results.reduce((sum, result) => sum + Number(result[measure]), 0) / results.length;
        report({ name: `pricing/${mechanism}/${measure}`, value, unit, against, ratio: null });
      }
    }
  },
};
