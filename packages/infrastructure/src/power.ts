import type { Brand, OperationsPerSecond } from "@weft/kernel";

/** The three types of computing power (survey, M1): CPU logic, uniform data in parallel, neural networks. */
export type ComputeType = "logical" | "parallel" | "neural";
export const COMPUTE_TYPES: readonly ComputeType[] = ["logical", "parallel", "neural"];

/** How a type's rate is written: integer operations for logical, floating-point ones for the others. */
export const FLAVOUR = { logical: "OPS", parallel: "FLOPS", neural: "FLOPS" } as const;

/** A node's rate by type, in operations a second. 0 means the node has none of it. */
export type ComputingPower = { readonly [type in ComputeType]: OperationsPerSecond };

export type Grade = "entry" | "medium" | "large" | "super";

/** The grade of a demand or of a supply (survey, M2). "Above 1 PFLOPS" excludes the bound itself; the others include it. */
export function gradeOf(rate: OperationsPerSecond): Grade {
  if (rate > 1e15) return "super";
  if (rate >= 1e13) return "large";
  return rate >= 5e11 ? "medium" : "entry";
}

/** A node's grade: that of its strongest floating-point type, logical where it has nothing else. */
export function nodeGrade(power: ComputingPower): Grade {
  return gradeOf(Math.max(power.parallel, power.neural, power.logical) as OperationsPerSecond);
}

/** The key of a node's identity, and everything one owner's keys vouch for. */
export type NodeId = Brand<string, "NodeId">;
/** A place in the network where nodes attach and data lives; the vertex of every path. */
export type SiteId = Brand<string, "SiteId">;
/** One operator's part of the network. */
export type DomainId = Brand<string, "DomainId">;
/** A directed link between two sites, written `from>to`. */
export type LinkId = Brand<string, "LinkId">;
