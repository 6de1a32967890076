import type { Change, CollectorOutput } from "@weft/announcement";
import { type LinkState, linkId, type NodeId, type SiteId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { type Core, tell } from "./core.ts";
import { restoreReservations, silent } from "./joining.ts";
import { observe } from "./placing.ts";

/** What the collector took in goes into the pool; what may fit now is tried. */
export function perceive(core: Core, now: Instant, outputs: readonly CollectorOutput[]): void {
  let room = false;
  for (const output of outputs) {
    if (output.kind === "send") {
      const connection = core.fleet.member(output.to)?.connection ?? null;
      if (connection !== null) core.out.push({ kind: "resync", connection, message: output.message });
    } else if (output.kind === "change") room = apply(core, now, output.change) || room;
  }
  if (room) observe(core, now, { kind: "room" });
}

/** Returns whether something may fit now that did not before. */
function apply(core: Core, now: Instant, change: Change): boolean {
  const member = core.fleet.member(change.origin);
  if (member === undefined) return false;
  switch (change.kind) {
    case "described":
      core.pool.addNode(change.description);
      tell(core, now, "measured", "node", change.origin);
      return true;
    case "load":
      core.pool.updateLoad(change.load);
      restoreReservations(core, change.origin);
      if (member.connection === null) core.pool.setAccepting(change.origin, false);
      tell(core, now, "load", "node", change.origin);
      return change.load.accepting;
    case "links":
      setLinks(core, now, change.origin, change.links);
      restoreReservations(core, change.origin);
      return true;
    case "health":
      tell(core, now, change.health, "node", change.origin);
      if (change.health === "down") silent(core, now, change.origin);
      else if (change.health === "suspect") core.pool.setAccepting(change.origin, false);
      return change.health === "up";
    case "forgotten":
      setLinks(core, now, change.origin, []);
      core.pool.removeNode(change.origin);
      return false;
  }
}

/**
 * Takes what one observer says of its links. A probe measures a round trip, so each state stands for both
 * directions unless the other end measures its own. Where no gateway listens nothing can be relayed: such a
 * site keeps only its nearest link, so that no path leads through it.
 */
export function setLinks(core: Core, now: Instant, observer: NodeId | "", links: readonly LinkState[]): void {
  const before = core.linksOf.get(observer) ?? [];
  const kept = relays(core, observer) ? links : nearest(links);
  if (kept.length === 0) core.linksOf.delete(observer);
  else core.linksOf.set(observer, kept);
  for (const link of kept) {
    core.pool.setLink(link);
    if (!measuredFrom(core, link.to, link.from)) core.pool.setLink({ ...link, from: link.to, to: link.from });
    tell(core, now, link.up ? "up" : "down", "link", linkId(link.from, link.to));
  }
  for (const old of before) {
    if (kept.some((link) => link.from === old.from && link.to === old.to)) continue;
    if (!measuredFrom(core, old.from, old.to)) core.pool.removeLink(old.from, old.to);
    if (!measuredFrom(core, old.to, old.from)) core.pool.removeLink(old.to, old.from);
  }
}

function relays(core: Core, observer: NodeId | ""): boolean {
  if (observer === "") return true;
  const member = core.fleet.member(observer);
  if (member === undefined) return false;
  const { site } = member.row.description;
  return core.fleet.gateways(core.options.gateway).some((gateway) => gateway.site === site);
}

function nearest(links: readonly LinkState[]): readonly LinkState[] {
  const delayOf = (link: LinkState): number =>
    link.up ? (link.delay ?? Number.MAX_VALUE) : Number.MAX_VALUE;
  const best = links.reduce<LinkState | null>(
    (found, link) => (found === null || delayOf(link) < delayOf(found) ? link : found),
    null,
  );
  return best === null ? [] : [best];
}

/** Whether some observer measures this very direction. */
function measuredFrom(core: Core, from: SiteId, to: SiteId): boolean {
  for (const links of core.linksOf.values()) {
    if (links.some((link) => link.from === from && link.to === to)) return true;
  }
  return false;
}
