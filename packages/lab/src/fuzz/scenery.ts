import type { NodeDescription, SiteId } from "@weft/infrastructure";
import type { Bytes, Operations } from "@weft/kernel";
import type { TaskNeeds } from "@weft/scheduling";
import { describeNode, deskNeeds } from "@weft/service/testing";

/*
 * What the fuzzed network looks like: a manager's site and nodes of a few lanes around it, and tasks of some work.
 */

export const MANAGER_SITE = "hub" as SiteId;

export const nodeOf = (name: string, lanes: number): NodeDescription =>
  describeNode(name, `site-${name}`, lanes);

export function needsOf(work: number): TaskNeeds {
  const { basic, compute, ...rest } = deskNeeds();
  return {
    ...rest,
    basic: { ...basic, dataAt: MANAGER_SITE },
    compute: { ...compute, work: work as Operations },
    algorithm: { ...rest.algorithm, space: 2e8 as Bytes },
  };
}
