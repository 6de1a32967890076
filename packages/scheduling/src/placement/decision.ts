import { type LinkId, linkId, type NodeId, type SiteId } from "@weft/infrastructure";
import type {
  BitsPerSecond,
  GramsCo2,
  Joules,
  Micros,
  Money,
  OperationsPerSecond,
  Refusal,
} from "@weft/kernel";
import type { Claim } from "@weft/pool";
import type { Explanation } from "../explain/explanation.ts";

/** Where a task's time goes; the parts add up to the total. */
export interface PlannedTimeline {
  readonly transferIn: Micros;
  readonly queue: Micros;
  readonly compute: Micros;
  readonly transferOut: Micros;
  readonly total: Micros;
}

/** The best placement of a task on the pool as it was: node + path + time. */
export interface Placed {
  readonly outcome: "placed";
  readonly node: NodeId;
  readonly site: SiteId;
  /** Sites from the data to the node, ends included; one when the data is already there. The result returns over it. */
  readonly path: readonly SiteId[];
  readonly timeline: PlannedTimeline;
  /** Computing power reserved, and what the task makes of it once corrected by what was learnt. */
  readonly rate: OperationsPerSecond;
  readonly effectiveRate: OperationsPerSecond;
  /** Least residual bandwidth of the path each way, before this task's own; Infinity on the spot. */
  readonly residualIn: BitsPerSecond;
  readonly residualOut: BitsPerSecond;
  /** Predicted price in micro-units of money, and what may be charged at most: the same rounded up. */
  readonly cost: number;
  readonly charge: Money;
  /** null where the node's power draw, or its grid, is unknown. */
  readonly energy: Joules | null;
  readonly carbon: GramsCo2 | null;
  /** The objective's value: less is better. */
  readonly score: number;
  /** The task stays where it was although a better node was found, because the gain is within the margin. */
  readonly kept: boolean;
  /** What to reserve: `pool.reserve(claim)` or `pool.commit([claim])`. */
  readonly claim: Claim;
  /** The pool's version all this is true of. */
  readonly basedOn: number;
  readonly explanation: Explanation | null;
}

/**
 * Why nothing serves a task. The code names the last hurdle that some node came to: of all nodes none passed it.
 */
export type RefusalCode =
  /** No node is of the kind asked for: program kind, tier, domain, labels, security, storage class, accelerator. */
  | "no_suitable_node"
  /** The data may not go where a suitable node is, or not by any way there. */
  | "residency"
  /** No path meets the task's demands on the network. */
  | "no_path"
  /** Computing power, memory, storage, accelerator memory or service instances are taken. */
  | "no_capacity"
  | "deadline_unreachable"
  | "price_above_limit";

export interface Refused {
  readonly outcome: "refused";
  readonly code: RefusalCode;
  readonly refusal: Refusal<RefusalCode>;
  readonly basedOn: number;
  readonly explanation: Explanation | null;
}

export type Decision = Placed | Refused;

/** The links from the data to the node. */
export function linksOf(placed: Placed): LinkId[] {
  return placed.path.slice(1).map((to, i) => linkId(placed.path[i] as SiteId, to));
}
