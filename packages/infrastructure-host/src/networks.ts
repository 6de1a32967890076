import { type Operations, Rng } from "@weft/kernel";
import type { onnx } from "onnx-proto";
import onnxProto from "onnx-proto"; // CommonJS: its names are found on the default export only

/*
 * The fixed reference set for neural power, and the matrix product for parallel power, as ONNX models with
 * random weights. Effective rates differ threefold between kinds of network on one machine, so the set mixes
 * what is bound by arithmetic (VGG), by memory (MobileNet) and by many middling products (a transformer). A change here
 * makes figures incomparable: raise REFERENCE_SET.
 */
export const REFERENCE_SET = 1;

/** A model ready for a session, fed with one f32 tensor called `x`, giving `y`. */
export interface ReferenceModel {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputShape: readonly number[];
  /** Floating-point operations of one run: two for each multiply-add of convolutions and products; the rest is not counted. */
  readonly work: Operations;
}

type Shape = readonly number[];
const FLOAT = 1;
const INT64 = 7;
/** No power of two, so that rows of a matrix do not repeat each other. */
const NOISE_BLOCK = 9_973;
const count = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/** Numbers between -1 and 1, the same ones every time: one random block, over and over. */
export function noise(length: number): Float32Array<ArrayBuffer> {
  const rng = new Rng(2026);
  const block = Float32Array.from({ length: Math.min(length, NOISE_BLOCK) }, () => 2 * rng.float() - 1);
  const values = new Float32Array(length);
  for (let at = 0; at < length; at += block.length) values.set(block.subarray(0, length - at), at);
  return values;
}

/** Builds one graph, layer upon layer: each layer takes the last output and names its own. */
class GraphBuilder {
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #weights: onnx.ITensorProto[] = [];
  #work = 0;
  #serial = 0;

  node(
    opType: string,
    input: readonly string[],
    attributes: Record<string, number | readonly number[]> = {},
  ) {
    const output = `t${this.#serial++}`;
    this.#nodes.push({
      opType,
      input: [...input],
      output: [output],
      attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    });
    return output;
  }

  /** A tensor of small random weights, scaled so that activations stay finite through any depth. */
  weight(shape: Shape, fanIn: number): string {
    const scale = Math.sqrt(3 / fanIn);
    const values = noise(count(shape));
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * scale;
    return this.#constant(shape, FLOAT, new Uint8Array(values.buffer));
  }

  integers(values: readonly number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    return this.#constant([values.length], INT64, bytes);
  }

  counted(work: number): void {
    this.#work += work;
  }

  /** Convolution with equal padding; `groups` = channels makes it depthwise. Height and width are those of its output. */
  convolution(x: string, from: number, to: number, kernel: number, side: number, groups = 1): string {
    const each = from / groups;
    this.counted(2 * side * side * to * each * kernel * kernel);
    const weight = this.weight([to, each, kernel, kernel], each * kernel * kernel);
    const pad = (kernel - 1) / 2;
    return this.node("Conv", [x, weight], {
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [1, 1],
      group: groups,
    });
  }

  relu(x: string): string {
    return this.node("Relu", [x]);
  }

  /** Rows by `from` times `from` by `to`. */
  linear(x: string, rows: number, from: number, to: number): string {
    this.counted(2 * rows * from * to);
    return this.node("MatMul", [x, this.weight([from, to], from)]);
  }

  finish(name: string, inputShape: Shape, last: string, outputShape: Shape): ReferenceModel {
    this.#nodes.push({ opType: "Identity", input: [last], output: ["y"] });
    const model = onnxProto.onnx.ModelProto.encode({
      irVersion: 8,
      producerName: "weft",
      opsetImport: [{ domain: "", version: 17 }],
      graph: {
        name,
        node: this.#nodes,
        initializer: this.#weights,
        input: [tensorInfo("x", inputShape)],
        output: [tensorInfo("y", outputShape)],
      },
    }).finish();
    return { name, model, inputShape, work: this.#work as Operations };
  }

  #constant(shape: Shape, dataType: number, rawData: Uint8Array): string {
    const name = `w${this.#serial++}`;
    this.#weights.push({ name, dims: [...shape], dataType, rawData });
    return name;
  }
}

