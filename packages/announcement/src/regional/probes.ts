import { COMPUTE_TYPES, type ComputeType, type NodeDescription, type NodeLoad } from "@weft/infrastructure";

/** A kind of task by which loads are judged: what deciders are expected to place. */
export interface Probe {
  readonly type: ComputeType;
  /** Operations. */
  readonly work: number;
}

/** A short and a longer task of each type. */
export const DEFAULT_PROBES: readonly Probe[] = COMPUTE_TYPES.flatMap((type) => [
  { type, work: 1e9 },
  { type, work: 5e10 },
]);

/** Microseconds from hand-over to completion of the probe on this node; Infinity where it cannot run. */
export function completion(
  probe: Probe,
  node: Pick<NodeDescription, "power">,
  load: Pick<NodeLoad, "othersUse" | "queue" | "accepting">,
): number {
  const rate = node.power[probe.type] - load.othersUse[probe.type];
  if (!load.accepting || !(rate > 0)) return Number.POSITIVE_INFINITY;
  return load.queue[probe.type] + (1e6 * probe.work) / rate;
}
