import { expect, it, vi } from "vitest";
import { resultsOf } from "../results.ts";
import { ScenarioRefused } from "../scenario/problems.ts";
import { parseSetting, prepareScenario, readScenario } from "../scenario/read.ts";
import { announcementStudy } from "../studies/announcement.ts";
import type { Outcome } from "../study.ts";
import { surveyVerdicts } from "./verdicts.ts";

vi.setConfig({ testTimeout: 180_000 });

const PATH = new URL("../../../../scenarios/announcement.yaml", import.meta.url).pathname;
const SMALL = ["topologies=[topologies/harbours.graphml]", "generated=[100]", "changes=6", "decisions=40"];
const prepared = readScenario(PATH, [...SMALL, "generatedChanges=2", "generatedTime=2s"].map(parseSetting));

const outcomes = new Map<string, Outcome>();
const outcome = (name: string): Outcome => {
  const known = outcomes.get(name) ?? announcementStudy.run(prepared.data, name, 3, () => {});
  outcomes.set(name, known);
  return known;
};

it("no news is everywhere sooner than light, and each architecture keeps near to it", () => {
  for (const name of prepared.cases.filter((one) => one.startsWith("harbours"))) {
    const { timeRatio, bytesRatio, accuracy, missCost } = outcome(name).metrics;
    expect(timeRatio, name).toBeGreaterThanOrEqual(1);
    expect(bytesRatio, name).toBeGreaterThanOrEqual(1);
    expect(accuracy, name).toBeGreaterThan(60);
    expect(missCost, name).toBeGreaterThanOrEqual(1);
  }
});

it("link-state floods within 1.3 times the limit at under 2.5 times the tree, the canopy at under 1.5 times", () => {
  const flood = outcome("harbours / link-state").metrics;
  expect(flood.timeRatio).toBeLessThan(1.3);
  expect(flood.bytesRatio).toBeLessThan(2.5);
  const own = outcome("harbours / canopy").metrics;
  expect(own.timeRatioP99).toBeLessThan(1.3);
  expect(own.bytesRatio).toBeLessThan(1.5);
});

it("a domain that vanishes changes a route at most twice a node", () => {
  expect(outcome("harbours / path-vector").metrics.withdrawal).toBeLessThanOrEqual(2);
});

it("large networks are measured too, each architecture as far as it can be", () => {
  for (const name of prepared.cases.filter((one) => one.startsWith("generated-100"))) {
    const { timeRatio, busyBytes } = outcome(name).metrics;
    expect(timeRatio, name).toBeGreaterThanOrEqual(1);
    expect(busyBytes, name).toBeGreaterThan(0);
  }
  expect(outcome("generated-100 / canopy").metrics.busyBytes).toBeLessThan(5000);
});

it("one case under one seed is one outcome, to the byte", () => {
  const name = "harbours / hybrid";
  expect(announcementStudy.run(prepared.data, name, 3, () => {})).toEqual(outcome(name));
});

it("says of every word of the survey whether it holds", () => {
  const finished = prepared.cases
    .filter((one) => one.startsWith("harbours"))
    .map((name) => ({ case: name, seed: 3, outcome: outcome(name) }));
  const { rows } = surveyVerdicts(resultsOf(prepared, "", announcementStudy.metrics, finished));
  // Speed, mapping, deployment cost and view, of the two distributed protocols and the two others.
  expect(rows).toHaveLength(16);
  const verdict = (architecture: string, of: string) =>
    rows.find((row) => row[1] === architecture && row[2] === of)?.[5];
  expect(verdict("link-state", "deployment cost")).toBe("holds");
  expect(verdict("centralised", "view")).toBe("holds");
  expect(verdict("link-state", "view")).toBe("does not hold");
});

it("names the file, line and field of a network that is not there", () => {
  const text = `apiVersion: weft.dev/v1
kind: Scenario
metadata: { name: x }
study: announcement
topologies:
  - nowhere.graphml
changes: 1
changeEvery: 1s
decisions: 1
decisionEvery: 1s
task: { type: neural, work: 1 GFLOP }
`;
  expect(() => prepareScenario(text, "x.yaml")).toThrow(ScenarioRefused);
  expect(() => prepareScenario(text, "x.yaml")).toThrow(/^x\.yaml:6 {2}topologies\[0\] {2}no file or folder/);
});
