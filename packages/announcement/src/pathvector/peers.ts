import type { NodeId } from "@weft/infrastructure";
import { earliest, type Instant, type Micros, NEVER } from "@weft/kernel";
import { originHash } from "../mesh/messages.ts";
import type { Stored } from "../mesh/store.ts";
import { encodePathVector, type PathVectorMessage } from "./messages.ts";
import { Session, type SessionSettings } from "./session.ts";

/** A neighbouring router, the session with it, and what it has of us. */
export interface Peer {
  readonly id: NodeId;
  readonly session: Session;
  readonly delay: Micros;
  /** Whose it is; null until it told its own route. */
  domain: NodeId | null;
  /** Name of our session with it. */
  link: number;
  /** Newest number it has of each record, by key. */
  readonly has: Map<number, number>;
}

export interface PeerEvents {
  transmit(to: NodeId, bytes: Uint8Array): void;
  up(now: Instant, peer: Peer): void;
  down(now: Instant, peer: Peer): void;
  deliver(now: Instant, peer: Peer, payload: Uint8Array): void;
}

/** The peers of one router, and what is said to them over their sessions. */
export class Peers {
  readonly #router: NodeId;
  readonly #settings: SessionSettings;
  readonly #most: number;
  readonly #events: PeerEvents;
  readonly #peers = new Map<NodeId, Peer>();
  #sessions = 0;
  /** No session wakes sooner. Sessions mostly put their waking off, which is seen when it comes. */
  #wakeAt: Instant = NEVER;
  /** What was encoded last: a record or a route goes to one peer after another. */
  #lastRecord: { readonly stored: Stored; readonly at: Instant; readonly payload: Uint8Array } | null = null;

  constructor(router: NodeId, settings: SessionSettings, most: number, events: PeerEvents) {
    this.#router = router;
    this.#settings = settings;
    this.#most = most;
    this.#events = events;
  }

  get wakeAt(): Instant {
    return this.#wakeAt;
  }

  get(id: NodeId): Peer | undefined {
    return this.#peers.get(id);
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  /** Meets a router; ignored beyond the most that there may be. `boot` numbers our life. */
  meet(now: Instant, id: NodeId, delay: Micros, boot: number): void {
    if (this.#peers.has(id) || this.#peers.size >= this.#most) return;
    const session = new Session(id, boot, now, this.#settings, {
      transmit: (bytes) => this.#events.transmit(id, bytes),
      up: (at) => {
        peer.link = this.#nameSession(at, id);
        peer.domain = null;
        peer.has.clear();
        this.#events.up(at, peer);
      },
      down: (at) => this.#events.down(at, peer),
      deliver: (at, payload) => this.#events.deliver(at, peer, payload),
    });
    const peer: Peer = { id, session, delay, domain: null, link: 0, has: new Map() };
    this.#peers.set(id, peer);
    session.greet(now);
    this.#wakeAt = earliest(this.#wakeAt, session.wakeAt);
  }

  /** The transport says that a router is gone. */
  lose(now: Instant, id: NodeId): void {
    this.#peers.get(id)?.session.lose(now);
    this.#peers.delete(id);
  }

  /** Bytes from a router; false where they are no segment of a session. */
  receive(now: Instant, id: NodeId, bytes: Uint8Array): boolean {
    const session = this.#peers.get(id)?.session;
    if (session === undefined) return true;
    const understood = session.receive(now, bytes);
    this.#wakeAt = earliest(this.#wakeAt, session.wakeAt);
    return understood;
  }

  wake(now: Instant): void {
    for (const { session } of [...this.#peers.values()]) if (session.wakeAt <= now) session.wake(now);
    this.#wakeAt = NEVER;
    for (const { session } of this.#peers.values()) this.#wakeAt = earliest(this.#wakeAt, session.wakeAt);
  }

  tell(now: Instant, peer: Peer, message: PathVectorMessage): void {
    this.tellEncoded(now, peer, encodePathVector(message));
  }

  tellEncoded(now: Instant, { session }: Peer, payload: Uint8Array): void {
    session.send(now, payload);
    this.#wakeAt = earliest(this.#wakeAt, session.wakeAt);
  }

  /** Tells those of the records that the peer does not have yet. */
  tellRecords(now: Instant, peer: Peer, stored: readonly Stored[]): void {
    const news = stored.filter(({ key, sequence }) => (peer.has.get(key) ?? 0) < sequence);
    for (const { key, sequence } of news) peer.has.set(key, sequence);
    const only = news[0];
    if (only === undefined) return;
    this.tellEncoded(now, peer, news.length === 1 ? this.#alone(now, only) : encodeRecords(now, news));
  }

  #alone(now: Instant, stored: Stored): Uint8Array {
    const last = this.#lastRecord;
    if (last?.stored === stored && last.at === now) return last.payload;
    const payload = encodeRecords(now, [stored]);
    this.#lastRecord = { stored, at: now, payload };
    return payload;
  }

  /** A number that names one session among all of a domain's: which routers, and a count that restarts differ in. */
  #nameSession(now: Instant, peer: NodeId): number {
    const pair = originHash(`${this.#router}>${peer}` as NodeId);
    return pair * 0x10_0000 + ((Math.floor(now / 1000) + this.#sessions++) % 0x10_0000);
  }
}

const encodeRecords = (now: Instant, stored: readonly Stored[]): Uint8Array =>
  encodePathVector({
    kind: "records",
    records: stored.map(({ encoded, bornAt }) => ({ record: encoded, ageUs: Math.max(0, now - bornAt) })),
  });
