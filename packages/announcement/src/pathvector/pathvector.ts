import type { NodeDescription, NodeId } from "@weft/infrastructure";
import {
  after,
  type Cryptography,
  earliest,
  type Instant,
  MILLISECOND,
  type Micros,
  micros,
  NEVER,
  type PublicKey,
  type Rng,
  type Signer,
} from "@weft/kernel";
import type { AnnouncedLoad } from "../facts.ts";
import { originHash } from "../mesh/messages.ts";
import { DEFAULT_MESH_SETTINGS } from "../mesh/neighbourhood.ts";
import { RecordStore, type Stored } from "../mesh/store.ts";
import type { ParticipantInput, ParticipantOutput, SharedParticipant, Taken } from "../participant.ts";
import { type Publication, Publisher, type PublisherSettings } from "../publisher.ts";
import { type AnnouncementRecord, decodeRecord, encodeRecord, fromHex, toHex } from "../record.ts";
import { type Change, View, type ViewSettings } from "../view.ts";
import { catsMetrics } from "./cats.ts";
import {
  type Cause,
  causeText,
  decodePathVector,
  encodePathVector,
  type Hop,
  MAX_PATH,
  type PathVectorMessage,
  type Route,
} from "./messages.ts";
import {
  better,
  type Candidate,
  choose,
  type Destination,
  type ExportPolicy,
  newDestination,
  TELL_ALL,
  uses,
} from "./routes.ts";
import { DEFAULT_SESSION_SETTINGS, Session, type SessionEvents, type SessionSettings } from "./session.ts";

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

interface Peer {
  readonly session: Session;
  readonly delay: Micros;
  /** Whose it is; null until it told its own route. */
  domain: NodeId | null;
  /** Name of our session with it. */
  link: number;
  /** Newest number it has of each record, by key. */
  readonly has: Map<number, number>;
}

