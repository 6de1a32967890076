import type { NodeId } from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";
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

  it("takes for handling what every task spent, not what waited in a burst", () => {
    const predictor = new Predictor();
    expect(predictor.learnHandling(near, 8_000 as Micros)).toBe(8_000);
    expect(predictor.learnHandling(near, 900_000 as Micros)).toBe(8_000);
    for (let i = 0; i < 9; i++) predictor.learnHandling(near, 20_000 as Micros);
    expect(predictor.learnHandling(near, 20_000 as Micros)).toBe(20_000);
  });
});
