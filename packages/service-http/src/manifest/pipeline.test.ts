import { readFileSync } from "node:fs";
import type { SiteId } from "@weft/infrastructure";
import type { Money } from "@weft/kernel";
import { expect, it } from "vitest";
import {
  contentsOf,
  formatProblem,
  type PipelineManifest,
  parseDocuments,
  parseSentApplication,
  pipelineJsonSchema,
  pipelineOf,
  shareOf,
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

const STREAM = VGG.replace(
  "content: picture.safetensors",
  "inputs: [day/a.st, { name: second, content: night/a.st }, c.st]",
);

it("reads many inputs: each by its name, the largest for what a stage needs, the price shared among them", () => {
  const { read } = requested(STREAM);
  expect(read.spec.data?.inputs).toMatchObject([
    { name: "a.st", size: 7 },
    { name: "second", size: 7 },
    { name: "c.st", size: 7 },
  ]);
  const request = pipelineOf(read, "home" as SiteId);
  if (!request.ok) throw new Error(JSON.stringify(request.problems));
  const { pipeline, payAtMost } = request.value;
  expect(pipeline!.inputs!.map(({ name, digest, size }) => [name, digest[0], size])).toEqual([
    ["a.st", "0", 7],
    ["second", "1", 7],
    ["c.st", "2", 7],
  ]);
  expect(pipeline!.layers[0]!.network[0]).toBe("3");
  expect(pipeline!.whole).toMatchObject({
    input: null,
    needs: { basic: { inputBytes: 7 }, payAtMost: 10_000n },
  });
  expect([payAtMost, shareOf(10n as Money, 3)]).toEqual([30_000n, 4n]);
});

it("refuses more inputs than there may be, two of one name, one and many, and stages that no orders are for", () => {
  const problemOf = (text: string) => {
    const parsed = parseDocuments(text, "f.yaml");
    if (!parsed.ok) return parsed.problems[0];
    const read = pipelineOf(parsed.manifests[0]!.manifest as PipelineManifest, "x" as SiteId);
    return read.ok ? undefined : read.problems[0];
  };
  const sent = (count: number, name = (i: number) => `n-${i}`): string => {
    const one = (_: unknown, i: number) =>
      `{ name: ${name(i)}, content: "sha256:${String(i % 10).repeat(64)}", size: 7B }`;
    return VGG.replace(
      "content: picture.safetensors",
      `inputs: [${Array.from({ length: count }, one).join(", ")}]`,
    ).replace(/[abc]\.onnx/g, `"sha256:${"a".repeat(64)}"`);
  };
  expect(problemOf(sent(256))).toBeUndefined();
  expect(problemOf(sent(257))).toMatchObject({
    code: "E_MANIFEST_VALUE",
    path: "spec.data.inputs",
    found: "a list",
    expected: "at most 256 inputs",
    hint: "run the others as another stream after it, or several",
  });
  expect(problemOf(sent(2, () => "same"))).toMatchObject({
    path: "spec.data.inputs[1].name",
    found: '"same"',
  });
  expect(problemOf(sent(2, () => "a/b"))).toMatchObject({ path: "spec.data.inputs[0].name" });
  expect(problemOf(VGG.replace("content:", "inputs: folder, content:"))).toMatchObject({
    path: "spec.data.content",
    expected: "inputs or content, not both",
  });
  expect(problemOf(STREAM)).toMatchObject({ code: "E_MANIFEST_FILE", path: "spec.data.inputs[0].content" });
  const layers = Array.from(
    { length: 8 },
    () => `    - { network: "sha256:${"a".repeat(64)}", work: 1 GFLOP, memory: 1MB }\n`,
  );
  const deep = sent(200).replace(/( {4}- .*\n)+/, layers.join(""));
  expect(problemOf(deep.replace("stages: 2", "stages: 8"))).toMatchObject({
    path: "spec.stages",
    found: "8",
    expected: "at most 7 with 200 inputs",
    hint: "auto takes as many as may be",
  });
  const auto = parseDocuments(deep.replace("stages: 2", "stages: auto"), "f.yaml");
  expect(auto.ok && stagesOf(auto.manifests[0]!.manifest as PipelineManifest)).toBe(7);
});

it("the published schema is the one that pipelines are checked with", () => {
  const path = new URL("../../../../docs/schema/pipeline.schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(JSON.parse(JSON.stringify(pipelineJsonSchema())));
});
