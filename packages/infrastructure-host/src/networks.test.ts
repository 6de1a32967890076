import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { matrixProduct, referenceNetworks } from "./networks.ts";

async function run(model: Uint8Array, shape: readonly number[], input: Float32Array) {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });
  const { y } = await session.run({ x: new Tensor("float32", input, [...shape]) });
  await session.release();
  return y as Tensor;
}

describe("reference models", () => {
  it.each(referenceNetworks().map((network) => [network.name, network] as const))(
    "%s is a network that runs, and gives finite numbers that depend on its input",
    async (_name, { model, inputShape }) => {
      const size = inputShape.reduce((product, each) => product * each, 1);
      const input = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
      const first = (await run(model, inputShape, input)).data as Float32Array;
      const second = (
        await run(
          model,
          inputShape,
          input.map((x) => x * x),
        )
      ).data as Float32Array;
      expect(first.every(Number.isFinite)).toBe(true);
      expect(first).not.toEqual(second);
    },
  );

  it("the work of each is what its layers' shapes say", () => {
    const work = Object.fromEntries(referenceNetworks().map(({ name, work }) => [name, work]));
    expect(work).toEqual({
      // Per layer: 2 x output positions x channels out x channels in x kernel area.
      vgg: 2 * 9 * (2 * 56 * 56 * 64 * 64 + 28 * 28 * (64 * 128 + 128 * 128)),
      mobilenet: 4 * 2 * 56 * 56 * (32 * 192 + 9 * 192 + 192 * 32),
      // Four projections, scores and their mixing over six heads of 64, the inner layer there and back.
      transformer: 2 * 128 * (4 * 384 * 384 + 6 * 2 * 128 * 64 + 2 * 384 * 1536),
    });
  });

  it("the matrix product is one", async () => {
    const { model, inputShape, work } = matrixProduct(8);
    expect(work).toBe(2 * 8 * 8 * 8);
    const one = Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0));
    const weights = (await run(model, inputShape, one)).data as Float32Array;
    const double = (
      await run(
        model,
        inputShape,
        one.map((x) => 2 * x),
      )
    ).data as Float32Array;
    expect(double).toEqual(weights.map((x) => 2 * x));
  });
});
