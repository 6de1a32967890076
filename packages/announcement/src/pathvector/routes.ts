import type { NodeId } from "@weft/infrastructure";
import { type Instant, type Micros, NEVER } from "@weft/kernel";
import type { Cause, Hop, Route } from "./messages.ts";

export type { Route } from "./messages.ts";

/** A route as seen from here: through which peer, and how long the whole way takes. */
export interface Candidate {
  readonly peer: NodeId;
  readonly route: Route;
  readonly delay: Micros;
}

/** What is known of the ways to one origin. */
export interface Destination {
  readonly origin: NodeId;
  readonly candidates: Map<NodeId, Candidate>;
  /** The one in use; it may outlive its candidate until `settleAt`. */
  best: Candidate | null;
  /** Peers that were told of it. */
  readonly told: Set<NodeId>;
  /** When another candidate takes over from a best one that was lost; `NEVER` when none was. */
  settleAt: Instant;
}

/** Prefers the shorter delay, then the shorter path, then the lower id: total, so that equal tables choose alike. */
export function better(a: Candidate, b: Candidate): boolean {
  if (a.delay !== b.delay) return a.delay < b.delay;
  if (a.route.path.length !== b.route.path.length) return a.route.path.length < b.route.path.length;
  return a.peer < b.peer;
}

export const newDestination = (origin: NodeId): Destination => ({
  origin,
  candidates: new Map(),
  best: null,
  told: new Set(),
  settleAt: NEVER,
});

/** The best of what is left, or null. */
export function choose(destination: Destination, prefer: typeof better): Candidate | null {
  let best: Candidate | null = null;
  for (const candidate of destination.candidates.values()) {
    if (best === null || prefer(candidate, best)) best = candidate;
  }
  return best;
}

/** Whether a path uses the link that a cause says is gone. */
export const uses = (path: readonly Hop[], cause: Pick<Cause, "by" | "link">): boolean =>
  path.some((hop) => hop.link === cause.link && hop.domain === cause.by);

/** What a neighbouring domain is to ours, for policy (Gao and Rexford 2001). */
export type Relation = "customer" | "peer" | "provider";

/**
 * Export as commerce has it: customers' routes and our own are told to all, peers' and providers' only to customers.
 * Networks in which everybody does so are free of loops and of oscillation.
 */
export const valleyFree =
  (relationOf: (domain: NodeId) => Relation): ExportPolicy =>
  (from, to) =>
    from === null || relationOf(from) === "customer" || relationOf(to) === "customer";

/** Whether a route learnt from `from` (null: our own) may be told to `to`. */
export type ExportPolicy = (from: NodeId | null, to: NodeId, route: Route) => boolean;

export const TELL_ALL: ExportPolicy = () => true;
