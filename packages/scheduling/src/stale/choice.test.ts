import { type Micros, Rng } from "@weft/kernel";
import fc from "fast-check";
import { expect, it } from "vitest";
import { CHOICE_BY_AGE, type ChoiceRule, choiceForAge, chooseByRule } from "./choice.ts";

const rules: readonly ChoiceRule[] = [
  { kind: "best" },
  { kind: "best-of", sample: 2 },
  { kind: "best-of", sample: 50 },
  { kind: "damped", spread: 0.5 },
];

it("never chooses a node that is ruled out, and always one where there is one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const rng = new Rng(seed);
      const score = Float64Array.from({ length: rng.below(8) }, () =>
        rng.chance(0.5) ? Number.POSITIVE_INFINITY : rng.float() * 10,
      );
      const strength = Float64Array.from(score, () => 0.5 + rng.float());
      for (const rule of rules) {
        const j = chooseByRule(rule, score, strength, rng);
        if (score.every((s) => s === Number.POSITIVE_INFINITY)) expect(j).toBe(-1);
        else expect(score[j]).toBeLessThan(Number.POSITIVE_INFINITY);
        if (rule.kind === "best" && j >= 0) expect(score[j]).toBe(Math.min(...score));
      }
    }),
    { numRuns: 300 },
  );
});

it("draws by strength, and damps by distance from the best", () => {
  const rng = new Rng(1);
  const counts = (rule: ChoiceRule, score: number[], strength: number[]) => {
    const chosen = score.map(() => 0);
    for (let i = 0; i < 20_000; i++) {
      chosen[chooseByRule(rule, Float64Array.from(score), Float64Array.from(strength), rng)]!++;
    }
    return chosen.map((count) => count / 20_000);
  };
  const drawn = counts({ kind: "best-of", sample: 1 }, [1, 1, 1], [1, 2, 1]);
  expect(drawn[1]).toBeCloseTo(0.5, 1);
  const eased = counts({ kind: "damped", spread: 1 }, [1, 2], [1, 1]);
  expect(eased[0]! / eased[1]!).toBeGreaterThan(2.4);
  expect(eased[0]! / eased[1]!).toBeLessThan(3.1);
});

it("has a default for every age, in order of age", () => {
  for (let i = 1; i < CHOICE_BY_AGE.length; i++) {
    expect(CHOICE_BY_AGE[i]!.upTo).toBeGreaterThan(CHOICE_BY_AGE[i - 1]!.upTo);
  }
  expect(choiceForAge(0 as Micros)).toEqual({ kind: "best" });
  expect(choiceForAge(Number.MAX_SAFE_INTEGER as Micros)).toEqual(CHOICE_BY_AGE.at(-1)!.rule);
});
