import { loadNetwork, type Network, PipelineFailure } from "./network.ts";
import type { Pipeline } from "./pipeline.ts";
import { type NamedTensor, readTensors, writeTensors } from "./safetensors.ts";

/** The tensors a network is fed: those it names, of the type it wants. A network without inputs needs none. */
function feeds(network: Network, input: Uint8Array): NamedTensor[] {
  if (network.inputs.length === 0) return [];
  const read = readTensors(input);
  if (!read.ok) throw new PipelineFailure("program_failed", read.refusal.message);
  return network.inputs.map(({ name, ...wanted }) => {
    const tensor = read.value.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new PipelineFailure("program_failed", `the input has no tensor ${name}`);
    if (wanted.isTensor && wanted.type !== tensor.type) {
      throw new PipelineFailure(
        "program_failed",
        `${name} is of ${tensor.type}, the network wants ${wanted.type}`,
      );
    }
    return tensor;
  });
}

/** The pipeline `tensor`: one network, named tensors in and out as safetensors. */
export async function loadTensorPipeline(paths: readonly string[], lanes: number): Promise<Pipeline> {
  const [path] = paths;
  if (path === undefined || paths.length > 1) {
    throw new PipelineFailure("bad_program", `the pipeline tensor takes one network, not ${paths.length}`);
  }
  const network = await loadNetwork(path, lanes);
  return {
    run: async (input) => writeTensors(await network.run(feeds(network, input))),
  };
}
