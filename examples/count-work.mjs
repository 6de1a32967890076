// Counts the floating-point operations an ONNX network takes for inputs of given shapes, two for each multiply and add:
//   node examples/count-work.mjs NETWORK.onnx x=1x3x640x448
// The network is run once with every intermediate as an output, so that all shapes are real. Counted are convolutions
// and matrix products; the rest of these networks is under a hundredth of it. This is where the work in the manifests
// here comes from.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import proto from "onnx-proto";
import { InferenceSession, Tensor } from "onnxruntime-node";

const { onnx } = proto;
const product = (numbers) => numbers.reduce((all, one) => all * Number(one), 1);

function operationsOf(node, shapeOf) {
  const [a, b] = node.input.map(shapeOf);
  const out = shapeOf(node.output[0]);
  switch (node.opType) {
    // Each output takes one product with every weight of its filter: weights are [out, in / group, height, width].
    case "Conv":
      return 2 * product(out) * product(b.slice(1));
    // Each input is spread over every weight it meets: weights are [in, out / group, height, width].
    case "ConvTranspose":
      return 2 * product(a) * product(b.slice(1));
    case "MatMul":
    case "Gemm":
      return 2 * product(out) * Number(a.at(-1));
    default:
      return 0;
  }
}

/** Operations for one run. `shapes` by input name. */
export async function countWork(bytes, shapes) {
  const model = onnx.ModelProto.decode(bytes);
  const { graph } = model;
  const initial = new Map(graph.initializer.map(({ name, dims }) => [name, dims]));
  const named = new Set(graph.output.map(({ name }) => name));
  for (const { output } of graph.node) {
    for (const name of output) if (!named.has(name)) graph.output.push({ name });
  }
  // Without fusing, so that every node keeps its output.
  const session = await InferenceSession.create(onnx.ModelProto.encode(model).finish(), {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 4,
  });
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      new Tensor("float32", new Float32Array(product(shape)), shape),
    ]),
  );
  const results = await session.run(feeds);
  const shapeOf = (name) => initial.get(name) ?? results[name]?.dims ?? shapes[name];
  return graph.node.reduce((sum, node) => sum + operationsOf(node, shapeOf), 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [path, ...inputs] = process.argv.slice(2);
  const shapes = Object.fromEntries(
    inputs.map((input) => {
      const [name, shape] = input.split("=");
      return [name, shape.split("x").map(Number)];
    }),
  );
  console.log(`${((await countWork(readFileSync(path), shapes)) / 1e9).toFixed(3)} GFLOP`);
}
