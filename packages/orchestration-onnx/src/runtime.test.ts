import { randomFillSync } from "node:crypto";
import type { Bytes, Digest } from "@weft/kernel";
import type { Program, Runtime } from "@weft/orchestration";
import { RunBench, runtimeContract } from "@weft/orchestration-host/testing";
import { onnx } from "onnx-proto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createOnnxRuntime } from "./runtime.ts";
import { type NamedTensor, readTensors, writeTensors } from "./safetensors.ts";

const { FLOAT, INT64, BOOL } = onnx.TensorProto.DataType;

const value = (name: string, elemType: number, shape: readonly (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: shape.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) },
    },
  },
});
const node = (opType: string, input: string[], output: string[], attribute: onnx.IAttributeProto[] = []) => ({
  opType,
  input,
  output,
  attribute,
});

function model(graph: onnx.IGraphProto): Uint8Array {
  const proto = onnx.ModelProto.create({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: { name: "g", ...graph },
  });
  return onnx.ModelProto.encode(proto).finish();
}

const COPY = model({
  node: [node("Identity", ["x"], ["y"])],
  input: [value("x", FLOAT, ["n"])],
  output: [value("y", FLOAT, ["n"])],
});
/** Fills a tensor of the shape it is fed; `then` says what becomes of it. */
const filled = (nodes: onnx.INodeProto[], output: onnx.IValueInfoProto) =>
  model({
    node: [node("ConstantOfShape", ["shape"], ["full"]), ...nodes],
    input: [value("shape", INT64, [1])],
    output: [output],
  });
const FLOOD = filled([node("Identity", ["full"], ["y"])], value("y", FLOAT, ["n"]));
const HOARD = filled(
  [node("Cos", ["full"], ["cos"]), node("ReduceMax", ["cos"], ["y"], [attribute("keepdims", 0)])],
  value("y", FLOAT, []),
);
const FAIL = model({
  node: [node("Gather", ["data", "index"], ["y"])],
  input: [value("data", FLOAT, [2]), value("index", INT64, [1])],
  output: [value("y", FLOAT, [1])],
});
const SPIN = model({
  node: [
    node(
      "Loop",
      ["times", "", "x"],
      ["y"],
      [
        {
          name: "body",
          type: onnx.AttributeProto.AttributeType.GRAPH,
          g: {
            name: "body",
            node: [node("Identity", ["on"], ["still"]), node("Cos", ["a"], ["b"])],
            input: [value("i", INT64, []), value("on", BOOL, []), value("a", FLOAT, ["n"])],
            output: [value("still", BOOL, []), value("b", FLOAT, ["n"])],
          },
        },
      ],
    ),
  ],
  input: [value("times", INT64, []), value("x", FLOAT, ["n"])],
  output: [value("y", FLOAT, ["n"])],
});
/** Weights that lie "outside the model": in a file of the host's. */
const REACHING_OUT = model({
  node: [node("Add", ["x", "w"], ["y"])],
  initializer: [
    {
      name: "w",
      dataType: FLOAT,
      dims: [4],
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: [{ key: "location", value: "/etc/passwd" }],
    },
  ],
  input: [value("x", FLOAT, [4])],
  output: [value("y", FLOAT, [4])],
});

function attribute(name: string, i: number): onnx.IAttributeProto {
  return { name, type: onnx.AttributeProto.AttributeType.INT, i };
}

const container = (...tensors: NamedTensor[]): Uint8Array => Buffer.concat(writeTensors(tensors));
const floats = (name: string, data: Float32Array): NamedTensor => ({
  name,
  type: "float32",
  shape: [data.length],
  data,
});
const int64 = (name: string, shape: readonly number[], value: number): NamedTensor => ({
  name,
  type: "int64",
  shape,
  data: BigInt64Array.of(BigInt(value)),
});
const program = (...networks: Digest[]): Program => ({
  kind: "model",
  pipeline: "tensor",
  networks,
  options: {},
});

runtimeContract({
  name: "onnx",
  talks: false,
  make: () => createOnnxRuntime(),
  programs: (put) => ({
    copy: {
      program: program(put(COPY)),
      input: (bytes) => container(floats("x", randomFillSync(new Float32Array(Math.ceil(bytes / 4))))),
      output: (input) => {
        const read = readTensors(input);
        if (!read.ok) throw new Error(read.refusal.message);
        return container({ ...(read.value[0] as NamedTensor), name: "y" });
      },
    },
    fail: {
      program: program(put(FAIL)),
      input: container(floats("data", Float32Array.of(1, 2)), int64("index", [1], 7)),
    },
    spin: {
      program: program(put(SPIN)),
      input: container(int64("times", [], 2 ** 40), floats("x", new Float32Array(1000))),
    },
    hoard: { program: program(put(HOARD)), input: container(int64("shape", [1], 128 << 20)) },
    flood: { program: program(put(FLOOD)), input: container(int64("shape", [1], 3 << 20)) },
    bad: {
      "not a network": program(put(Buffer.from("no network"))),
      "cut short": program(put(COPY.subarray(0, 40))),
      "no network at all": program(),
      "weights in a file of the host's": program(put(REACHING_OUT)),
      "an unknown pipeline": { ...program(put(COPY)), pipeline: "toString" } as unknown as Program,
      "text pipeline without its dictionary": {
        ...program(put(COPY), put(FAIL)),
        pipeline: "ocr",
      } as Program,
      "another kind": { kind: "process", command: "true", args: [], env: {} },
    },
  }),
});

