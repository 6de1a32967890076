import { type Micros, Rng } from "@weft/kernel";
import { type CheatingStudy, studyCheating, type TrustPolicy } from "@weft/market";
import type { Bench } from "./bench.ts";

const NONE: TrustPolicy = {
  name: "none",
  need: 1,
  most: 1,
  spotChecks: 0,
  leastReputation: 0,
  trustedFrom: 2,
};
const POLICIES: readonly TrustPolicy[] = [
  NONE,
  { ...NONE, name: "quorum-2-of-3", need: 2, most: 3 },
  { ...NONE, name: "quorum-3-of-5", need: 3, most: 5 },
  { ...NONE, name: "spot-checks-10", spotChecks: 0.1, leastReputation: 0.7 },
  { name: "adaptive", need: 2, most: 3, spotChecks: 0.02, leastReputation: 0.7, trustedFrom: 0.95 },
];

/** What it costs to use results of providers that nobody vouches for, and how many lies come through (C7). */
export const trust: Bench = {
  name: "trust",
  run(size, report) {
    const study: CheatingStudy = {
      providers: 100,
      cheaters: 0.2,
      cheatingRate: 0.3,
      colluding: 0.5,
      tasks: size === "full" ? 20_000 : 300,
      secondsBetweenTasks: 5,
      reputation: { memory: (24 * 3_600e6) as Micros, priorWeight: 4, priorScore: 0.8 },
    };
    for (const policy of POLICIES) {
      const result = studyCheating(study, policy, new Rng(11));
      const told = (measure: string, value: number, against: string): void =>
        report({ name: `trust/${policy.name}/${measure}`, value, unit: "ratio", against, ratio: null });
      told("cost", result.cost, "work asked for");
      told("wrong", result.wrong, "tasks: accepted results that are wrong");
      told("detected", result.detected, "wrong answers given");
      told("cheaters-out", result.cheatersOut, "cheaters (a fifth of the providers, half of them colluding)");
      told("honest-out", result.honestOut, "honest providers");
    }
  },
};
