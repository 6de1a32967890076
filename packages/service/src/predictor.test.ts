import type { NodeId } from "@weft/infrastructure";
import { type Instant, type Micros, SECOND } from "@weft/kernel";
import { classOf } from "@weft/scheduling";
import { describe, expect, it } from "vitest";
import { Predictor } from "./predictor.ts";

const NEURAL = classOf("model", "neural");
const near = "near" as NodeId;
const far = "far" as NodeId;

const tried = (algorithm: string, node: NodeId, promised: number, actual: number) => ({
  algorithm,
  workClass: NEURAL,
  node,
  promised: promised as Micros,
  actual: actual as Micros,
});

describe("what a run teaches (C1)", () => {
  it("is of the function on its node first, and one disturbed run moves nothing", () => {
    const predictor = new Predictor();
    for (let i = 0; i < 4; i++) predictor.learn(tried("ocr", near, 100_000, 400_000));
    expect(predictor.learn(tried("ocr", near, 100_000, 9_000_000)).here).toBe(0.25);
    expect([...predictor.of(near)]).toEqual([["ocr", 0.25]]);
  });

  it("holds for the function on nodes that have not run it", () => {
    const predictor = new Predictor();
    expect(predictor.learn(tried("ocr", near, 100_000, 400_000)).elsewhere).toBe(0.25);
    const { here, elsewhere } = predictor.learn(tried("ocr", far, 100_000, 200_000));
    expect(here).toBe(0.5);
    expect(elsewhere).toBe((0.25 + 0.5) / 2);
  });

  it("holds for functions of its class that nobody has run, each function having one voice", () => {
    const predictor = new Predictor();
    for (let i = 0; i < 5; i++) predictor.learn(tried("ocr", near, 100_000, 400_000));
    predictor.learn(tried("faces", near, 100_000, 125_000));
    expect(predictor.learn(tried("speech", near, 100_000, 200_000)).ofClass).toBe(0.5);
  });

  it("says nothing of a class when the run is too short to tell", () => {
    expect(new Predictor().learn(tried("empty", near, 50, 2_000)).ofClass).toBeNull();
  });

  it("takes for handling what every task spent lately, not what waited in a burst or at a cold start", () => {
    const predictor = new Predictor();
    const at = (seconds: number) => (1e12 + seconds * SECOND) as Instant;
    const spend = (ms: number, seconds: number) =>
      predictor.learnHandling(near, (ms * 1_000) as Micros, at(seconds));
    expect(spend(900, 0)).toBe(0); // one alone says little
    expect(spend(800, 1)).toBe(0);
    expect(spend(8, 2)).toBe(8_000);
    expect(spend(500, 3)).toBe(8_000);
    for (let i = 0; i < 9; i++) spend(20, 4);
    expect(predictor.handling(near, at(60))).toBe(20_000);
    expect(predictor.handling(near, at(70))).toBe(0); // the machine may have calmed down
    expect(spend(5, 71)).toBe(0);
  });
});