function attribute(name: string, value: number | readonly number[]): onnx.IAttributeProto {
  const { AttributeType } = onnxProto.onnx.AttributeProto;
  if (typeof value !== "number") return { name, type: AttributeType.INTS, ints: [...value] };
  return { name, type: AttributeType.INT, i: value };
}

const tensorInfo = (name: string, shape: Shape): onnx.IValueInfoProto => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((dimValue) => ({ dimValue })) } } },
});

/** x (size x size) times a fixed matrix of the same size. */
export function matrixProduct(size: number): ReferenceModel {
  const graph = new GraphBuilder();
  return graph.finish("matmul", [size, size], graph.linear("x", size, size, size), [size, size]);
}

/** Two stages of VGG-16 (Simonyan and Zisserman 2014): 64 channels at 56 x 56, then 128 at 28 x 28, 3 x 3 convolutions. */
function vggStages(): ReferenceModel {
  const graph = new GraphBuilder();
  let x = "x";
  for (let layer = 0; layer < 2; layer++) x = graph.relu(graph.convolution(x, 64, 64, 3, 56));
  x = graph.node("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  x = graph.relu(graph.convolution(x, 64, 128, 3, 28));
  x = graph.relu(graph.convolution(x, 128, 128, 3, 28));
  return graph.finish("vgg", [1, 64, 56, 56], x, [1, 128, 28, 28]);
}

/** Four inverted residuals of MobileNetV2 (Sandler et al. 2018): expand sixfold, 3 x 3 depthwise, project, add. */
function mobilenetStages(): ReferenceModel {
  const graph = new GraphBuilder();
  const [channels, side] = [32, 56];
  let x = "x";
  for (let block = 0; block < 4; block++) {
    const wide = channels * 6;
    const expanded = graph.relu(graph.convolution(x, channels, wide, 1, side));
    const filtered = graph.relu(graph.convolution(expanded, wide, wide, 3, side, wide));
    x = graph.node("Add", [x, graph.convolution(filtered, wide, channels, 1, side)]);
  }
  return graph.finish("mobilenet", [1, channels, side, side], x, [1, channels, side, side]);
}

/** One encoder layer of a transformer (Vaswani et al. 2017): 128 tokens of 384, six heads, a fourfold inner layer. */
function transformerLayer(): ReferenceModel {
  const graph = new GraphBuilder();
  const [tokens, width, heads] = [128, 384, 6];
  const each = width / heads;
  const split = graph.integers([tokens, heads, each]);
  const joined = graph.integers([tokens, width]);
  const project = (perm: readonly number[]): string => {
    const whole = graph.linear("x", tokens, width, width);
    return graph.node("Transpose", [graph.node("Reshape", [whole, split])], { perm });
  };
  const query = project([1, 0, 2]);
  const key = project([1, 2, 0]);
  const value = project([1, 0, 2]);
  graph.counted(2 * 2 * tokens * tokens * width);
  const weights = graph.node("Softmax", [graph.node("MatMul", [query, key])], { axis: 2 });
  const mixed = graph.node("Transpose", [graph.node("MatMul", [weights, value])], { perm: [1, 0, 2] });
  const attended = graph.linear(graph.node("Reshape", [mixed, joined]), tokens, width, width);
  const normalised = normalise(graph, graph.node("Add", ["x", attended]), width);
  const inner = graph.relu(graph.linear(normalised, tokens, width, 4 * width));
  const outer = graph.linear(inner, tokens, 4 * width, width);
  const y = normalise(graph, graph.node("Add", [normalised, outer]), width);
  return graph.finish("transformer", [tokens, width], y, [tokens, width]);
}

function normalise(graph: GraphBuilder, x: string, width: number): string {
  return graph.node("LayerNormalization", [x, graph.weight([width], 1), graph.weight([width], 1)], {
    axis: 1,
  });
}

/** The networks whose geometric mean is a node's neural power. */
export const referenceNetworks = (): readonly ReferenceModel[] => [
  vggStages(),
  mobilenetStages(),
  transformerLayer(),
];
