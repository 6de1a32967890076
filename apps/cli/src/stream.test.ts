import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Instant, Micros, Money } from "@weft/kernel";
import type { InputView, StepView } from "@weft/service";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { applicationText } from "./applications.ts";
import { inputLines, type StreamView, stageText, streamSummary } from "./stream.ts";
import { begin, end, folder, renew, weft } from "./testing/command-line.ts";

beforeAll(begin, 30_000);
afterEach(renew);
afterAll(end);

const SECOND = 1_000_000;
const step = (stage: number, k: number, finishedAt: number | null): StepView => ({
  name: `stage-${stage}.${k}`,
  layers: [`layer-${stage}`],
  from: stage === 1 ? [] : [`stage-1.${k}`],
  phase: finishedAt === null ? "running" : "succeeded",
  task: `task-${stage}-${k}`,
  node: stage === 1 ? "corner" : "mall",
  planned: { start: 0 as Micros, finish: (k * SECOND) as Micros },
  startedAt: 0 as Instant,
  finishedAt: finishedAt as Instant | null,
  result: null,
  charged: null,
  input: `signal-${k}`,
});
const input = (k: number, finishedAt: number | null): InputView => ({
  name: `signal-${k}`,
  phase: finishedAt === null ? "running" : "succeeded",
  step: finishedAt === null ? `stage-1.${k}` : `stage-2.${k}`,
  startedAt: 0 as Instant,
  finishedAt: finishedAt as Instant | null,
  planned: { start: 0 as Micros, finish: ((k + 1) * SECOND) as Micros },
  result: null,
});
const STREAM: StreamView = {
  id: "application-1",
  name: "stream",
  labels: {},
  consumer: "ann",
  phase: "running",
  reason: null,
  objective: "time",
  deadline: null,
  gang: false,
  submittedAt: 0 as Instant,
  finishedAt: null,
  plan: {
    makespan: (3 * SECOND) as Micros,
    cost: 10,
    bound: 1,
    proven: true,
    bottleneck: SECOND as Micros,
    first: (2 * SECOND) as Micros,
  },
  steps: [
    step(1, 1, SECOND),
    step(1, 2, null),
    step(2, 1, 2.5 * SECOND),
    { ...step(2, 2, null), task: null },
  ],
  inputs: [input(1, 2.5 * SECOND), input(2, null)],
  charged: 700n as Money,
};

it("shows where the stages are and how far each input is, planned beside taken", () => {
  expect(stageText(STREAM)).toBe(
    "pipeline stream running, 1 of 2 inputs through, stage-1 on corner, stage-2 on mall; first result 2 s, all 3 s predicted",
  );
  expect(inputLines(STREAM).map((line) => line.replace(/ {2,}/g, " "))).toEqual([
    "INPUT PHASE STEP NODE PREDICTED TOOK",
    "signal-1 succeeded stage-2.1 mall 2 s 2.5 s",
    "signal-2 running stage-1.2 corner 3 s -",
  ]);
});

it("says what a stream came to beside what was predicted", () => {
  const inputs = [STREAM.inputs[0]!, input(2, 3.25 * SECOND)];
  expect(streamSummary({ ...STREAM, inputs }, "CNY")).toBe(
    "succeeded in 2 stages: first result after 2.5 s, predicted 2 s; all 2 after 3.25 s, predicted 3 s; charged 0.0007 CNY",
  );
});

it("plans the first result and all of them", () => {
  const { plan, steps } = STREAM;
  const stages = [steps[0]!, steps[2]!].map((one) => ({ ...one, price: 5n as Money }) as never);
  const text = applicationText("stream", { at: 0 as Instant, plan, refusal: null, steps: stages }, "CNY");
  expect(text).toMatch(/^pipeline stream\n +STEP +LAYERS +NODE +STARTS +ENDS +AN INPUT\n/);
  expect(text).toMatch(
    /first result: 2 s, all: 3 s, longest turn of a stage 1 s, .*; the best cut there is$/,
  );
});

const PIPELINE = `apiVersion: weft.dev/v1
kind: Pipeline
metadata: { name: stream }
spec:
  data: { inputs: signals, at: you }
  layers: [{ network: det.onnx, work: 1 GFLOP, memory: 1MB }]
`;

it("takes the files of a folder in the order of their names, and says what is wrong with a folder", async () => {
  const signals = join(folder, "signals");
  mkdirSync(join(signals, "within"), { recursive: true });
  writeFileSync(join(folder, "stream.yaml"), PIPELINE);
  const plan = () => weft("plan", "-f", "stream.yaml");
  expect(await plan()).toMatchObject({
    code: 2,
    err: expect.stringMatching(/stream\.yaml:5 .*at least one input/),
  });
  for (const name of ["b", "a", ".hidden"]) writeFileSync(join(signals, name), name);
  expect((await plan()).code).toBe(0);
  for (let i = 0; i < 256; i++) writeFileSync(join(signals, `n-${i}`), "n");
  const many = await plan();
  expect(many.code).toBe(2);
  expect(many.err).toMatch(
    /stream\.yaml:5 {2}spec\.data\.inputs .*at most 256 inputs\n +hint: .*\[E_MANIFEST_VALUE\]/,
  );
  rmSync(signals, { recursive: true });
  expect((await plan()).err).toMatch(
    /found "signals", expected a folder that can be read\n.*E_MANIFEST_FILE/,
  );
  const twice = PIPELINE.replace("inputs: signals", "inputs: [receipt.png, here/../receipt.png]");
  writeFileSync(join(folder, "stream.yaml"), twice);
  expect((await plan()).err).toMatch(
    /spec\.data\.inputs\[1\] {2}found "receipt\.png", expected a name that no other/,
  );
});
