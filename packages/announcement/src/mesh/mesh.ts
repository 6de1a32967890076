import type { NodeId } from "@weft/infrastructure";
import {
  after,
  type Cryptography,
  earliest,
  type Instant,
  type Micros,
  micros,
  NEVER,
  type PublicKey,
  type Rng,
  SECOND,
  type Signer,
} from "@weft/kernel";
import type { ParticipantInput, ParticipantOutput, SharedParticipant, Taken } from "../participant.ts";
import { Publisher } from "../publisher.ts";
import { type AnnouncementRecord, decodeRecord, encodeRecord } from "../record.ts";
import { type Change, View } from "../view.ts";
import { type Contact, newContact } from "./contact.ts";
import { type Carried, decodeMesh, encodeMesh, keyHash, type MeshMessage, originHash } from "./messages.ts";
import {
  DEFAULT_MESH_SETTINGS,
  type MeshSettings,
  type Neighbourhood,
  type Spread,
} from "./neighbourhood.ts";
import { RecordStore, type Stored } from "./store.ts";
import { compared, type Summary, summaryOf } from "./summary.ts";
import { Wanted } from "./wanted.ts";

/*
 * Neighbours that keep each other's records: contact, database synchronisation, ageing. How a new record goes on
 * from here is the spread's affair: flooding (link-state) or trees (canopy).
 *
 * [MESH.1] A record is passed on once it was verified, and never twice for the same number.
 * [MESH.2] On contact, and after a partition, both sides end up with the newest of what either held.
 * [MESH.3] A peer unheard for its lifetime is treated as gone until it is heard again.
 * [MESH.4] A participant that meets a number of its own that it does not remember counts on from above it.
 * [MESH.5] What the view forgets, the store forgets.
 */

/** Bytes of records or summary put into one message. */
const MESSAGE_BYTES = 16_000;
/** How long the last word of an origin that left is kept for those who have not heard it. */
const FAREWELL_KEPT = micros(60 * SECOND);

export class Mesh implements SharedParticipant, Neighbourhood {
  readonly view: View;
  readonly self: NodeId;
  readonly peers = new Set<NodeId>();
  readonly store = new RecordStore();
  readonly publisher: Publisher;
  readonly #settings: MeshSettings;
  readonly #contacts = new Map<NodeId, Contact>();
  readonly #arrivedAt = new Map<number, Instant>();
  readonly #spread: Spread;
  tap: ((taken: Taken) => void) | null = null;
  #boot = 0;
  #helloAt: Instant = NEVER;
  /** By origin: how long its news takes to here by the fastest way lately, microseconds. */
  readonly #distances = new Map<NodeId, number>();
  readonly #wanted = new Wanted();
  #lastAlone: { readonly stored: Stored; readonly at: Instant; readonly bytes: Uint8Array } | null = null;
  /** Who left, and when, oldest first. */
  readonly #farewells = new Map<NodeId, Instant>();

  constructor(
    self: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    spread: (neighbourhood: Neighbourhood) => Spread,
    settings: MeshSettings = DEFAULT_MESH_SETTINGS,
    rng: Rng | null = null,
  ) {
    this.self = self;
    this.#settings = settings;
    this.view = new View(cryptography, keyOf, settings.view);
    this.publisher = new Publisher(self, signer, cryptography, settings.publisher, rng);
    this.#spread = spread(this);
  }

  get stateBytes(): number {
    return this.store.bytes;
  }

