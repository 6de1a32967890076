import type { Micros } from "@weft/kernel";
import { choiceForAge } from "@weft/scheduling";
import { expect, it } from "vitest";
import { RULES, simulateStale } from "./stale.ts";

const scenario = (age: number) => ({ nodes: 100, schedulers: 4, tasks: 6_000, load: 0.9, age, seed: 3 });

it("news: the exact best is best; old news: it herds, and the default does not", () => {
  const [fresh, old] = [0, 15].map((age) => RULES.map(([, rule]) => simulateStale(scenario(age), rule).mean));
  expect(fresh![0]).toBe(Math.min(...fresh!));
  const chosen = simulateStale(scenario(15), choiceForAge(15e6 as Micros));
  expect(chosen.mean).toBeLessThan(old![0]! * 0.9);
  expect(chosen.conflicts).toBeLessThan(simulateStale(scenario(15), { kind: "best" }).conflicts);
});

it("the default stays within a tenth of the best rule at every age", () => {
  for (const age of [0, 0.5, 5, 60]) {
    const means = RULES.map(([, rule]) => simulateStale(scenario(age), rule).mean);
    const chosen = simulateStale(scenario(age), choiceForAge((age * 1e6) as Micros)).mean;
    expect(chosen).toBeLessThan(Math.min(...means) * 1.1);
  }
});

it("a seed reproduces a run", () => {
  const rule = choiceForAge(5e6 as Micros);
  expect(simulateStale(scenario(5), rule)).toEqual(simulateStale(scenario(5), rule));
});
