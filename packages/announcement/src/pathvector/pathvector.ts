import type { NodeDescription, NodeId } from "@weft/infrastructure";
import {
  type Cryptography,
  earliest,
  type Instant,
  MILLISECOND,
  type Micros,
  micros,
  type PublicKey,
  type Rng,
  type Signer,
} from "@weft/kernel";
import type { AnnouncedLoad } from "../facts.ts";
import { DEFAULT_MESH_SETTINGS } from "../mesh/neighbourhood.ts";
import { RecordStore, type Stored } from "../mesh/store.ts";
import type { ParticipantInput, ParticipantOutput, SharedParticipant, Taken } from "../participant.ts";
import { type Publication, Publisher, type PublisherSettings } from "../publisher.ts";
import { type AnnouncementRecord, decodeRecord, encodeRecord } from "../record.ts";
import { type Change, View, type ViewSettings } from "../view.ts";
import { catsMetrics } from "./cats.ts";
import { Causes } from "./causes.ts";
import { type Cause, decodePathVector, encodePathVector, MAX_PATH } from "./messages.ts";
import { type Peer, Peers } from "./peers.ts";
import { type Candidate, type Destination, type ExportPolicy, type Route, TELL_ALL } from "./routes.ts";
import { DEFAULT_SESSION_SETTINGS, type SessionSettings } from "./session.ts";
import { RouteTable } from "./table.ts";

/*
 * Path-vector announcement between domains (A2, BGP's role): what a domain tells of itself travels along paths that
 * name every domain they cross.
 *
 * [PV.1] A path that names us is never used: no loops.
 * [PV.2] A route is told to a peer only where policy allows it, and taken back when it no longer does.
 * [PV.3] Whoever loses a link says so once, signed (root cause); everybody drops every route over it at once, so that
 *        nobody explores paths that are gone already.
 * [PV.4] A lost best route is replaced after `settle`, in which further causes of the same failure arrive: so a
 *        failure changes a route once where it can.
 * [PV.5] A record travels to the peers that were told a route to its origin, and is accepted by its own signature.
 */

export interface PathVectorSettings {
  readonly publisher: PublisherSettings;
  readonly view: ViewSettings;
  readonly session: SessionSettings;
  readonly settle: Micros;
  readonly maxPeers: number;
  /** Causes remembered; the oldest go first. */
  readonly maxCauses: number;
  /** Other routers speak for our domain too: what they say of it is news like any other. */
  readonly sharedOrigin: boolean;
}

export const DEFAULT_PATH_VECTOR_SETTINGS: PathVectorSettings = {
  publisher: DEFAULT_MESH_SETTINGS.publisher,
  view: DEFAULT_MESH_SETTINGS.view,
  session: DEFAULT_SESSION_SETTINGS,
  settle: micros(250 * MILLISECOND),
  maxPeers: 256,
  maxCauses: 10_000,
  sharedOrigin: false,
};

export class PathVector implements SharedParticipant {
  readonly view: View;
  readonly self: NodeId;
  /** Changes of a route in use so far: chosen, replaced, lost. */
  routeChanges = 0;
  /** Told of every such change: which origin. */
  routeTap: ((origin: NodeId) => void) | null = null;
  tap: ((taken: Taken) => void) | null = null;
  readonly #settings: PathVectorSettings;
  readonly #keyOf: (origin: NodeId) => PublicKey | null;
  readonly #policy: ExportPolicy;
  readonly #publisher: Publisher;
  readonly #store = new RecordStore();
  readonly #peers: Peers;
  readonly #table: RouteTable;
  readonly #causes: Causes;
  #description: NodeDescription | null = null;
  #boot = 0;
  /** The route told last, as bytes: it goes to one peer after another. */
  #lastRoute: { readonly best: Candidate; readonly link: number; readonly payload: Uint8Array } | null = null;
  #out: ParticipantOutput[] = [];

