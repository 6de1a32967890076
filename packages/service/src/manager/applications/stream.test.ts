import { type Bytes, canonicalText, type Micros, money, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { beforeEach, expect, it } from "vitest";
import type { ApplicationSubmission, PipelineRequest, StepView } from "../../resources.ts";
import { contentDigest, Desk, layersOf, modelNode, pipelineOf } from "../../testing/index.ts";
import { applicationView } from "./view.ts";

/*
 * Many inputs through a layered model on a desk: two nodes, of which each has room for one stage.
 */

const STAGES = 2;
const behaviour = { lasts: SECOND, ends: "finished", gives: 1000 as Bytes } as const;
let desk: Desk;

const pass = (seconds: number): void => desk.pass((seconds * SECOND) as Micros);
beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.join(modelNode("corner", "ningbo"), behaviour);
  desk.join(modelNode("mall", "shanghai"), behaviour);
  pass(0.1);
});

const pipeline = (inputs: number): PipelineRequest =>
  pipelineOf(layersOf([contentDigest(1), contentDigest(2)], 15e8, 2e9), {
    input: null,
    stages: STAGES,
    objective: "throughput",
    inputs: Array.from({ length: inputs }, (_, k) => ({
      name: `signal-${k + 1}`,
      digest: contentDigest(100 + k),
      size: 500 as Bytes,
    })),
  });

const manifestOf = ({ inputs, layers }: PipelineRequest): string =>
  canonicalText({
    kind: "Pipeline",
    spec: {
      data: { inputs: inputs!.map((one) => ({ content: `sha256:${one.digest}` })) },
      layers: layers.map(({ network }) => ({ network: `sha256:${network}` })),
    },
  });

/** For each stage and input one. */
const ordersOf = (name: string, inputs: number) =>
  Array.from({ length: STAGES * inputs }, (_, i) =>
    desk.orderFor(`${name}-${i}`, manifestOf(pipeline(inputs)), money(1_000n)),
  );

function submit(inputs: number, change: Partial<ApplicationSubmission> = {}) {
  const model = pipeline(inputs);
  const steps = Array.from({ length: STAGES * inputs }, (_, i) => ({
    name: `step-${i}`,
    needs: model.whole.needs,
  }));
  const manifest = manifestOf(model);
  const contents = [1, 2].map((i) => ({ digest: contentDigest(i), size: 100 as Bytes }));
  const submission = desk.application("stream", steps, { contents, manifest, pipeline: model, ...change });
  return desk.command({
    kind: "submit-application",
    caller: { account: "ann", role: "consumer" },
    submission: { ...submission, steps: [] },
  });
}
function submitted(inputs: number, change: Partial<ApplicationSubmission> = {}): string {
  const answer = submit(inputs, change);
  if (!answer.ok) throw new Error(JSON.stringify(answer.refusal));
  return answer.value;
}
const viewOf = (id: string) => {
  const { core } = desk.manager;
  return applicationView(core, core.applications.entry(id)!);
};
const taskOf = (step: StepView) => desk.manager.core.tasks.task(step.task!)!;

/** Each stage takes the inputs in their order and one at a time, each input goes through its stages in theirs [M.S1]. */
function expectInTurn(steps: readonly StepView[], inputs: number): void {
  const step = (stage: number, input: number) => steps[stage * inputs + input]!;
  for (let stage = 0; stage < STAGES; stage++) {
    for (let input = 0; input < inputs; input++) {
      const { startedAt, finishedAt } = step(stage, input);
      expect(finishedAt!).toBeGreaterThan(startedAt!);
      if (input > 0) expect(startedAt!).toBeGreaterThanOrEqual(step(stage, input - 1).finishedAt!);
      if (stage > 0) expect(startedAt!).toBeGreaterThanOrEqual(step(stage - 1, input).finishedAt!);
    }
  }
}

function expectSound(id: string): void {
  const { books, pool } = desk.manager.core;
  for (const total of books.totals().values()) expect(total).toBe(0n);
  expect(books.balance("ann")!.held).toBe(0n);
  expect(10_000_000n - books.balance("ann")!.posted).toBe(viewOf(id).charged);
  expect(pool.reservations).toBe(0);
}

