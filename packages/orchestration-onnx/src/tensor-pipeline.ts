import { loadNetwork, type Network, PipelineFailure } from "./network.ts";
import type { Pipeline } from "./pipeline.ts";
import { type NamedTensor, readTensors, writeTensors } from "./safetensors.ts";

function read(input: Uint8Array): readonly NamedTensor[] {
  const tensors = readTensors(input);
  if (tensors.ok) return tensors.value;
  throw new PipelineFailure("program_failed", tensors.refusal.message);
}

/**
 * The tensors a network is fed: those it names, of the type it wants. Where it is one of several, and what is there goes by
 * other names, as many as it wants are taken in their order.
 */
function feeds(network: Network, given: readonly NamedTensor[], byOrder: boolean): NamedTensor[] {
  const { inputs } = network;
  const named = inputs.every(({ name }) => given.some((tensor) => tensor.name === name));
  const ordered = !named && byOrder && given.length === inputs.length;
  return inputs.map(({ name, ...wanted }, i) => {
    const tensor = ordered ? given[i] : given.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new PipelineFailure("program_failed", `the input has no tensor ${name}`);
    if (wanted.isTensor && wanted.type !== tensor.type) {
      throw new PipelineFailure(
        "program_failed",
        `${name} is of ${tensor.type}, the network wants ${wanted.type}`,
      );
    }
    return ordered ? { ...tensor, name } : tensor;
  });
}

/**
 * The pipeline `tensor`: networks one after the other, named tensors in and out as safetensors. Each is fed what the one
 * before gave, by name, or by order where names differ. With the option `feed: order` the first is fed likewise: it goes on
 * where another run's last network ended.
 */
export async function loadTensorPipeline(paths: readonly string[], lanes: number): Promise<Pipeline> {
  if (paths.length === 0) throw new PipelineFailure("bad_program", "the pipeline tensor takes a network");
  const networks: Network[] = [];
  for (const path of paths) networks.push(await loadNetwork(path, lanes));
  return {
    run: async (input, { feed }, progress) => {
      let tensors = networks[0]!.inputs.length === 0 ? [] : read(input);
      for (const [i, network] of networks.entries()) {
        tensors = await network.run(feeds(network, tensors, i > 0 || feed === "order"));
        if (networks.length > 1) progress(i + 1, networks.length);
      }
      return writeTensors(tensors as NamedTensor[]);
    },
  };
}
