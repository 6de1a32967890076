import { type Bytes, canonicalText, type Micros, money, SECOND } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { beforeEach, expect, it } from "vitest";
import type { ApplicationSubmission, PipelineRequest } from "../../resources.ts";
import { contentDigest, Desk, layersOf, modelNode, pipelineOf } from "../../testing/index.ts";
import { applicationView } from "./view.ts";

/*
 * A layered model on a desk: nodes of two gibibytes, layers of nine hundred megabytes each.
 */

const LAYERS = 4;
const behaviour = { lasts: SECOND, ends: "finished", gives: 1000 as Bytes } as const;
let desk: Desk;

const pass = (seconds: number): void => desk.pass((seconds * SECOND) as Micros);
beforeEach(() => {
  desk = new Desk(nodeCryptography, createSigner);
  desk.join(modelNode("corner", "ningbo"), behaviour);
  desk.join(modelNode("mall", "shanghai"), behaviour);
});

function pipeline(count = LAYERS, memory = 9e8): PipelineRequest {
  const networks = Array.from({ length: count }, (_, i) => contentDigest((i % LAYERS) + 1));
  const input = { digest: contentDigest(9), size: 500 as Bytes };
  return pipelineOf(layersOf(networks, memory, 4e9 / count), { input, stages: 3, objective: "latency" });
}

function submitted(change: Partial<ApplicationSubmission> = {}): string {
  const model = change.pipeline ?? pipeline();
  const { whole } = model;
  const orders = [1, 2, 3].map((s) => ({ name: `stage-${s}`, needs: whole.needs }));
  const contents = [1, 2, 3, 4].map((i) => ({ digest: contentDigest(i), size: 100 as Bytes }));
  const layers = model.layers.map(({ network }) => ({ network: `sha256:${network}` }));
  const data = { content: `sha256:${whole.input?.digest}` };
  const manifest = canonicalText({ kind: "Pipeline", spec: { data, layers } });
  const submission = desk.application("model", orders, {
    contents,
    manifest,
    pipeline: model,
    ...change,
  });
  const answer = desk.command({
    kind: "submit-application",
    caller: { account: "ann", role: "consumer" },
    submission: { ...submission, steps: [] },
  });
  if (!answer.ok) throw new Error(JSON.stringify(answer.refusal));
  return answer.value;
}
const viewOf = (id: string) => {
  const { core } = desk.manager;
  return applicationView(core, core.applications.entry(id)!);
};

it("[M.L1] runs a model that no node holds as stages, each brought its own layers only", () => {
  pass(0.1);
  const id = submitted();
  const { steps, plan, phase } = viewOf(id);
  expect(phase).toBe("running");
  expect(steps.map(({ name, layers, from }) => [name, layers, from])).toEqual([
    ["stage-1", ["layer-1", "layer-2"], []],
    ["stage-2", ["layer-3", "layer-4"], ["stage-1"]],
  ]);
  expect(new Set(steps.map(({ node }) => node))).toEqual(new Set(["corner", "mall"]));
  expect(plan).toMatchObject({ proven: true });
  expect(plan!.bottleneck).toBeGreaterThan(0);
  const taskOf = (s: number) => desk.manager.core.tasks.task(viewOf(id).steps[s]!.task!)!;
  expect(taskOf(0).runs[0]!.live!.launch).toMatchObject({
    program: { networks: [contentDigest(1), contentDigest(2)], options: {} },
    contents: [{ digest: contentDigest(1) }, { digest: contentDigest(2) }],
  });
  pass(0.5);
  desk.restartManager();
  pass(1.5);
  expect(taskOf(1).runs[0]!.live!.launch).toMatchObject({
    program: { networks: [contentDigest(3), contentDigest(4)], options: { feed: "order" } },
    contents: [{ digest: contentDigest(3) }, { digest: contentDigest(4) }],
    parts: [{ content: { size: 1000 } }],
  });
  expect(taskOf(1).runs[0]!.view.node).toBe(steps[1]!.node);
  pass(5);
  expect(viewOf(id)).toMatchObject({ phase: "succeeded", steps: [{}, { result: { size: 1000 } }] });
  expect(desk.manager.core.pool.reservations).toBe(0);
});

it("runs as many layers as a manifest may have on one node, where all of them fit there", () => {
  pass(0.1);
  const id = submitted({ pipeline: { ...pipeline(64, 1e6), stages: 1 } });
  expect(viewOf(id).steps).toHaveLength(1);
  pass(2);
  expect(viewOf(id).phase).toBe("succeeded");
});

it("[M.L2] a stage whose node is lost runs on another", () => {
  pass(0.1);
  const id = submitted();
  const second = viewOf(id).steps[1]!.node!;
  desk.join(modelNode("spare", "shanghai"), behaviour);
  pass(0.2);
  desk.kill(second);
  pass(15);
  const { phase, steps } = viewOf(id);
  expect(phase).toBe("succeeded");
  expect(steps[1]!.node).not.toBe(second);
});

it("waits where no cut fits, with the reason, and is cut once one does", () => {
  desk.kill("mall");
  pass(5);
  const id = submitted();
  expect(viewOf(id)).toMatchObject({ phase: "pending", reason: { code: "no_cut" }, steps: [] });
  desk.join(modelNode("spare", "shanghai"), behaviour);
  pass(0.5);
  expect(viewOf(id)).toMatchObject({ phase: "running", steps: [{}, {}] });
  pass(5);
  expect(viewOf(id).phase).toBe("succeeded");
});

it("begins nothing that costs more than it may, or ends later", () => {
  pass(0.1);
  expect(viewOf(submitted({ payAtMost: money(1n) })).reason?.code).toBe("price_above_limit");
});

it("is refused where its deadline cannot be kept", () => {
  pass(0.1);
  const late = submitted({ deadline: SECOND });
  expect(viewOf(late)).toMatchObject({ phase: "pending", reason: { code: "deadline_unreachable" } });
});
