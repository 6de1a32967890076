import type { NodeId } from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";
import type { LoadJudge } from "../publisher.ts";
import type { Significance } from "../significance.ts";
import type { OriginView, View } from "../view.ts";
import { completion, DEFAULT_PROBES, type Probe } from "./probes.ts";

export interface WorthSettings {
  readonly probes: readonly Probe[];
  /** What a decision may lose before a change is announced: a share of the best completion time, and a floor. */
  readonly relative: number;
  readonly floor: Micros;
  /**
   * How much worse than the rival, as a share of it, a node still counts as one that may be chosen next. Who was believed
   * good and is not any more says so within this distance: rivals fall away without a word to it, and a pool of
   * figures that held once would wait behind each.
   */
  readonly slack: number;
}

export const DEFAULT_WORTH: WorthSettings = {
  probes: DEFAULT_PROBES,
  relative: 0.05,
  floor: 2_000 as Micros,
  slack: 0.25,
};

/**
 * The most that any decision loses when a node is believed to finish at `believed` while `truth` holds. `rival` is what
 * the best other node offers to the decider that favours this one most: whoever stands beside it. By the triangle
 * inequality a node that loses there loses everywhere; a decider further away has a lower rival, down to any value.
 *
 * Believed better than the truth, it is chosen against rivals between the two, and costs up to the difference; believed
 * worse, it is passed over for rivals between the two, as far as there are any.
 */
export function regret(believed: number, truth: number, rival: number): number {
  if (believed === truth || Math.min(believed, truth) >= rival) return 0;
  return believed < truth ? truth - believed : Math.min(believed, rival) - truth;
}

/**
 * For each probe, the best that others than `self` offer to a decider beside it: completion there, and there and back.
 */
function bestOfOthers(
  origins: Iterable<OriginView>,
  self: NodeId,
  probes: readonly Probe[],
  distance: (origin: NodeId) => number,
): number[] {
  const best = probes.map(() => Number.POSITIVE_INFINITY);
  for (const { origin, description, load, health } of origins) {
    if (origin === self || description === null || load === null || health !== "up") continue;
    const away = 2 * distance(origin);
    for (let i = 0; i < probes.length; i++) {
      const takes = away + completion(probes[i] as Probe, description, load);
      if (takes < (best[i] as number)) best[i] = takes;
    }
  }
  return best;
}

/** A loss so many times what is bearable does not wait for the hold-down of ordinary changes. */
const URGENT = 4;

/** How much it matters that others believe `believed` of a node's completion time while `truth` holds and a rival offers `rival`. */
export function worthOf(
  believed: number,
  truth: number,
  rival: number,
  { relative, floor, slack }: Omit<WorthSettings, "probes">,
): Significance {
  const lost = regret(believed, truth, believed < truth ? rival * (1 + slack) : rival);
  const bearable = Math.max(floor, relative * Math.min(truth, rival));
  return lost > URGENT * bearable ? "urgent" : lost > bearable ? "moved" : "none";
}

/** Announces a load only when some decision would lose by not knowing it. */
export const judgeByRegret =
  (
    view: () => View,
    self: NodeId,
    distance: (origin: NodeId) => number,
    settings: WorthSettings = DEFAULT_WORTH,
  ): LoadJudge =>
  (announced, now, node) => {
    if (node === null) return "moved";
    let result: Significance = "none";
    const rivals = bestOfOthers(view().origins(), self, settings.probes, distance);
    for (const [i, probe] of settings.probes.entries()) {
      const [believed, truth] = [completion(probe, node, announced), completion(probe, node, now)];
      const worth = worthOf(believed, truth, rivals[i] as number, settings);
      if (worth === "urgent") return "urgent";
      if (worth === "moved") result = "moved";
    }
    return result;
  };
