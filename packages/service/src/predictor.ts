import type { NodeId } from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";

/** Ratios remembered for one function on one node: enough for a steady median, few enough to follow change. */
const REMEMBERED = 9;

/**
 * Learns how fast a function really runs on a node, compared with what the node's measured rate promised (C1):
 * peak figures say little about one program. The correction is the median of the last ratios
 * promised / actual, so that one disturbed run moves nothing.
 */
export class Predictor {
  /** By node, then function, oldest first. */
  readonly #ratios = new Map<NodeId, Map<string, number[]>>();

  /** Takes one finished run; returns the correction now in force for its function on its node. */
  learn(algorithm: string, node: NodeId, promised: Micros, actual: Micros): number {
    let functions = this.#ratios.get(node);
    if (functions === undefined) this.#ratios.set(node, (functions = new Map()));
    const ratios = functions.get(algorithm) ?? [];
    functions.set(algorithm, ratios);
    ratios.push(Math.max(promised, 1) / Math.max(actual, 1));
    if (ratios.length > REMEMBERED) ratios.shift();
    return median(ratios);
  }

  /** The factor by which a node's nominal rate is multiplied for a function; 1 where nothing was learnt. */
  correction(algorithm: string, node: NodeId): number {
    const ratios = this.#ratios.get(node)?.get(algorithm);
    return ratios === undefined ? 1 : median(ratios);
  }

  /** Every function learnt on a node, with its correction. */
  *of(node: NodeId): Iterable<readonly [algorithm: string, correction: number]> {
    for (const [algorithm, ratios] of this.#ratios.get(node) ?? []) yield [algorithm, median(ratios)];
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