  /** `self` is the domain, `router` the node that speaks for it here: the domain itself where it has only one. */
  constructor(
    self: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    policy: ExportPolicy = TELL_ALL,
    settings: PathVectorSettings = DEFAULT_PATH_VECTOR_SETTINGS,
    rng: Rng | null = null,
    router: NodeId = self,
  ) {
    this.self = self;
    this.#keyOf = keyOf;
    this.#policy = policy;
    this.#settings = settings;
    this.view = new View(cryptography, keyOf, settings.view);
    this.#publisher = new Publisher(self, signer, cryptography, settings.publisher, rng);
    this.#causes = new Causes(self, signer, cryptography, keyOf, settings.maxCauses);
    this.#table = new RouteTable(settings.settle, (now, destination, before) =>
      this.#routeChanged(now, destination, before),
    );
    this.#peers = new Peers(router, settings.session, settings.maxPeers, {
      transmit: (to, bytes) => this.#out.push({ kind: "send", to, bytes }),
      up: (now, peer) => this.#up(now, peer),
      down: (now, peer) => this.#down(now, peer),
      deliver: (now, peer, payload) => this.#delivered(now, peer, payload),
    });
  }

  get stateBytes(): number {
    return this.#store.bytes;
  }

  get wakeAt(): Instant {
    const own = earliest(this.#publisher.wakeAt, this.view.wakeAt);
    return earliest(own, earliest(this.#table.wakeAt, this.#peers.wakeAt));
  }

  /** The route in use to an origin: the domains from the next one to the origin, and the delay; null: none. */
  routeTo(origin: NodeId): { readonly path: readonly NodeId[]; readonly delay: Micros } | null {
    const best = this.#table.get(origin)?.best ?? null;
    return best === null ? null : { path: best.route.path.map(({ domain }) => domain), delay: best.delay };
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    for (const record of this.#publisher.due(now)) this.#originate(now, record);
    if (this.view.wakeAt <= now) this.#changes(this.view.wake(now));
    if (this.#peers.wakeAt <= now) this.#peers.wake(now);
    if (this.#table.wakeAt <= now) this.#table.wake(now);
    return this.#take();
  }

  handle(now: Instant, input: ParticipantInput): readonly ParticipantOutput[] {
    if (this.#boot === 0) this.#boot = now;
    switch (input.kind) {
      case "publish":
        for (const record of this.#publisher.publish(now, this.#scored(input.publication)))
          this.#originate(now, record);
        break;
      case "peer_up":
        this.#peers.meet(now, input.peer, input.delay ?? micros(0), Math.max(this.#boot, now));
        break;
      case "peer_down":
        this.#peers.lose(now, input.peer);
        break;
      case "message":
        if (!this.#peers.receive(now, input.from, input.bytes)) this.view.drop("malformed");
        break;
      case "leave":
        this.#originate(now, this.#publisher.leave(now));
        break;
    }
    return this.#take();
  }

  /** Between domains a load carries its CATS scores. */
  #scored(publication: Publication): Publication {
    this.#description = publication.description ?? this.#description;
    const { load } = publication;
    if (load === undefined || this.#description === null) return publication;
    const scored: AnnouncedLoad = { ...load, metrics: catsMetrics(this.#description, load) };
    return { ...publication, load: scored };
  }

  resume(now: Instant): readonly ParticipantOutput[] {
    for (const record of this.#publisher.whole(now)) this.#originate(now, record);
    return this.#take();
  }

  rest(): void {
    this.#publisher.rest();
  }

  known(): readonly Taken[] {
    return this.#store.records();
  }

  #take(): readonly ParticipantOutput[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  // ---- sessions

  /** A new session: tell every cause and every route we may. */
  #up(now: Instant, peer: Peer): void {
    for (const cause of this.#causes.all()) this.#peers.tell(now, peer, { kind: "cause", ...cause });
    this.#tellOwn(now, peer);
    for (const destination of this.#table.all()) this.#tellRoute(now, peer, destination);
  }

  #down(now: Instant, peer: Peer): void {
    this.#table.losePeer(now, peer.id);
    this.#spreadCause(now, this.#causes.sign(peer.link), null);
  }

  // ---- what peers say

  #delivered(now: Instant, peer: Peer, payload: Uint8Array): void {
    const message = decodePathVector(payload);
    if (message === null) {
      this.view.drop("malformed");
      return;
    }
    switch (message.kind) {
      case "route":
        this.#route(now, peer, message);
        break;
      case "withdraw":
        this.#table.withdraw(now, message.origin, peer.id);
        break;
      case "records":
        for (const { record, ageUs } of message.records) this.#record(now, peer, record, ageUs);
        break;
      case "cause":
        this.#cause(now, message, peer);
        break;
    }
  }

  #route(now: Instant, peer: Peer, route: Route): void {
    const { origin, path } = route;
    const known = this.#table.get(origin);
    if (path.length === 1) peer.domain ??= origin;
    const usable =
      origin !== this.self &&
      path[0]?.domain === peer.domain &&
      path.at(-1)?.domain === origin &&
      path.length < MAX_PATH &&
      !path.some(({ domain }) => domain === this.self) &&
      !this.#causes.isGone(path) &&
      (known !== undefined || this.#table.size < this.#settings.view.maxOrigins) &&
      this.#keyOf(origin) !== null;
    if (!usable) {
      this.#table.withdraw(now, origin, peer.id);
      return;
    }
    this.#table.offer(now, origin, { peer: peer.id, route, delay: micros(route.delay + peer.delay) });
  }

  #cause(now: Instant, cause: Cause, peer: Peer): void {
    if (this.#causes.has(cause.link)) return;
    if (this.#causes.isSigned(cause)) this.#spreadCause(now, cause, peer);
    else this.view.drop("forged");
  }

  #spreadCause(now: Instant, cause: Cause, from: Peer | null): void {
    this.#causes.add(cause);
    const payload = encodePathVector({ kind: "cause", ...cause });
    for (const peer of this.#peers.all()) if (peer !== from) this.#peers.tellEncoded(now, peer, payload);
    this.#table.loseOver(now, cause);
  }

  #record(now: Instant, peer: Peer, encoded: Uint8Array, ageUs: number): void {
    const decoded = decodeRecord(encoded);
    if (!decoded.ok) {
      this.view.drop(decoded.refusal.code === "oversized" ? "oversized" : "malformed");
      return;
    }
    const record = decoded.value;
    if (record.origin === this.self) {
      if (!this.#settings.sharedOrigin) {
        this.#ownFromBefore(now, record);
        return;
      }
      this.#publisher.raiseAbove(record.sequence);
    }
    const age = micros(Math.min(ageUs + peer.delay, this.#settings.view.forgetAfter));
    const held = this.#store.get(record.origin, record.facet);
    if (held?.sequence === record.sequence) peer.has.set(held.key, held.sequence);
    const taken = this.view.accept(now, record, age);
    if (!taken.accepted) {
      // Its own, from a life whose clock was set back: it learns which number it has to outdo.
      if (held !== undefined && held.sequence > record.sequence && peer.domain === record.origin) {
        peer.has.delete(held.key);
        this.#peers.tellRecords(now, peer, [held]);
      }
      return;
    }
    this.#changes(taken.changes);
    const bornAt = (now - age) as Instant;
    const stored = this.#store.put(record, encoded, bornAt);
    peer.has.set(stored.key, stored.sequence);
    this.tap?.({ record, bornAt });
    this.#passOn(now, stored);
  }

  #ownFromBefore(now: Instant, record: AnnouncementRecord): void {
    if (!this.view.accept(now, record).accepted) return;
    this.#publisher.raiseAbove(record.sequence);
    for (const anew of this.#publisher.whole(now)) this.#originate(now, anew);
  }

  // ---- what we say

  #originate(now: Instant, record: AnnouncementRecord): void {
    const taken = this.view.accept(now, record);
    if (!taken.accepted) return;
    this.#changes(taken.changes);
    this.tap?.({ record, bornAt: now });
    this.#passOn(now, this.#store.put(record, encodeRecord(record), now));
  }

  /** Tells a new record to every peer that has a route to its origin from us and not yet the record. */
  #passOn(now: Instant, stored: Stored): void {
    const destination = this.#table.get(stored.origin);
    const alone = [stored];
    for (const peer of this.#peers.all()) {
      const told = stored.origin === this.self ? peer.session.up : destination?.told.has(peer.id);
      // The last word of who left concerns whoever may have heard of it.
      if (told || (stored.facet === "leaving" && peer.session.up)) this.#peers.tellRecords(now, peer, alone);
    }
    if (stored.facet !== "leaving" || destination === undefined) return;
    this.#table.delete(stored.origin);
    if (destination.best !== null) this.#count(stored.origin);
  }

  #count(origin: NodeId): void {
    this.routeChanges++;
    this.routeTap?.(origin);
  }

  #tellOwn(now: Instant, peer: Peer): void {
    const path = [{ domain: this.self, link: 0 }];
    this.#peers.tell(now, peer, { kind: "route", origin: this.self, path, delay: micros(0) });
    this.#peers.tellRecords(now, peer, this.#store.of(this.self));
  }

  /** Tells a peer the best route, or takes it back; nothing where it knows already. */
  #tellRoute(now: Instant, peer: Peer, destination: Destination): void {
    const { origin, best, told } = destination;
    if (!peer.session.up) return;
    const via = best === null ? undefined : this.#peers.get(best.peer);
    const allowed =
      best !== null &&
      via !== undefined &&
      best.peer !== peer.id &&
      !best.route.path.some(({ domain }) => domain === peer.domain) &&
      best.route.path.length + 1 < MAX_PATH &&
      this.#policy(best.peer, peer.id, best.route);
    if (allowed) {
      told.add(peer.id);
      this.#peers.tellEncoded(now, peer, this.#routeBytes(best, via.link));
      this.#peers.tellRecords(now, peer, this.#store.of(origin));
    } else if (told.delete(peer.id)) this.#peers.tell(now, peer, { kind: "withdraw", origin });
  }

  /** The best route as we tell it: over our session `link` with the peer we have it from. */
  #routeBytes(best: Candidate, link: number): Uint8Array {
    if (this.#lastRoute?.best === best && this.#lastRoute.link === link) return this.#lastRoute.payload;
    const path = [{ domain: this.self, link }, ...best.route.path];
    const payload = encodePathVector({ kind: "route", origin: best.route.origin, path, delay: best.delay });
    this.#lastRoute = { best, link, payload };
    return payload;
  }

  /** A route to an origin was chosen, replaced or lost. */
  #routeChanged(now: Instant, destination: Destination, before: Candidate | null): void {
    const { origin, best } = destination;
    this.#count(origin);
    if (best === null) this.#changes(this.view.lostContact(now, origin));
    else if (before === null) this.#changes(this.view.regainedContact(now, origin));
    for (const peer of this.#peers.all()) this.#tellRoute(now, peer, destination);
    if (best === null && this.view.get(origin) === undefined) this.#table.delete(origin);
  }

  #changes(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#out.push({ kind: "change", change });
      if (change.kind !== "forgotten") continue;
      for (const { key } of this.#store.of(change.origin)) {
        for (const { has } of this.#peers.all()) has.delete(key);
      }
      this.#store.delete(change.origin);
    }
  }
}