export class PathVector implements SharedParticipant {
  readonly view: View;
  readonly self: NodeId;
  /** Changes of a route in use so far: chosen, replaced, lost. */
  routeChanges = 0;
  /** Told of every such change: which origin. */
  routeTap: ((origin: NodeId) => void) | null = null;
  tap: ((taken: Taken) => void) | null = null;
  readonly #settings: PathVectorSettings;
  readonly #signer: Signer;
  readonly #cryptography: Cryptography;
  readonly #keyOf: (origin: NodeId) => PublicKey | null;
  readonly #policy: ExportPolicy;
  readonly #publisher: Publisher;
  readonly #store = new RecordStore();
  readonly #peers = new Map<NodeId, Peer>();
  readonly #destinations = new Map<NodeId, Destination>();
  /** Causes by session, oldest first. */
  readonly #causes = new Map<number, Cause>();
  readonly #router: NodeId;
  #sessions = 0;
  #description: NodeDescription | null = null;
  #boot = 0;
  #settleAt: Instant = NEVER;
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
    this.#router = router;
    this.#signer = signer;
    this.#cryptography = cryptography;
    this.#keyOf = keyOf;
    this.#policy = policy;
    this.#settings = settings;
    this.view = new View(cryptography, keyOf, settings.view);
    this.#publisher = new Publisher(self, signer, cryptography, settings.publisher, rng);
  }

  get stateBytes(): number {
    return this.#store.bytes;
  }

  get wakeAt(): Instant {
    let at = earliest(earliest(this.#publisher.wakeAt, this.view.wakeAt), this.#settleAt);
    for (const { session } of this.#peers.values()) at = earliest(at, session.wakeAt);
    return at;
  }

  /** The route in use to an origin: the domains from the next one to the origin, and the delay; null: none. */
  routeTo(origin: NodeId): { readonly path: readonly NodeId[]; readonly delay: Micros } | null {
    const best = this.#destinations.get(origin)?.best ?? null;
    return best === null ? null : { path: best.route.path.map(({ domain }) => domain), delay: best.delay };
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    for (const record of this.#publisher.due(now)) this.#originate(now, record);
    if (this.view.wakeAt <= now) this.#changes(this.view.wake(now));
    for (const peer of [...this.#peers.values()]) {
      if (peer.session.wakeAt <= now) peer.session.wake(now, this.#eventsOf(now, peer));
    }
    if (this.#settleAt <= now) this.#settle(now);
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
        this.#linked(now, input.peer, input.delay ?? micros(0));
        break;
      case "peer_down": {
        const peer = this.#peers.get(input.peer);
        if (peer !== undefined) peer.session.lose(this.#eventsOf(now, peer));
        this.#peers.delete(input.peer);
        break;
      }
      case "message": {
        const peer = this.#peers.get(input.from);
        if (peer !== undefined && !peer.session.receive(now, input.bytes, this.#eventsOf(now, peer))) {
          this.view.drop("malformed");
        }
        break;
      }
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

  // ---- peers

  #linked(now: Instant, id: NodeId, delay: Micros): void {
    if (this.#peers.has(id) || this.#peers.size >= this.#settings.maxPeers) return;
    const session = new Session(id, Math.max(this.#boot, now), now, this.#settings.session);
    const peer: Peer = { session, delay, domain: null, link: 0, has: new Map() };
    this.#peers.set(id, peer);
    session.greet(now, this.#eventsOf(now, peer));
  }

  #eventsOf(now: Instant, peer: Peer): SessionEvents {
    const to = peer.session.peer;
    return {
      transmit: (bytes) => this.#out.push({ kind: "send", to, bytes }),
      up: () => this.#up(now, peer),
      down: () => this.#down(now, peer),
      deliver: (payload) => this.#delivered(now, peer, payload),
    };
  }

  /** A new session: tell every cause and every route we may. */
  #up(now: Instant, peer: Peer): void {
    peer.link = this.#nameSession(now, peer);
    peer.domain = null;
    peer.has.clear();
    for (const cause of this.#causes.values()) this.#tell(now, peer, { kind: "cause", ...cause });
    this.#tellOwn(now, peer);
    for (const destination of this.#destinations.values()) this.#tellRoute(now, peer, destination);
  }

  /** A number that names one session among all of this domain's: which routers, and a count that restarts differ in. */
  #nameSession(now: Instant, peer: Peer): number {
    const pair = originHash(`${this.#router}>${peer.session.peer}` as NodeId);
    return pair * 0x10_0000 + ((Math.floor(now / 1000) + this.#sessions++) % 0x10_0000);
  }

  #down(now: Instant, peer: Peer): void {
    const neighbour = peer.session.peer;
    const unsigned = { by: this.self, link: peer.link };
    const signature = fromHex(this.#signer.sign(causeText(unsigned)));
    for (const destination of this.#destinations.values()) {
      destination.told.delete(neighbour);
      if (destination.candidates.delete(neighbour)) this.#reselect(now, destination);
    }
    this.#spreadCause(now, { ...unsigned, signature }, null);
  }

  #tell(now: Instant, peer: Peer, message: PathVectorMessage): void {
    peer.session.send(now, encodePathVector(message), this.#eventsOf(now, peer));
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
      case "withdraw": {
        const destination = this.#destinations.get(message.origin);
        if (destination?.candidates.delete(peer.session.peer)) this.#reselect(now, destination);
        break;
      }
      case "records":
        for (const { record, ageUs } of message.records) this.#record(now, peer, record, ageUs);
        break;
      case "cause":
        if (this.#isNews(message) && this.#isSigned(message)) this.#spreadCause(now, message, peer);
        break;
    }
  }

  #route(now: Instant, peer: Peer, route: Route): void {
    const { origin, path } = route;
    const from = peer.session.peer;
    const known = this.#destinations.get(origin);
    if (path.length === 1) peer.domain ??= origin;
    const usable =
      origin !== this.self &&
      path[0]?.domain === peer.domain &&
      path.at(-1)?.domain === origin &&
      path.length < MAX_PATH &&
      !path.some(({ domain }) => domain === this.self) &&
      !this.#isGone(path) &&
      (known !== undefined || this.#destinations.size < this.#settings.view.maxOrigins) &&
      this.#keyOf(origin) !== null;
    if (!usable) {
      if (known?.candidates.delete(from)) this.#reselect(now, known);
      return;
    }
    const destination = known ?? newDestination(origin);
    this.#destinations.set(origin, destination);
    const delay = micros(route.delay + peer.delay);
    destination.candidates.set(from, { peer: from, route, delay });
    this.#reselect(now, destination);
  }

  #isGone(path: readonly Hop[]): boolean {
    return path.some(({ domain, link }) => this.#causes.get(link)?.by === domain);
  }

  #isNews(cause: Cause): boolean {
    return !this.#causes.has(cause.link);
  }

  #isSigned(cause: Cause): boolean {
    const key = this.#keyOf(cause.by);
    const signed = key !== null && this.#cryptography.verify(key, causeText(cause), toHex(cause.signature));
    if (!signed) this.view.drop("forged");
    return signed;
  }

  #spreadCause(now: Instant, cause: Cause, from: Peer | null): void {
    this.#causes.set(cause.link, cause);
    if (this.#causes.size > this.#settings.maxCauses) {
      this.#causes.delete(this.#causes.keys().next().value as number);
    }
    for (const peer of this.#peers.values()) {
      if (peer !== from) this.#tell(now, peer, { kind: "cause", ...cause });
    }
    for (const destination of this.#destinations.values()) {
      let lost = false;
      for (const [via, { route }] of destination.candidates) {
        if (uses(route.path, cause)) lost = destination.candidates.delete(via) || lost;
      }
      if (lost) this.#reselect(now, destination);
    }
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
        this.#tellRecords(now, peer, [held]);
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
    const destination = this.#destinations.get(stored.origin);
    for (const [id, peer] of this.#peers) {
      const told = stored.origin === this.self ? peer.session.up : destination?.told.has(id);
      // The last word of who left concerns whoever may have heard of it.
      if (told || (stored.facet === "leaving" && peer.session.up)) this.#tellRecords(now, peer, [stored]);
    }
    if (stored.facet !== "leaving" || destination === undefined) return;
    this.#destinations.delete(stored.origin);
    if (destination.best !== null) this.#count(stored.origin);
  }

  #count(origin: NodeId): void {
    this.routeChanges++;
    this.routeTap?.(origin);
  }

  #tellRecords(now: Instant, peer: Peer, stored: readonly Stored[]): void {
    const records = stored
      .filter(({ key, sequence }) => (peer.has.get(key) ?? 0) < sequence)
      .map(({ key, sequence, encoded, bornAt }) => {
        peer.has.set(key, sequence);
        return { record: encoded, ageUs: Math.max(0, now - bornAt) };
      });
    if (records.length > 0) this.#tell(now, peer, { kind: "records", records });
  }

  #tellOwn(now: Instant, peer: Peer): void {
    const path = [{ domain: this.self, link: 0 }];
    this.#tell(now, peer, { kind: "route", origin: this.self, path, delay: micros(0) });
    this.#tellRecords(now, peer, this.#store.of(this.self));
  }

  /** Tells a peer the best route, or takes it back; nothing where it knows already. */
  #tellRoute(now: Instant, peer: Peer, destination: Destination): void {
    const { origin, best, told } = destination;
    const to = peer.session.peer;
    if (!peer.session.up) return;
    const via = best === null ? undefined : this.#peers.get(best.peer);
    const allowed =
      best !== null &&
      via !== undefined &&
      best.peer !== to &&
      !best.route.path.some(({ domain }) => domain === peer.domain) &&
      best.route.path.length + 1 < MAX_PATH &&
      this.#policy(best.peer, to, best.route);
    if (allowed) {
      told.add(to);
      const path = [{ domain: this.self, link: via.link }, ...best.route.path];
      this.#tell(now, peer, { kind: "route", origin, path, delay: best.delay });
      this.#tellRecords(now, peer, this.#store.of(origin));
    } else if (told.delete(to)) this.#tell(now, peer, { kind: "withdraw", origin });
  }

  // ---- choosing

  #reselect(now: Instant, destination: Destination): void {
    const { best } = destination;
    const next = choose(destination, better);
    if (best === null) {
      if (next !== null) this.#use(now, destination, next);
      return;
    }
    const still = destination.candidates.get(best.peer);
    if (next === null) this.#use(now, destination, null);
    else if (still === undefined || !sameWay(still, best)) {
      // A better way is no failure: take it. A worse one waits for what else the failure took.
      if (still !== undefined && next === still && better(still, best)) this.#use(now, destination, next);
      else if (destination.settleAt === NEVER) {
        destination.settleAt = after(now, this.#settings.settle);
        this.#settleAt = earliest(this.#settleAt, destination.settleAt);
      }
    } else if (next !== still) this.#use(now, destination, next);
    else destination.settleAt = NEVER;
  }

  #settle(now: Instant): void {
    let next: Instant = NEVER;
    for (const destination of this.#destinations.values()) {
      if (destination.settleAt <= now) this.#use(now, destination, choose(destination, better));
      else next = earliest(next, destination.settleAt);
    }
    this.#settleAt = next;
  }

  #use(now: Instant, destination: Destination, next: Candidate | null): void {
    const { origin, best } = destination;
    destination.settleAt = NEVER;
    if (best !== null && next !== null && sameWay(best, next)) return;
    destination.best = next;
    this.#count(origin);
    if (next === null) this.#changes(this.view.lostContact(now, origin));
    else if (best === null) this.#changes(this.view.regainedContact(now, origin));
    for (const peer of this.#peers.values()) this.#tellRoute(now, peer, destination);
    if (next === null && this.view.get(origin) === undefined) this.#destinations.delete(origin);
  }

  #changes(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#out.push({ kind: "change", change });
      if (change.kind !== "forgotten") continue;
      for (const { key } of this.#store.of(change.origin)) {
        for (const { has } of this.#peers.values()) has.delete(key);
      }
      this.#store.delete(change.origin);
    }
  }
}

const sameWay = (a: Candidate, b: Candidate): boolean =>
  a.peer === b.peer &&
  a.delay === b.delay &&
  a.route.path.length === b.route.path.length &&
  a.route.path.every(
    (hop, i) => hop.domain === b.route.path[i]?.domain && hop.link === b.route.path[i]?.link,
  );
