import type { Change, OriginView, ParticipantOutput } from "@weft/announcement";
import type { DomainId } from "@weft/infrastructure";
import { after, type Instant, MILLISECOND, type Micros, SECOND } from "@weft/kernel";
import { type Core, type ManagerOutput, store, tell } from "../manager/core.ts";
import { reconcile, restoreReservations } from "../manager/joining.ts";
import { observe } from "../manager/observing.ts";
import { listOf } from "../manager/offers.ts";
import { priceColumns } from "../manager/prices.ts";
import type { FromAgent, ToAgent } from "../protocol.ts";
import { booked, LOSSES } from "./concluding.ts";
import type { Federation, Peer } from "./federation.ts";
import { repeat } from "./held.ts";
import { follow, giveBack, recalled, resume, taken } from "./inward.ts";
import { type PeerMessage, peerConnection } from "./messages.ts";
import { asForeign, grossed, offering, pricesIn } from "./offering.ts";
import { answered, forward, lapse, owedFor } from "./outward.ts";
import { quoteFor } from "./quoting.ts";

/*
 * A manager among managers: greets its peers, tells what its domain offers by path-vector, takes their offers into its
 * pool as one node and one site each, and carries messages to the home side (abroad.ts, outward.ts) and the foreign side
 * (quoting.ts, inward.ts, concluding.ts).
 */

const BEAT = SECOND;
/** A peer unheard for this long is not there. */
const PRESENT_WITHIN = (3.5 * SECOND) as Micros;
/** The offer is told at most so often. */
const TELL_EVERY = (200 * MILLISECOND) as Micros;
/** Runs named in a greeting; with more, none are. */
const MOST_NAMED = 2_000;

/** Opens what the books need, and takes up what was under way before a restart. */
export function beginDealing(core: Core, now: Instant, federation: Federation): void {
  const { currency } = core.options;
  const createdAt = (id: string): Instant => core.books.account(id)?.createdAt ?? now;
  const open = (id: string, name: string, limit: Peer["options"]["credit"] | null): void =>
    store(core, core.books.open({ id, name, role: "system", limit, currency, createdAt: createdAt(id) }));
  open(LOSSES, "work for other domains that was not paid", null);
  for (const { node, options } of federation.peers.values()) {
    open(node, `domain ${options.domain}`, options.credit);
    const row = { key: options.key, account: node, note: `manager of ${options.domain}`, addedAt: now };
    if (core.keys.get(options.key)?.account !== node) store(core, [{ kind: "put-key", row }]);
    core.keys.set(options.key, row);
    // Its runs have a while longer than a node's: its manager may be starting anew itself.
    if (core.tasks.liveOn(node).length > 0) core.silences.set(node, after(now, federation.options.silence));
    announced(core, now, federation, federation.outer.handle(now, { kind: "peer_up", peer: node }));
  }
  resume(core, now, federation);
  federation.beatAt = now;
  federation.tellAt = now;
}

export function wakeDealing(core: Core, now: Instant): void {
  const { federation } = core;
  if (federation === null) return;
  if (federation.outer.wakeAt <= now) announced(core, now, federation, federation.outer.wake(now));
  lapse(core, now, federation);
  if (federation.tellAt <= now) tellOffer(core, now, federation);
  if (federation.beatAt <= now) beat(core, now, federation);
}

/** One message of a peer's. Returns what it says as an agent, for the manager to take as any agent's word. */
export function hearPeer(core: Core, now: Instant, from: DomainId, message: PeerMessage): FromAgent | null {
  const { federation } = core;
  const peer = federation?.peers.get(from);
  if (federation === null || peer === undefined) return null;
  switch (message.kind) {
    case "greet":
      greeted(core, now, peer, message);
      return null;
    case "announce":
      announced(
        core,
        now,
        federation,
        federation.outer.handle(now, { kind: "message", from: peer.node, bytes: message.bytes }),
      );
      return null;
    case "ask": {
      const quote = quoteFor(core, now, federation, peer, message.ask);
      sayTo(core, peer, { kind: "quote", id: message.ask.id, quote });
      return null;
    }
    case "quote":
      answered(core, now, peer, message.id, message.quote);
      return null;
    case "forward":
      taken(core, now, peer, message.forward);
      return null;
    case "cancel":
      recalled(core, now, peer, message.run);
      return null;
    case "settled":
      booked(core, now, peer, message.run, message.owed);
      return null;
    case "agent":
      // Hellos are for agents of this domain; a peer has greeted.
      return message.message.kind === "hello" || message.message.kind === "knock" ? null : message.message;
  }
}

