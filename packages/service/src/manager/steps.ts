import type { NodeId, SiteId } from "@weft/infrastructure";
import type { Bytes, Instant } from "@weft/kernel";
import type { Placed, TaskNeeds } from "@weft/scheduling";
import type { Launch } from "../protocol.ts";
import type { TaskSubmission } from "../resources.ts";
import type { Core } from "./core.ts";
import { sells } from "./offers.ts";
import type { TaskEntry } from "./tasks.ts";

/*
 * What placing and launching a step of an application differ in from a task by itself: where it is wanted, where its
 * input lies and where its result goes.
 */

/** Needs that rule out the nodes whose offers are closed now. */
export const onSale = (core: Pick<Core, "offers">, needs: TaskNeeds): TaskNeeds =>
  core.offers.closed.length === 0
    ? needs
    : { ...needs, where: { ...needs.where, avoid: [...needs.where.avoid, ...core.offers.closed] } };

/** The gateways from a node's own neighbour on to where the data is, given the path from the data to the node. */
export const segmentsOf = (path: readonly SiteId[]): readonly SiteId[] =>
  path.length === 1 ? path : path.slice(0, -1).reverse();

export interface Wish {
  /** As the scheduler is to see it: what only other steps want goes nowhere. */
  readonly needs: TaskNeeds;
  /** Where it is kept as long as it can be; null: wherever is best. */
  readonly node: NodeId | null;
  /** The very place that was decided for it, where that still holds. */
  readonly placed: Placed | null;
}

/** What was decided of a task beforehand, with others. */
export function wishOf(core: Core, now: Instant, entry: TaskEntry, avoid: readonly NodeId[]): Wish {
  const { needs, step } = entry.row.submission;
  const planned = core.planned.get(entry.row.id);
  core.planned.delete(entry.row.id);
  const holds =
    planned !== undefined &&
    !avoid.includes(planned.node) &&
    core.pool.check(planned.claim) === null &&
    sells(core, planned.node, planned.timeline.compute, now);
  const node = step?.node ?? core.ahead.nodeOf(entry.row.id);
  return {
    needs: step?.inner ? { ...needs, basic: { ...needs.basic, resultBytes: 0 as Bytes } } : needs,
    node: node !== null && !avoid.includes(node) ? node : null,
    placed: holds ? planned : null,
  };
}

/** The ways of a step's data: each part from where it lies, its result home or to the nearest gateway. */
export function waysOf(
  core: Core,
  { step, needs }: TaskSubmission,
  { site, path }: Placed,
): Pick<Launch, "parts" | "deliver"> & { readonly segments?: readonly SiteId[] } {
  if (step === undefined) return {};
  // Where no way is found now the one of the placement is tried: the transfer fails, and the step is placed anew.
  const from = (at: SiteId): readonly SiteId[] => core.scheduler.route(needs, at, site) ?? path;
  const home = from(step.home);
  return {
    segments: segmentsOf(home),
    parts: step.parts.map(({ at, ...content }) => ({ content, segments: segmentsOf(from(at)) })),
    deliver: step.inner ? nearest(core, site, home) : segmentsOf(home),
  };
}

/** The first gateway that listens on the way from a node's site homeward. */
function nearest(core: Core, site: SiteId, home: readonly SiteId[]): readonly SiteId[] {
  const listening = new Set(core.fleet.gateways(core.options.gateway).map((gateway) => gateway.site));
  const onward = [...home].reverse();
  const at = onward.findIndex((one) => listening.has(one));
  if (at <= 0) return [at === 0 ? site : (home[0] as SiteId)];
  return onward.slice(1, at + 1);
}
