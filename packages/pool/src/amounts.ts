import { COMPUTE_TYPES, type ComputeType, type NodeDescription } from "@weft/infrastructure";

/** So much of every resource that nodes have: operations a second by type, bytes, bytes a second; whole numbers. */
export interface Amounts extends Readonly<Record<ComputeType, number>> {
  readonly memory: number;
  readonly storage: number;
  readonly throughput: number;
  /** Memory of accelerators of a kind. */
  readonly gpu: number;
  readonly npu: number;
}

/** The names of all resources, in a stated order. */
export const RESOURCES: readonly (keyof Amounts)[] = [
  ...COMPUTE_TYPES,
  "memory",
  "storage",
  "throughput",
  "gpu",
  "npu",
];

export const NOTHING: Amounts = Object.fromEntries(RESOURCES.map((name) => [name, 0])) as unknown as Amounts;

/** What a node has in all. */
export const capacityOf = (node: NodeDescription): Amounts => plus(NOTHING, node, 1);

/** An amount and what a node has, or (`sign` -1) without it. */
export function plus(amount: Amounts, node: NodeDescription | undefined, sign: 1 | -1): Amounts {
  if (node === undefined) return amount;
  const devices = (kind: "gpu" | "npu"): number =>
    node.accelerators.reduce((sum, one) => (one.kind === kind ? sum + Math.floor(one.memoryBytes) : sum), 0);
  const has: Amounts = {
    logical: Math.floor(node.power.logical),
    parallel: Math.floor(node.power.parallel),
    neural: Math.floor(node.power.neural),
    memory: Math.floor(node.memoryBytes),
    storage: Math.floor(node.storage.capacityBytes),
    throughput: Math.floor(node.storage.throughput),
    gpu: devices("gpu"),
    npu: devices("npu"),
  };
  return Object.fromEntries(
    RESOURCES.map((name) => [name, amount[name] + sign * has[name]]),
  ) as unknown as Amounts;
}