it("[M.S1] stages work on several inputs at once, each on its own node, and results keep their order", () => {
  const id = submitted(5);
  expect(viewOf(id).inputs!.map(({ phase }) => phase)).toEqual(["running", ...Array(4).fill("waiting")]);
  pass(20);
  const { phase, steps, inputs, plan } = viewOf(id);
  expect(phase).toBe("succeeded");
  expectInTurn(steps, 5);
  for (let input = 1; input < 5; input++) {
    // While the second stage works on an input, the first has the next.
    expect(steps[input]!.startedAt!).toBeLessThan(steps[5 + input - 1]!.finishedAt!);
    expect(steps[input]!.finishedAt!).toBeGreaterThan(steps[5 + input - 1]!.startedAt!);
  }
  expect(new Set(steps.slice(0, 5).map(({ node }) => node)).size).toBe(1);
  expect(new Set(steps.map(({ node }) => node)).size).toBe(2);
  expect(inputs!.map(({ name, result }) => [name, result?.digest])).toEqual(
    steps.slice(5).map(({ result }, k) => [`signal-${k + 1}`, result!.digest]),
  );
  expect(inputs!.map(({ finishedAt }) => finishedAt)).toEqual(
    inputs!.map(({ finishedAt }) => finishedAt).sort(),
  );
  expect(plan!.makespan).toBe(plan!.first! + 4 * plan!.bottleneck!);
  expect(inputs!.at(-1)!.planned!.finish).toBeLessThanOrEqual(plan!.makespan);
  // Each step took the input it was signed for, or what the one before gave of it.
  expect(taskOf(steps[3]!).row.submission.step!.parts).toMatchObject([{ digest: contentDigest(103) }]);
  expect(taskOf(steps[8]!).row.submission.step!.parts).toMatchObject([{ digest: steps[3]!.result!.digest }]);
  expect(desk.store.state().usage).toHaveLength(10);
  expectSound(id);
});

it("[M.S1] a stage that is much quicker than the next waits for it", () => {
  const id = submitted(6);
  const [first, second] = [viewOf(id).steps[0]!.node!, viewOf(id).steps[6]!.node!];
  desk.nodes.get(first)!.behaviour = { ...behaviour, lasts: (SECOND / 10) as Micros };
  desk.nodes.get(second)!.behaviour = { ...behaviour, lasts: (5 * SECOND) as Micros };
  pass(8);
  const ended = (steps: readonly StepView[]) => steps.filter(({ phase }) => phase === "succeeded").length;
  const { steps } = viewOf(id);
  expect(ended(steps.slice(0, 6)) - ended(steps.slice(6))).toBe(3); // two wait or are worked on, one more is done
  pass(40);
  expect(viewOf(id).phase).toBe("succeeded");
  expectInTurn(viewOf(id).steps, 6);
});

it("[M.S2] what a stage needs stays its own while it waits for the next input, after a restart too", () => {
  const id = submitted(4);
  const second = viewOf(id).steps[4]!.node!;
  const { needs } = pipeline(1).whole;
  const alone = desk.submit("alone", { ...needs, algorithm: { ...needs.algorithm, space: 15e8 as Bytes } });
  const waits = () => alone.ok && desk.manager.core.tasks.task(alone.value)!.row.progress.phase;
  expect(desk.manager.core.pool.reservations).toBe(2);
  pass(0.4);
  desk.restartManager();
  pass(0.3);
  expect(desk.manager.core.pool.reservations).toBe(2);
  expect(waits()).toBe("pending");
  pass(1.5);
  expect(viewOf(id).steps[4]!.node).toBe(second);
  pass(20);
  expect(viewOf(id).phase).toBe("succeeded");
});

