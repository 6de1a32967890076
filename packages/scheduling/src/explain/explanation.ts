import type { NodeId, SiteId } from "@weft/infrastructure";

/** Everything that can rule out a node or a path. */
export type ConstraintCode =
  | "avoided"
  /** Its provider does not sell it now, or not for work of this length. */
  | "offer"
  | "program_kind"
  | "tier"
  | "domain"
  | "labels"
  | "node_security"
  | "storage_class"
  | "accelerator"
  | "accepting"
  | "memory"
  | "storage"
  | "storage_throughput"
  | "instances"
  | "computing_power"
  | "residency"
  | "delay"
  | "jitter"
  | "loss"
  | "bit_error_rate"
  | "bandwidth"
  | "path_security"
  /** Not connected at all, or no path meets all demands at once although each is met by some path. */
  | "path"
  | "deadline"
  | "price";

/** One constraint and what fell to it, each constraint counted by itself. */
export interface RuledOut {
  readonly constraint: ConstraintCode;
  /** What the task asks, such as `250 ms`. */
  readonly asked: string;
  readonly nodes: number;
  readonly paths: number;
  /** The first few nodes (or paths), with what they offer instead. */
  readonly examples: readonly { readonly name: string; readonly offers: string }[];
}

/** The node that came closest of those ruled out, and what would have made it fit. */
export interface NearestMiss {
  readonly node: NodeId;
  readonly misses: readonly Miss[];
}

export interface Miss {
  readonly constraint: ConstraintCode;
  /** In base units; null where the constraint is not a quantity. */
  readonly asked: number | null;
  readonly offered: number | null;
  /** What would make it fit, such as `deadline 312 ms`, alternatives apart. */
  readonly fixes: readonly string[];
}

/** A placement that was possible and lost. */
export interface RunnerUp {
  readonly node: NodeId;
  readonly path: readonly SiteId[];
  /** Micros; micro-units of money. */
  readonly total: number;
  readonly cost: number;
  readonly score: number;
  /** The first criterion, in the order of PREFER, that the chosen one was better by; both values. */
  readonly lostBy: { readonly criterion: string; readonly chosen: number; readonly own: number };
}

/** Why a task was placed where it was, or not at all: data, printed by `formatExplanation`. */
export interface Explanation {
  readonly nodesConsidered: number;
  /** Candidate paths looked at for this: per site the three of least round trip. The search itself knew all paths. */
  readonly pathsConsidered: number;
  readonly ruledOut: readonly RuledOut[];
  readonly nearestMiss: NearestMiss | null;
  readonly runnersUp: readonly RunnerUp[];
  /** How many nodes would have served. */
  readonly fitting: number;
}
