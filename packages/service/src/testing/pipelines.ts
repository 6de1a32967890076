import type { NodeDescription } from "@weft/infrastructure";
import type { Bytes, Operations } from "@weft/kernel";
import type { PipelineRequest } from "../resources.ts";
import { describeNode, deskNeeds } from "./scenery.ts";

/** The digest of the `i`-th content of a story. */
export const contentDigest = (i: number): string => i.toString(16).padStart(64, "0");

/** An edge node that runs models and nothing else. */
export const modelNode = (id: string, site: string): NodeDescription => ({
  ...describeNode(id, site),
  runs: ["model"],
});

/** Layers of a model, each with the network it is and so many bytes and operations. */
export const layersOf = (
  networks: readonly string[],
  memory: number,
  work: number,
): PipelineRequest["layers"] =>
  networks.map((network, i) => ({ name: `layer-${i + 1}`, network, work, memory, output: 1e5 }));

/** A model of these layers on inputs of 500 bytes, cut as the rest says. */
export function pipelineOf(
  layers: PipelineRequest["layers"],
  cut: Omit<PipelineRequest, "whole" | "layers"> & Pick<PipelineRequest["whole"], "input">,
): PipelineRequest {
  const needs = deskNeeds();
  const space = layers.reduce((sum, { memory }) => sum + memory, 0) as Bytes;
  const { input, ...rest } = cut;
  return {
    whole: {
      needs: {
        ...needs,
        where: { ...needs.where, runs: "model" },
        basic: { ...needs.basic, inputBytes: 500 as Bytes, resultBytes: 1000 as Bytes },
        compute: { ...needs.compute, type: "neural", work: 4e9 as Operations },
        algorithm: { ...needs.algorithm, space },
      },
      program: {
        kind: "model",
        pipeline: "tensor",
        networks: layers.map(({ network }) => network),
        options: {},
      },
      input,
    },
    layers,
    ...rest,
  };
}