const sayTo = (core: Core, peer: Peer, message: PeerMessage): void => {
  core.out.push({ kind: "to-peer", domain: peer.options.domain, message });
};

// ---- presence

function beat(core: Core, now: Instant, federation: Federation): void {
  federation.beatAt = after(now, BEAT);
  const { url, echo } = core.options.gateway;
  for (const peer of federation.peers.values()) {
    if (peer.present && now - peer.heardAt > PRESENT_WITHIN) missing(core, now, federation, peer);
    for (const run of [...federation.inward.values()]) giveBack(core, now, federation, run);
    const held = [...federation.inward.values()].filter((run) => run.domain === peer.options.domain);
    const holding = held.length > MOST_NAMED ? null : held.map((run) => run.forward.launch.run);
    sayTo(core, peer, { kind: "greet", gateway: { url, echo }, holding });
    if (!peer.present) continue;
    admit(core, peer); // what could not be reserved for its runs after a restart may be by now
    for (const run of held) if (run.outcome !== null) repeat(core, run);
  }
}

function greeted(core: Core, now: Instant, peer: Peer, said: PeerMessage & { kind: "greet" }): void {
  peer.heardAt = now;
  const moved = peer.gateway?.url !== said.gateway.url || peer.gateway?.echo !== said.gateway.echo;
  peer.gateway = said.gateway;
  if (moved) core.out.push({ kind: "peer-gateway", domain: peer.options.domain, gateway: said.gateway });
  const appeared = !peer.present;
  peer.present = true;
  if (appeared) {
    join(core, now, peer);
    tell(core, now, "connected", "node", peer.node);
    observe(core, now, { kind: "room" });
  }
  const member = core.fleet.member(peer.node);
  if (member !== undefined && said.holding !== null) reconcile(core, now, member, new Set(said.holding));
}

/** A peer is not heard any more: it takes nothing new, and after a while its runs are lost. */
function missing(core: Core, now: Instant, federation: Federation, peer: Peer): void {
  peer.present = false;
  core.fleet.disconnect(peerConnection(peer.options.domain));
  core.pool.setAccepting(peer.node, false);
  core.silences.set(peer.node, after(now, federation.options.silence));
  tell(core, now, "disconnected", "node", peer.node);
}

/** A peer that is there and has told what it offers is a member of our fleet: one node, owned by its domain. */
function join(core: Core, now: Instant, peer: Peer): void {
  const { federation } = core;
  const description = federation?.view.get(peer.node)?.description ?? null;
  const prices = description === null ? null : pricesIn(description);
  const known = core.fleet.member(peer.node);
  if (description !== null && prices !== null) {
    const whole = asForeign(description, peer.node, peer.options.domain);
    const list = grossed(prices, core.options.fee.commissionPpm);
    const { changes } = core.fleet.enter(
      whole,
      list,
      peer.node,
      peer.options.key,
      known?.row.joinedAt ?? now,
    );
    store(core, changes);
    core.pool.addNode(whole);
    core.pool.setPrices(peer.node, priceColumns(list));
  }
  const member = core.fleet.member(peer.node);
  if (member === undefined || !peer.present) return;
  if (member.connection === null) core.fleet.connect(member, peerConnection(peer.options.domain), null);
  core.silences.clear(peer.node);
  admit(core, peer);
}

/** Whether new tasks may go there, by all that is known. */
function admit(core: Core, peer: Peer): void {
  const seen = core.federation?.view.get(peer.node);
  if (core.fleet.member(peer.node) === undefined) return;
  if (seen?.load != null) core.pool.updateLoad({ ...seen.load, node: peer.node });
  const willing = peer.present && peer.options.send && seen?.health === "up" && seen.load?.accepting === true;
  core.pool.setAccepting(peer.node, willing);
  // What its runs of ours take comes first; until all of that could be, it gets nothing new.
  if (willing) restoreReservations(core, peer.node);
}

// ---- what is told and heard of offers

