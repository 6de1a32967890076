import type { SiteId } from "@weft/infrastructure";
import { type Bytes, type Refusal, refuse } from "@weft/kernel";
import type { Placed, TaskNeeds } from "@weft/scheduling";
import type { Launch } from "../protocol.ts";
import type { TaskSubmission } from "../resources.ts";
import type { Core } from "./core.ts";

/*
 * The ways that data goes: gateway by gateway, as segment lists.
 */

/** The gateways from a node's own neighbour on to where the data is, given the path from the data to the node. */
export const segmentsOf = (path: readonly SiteId[]): readonly SiteId[] =>
  path.length === 1 ? path : path.slice(0, -1).reverse();

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

/** What a run of it needs of its place: what a step gives to other steps alone goes nowhere from there. */
export const needsInPlace = ({ needs, step }: TaskSubmission): TaskNeeds =>
  step?.inner ? { ...needs, basic: { ...needs.basic, resultBytes: 0 as Bytes } } : needs;

/**
 * Why a step cannot have what other steps gave it now: the gateway that holds it is away. It waits for it: each try would fail.
 * null: all of it can be fetched.
 */
export function heldAway(core: Core, { step }: TaskSubmission): Refusal | null {
  const handedOn = step?.parts.filter(({ at }) => at !== step.home) ?? [];
  if (handedOn.length === 0) return null;
  const listening = gatewaySites(core);
  const away = handedOn.find(({ at }) => !listening.has(at));
  if (away === undefined) return null;
  return refuse("gateway_away", "what another step gave lies at a gateway that does not listen now", {
    found: away.at,
    hint: "it goes on once the node that keeps the gateway is back",
  }).refusal;
}

/** Where a gateway listens now. */
const gatewaySites = (core: Core): ReadonlySet<SiteId> =>
  new Set(core.fleet.gateways(core.options.gateway).map(({ site }) => site));

/** The first gateway that listens on the way from a node's site homeward. */
function nearest(core: Core, site: SiteId, home: readonly SiteId[]): readonly SiteId[] {
  const listening = gatewaySites(core);
  const onward = [...home].reverse();
  const at = onward.findIndex((one) => listening.has(one));
  if (at <= 0) return [at === 0 ? site : (home[0] as SiteId)];
  return onward.slice(1, at + 1);
}
