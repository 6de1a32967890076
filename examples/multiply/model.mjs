// Builds square.onnx: `node examples/multiply/model.mjs`. The network's edges become a dense matrix A of zeros and
// ones; C = A A counts the ways of length two between each pair; C * A, summed by rows, counts the closed ones.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import proto from "onnx-proto";

const { onnx } = proto;
const { FLOAT, INT32, INT64 } = onnx.TensorProto.DataType;
const { INT, TENSOR } = onnx.AttributeProto.AttributeType;

const node = (opType, input, output, attribute = []) => ({ opType, input, output: [output], attribute });
const integer = (name, i) => ({ name, type: INT, i });
const value = (name, elemType, dims) => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: dims.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

/** Inputs: edges [e, 2] int32, both directions of each; r [n, 1] float. Outputs: closed [n], check [n, 1] = C r. */
export function buildModel() {
  const graph = {
    name: "square",
    node: [
      node("Shape", ["r"], "n1"),
      node("Gather", ["n1", "zero"], "n"),
      node("Concat", ["n", "n"], "nn", [integer("axis", 0)]),
      node("ConstantOfShape", ["nn"], "empty"),
      node("Cast", ["edges"], "places", [integer("to", INT64)]),
      node("Shape", ["edges"], "e2"),
      node("Gather", ["e2", "zero"], "e"),
      node("ConstantOfShape", ["e"], "ones", [
        { name: "value", type: TENSOR, t: { dataType: FLOAT, dims: [1], floatData: [1] } },
      ]),
      node("ScatterND", ["empty", "places", "ones"], "A"),
      node("MatMul", ["A", "A"], "C"),
      node("Mul", ["C", "A"], "CA"),
      node("ReduceSum", ["CA", "last"], "closed", [integer("keepdims", 0)]),
      node("MatMul", ["C", "r"], "check"),
    ],
    initializer: [
      { name: "zero", dataType: INT64, dims: [1], int64Data: [0] },
      { name: "last", dataType: INT64, dims: [1], int64Data: [1] },
    ],
    input: [value("edges", INT32, ["e", 2]), value("r", FLOAT, ["n", 1])],
    output: [value("closed", FLOAT, ["n"]), value("check", FLOAT, ["n", 1])],
  };
  const model = { irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph };
  return onnx.ModelProto.encode(onnx.ModelProto.create(model)).finish();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("square.onnx", import.meta.url), buildModel());
}