let bench: RunBench;
let runtime: Runtime;
beforeAll(() => {
  bench = new RunBench();
  runtime = createOnnxRuntime({ maxProcesses: 1, warmProcesses: 1 });
});
afterAll(() => {
  runtime.close();
  bench.close();
});

it("names what an input lacks", async () => {
  const copy = program(bench.put(COPY));
  const inputs: [string, Uint8Array | null][] = [
    ["shorter than its header", null],
    ["shorter than its header", Buffer.alloc(20, 0xff)],
    ["no tensor x", container(floats("z", Float32Array.of(1)))],
    ["x is of int64, the network wants float32", container(int64("x", [1], 1))],
  ];
  for (const [detail, input] of inputs) {
    const end = await bench.run(runtime, { program: copy, input }).ended;
    expect(end).toMatchObject({ because: "program_failed", detail: expect.stringContaining(detail) });
  }
});

it("calls it too much memory when a network asks for more than there is", async () => {
  const job = { program: program(bench.put(HOARD)), input: container(int64("shape", [1], 2 ** 45)) };
  const end = await bench.run(runtime, job, { memoryBytes: (2 ** 52) as Bytes }).ended;
  expect(end).toMatchObject({ because: "memory_exceeded" });
});

it("makes room for another program when it has no more processes", async () => {
  const copy = { program: program(bench.put(COPY)), input: container(floats("x", Float32Array.of(1, 2, 3))) };
  const fail = {
    program: program(bench.put(FAIL)),
    input: container(floats("data", Float32Array.of(5, 6)), int64("index", [1], 1)),
  };
  const runs = [copy, fail, copy, fail].map((job) => bench.run(runtime, job));
  for (const { ended } of runs) expect((await ended).kind).toBe("finished");
});

it("meters memory over an empty process, CPU time over all threads", async () => {
  const job = { program: program(bench.put(HOARD)), input: container(int64("shape", [1], 16 << 20)) };
  const { counters } = await bench.run(runtime, job).ended;
  expect(counters.peakMemoryBytes).toBeGreaterThan(64 << 20);
  expect(counters.peakMemoryBytes).toBeLessThan(256 << 20);
  expect(counters.cpuTime).toBeGreaterThan(1000);
});

/** y = max(x w, 0), with names of its own at either end. */
function layer(from: string, to: string, seed: number): Uint8Array {
  const size = 32;
  const weights = Array.from({ length: size * size }, (_, i) => Math.sin((i + 1) * (seed + 1)));
  return model({
    node: [node("MatMul", [from, "w"], ["product"]), node("Relu", ["product"], [to])],
    initializer: [{ name: "w", dataType: FLOAT, dims: [size, size], floatData: weights }],
    input: [value(from, FLOAT, ["n", size])],
    output: [value(to, FLOAT, ["n", size])],
  });
}

it("runs several networks one after the other, and in two runs to the same bits as in one", async () => {
  // The second takes what the first gives by its name, the others by order.
  const networks = [layer("x", "12", 1), layer("12", "h", 2), layer("in", "o", 3), layer("o2", "y", 4)];
  const digests = networks.map((bytes) => bench.put(bytes));
  const data = Float32Array.from({ length: 3 * 32 }, (_, i) => Math.cos(i));
  const input = container({ name: "x", type: "float32", shape: [3, 32], data });
  const run = async (job: { program: Program; input: Uint8Array }) => {
    const { ended, output } = bench.run(runtime, job);
    expect(await ended).toMatchObject({ kind: "finished" });
    return output();
  };
  const whole = await run({ program: program(...digests), input });
  const first = await run({ program: program(...digests.slice(0, 2)), input });
  const rest = { ...program(...digests.slice(2)), options: { feed: "order" } } as Program;
  const second = await run({ program: rest, input: first });
  expect(Buffer.compare(whole, second)).toBe(0);
  const read = readTensors(whole);
  expect(read.ok && read.value.map(({ name, shape }) => [name, shape])).toEqual([["y", [3, 32]]]);
  // What comes first is fed by name unless it is said to go on from another run.
  const lost = await bench.run(runtime, { program: program(...digests.slice(2)), input: first }).ended;
  expect(lost).toMatchObject({ because: "program_failed", detail: "the input has no tensor in" });
});
