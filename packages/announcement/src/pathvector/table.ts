import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, type Micros, NEVER } from "@weft/kernel";
import type { Cause } from "./messages.ts";
import { better, type Candidate, choose, type Destination, newDestination, uses } from "./routes.ts";

/** Told when another route to an origin is in use, or none; `before` is the one that was. */
export type RouteChanged = (now: Instant, destination: Destination, before: Candidate | null) => void;

/**
 * The ways to every origin and the choice among them: what peers offered, what is in use, and what a lost route waits
 * for before another takes its place.
 */
export class RouteTable {
  readonly #settle: Micros;
  readonly #changed: RouteChanged;
  readonly #destinations = new Map<NodeId, Destination>();
  #settleAt: Instant = NEVER;

  constructor(settle: Micros, changed: RouteChanged) {
    this.#settle = settle;
    this.#changed = changed;
  }

  get size(): number {
    return this.#destinations.size;
  }

  /** When a lost route is replaced, `NEVER` where none waits. */
  get wakeAt(): Instant {
    return this.#settleAt;
  }

  get(origin: NodeId): Destination | undefined {
    return this.#destinations.get(origin);
  }

  all(): IterableIterator<Destination> {
    return this.#destinations.values();
  }

  delete(origin: NodeId): void {
    this.#destinations.delete(origin);
  }

  /** A peer offers a way. */
  offer(now: Instant, origin: NodeId, candidate: Candidate): void {
    let destination = this.#destinations.get(origin);
    if (destination === undefined) {
      destination = newDestination(origin);
      this.#destinations.set(origin, destination);
    }
    destination.candidates.set(candidate.peer, candidate);
    this.#reselect(now, destination);
  }

  /** A peer's way is no more. */
  withdraw(now: Instant, origin: NodeId, peer: NodeId): void {
    const destination = this.#destinations.get(origin);
    if (destination?.candidates.delete(peer)) this.#reselect(now, destination);
  }

  /** A peer is gone, with all its ways. */
  losePeer(now: Instant, peer: NodeId): void {
    for (const destination of this.#destinations.values()) {
      destination.told.delete(peer);
      if (destination.candidates.delete(peer)) this.#reselect(now, destination);
    }
  }

  /** Every way over a session that is lost goes at once. */
  loseOver(now: Instant, cause: Cause): void {
    for (const destination of this.#destinations.values()) {
      let lost = false;
      for (const [via, { route }] of destination.candidates) {
        if (uses(route.path, cause)) lost = destination.candidates.delete(via) || lost;
      }
      if (lost) this.#reselect(now, destination);
    }
  }

  /** Replaces the lost routes that have waited long enough. */
  wake(now: Instant): void {
    let next: Instant = NEVER;
    for (const destination of this.#destinations.values()) {
      if (destination.settleAt <= now) this.#use(now, destination, choose(destination, better));
      else next = earliest(next, destination.settleAt);
    }
    this.#settleAt = next;
  }

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
        destination.settleAt = after(now, this.#settle);
        this.#settleAt = earliest(this.#settleAt, destination.settleAt);
      }
    } else if (next !== still) this.#use(now, destination, next);
    else destination.settleAt = NEVER;
  }

  #use(now: Instant, destination: Destination, next: Candidate | null): void {
    const { best } = destination;
    destination.settleAt = NEVER;
    if (best !== null && next !== null && sameWay(best, next)) return;
    destination.best = next;
    this.#changed(now, destination, best);
  }
}

const sameWay = (a: Candidate, b: Candidate): boolean =>
  a.peer === b.peer &&
  a.delay === b.delay &&
  a.route.path.length === b.route.path.length &&
  a.route.path.every(
    (hop, i) => hop.domain === b.route.path[i]?.domain && hop.link === b.route.path[i]?.link,
  );
