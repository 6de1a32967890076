import { readFileSync } from "node:fs";
import type { SiteId } from "@weft/infrastructure";
import { expect, it } from "vitest";
import {
  contentsOf,
  formatProblem,
  type PipelineManifest,
  parseDocuments,
  parseSentApplication,
  pipelineJsonSchema,
  pipelineOf,
  stagesOf,
  withDigests,
} from "./index.ts";

const VGG = `apiVersion: weft.dev/v1
kind: Pipeline
metadata: { name: vgg, labels: { team: vision } }
spec:
  data: { content: picture.safetensors, at: you, mayLeave: [ningbo], result: 4kB }
  layers:
    - { name: first, network: a.onnx, work: 2 GFLOP, memory: 100MB, output: 3MB }
    - { network: b.onnx, work: 4 GFLOP, memory: 200MB }
    - { network: c.onnx, work: 1 GFLOP, memory: 500MB }
  stages: 2
  objective: throughput
  deadline: 3s
  pay: { atMost: 0.03 CNY }
`;

function requested(text: string) {
  const parsed = parseDocuments(text, "vgg.yaml");
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  const { source, manifest } = parsed.manifests[0]!;
  const known = new Map(
    contentsOf(manifest).map(({ name }, i) => [
      name.kind === "file" ? name.path : "",
      { digest: String(i).repeat(64), size: 7 },
    ]),
  );
  const sent = parseSentApplication(JSON.stringify(withDigests(source, manifest, known)));
  if (!sent.ok) throw new Error("does not read back");
  return {
    stages: stagesOf(manifest as PipelineManifest),
    read: sent.manifests[0]!.manifest as PipelineManifest,
  };
}

it("reads a pipeline: its layers, and what one node that ran them all would need", () => {
  const { stages, read } = requested(VGG);
  expect(stages).toBe(2);
  const request = pipelineOf(read, "home" as SiteId);
  if (!request.ok) throw new Error(JSON.stringify(request.problems));
  const { pipeline, ...rest } = request.value;
  expect(rest).toEqual({
    name: "vgg",
    labels: { team: "vision" },
    at: "you",
    objective: "time",
    deadline: 3_000_000,
    gang: false,
    payAtMost: 30_000n,
    steps: [],
  });
  expect(pipeline).toMatchObject({ stages: 2, objective: "throughput" });
  expect(
    pipeline!.layers.map(({ name, network, work, memory, output }) => [
      name,
      network[0],
      work,
      memory,
      output,
    ]),
  ).toEqual([
    ["first", "1", 2e9, 1e8, 3e6],
    ["layer-2", "2", 4e9, 2e8, 1e6],
    ["layer-3", "3", 1e9, 5e8, 4e3],
  ]);
  expect(pipeline!.whole.needs).toMatchObject({
    basic: { inputBytes: 7, resultBytes: 4e3, dataAt: "you", mayLeaveTo: ["ningbo"], deadline: null },
    compute: { type: "neural", work: 7e9 },
    algorithm: { space: 8e8 },
  });
  expect(pipeline!.whole.program).toMatchObject({ kind: "model", pipeline: "tensor" });
});

it("has as many stages as layers at most, and refuses what no cut could be made of", () => {
  expect(requested(VGG.replace("stages: 2", "stages: auto")).stages).toBe(3);
  const problemsOf = (from: string, to: string): string => {
    const parsed = parseDocuments(VGG.replace(from, to), "f.yaml");
    return parsed.ok ? "" : parsed.problems.map((one) => formatProblem(one).replace(/\s+/g, " ")).join("; ");
  };
  expect(problemsOf("stages: 2", "stages: 0")).toMatch(/^f\.yaml:10 spec\.stages/);
  expect(problemsOf("work: 4 GFLOP", "work: 4")).toMatch(/^f\.yaml:8 spec\.layers\[1\]\.work found "4"/);
  expect(problemsOf("network: b.onnx", "netwerk: b.onnx")).toMatch(/did you mean network/);
  const parsed = parseDocuments(VGG, "f.yaml");
  const local = parsed.ok
    ? pipelineOf(parsed.manifests[0]!.manifest as PipelineManifest, "x" as SiteId)
    : null;
  expect(local?.ok === false && local.problems.map(({ path }) => path)).toContain("spec.layers[1].network");
});

it("the published schema is the one that pipelines are checked with", () => {
  const path = new URL("../../../../docs/schema/pipeline.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema())));
});
