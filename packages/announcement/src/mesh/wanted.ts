import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, NEVER, SECOND } from "@weft/kernel";

/** A record that some peer has and we lack. */
interface Request {
  readonly from: NodeId;
  readonly dueAt: Instant;
  readonly tries: number;
}

/** How long an answer to a request may take, and how often it is repeated. */
const REQUEST_AGAIN = SECOND;
const REQUEST_TRIES = 4;

/** The records that a mesh lacks, by key, and whom it asks for each. */
export class Wanted {
  readonly #requests = new Map<number, Request>();
  #wakeAt: Instant = NEVER;

  get wakeAt(): Instant {
    return this.#wakeAt;
  }

  /** A peer has a record that we lack; it is asked at `dueAt`, unless the record was wanted before. */
  add(dueAt: Instant, key: number, from: NodeId): void {
    if (this.#requests.has(key)) return;
    this.#requests.set(key, { from, dueAt, tries: 0 });
    this.#wakeAt = earliest(this.#wakeAt, dueAt);
  }

  delete(key: number): void {
    this.#requests.delete(key);
  }

  /** What is to be asked for now, by peer; given up where the peer is gone or was asked often enough. */
  due(now: Instant, peers: ReadonlySet<NodeId>): ReadonlyMap<NodeId, readonly number[]> {
    const byPeer = new Map<NodeId, number[]>();
    let next: Instant = NEVER;
    for (const [key, { from, dueAt, tries }] of this.#requests) {
      if (dueAt > now) {
        next = earliest(next, dueAt);
        continue;
      }
      if (tries === REQUEST_TRIES || !peers.has(from)) {
        this.#requests.delete(key);
        continue;
      }
      const again = after(now, REQUEST_AGAIN);
      this.#requests.set(key, { from, dueAt: again, tries: tries + 1 });
      next = earliest(next, again);
      const keys = byPeer.get(from);
      if (keys === undefined) byPeer.set(from, [key]);
      else keys.push(key);
    }
    this.#wakeAt = next;
    return byPeer;
  }
}
