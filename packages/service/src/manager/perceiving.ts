import type { Change, CollectorOutput, ParticipantOutput } from "@weft/announcement";
import { type LinkState, linkId, type NodeId, type SiteId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { type Core, tell } from "./core.ts";
import { restoreReservations, silent } from "./joining.ts";
import { observe } from "./observing.ts";
import { watchPromises } from "./promises.ts";
import { reroute } from "./rerouting.ts";
import { setWilling } from "./willing.ts";

/** What was announced goes into the pool, whichever way it came; what may fit now is tried. */
export function perceive(
  core: Core,
  now: Instant,
  outputs: readonly (CollectorOutput | ParticipantOutput)[],
): void {
  let room = false;
  for (const output of outputs) {
    if (output.kind === "send" && "bytes" in output) {
      core.out.push({ kind: "announce", to: output.to, bytes: output.bytes });
    } else if (output.kind === "send") {
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
      core.pool.setHandling(change.origin, core.predictor.handling(change.origin, now));
      setWilling(core, change.origin);
      restoreReservations(core, change.origin);
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
      else {
        // Back before it was lost: it may say no new load, since nothing about its load has changed.
        setWilling(core, change.origin);
        restoreReservations(core, change.origin);
      }
      return change.health === "up";
    case "forgotten":
      setLinks(core, now, change.origin, []);
      core.pool.removeNode(change.origin);
      return false;
  }
}

/**
 * Takes what one observer says of its links: both directions of each, of which its own (from its site) counts before
 * what the other end sees of it. Where no gateway listens nothing can be relayed: such a site keeps only its nearest
 * neighbour, so that no path leads through it.
 */
export function setLinks(core: Core, now: Instant, observer: NodeId | "", links: readonly LinkState[]): void {
  const site = observer === "" ? core.options.site : core.fleet.member(observer)?.row.description.site;
  if (site === undefined || !speaksFor(core, observer, site)) return;
  const kept = listens(core, site) ? links : nearest(site, links);
  const before = core.linksOf.get(observer)?.links ?? [];
  if (kept.length === 0) core.linksOf.delete(observer);
  else core.linksOf.set(observer, { site, links: kept });
  const gone = new Set<string>();
  for (const link of kept) {
    if (link.from !== site && sees(core, link.from, link, true)) continue;
    const id = linkId(link.from, link.to);
    if (!link.up && core.pool.links.up[core.pool.links.slots.find(id)] === 1) gone.add(id);
    core.pool.setLink(link);
    tell(core, now, link.up ? "up" : "down", "link", linkId(link.from, link.to));
  }
  for (const old of before) {
    if (sees(core, null, old, false)) continue;
    core.pool.removeLink(old.from, old.to);
    gone.add(linkId(old.from, old.to));
  }
  reroute(core, now, gone);
  watchPromises(
    core,
    now,
    kept.map(({ from, to }) => linkId(from, to)),
  );
}

/**
 * Whether an observer is believed about a site: where a gateway listens, only its owner is, so that nobody who merely
 * names a site as his own moves its links.
 */
function speaksFor(core: Core, observer: NodeId | "", site: SiteId): boolean {
  if (observer === "") return true;
  if (site === core.options.site) return false;
  const provider = core.fleet.member(observer)?.row.provider;
  for (const { row, gateway } of core.fleet.members) {
    if (gateway?.site === site && row.provider !== provider) return false;
  }
  return true;
}

const listens = (core: Core, site: SiteId): boolean =>
  core.fleet.gateways(core.options.gateway).some((gateway) => gateway.site === site);

/** Both directions between a site and the neighbour of least delay. */
function nearest(site: SiteId, links: readonly LinkState[]): readonly LinkState[] {
  let best: LinkState | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const link of links) {
    const delay = link.up ? (link.delay ?? Number.MAX_VALUE) : Number.POSITIVE_INFINITY;
    if (link.from === site && delay < least) {
      best = link;
      least = delay;
    }
  }
  const neighbour = best?.to;
  return links.filter((link) => (link.from === site ? link.to : link.from) === neighbour);
}

/** Whether some observer (at `site`, where one is named) tells of this direction. */
function sees(core: Core, site: SiteId | null, { from, to }: LinkState, own: boolean): boolean {
  for (const seen of core.linksOf.values()) {
    if (own && seen.site !== site) continue;
    if (seen.links.some((link) => link.from === from && link.to === to)) return true;
  }
  return false;
}