  get wakeAt(): Instant {
    const own = earliest(this.publisher.wakeAt, this.view.wakeAt);
    return earliest(earliest(own, this.#wanted.wakeAt), earliest(this.#helloAt, this.#spread.wakeAt));
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    const out: ParticipantOutput[] = [];
    for (const record of this.publisher.due(now)) this.originate(now, record, out);
    if (this.view.wakeAt <= now) this.#changes(this.view.wake(now), out);
    if (this.#helloAt <= now) this.#beat(now, out);
    if (this.#wanted.wakeAt <= now) this.#request(now, out);
    if (this.#spread.wakeAt <= now) this.#spread.wake(now, out);
    return out;
  }

  handle(now: Instant, input: ParticipantInput): readonly ParticipantOutput[] {
    if (this.#boot === 0) this.#boot = now;
    const out: ParticipantOutput[] = [];
    switch (input.kind) {
      case "publish":
        for (const record of this.publisher.publish(now, input.publication)) this.originate(now, record, out);
        break;
      case "peer_up":
        this.#linked(now, input.peer, input.delay ?? micros(0), out);
        break;
      case "peer_down": {
        const contact = this.#contacts.get(input.peer);
        if (contact !== undefined) this.#lose(now, input.peer, contact, out);
        this.#contacts.delete(input.peer);
        break;
      }
      case "message":
        this.#message(now, input.from, input.bytes, out);
        break;
      case "leave":
        this.originate(now, this.publisher.leave(now), out);
        break;
    }
    return out;
  }

  /** How long news of an origin takes to here, about its one-way delay; 0 while unknown. */
  distance(origin: NodeId): Micros {
    return micros(this.#distances.get(origin) ?? 0);
  }

  /** Stores and spreads a record made here. */
  originate(now: Instant, record: AnnouncementRecord, out: ParticipantOutput[]): void {
    this.#take(now, record, encodeRecord(record), micros(0), null, out);
  }

  /** Brings in a record of another mesh that we vouch for having verified there; it is as old here as it was there. */
  bring(now: Instant, { record, bornAt }: Taken, out: ParticipantOutput[]): void {
    this.#take(now, record, encodeRecord(record), micros(Math.max(0, now - bornAt)), null, out);
  }

  resume(now: Instant): readonly ParticipantOutput[] {
    const out: ParticipantOutput[] = [];
    for (const record of this.publisher.whole(now)) this.originate(now, record, out);
    return out;
  }

  rest(): void {
    this.publisher.rest();
  }

  known(): readonly Taken[] {
    return this.store.records();
  }

  push(now: Instant, to: NodeId, stored: readonly Stored[], out: ParticipantOutput[]): void {
    const only = stored[0];
    if (stored.length === 1 && only !== undefined) {
      this.#post(now, to, this.#alone(now, only), out);
      return;
    }
    let carried: Carried[] = [];
    let size = 0;
    for (const { encoded, bornAt } of stored) {
      if (size > 0 && size + encoded.length > MESSAGE_BYTES) {
        this.send(now, to, { kind: "records", carried }, out);
        carried = [];
        size = 0;
      }
      carried.push({ record: encoded, ageUs: Math.max(0, now - bornAt) });
      size += encoded.length;
    }
    if (carried.length > 0) this.send(now, to, { kind: "records", carried }, out);
  }

  send(now: Instant, to: NodeId, message: MeshMessage, out: ParticipantOutput[]): void {
    this.#post(now, to, encodeMesh(message), out);
  }

  #post(now: Instant, to: NodeId, bytes: Uint8Array, out: ParticipantOutput[]): void {
    const contact = this.#contacts.get(to);
    if (contact !== undefined) contact.sentAt = now;
    out.push({ kind: "send", to, bytes });
  }

  /** The message with one record alone: the same for every neighbour at one instant. */
  #alone(now: Instant, stored: Stored): Uint8Array {
    if (this.#lastAlone?.stored === stored && this.#lastAlone.at === now) return this.#lastAlone.bytes;
    const carried = [{ record: stored.encoded, ageUs: Math.max(0, now - stored.bornAt) }];
    const bytes = encodeMesh({ kind: "records", carried });
    this.#lastAlone = { stored, at: now, bytes };
    return bytes;
  }

  // ---- contacts

  #linked(now: Instant, peer: NodeId, delay: Micros, out: ParticipantOutput[]): void {
    if (!this.#contacts.has(peer) && this.#contacts.size >= this.#settings.maxPeers) return;
    const contact = this.#contacts.get(peer) ?? newContact(now, delay);
    this.#contacts.set(peer, contact);
    this.#hello(now, peer, contact, out, true);
    if (this.#helloAt === NEVER) this.#helloAt = after(now, this.#settings.helloEvery);
  }

  #hello(now: Instant, peer: NodeId, contact: Contact, out: ParticipantOutput[], ask = false): void {
    this.send(now, peer, { kind: "hello", boot: this.#boot, knows: contact.read, ask }, out);
  }

  /** Signs of life where nothing else was said, summaries again until they were read, peers that fell silent. */
  #beat(now: Instant, out: ParticipantOutput[]): void {
    const { helloEvery, peerLifetime } = this.#settings;
    for (const [peer, contact] of this.#contacts) {
      if (contact.up && now - contact.heardAt >= peerLifetime) this.#lose(now, peer, contact, out);
      if (contact.up && !contact.told && now - contact.summaryAt >= helloEvery) {
        this.#summary(now, peer, contact, out);
      }
      if (now - contact.sentAt >= helloEvery * 0.9) this.#hello(now, peer, contact, out);
    }
    for (const [origin, at] of this.#farewells) {
      if (now - at < FAREWELL_KEPT) break;
      this.#farewells.delete(origin);
      if (this.view.get(origin) === undefined) this.store.delete(origin);
    }
    this.#helloAt = after(now, helloEvery);
  }

  #lose(now: Instant, peer: NodeId, contact: Contact, out: ParticipantOutput[]): void {
    if (!contact.up) return;
    contact.up = false;
    contact.told = false;
    contact.read = 0;
    contact.parts.clear();
    contact.boot = 0;
    this.peers.delete(peer);
    this.#spread.peerDown(now, peer, out);
  }

  /** First word of a new life of the peer's: tell it all we hold, and learn what it holds. */
  #greet(now: Instant, peer: NodeId, contact: Contact, boot: number, out: ParticipantOutput[]): void {
    if (contact.up) this.#lose(now, peer, contact, out);
    contact.boot = boot;
    contact.up = true;
    this.peers.add(peer);
    this.#hello(now, peer, contact, out);
    this.#spread.peerUp(now, peer, out);
    this.#summary(now, peer, contact, out);
  }

  #summary(now: Instant, peer: NodeId, contact: Contact, out: ParticipantOutput[]): void {
    contact.summaryAt = now;
    for (const message of summaryOf(this.store, this.#boot)) this.send(now, peer, message, out);
  }

  #readSummary(
    now: Instant,
    from: NodeId,
    contact: Contact,
    message: Summary,
    out: ParticipantOutput[],
  ): void {
    const { lacking, newer } = compared(message.held, this.store, this.view);
    for (const key of lacking) this.#wanted.add(now, key, from);
    if (this.#wanted.wakeAt <= now) this.#request(now, out);
    if (newer.length > 0) this.push(now, from, newer, out);
    contact.parts.add(message.part);
    if (contact.parts.size >= message.of && contact.read !== message.boot) {
      contact.read = message.boot;
      this.#hello(now, from, contact, out);
    }
  }

  #request(now: Instant, out: ParticipantOutput[]): void {
    for (const [peer, keys] of this.#wanted.due(now, this.peers))
      this.send(now, peer, { kind: "request", keys }, out);
  }

  // ---- messages and records

  #message(now: Instant, from: NodeId, bytes: Uint8Array, out: ParticipantOutput[]): void {
    const contact = this.#contacts.get(from);
    if (contact === undefined) return;
    const message = decodeMesh(bytes);
    if (message === null) {
      this.view.drop("malformed");
      return;
    }
    contact.heardAt = now;
    if (message.kind === "hello") {
      if (message.boot !== contact.boot) this.#greet(now, from, contact, message.boot, out);
      else if (message.ask) this.#hello(now, from, contact, out);
      // A peer that lost us meanwhile has forgotten what it read.
      contact.told = message.knows === this.#boot;
      return;
    }
    if (!contact.up) {
      this.#hello(now, from, contact, out, true);
      return;
    }
    switch (message.kind) {
      case "records":
        for (const { record, ageUs } of message.carried)
          this.#carried(now, from, contact, record, ageUs, out);
        break;
      case "summary":
        if (message.boot === contact.boot) this.#readSummary(now, from, contact, message, out);
        break;
      case "request": {
        const asked = message.keys
          .map((key) => this.store.byKey(key))
          .filter((stored) => stored !== undefined);
        if (asked.length > 0) this.push(now, from, asked, out);
        break;
      }
      default:
        this.#spread.message(now, from, message, out);
    }
  }

  #carried(
    now: Instant,
    from: NodeId,
    contact: Contact,
    encoded: Uint8Array,
    ageUs: number,
    out: ParticipantOutput[],
  ): void {
    const decoded = decodeRecord(encoded);
    if (!decoded.ok) {
      this.view.drop(decoded.refusal.code === "oversized" ? "oversized" : "malformed");
      return;
    }
    const record = decoded.value;
    const held = this.store.get(record.origin, record.facet);
    if (held !== undefined && held.sequence >= record.sequence) {
      this.view.drop(held.sequence === record.sequence ? "duplicate" : "stale");
      if (held.sequence === record.sequence) this.#spread.duplicate(now, held, from, out);
      else this.push(now, from, [held], out);
      return;
    }
    if (record.origin === this.self) {
      if (!this.#settings.sharedOrigin) {
        this.#ownFromBefore(now, record, out);
        return;
      }
      this.publisher.raiseAbove(record.sequence);
    }
    const age = micros(Math.min(ageUs + contact.delay, this.#settings.view.forgetAfter));
    this.#take(now, record, encoded, age, from, out);
  }

  /** Somebody still holds what we said in an earlier life: say anew what holds now. */
  #ownFromBefore(now: Instant, record: AnnouncementRecord, out: ParticipantOutput[]): void {
    const taken = this.view.accept(now, record);
    if (!taken.accepted) return; // forged in our name
    this.publisher.raiseAbove(record.sequence);
    for (const anew of this.publisher.whole(now)) this.originate(now, anew, out);
  }

  #take(
    now: Instant,
    record: AnnouncementRecord,
    encoded: Uint8Array,
    age: Micros,
    from: NodeId | null,
    out: ParticipantOutput[],
  ): void {
    const key = keyHash(originHash(record.origin), record.facet);
    const arrived = this.#arrivedAt.get(key);
    if (from !== null && arrived !== undefined && now - arrived < this.#settings.leastArrival) {
      this.view.drop("too_fast");
      this.#wanted.add(after(now, this.#settings.leastArrival), key, from);
      return;
    }
    const taken = this.view.accept(now, record, age);
    if (!taken.accepted) return;
    this.#wanted.delete(key);
    this.#changes(taken.changes, out);
    if (record.facet === "leaving") this.#farewells.set(record.origin, now);
    else {
      this.#arrivedAt.set(key, now);
      this.store.drop(record.origin, "leaving");
      this.#farewells.delete(record.origin);
    }
    const bornAt = (now - age) as Instant;
    const stored = this.store.put(record, encoded, bornAt);
    this.#measure(record, age);
    this.tap?.({ record, bornAt });
    this.#spread.fresh(now, stored, from, out);
    if (from === null) return;
    for (const facet of taken.missing) this.#wanted.add(now, keyHash(stored.originHash, facet), from);
    if (this.#wanted.wakeAt <= now) this.#request(now, out);
  }

  /** Heartbeats come by every way and so by the fastest; others only ever show that there is a faster one. */
  #measure(record: AnnouncementRecord, age: Micros): void {
    const known = this.#distances.get(record.origin);
    if (known === undefined || age < known || record.facet === "alive")
      this.#distances.set(record.origin, age);
  }

  #changes(changes: readonly Change[], out: ParticipantOutput[]): void {
    for (const change of changes) {
      out.push({ kind: "change", change });
      if (change.kind !== "forgotten") continue;
      const gone = this.store.of(change.origin);
      this.#spread.forget(gone);
      for (const { key } of gone) this.#arrivedAt.delete(key);
      this.#distances.delete(change.origin);
      this.store.delete(change.origin);
    }
  }
}
