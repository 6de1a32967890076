import { fileURLToPath } from "node:url";
import { Rng } from "@weft/kernel";
import { readScenario, type TrustScenario } from "@weft/lab";
import { studyCheating } from "@weft/market";
import type { Bench } from "./bench.ts";

const SCENARIO = fileURLToPath(new URL("../../scenarios/trust.yaml", import.meta.url));

/** What it costs to use results of providers that nobody vouches for, and how many lies come through (C7). */
export const trust: Bench = {
  name: "trust",
  run(size, report) {
    const scenario = readScenario(SCENARIO).data as TrustScenario;
    const study = size === "full" ? scenario.study : { ...scenario.study, tasks: 300 };
    for (const policy of scenario.policies) {
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
