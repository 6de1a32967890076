import type { NodeId } from "@weft/infrastructure";
import type { Instant, Micros, Money } from "@weft/kernel";
import type { ApplicationDecisionView, BatchPlanView } from "@weft/service-http/client";
import { expect, it } from "vitest";
import { applicationText, batchText } from "./applications.ts";

const AT = 0 as Instant;
const batch = (change: Partial<BatchPlanView>): BatchPlanView => ({
  at: AT,
  items: [1, 2, 3].map((i) => ({
    name: `t${i}`,
    at: AT,
    placement: null,
    refusal: null,
    explanation: null,
  })),
  placed: 3,
  mostPlaced: 3,
  score: 900,
  unit: "cost",
  bound: 870,
  gap: 0.0345,
  alone: { placed: 3, score: 1200 },
  ...change,
});

it("says what deciding together came to, how sure that is, and what one at a time would have been", () => {
  expect(batchText(batch({}))).toBe(
    "together 3 of 3 placed, sum of cost 0.0009, at most 3.5 % over the least there can be; one at a time: 0.0012",
  );
  expect(batchText(batch({ gap: 0, alone: { placed: 3, score: 900 } }))).toMatch(
    /proven least; one at a time: the same$/,
  );
  const left = batch({ placed: 2, mostPlaced: 2, gap: null, bound: null, alone: { placed: 1, score: 300 } });
  expect(batchText(left)).toMatch(/2 of 3 placed, .*at most 2 can be; one at a time places 1$/);
  expect(batchText(batch({ unit: "time", score: 1_500_000 }))).toContain("sum of time 1.5 s");
  expect(batchText(batch({ unit: "relative", score: 3.25 }))).toContain(
    "sum of scores over each task's best 3.25",
  );
});

it("shows an application's plan a line a step, and why there is none", () => {
  const plan: ApplicationDecisionView = {
    at: AT,
    plan: { makespan: 2_000_000 as Micros, cost: 820, bound: 820, proven: true },
    refusal: null,
    steps: [
      {
        name: "scan",
        from: [],
        node: "corner" as NodeId,
        planned: { start: 0 as Micros, finish: 1_000_000 as Micros },
        price: 410n as Money,
      },
      {
        name: "top",
        from: ["scan"],
        node: "sunny" as NodeId,
        planned: { start: 1_000_000 as Micros, finish: 2_000_000 as Micros },
        price: 410n as Money,
      },
    ],
  };
  const lines = applicationText("report", plan, "CNY").split("\n");
  expect(lines[0]).toBe("application report");
  expect(lines[3]).toMatch(/^ {2}top +scan +sunny +1 s +2 s +0\.00041 CNY$/);
  expect(lines[4]).toBe("  whole: 2 s, 0.00082 CNY; the best plan there is");
  const refusal = {
    code: "gang_does_not_fit",
    message: "not all of the gang fits at once",
    found: "2 of 3 steps, 2 at most",
  };
  const none = {
    ...plan,
    plan: null,
    refusal,
    steps: plan.steps.map((step) => ({ ...step, node: null, planned: null, price: null })),
  };
  const told = applicationText("report", none, "CNY").split("\n");
  expect(told[2]).toMatch(/^ {2}scan +- +- +- +- +-$/);
  expect(told[4]).toBe(
    "  refused: not all of the gang fits at once: 2 of 3 steps, 2 at most [gang_does_not_fit]",
  );
});