it("[M.S3] a stage whose node is lost goes on elsewhere from the input it had not finished, billed once each", () => {
  const id = submitted(6);
  const second = viewOf(id).steps[6]!.node!;
  desk.join(modelNode("spare", "shanghai"), behaviour);
  pass(2.5);
  expect(viewOf(id).steps[6]!.phase).toBe("succeeded");
  desk.kill(second);
  pass(40);
  const { phase, steps } = viewOf(id);
  expect(phase).toBe("succeeded");
  expect(steps[6]!.node).toBe(second);
  expect(steps.at(-1)!.node).toBe("spare");
  expectInTurn(steps, 6);
  expect(desk.store.state().usage).toHaveLength(12);
  expect(taskOf(steps[6]!).runs).toHaveLength(1);
  expectSound(id);
});

it("survives the manager at any moment, and a node that dies while its stage waits", () => {
  for (let moment = 1; moment < 24; moment += 3) {
    desk = new Desk(nodeCryptography, createSigner);
    desk.join(modelNode("corner", "ningbo"), behaviour);
    desk.join(modelNode("mall", "shanghai"), behaviour);
    pass(0.1);
    const id = submitted(4);
    desk.join(modelNode("spare", "shanghai"), behaviour);
    pass(moment * 0.23);
    if (moment % 2 === 0) desk.kill(viewOf(id).steps[4]!.node!);
    desk.restartManager();
    pass(40);
    expect([moment, viewOf(id).phase]).toEqual([moment, "succeeded"]);
    expectInTurn(viewOf(id).steps, 4);
    expect(desk.store.state().usage).toHaveLength(8);
    expectSound(id);
  }
});

it("a step whose input lies at a gateway that is away waits for it, and spends no attempt", () => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.join(modelNode("corner", "ningbo"), behaviour, true);
  desk.join(modelNode("mall", "shanghai"), behaviour, true);
  pass(0.1);
  const id = submitted(4);
  const [first, second] = [viewOf(id).steps[0]!.node!, viewOf(id).steps[4]!.node!];
  desk.nodes.get(second)!.behaviour = { ...behaviour, lasts: (3 * SECOND) as Micros };
  pass(1.5);
  expect(viewOf(id).steps[0]!.result!.at).not.toBe("you");
  pass(0.7); // the second input is through the first stage, the second stage still has the first one
  desk.kill(first);
  pass(20);
  const waiting = viewOf(id).steps[5]!;
  expect(taskOf(waiting).row.progress).toMatchObject({ phase: "pending", reason: { code: "gateway_away" } });
  expect(taskOf(waiting).runs).toHaveLength(0);
  desk.revive(first);
  pass(40);
  expect(viewOf(id).phase).toBe("succeeded");
  expect(desk.store.state().usage).toHaveLength(8);
  expectSound(id);
});

it("[M.A5] an input that fails ends the stream; what came before it is kept", () => {
  const id = submitted(5);
  pass(2.5);
  desk.nodes.get(viewOf(id).steps[0]!.node!)!.behaviour = { ...behaviour, ends: "memory_exceeded" };
  pass(20);
  const { phase, inputs, reason } = viewOf(id);
  expect([phase, reason?.code]).toEqual(["failed", "memory_exceeded"]);
  expect(inputs![0]).toMatchObject({ phase: "succeeded", result: { size: 1000 } });
  expect(inputs!.map((input) => input.phase)).toContain("failed");
  expect(inputs!.at(-1)!.phase).toBe("waiting");
  expectSound(id);
});

it("says all inputs together against deadline and price, and wants an order for each step", () => {
  expect(viewOf(submitted(2, { payAtMost: money(1n) })).reason?.code).toBe("price_above_limit");
  const cut = desk.manager.planApplication({
    ...desk.application("model", []),
    pipeline: pipeline(4),
  });
  if (!cut.ok) throw new Error(cut.refusal.message);
  const tight = submitted(4, {
    deadline: (cut.value.makespan - 1) as Micros,
    orders: ordersOf("tight", 4),
  });
  expect(viewOf(tight)).toMatchObject({ phase: "pending", reason: { code: "deadline_unreachable" } });
  expect(viewOf(tight).inputs).toHaveLength(4);
  expect(submit(4, { orders: ordersOf("few", 4).slice(1) })).toMatchObject({
    ok: false,
    refusal: { code: "E_ORDER_TASK", expected: "for each stage 4, one an input" },
  });
});
