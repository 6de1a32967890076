import { assert, Rng } from "@weft/kernel";
import { type PricingStudy, type StudiedMechanism, studyCheating, studyPricing } from "@weft/market";
import { RunDigest } from "@weft/sim";
import type { TrustScenario } from "../scenario/market.ts";
import type { Outcome, Study } from "../study.ts";

/** What a study of the market measured: figures alone, no curves. */
function outcomeOf(metrics: Readonly<Record<string, number>>): Outcome {
  const digest = new RunDigest();
  for (const [name, value] of Object.entries(metrics)) {
    digest.addText(name);
    digest.add(Math.round(value * 1e9));
  }
  return { metrics, distributions: {}, series: {}, map: null, digest: digest.toString() };
}

const percent = (share: number): number => 100 * share;

/** Mechanisms that sell the same lots to the same people (C8); the cases are the mechanisms. */
export const pricingStudy: Study = {
  kind: "pricing",
  metrics: [
    { name: "welfare", label: "welfare", unit: "%", better: "more" },
    { name: "trades", label: "trades", unit: "", better: null },
    { name: "price", label: "price paid", unit: "micro", better: null },
    { name: "priceChange", label: "price moves", unit: "%", better: "less" },
    { name: "largeProfit", label: "large earn", unit: "micro/lot", better: null },
    { name: "smallProfit", label: "small earn", unit: "micro/lot", better: null },
    { name: "budget", label: "budget", unit: "%", better: null },
    { name: "lyingBuyer", label: "buyer's lie", unit: "%", better: "less" },
    { name: "lyingSmall", label: "small's lie", unit: "%", better: "less" },
    { name: "lyingLarge", label: "large's lie", unit: "%", better: "less" },
  ],
  distributions: [],
  series: [],
  run(data, caseName, seed, progress) {
    const result = studyPricing(data as PricingStudy, caseName as StudiedMechanism, seed);
    progress(1);
    return outcomeOf({
      welfare: percent(result.welfare),
      trades: result.trades,
      price: result.price,
      priceChange: percent(result.priceChange),
      largeProfit: result.largeProfit,
      smallProfit: result.smallProfit,
      budget: percent(result.budget),
      lyingBuyer: percent(result.lyingBuyer),
      lyingSmall: percent(result.lyingSmall),
      lyingLarge: percent(result.lyingLarge),
    });
  },
};

/** Results of providers that nobody vouches for (C7); the cases are the policies that guard against them. */
export const trustStudy: Study = {
  kind: "trust",
  metrics: [
    { name: "cost", label: "work done", unit: "x", better: "less" },
    { name: "wrong", label: "wrong taken", unit: "%", better: "less" },
    { name: "detected", label: "lies noticed", unit: "%", better: "more" },
    { name: "cheatersOut", label: "cheaters out", unit: "%", better: "more" },
    { name: "honestOut", label: "honest out", unit: "%", better: "less" },
    { name: "undecided", label: "undecided", unit: "%", better: "less" },
  ],
  distributions: [],
  series: [],
  run(data, caseName, seed, progress) {
    const { study, policies } = data as TrustScenario;
    const policy = policies.find(({ name }) => name === caseName);
    assert(policy !== undefined, `no policy ${caseName}`);
    const result = studyCheating(study, policy, new Rng(seed));
    progress(1);
    return outcomeOf({
      cost: result.cost,
      wrong: percent(result.wrong),
      detected: percent(result.detected),
      cheatersOut: percent(result.cheatersOut),
      honestOut: percent(result.honestOut),
      undecided: percent(result.undecided),
    });
  },
};
