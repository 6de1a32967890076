import {
  COMPUTE_TYPES,
  type ComputeType,
  type NodeDescription,
  type NodeId,
  type NodeLoad,
} from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";
import type { LoadJudge } from "../publisher.ts";
import type { OriginView, View } from "../view.ts";

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

export interface WorthSettings {
  readonly probes: readonly Probe[];
  /** What a decision may lose before a change is announced: a share of the best completion time, and a floor. */
  readonly relative: number;
  readonly floor: Micros;
}

export const DEFAULT_WORTH: WorthSettings = {
  probes: DEFAULT_PROBES,
  relative: 0.05,
  floor: 2_000 as Micros,
};

/**
 * What a decision would lose: believed at `announced` while `truth` holds, when the best of the others is `rival`.
 * Believed better than the rival, the node is chosen and costs truth instead of the better of both; believed worse,
 * the rival is chosen though the truth may be better.
 */
export const regret = (announced: number, truth: number, rival: number): number =>
  announced < rival ? Math.max(0, truth - rival) : Math.max(0, rival - truth);

/** The best completion among known live origins but one, for each probe. */
export function bestOfOthers(
  origins: Iterable<OriginView>,
  self: NodeId,
  probes: readonly Probe[],
  member: (origin: NodeId) => boolean,
): number[] {
  const best = probes.map(() => Number.POSITIVE_INFINITY);
  for (const { origin, description, load, health } of origins) {
    if (origin === self || description === null || load === null || health !== "up" || !member(origin))
      continue;
    for (let i = 0; i < probes.length; i++) {
      const takes = completion(probes[i] as Probe, description, load);
      if (takes < (best[i] as number)) best[i] = takes;
    }
  }
  return best;
}

/** Announces a load only when some decision among the members would lose by not knowing it. */
export const judgeByRegret =
  (
    view: () => View,
    self: NodeId,
    settings: WorthSettings = DEFAULT_WORTH,
    member: (origin: NodeId) => boolean = () => true,
  ): LoadJudge =>
  (announced, now, node) => {
    if (node === null) return "moved";
    const rivals = bestOfOthers(view().origins(), self, settings.probes, member);
    for (const [i, probe] of settings.probes.entries()) {
      const rival = rivals[i] as number;
      const believed = completion(probe, node, announced);
      const truth = completion(probe, node, now);
      if (believed === truth || (believed >= rival && truth >= rival)) continue;
      const loses = regret(believed, truth, rival);
      // Alone, every estimate is the decision's own: judge the error itself.
      const lost = rival === Number.POSITIVE_INFINITY ? Math.abs(truth - believed) : loses;
      if (!(lost <= Math.max(settings.floor, settings.relative * Math.min(truth, rival)))) {
        return announced.accepting === now.accepting ? "moved" : "urgent";
      }
    }
    return "none";
  };