function announced(
  core: Core,
  now: Instant,
  federation: Federation,
  outputs: readonly ParticipantOutput[],
): void {
  let room = false;
  for (const output of outputs) {
    if (output.kind === "send") {
      const peer = federation.peerAt(output.to);
      if (peer !== undefined) sayTo(core, peer, { kind: "announce", bytes: output.bytes });
    } else room = offered(core, now, federation, output.change) || room;
  }
  if (room) observe(core, now, { kind: "room" });
}

/** Returns whether something may fit now that did not before. */
function offered(core: Core, now: Instant, federation: Federation, change: Change): boolean {
  const peer = federation.peerAt(change.origin);
  if (peer === undefined) return false;
  switch (change.kind) {
    case "described":
      join(core, now, peer);
      tell(core, now, "measured", "node", peer.node);
      return true;
    case "load":
    case "health":
      admit(core, peer);
      tell(core, now, change.kind === "load" ? "load" : change.health, "node", peer.node);
      return true;
    case "forgotten":
      core.pool.setAccepting(peer.node, false);
      return false;
    case "links":
      return false;
  }
}

function tellOffer(core: Core, now: Instant, federation: Federation): void {
  federation.toldAt = now;
  // Ages and rests are looked at again even when nothing was heard.
  federation.tellAt = after(now, BEAT);
  const members = [...core.fleet.members]
    .filter(({ row, connection }) => connection !== null && federation.peerAt(row.id) === undefined)
    .map(({ row }) => ({ view: core.view.get(row.id), prices: listOf(core, row, null, now) }))
    .filter(
      (member): member is { view: OriginView; prices: (typeof member)["prices"] } =>
        member.view !== undefined,
    );
  const offer = offering(federation.domain, members, federation.options.offer, now);
  if (offer !== null) {
    federation.offering = true;
    announced(core, now, federation, federation.outer.handle(now, { kind: "publish", publication: offer }));
  } else if (federation.offering) {
    federation.offering = false;
    announced(core, now, federation, federation.outer.handle(now, { kind: "leave" }));
  }
}

// ---- the manager's own outputs

/**
 * Looks through what the manager is about to say: words to a foreign domain as an agent become words to its manager,
 * and what happens to tasks that run here for other domains is told to their homes.
 */
export function deal(core: Core, now: Instant): void {
  const { federation } = core;
  if (federation === null) return;
  for (let i = 0; i < core.out.length; i++) {
    const output = core.out[i] as ManagerOutput;
    if (output.kind === "event") {
      const { subject, what, id } = output.event;
      if (subject === "task") follow(core, now, what, id);
      else if (subject === "node" && federation.peerAt(id) === undefined) dirty(now, federation);
    } else if (output.kind === "log" && output.stream !== "weft") {
      const held = federation.inwardByTask.get(output.task);
      const peer = held === undefined ? undefined : federation.peers.get(held.domain as DomainId);
      if (held === undefined || peer === undefined) continue;
      const { at, stream, text } = output;
      const run = held.forward.launch.run;
      sayTo(core, peer, { kind: "agent", message: { kind: "log", run, at, stream, text } });
    }
  }
  core.out = core.out.flatMap((output) => {
    if (output.kind !== "send" || !output.connection.startsWith("peer:")) return [output];
    const peer = federation.peers.get(output.connection.slice("peer:".length) as DomainId);
    return peer === undefined ? [] : asPeer(core, peer, output.message);
  });
}

function dirty(now: Instant, federation: Federation): void {
  const soonest = Math.max(now, federation.toldAt + TELL_EVERY) as Instant;
  if (federation.tellAt > soonest) federation.tellAt = soonest;
}

function asPeer(core: Core, peer: Peer, message: ToAgent): readonly ManagerOutput[] {
  const to = (said: PeerMessage): ManagerOutput => ({
    kind: "to-peer",
    domain: peer.options.domain,
    message: said,
  });
  switch (message.kind) {
    case "launch": {
      const said = forward(core, message.launch);
      return said === null ? [] : [to(said)];
    }
    case "cancel":
      return [to(message)];
    case "settled": {
      if (peer.present) admit(core, peer);
      const owed = owedFor(core, core.tasks.run(message.run), peer.node);
      return [to({ kind: "settled", run: message.run, owed })];
    }
    default:
      return [];
  }
}
