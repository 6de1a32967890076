// Builds layer-1.onnx to layer-6.onnx and signal.safetensors: `node examples/pipeline/layers.mjs`. Each layer is a cell
// that runs a thousand steps, x = hardSigmoid(x W), with weights of its own: much work on little data, and nothing
// in the way of cutting between any two.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import proto from "onnx-proto";

const { onnx } = proto;
const { BOOL, FLOAT, INT64 } = onnx.TensorProto.DataType;
const { GRAPH } = onnx.AttributeProto.AttributeType;

export const LAYERS = 6;
const STEPS = 1000;
const ROWS = 256;
const WIDTH = 64;

const node = (opType, input, output, attribute = []) => ({ opType, input, output, attribute });
const value = (name, elemType, dims) => ({
  name,
  type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } },
});

/** Small whole numbers over 64: the same floats on every machine. */
const weights = (layer) =>
  Array.from({ length: WIDTH * WIDTH }, (_, i) => (((i * 7919 + layer * 104729) % 129) - 64) / 64);

/** Takes x [256, 64], gives y of the same shape. */
export function buildLayer(layer) {
  const shape = [ROWS, WIDTH];
  const body = {
    name: "step",
    node: [
      node("Identity", ["on"], ["still"]),
      node("MatMul", ["a", "w"], ["product"]),
      node("HardSigmoid", ["product"], ["b"]),
    ],
    input: [value("i", INT64, []), value("on", BOOL, []), value("a", FLOAT, shape)],
    output: [value("still", BOOL, []), value("b", FLOAT, shape)],
  };
  const graph = {
    name: `layer-${layer}`,
    node: [node("Loop", ["steps", "", "x"], ["y"], [{ name: "body", type: GRAPH, g: body }])],
    initializer: [
      { name: "steps", dataType: INT64, dims: [], int64Data: [STEPS] },
      { name: "w", dataType: FLOAT, dims: [WIDTH, WIDTH], floatData: weights(layer) },
    ],
    input: [value("x", FLOAT, shape)],
    output: [value("y", FLOAT, shape)],
  };
  const model = { irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph };
  return onnx.ModelProto.encode(onnx.ModelProto.create(model)).finish();
}

/** The first layer's input as safetensors; another one for each `k`. */
export function buildSignal(k = 0) {
  const data = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => ((i * 31 + k * (i % 61)) % 64) / 64);
  const header = JSON.stringify({
    x: { dtype: "F32", shape: [ROWS, WIDTH], data_offsets: [0, data.byteLength] },
  });
  const padded = Buffer.from(header.padEnd(Math.ceil(header.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, Buffer.from(data.buffer)]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (let layer = 1; layer <= LAYERS; layer++) {
    writeFileSync(new URL(`layer-${layer}.onnx`, import.meta.url), buildLayer(layer));
  }
  writeFileSync(new URL("signal.safetensors", import.meta.url), buildSignal());
}
