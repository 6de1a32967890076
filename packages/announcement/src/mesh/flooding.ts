import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, MILLISECOND, type Micros, micros, NEVER, SECOND } from "@weft/kernel";
import type { ParticipantOutput } from "../participant.ts";
import { type Hint, isNewer, lowOf, type MeshMessage } from "./messages.ts";
import type { Neighbourhood, Spread } from "./neighbourhood.ts";
import type { Stored } from "./store.ts";

/*
 * Reliable flooding, the IGP's way (OSPFv2, RFC 2328 section 13), with one saving.
 *
 * [FLOOD.1] A new record goes to every neighbour but the one it came from, at once.
 * [FLOOD.2] It is sent again until acknowledged, superseded, or the neighbour is gone. The same record coming back
 *           is an acknowledgement; others are gathered and sent together.
 * [FLOOD.3] Where two copies of one origin's record crossed on a link, next time only the neighbour of lower id sends,
 *           after a moment in which the record usually comes by a faster way. So a record passes each link once, not twice.
 * [FLOOD.4] What waits for acknowledgement is bounded by neighbours times records held.
 */

export interface FloodingTimes {
  readonly resend: Micros;
  readonly acknowledge: Micros;
  /** Wait of the lower id on a link where copies crossed. */
  readonly hold: Micros;
  /** Wait of the higher one, in case the lower does not send. */
  readonly longHold: Micros;
}

export const DEFAULT_FLOODING_TIMES: FloodingTimes = {
  resend: SECOND,
  acknowledge: micros(50 * MILLISECOND),
  hold: micros(20 * MILLISECOND),
  longHold: micros(200 * MILLISECOND),
};

interface Unacknowledged {
  readonly stored: Stored;
  readonly dueAt: Instant;
  /** It has been sent; else it is held because copies crossed here before. */
  readonly sent: boolean;
}

interface Neighbour {
  readonly unacknowledged: Map<number, Unacknowledged>;
  /** Owed acknowledgements, key to low number. */
  owed: Map<number, number>;
  /** Origins whose copies crossed on this link. */
  readonly crossed: Set<number>;
}

export class Flooding implements Spread {
  readonly #mesh: Neighbourhood;
  readonly #times: FloodingTimes;
  readonly #neighbours = new Map<NodeId, Neighbour>();
  #wakeAt: Instant = NEVER;

  constructor(mesh: Neighbourhood, times: FloodingTimes = DEFAULT_FLOODING_TIMES) {
    this.#mesh = mesh;
    this.#times = times;
  }

  get wakeAt(): Instant {
    return this.#wakeAt;
  }

  peerUp(_now: Instant, peer: NodeId): void {
    this.#neighbours.set(peer, { unacknowledged: new Map(), owed: new Map(), crossed: new Set() });
  }

  peerDown(_now: Instant, peer: NodeId): void {
    this.#neighbours.delete(peer);
    // The way round has changed for everybody: what crossed before may be the only way now.
    for (const neighbour of this.#neighbours.values()) neighbour.crossed.clear();
  }

  fresh(now: Instant, stored: Stored, from: NodeId | null, out: ParticipantOutput[]): void {
    for (const [peer, neighbour] of this.#neighbours) {
      if (peer === from) {
        neighbour.unacknowledged.delete(stored.key);
        this.#owe(now, neighbour, stored);
        continue;
      }
      const held = neighbour.crossed.has(stored.originHash);
      const wait = held ? this.#holdTowards(peer) : this.#times.resend;
      const dueAt = after(now, wait);
      neighbour.unacknowledged.set(stored.key, { stored, dueAt, sent: !held });
      this.#wakeAt = earliest(this.#wakeAt, dueAt);
      if (!held) this.#mesh.push(now, peer, [stored], out);
    }
  }

  duplicate(now: Instant, stored: Stored, from: NodeId): void {
    const neighbour = this.#neighbours.get(from);
    if (neighbour === undefined) return;
    const waiting = neighbour.unacknowledged.get(stored.key);
    if (waiting?.sent) {
      // Our copy is its acknowledgement, its copy ours.
      neighbour.crossed.add(stored.originHash);
    } else this.#owe(now, neighbour, stored);
    neighbour.unacknowledged.delete(stored.key);
  }

  message(_now: Instant, from: NodeId, message: MeshMessage): void {
    if (message.kind !== "acknowledge") return;
    const unacknowledged = this.#neighbours.get(from)?.unacknowledged;
    for (const { key, low } of message.hints) {
      const waiting = unacknowledged?.get(key);
      if (waiting !== undefined && !isNewer(lowOf(waiting.stored.sequence), low)) unacknowledged?.delete(key);
    }
  }

  forget(gone: readonly Stored[]): void {
    for (const { key, originHash } of gone) {
      for (const neighbour of this.#neighbours.values()) {
        neighbour.unacknowledged.delete(key);
        neighbour.crossed.delete(originHash);
      }
    }
  }

  wake(now: Instant, out: ParticipantOutput[]): void {
    let next: Instant = NEVER;
    for (const [peer, neighbour] of this.#neighbours) {
      if (neighbour.owed.size > 0) {
        const hints: Hint[] = [...neighbour.owed].map(([key, low]) => ({ key, low }));
        neighbour.owed.clear();
        this.#mesh.send(now, peer, { kind: "acknowledge", hints }, out);
      }
      const due: Stored[] = [];
      for (const [key, { stored, dueAt, sent }] of neighbour.unacknowledged) {
        if (dueAt <= now) {
          due.push(stored);
          if (sent) neighbour.crossed.delete(stored.originHash);
          neighbour.unacknowledged.set(key, { stored, dueAt: after(now, this.#times.resend), sent: true });
        }
        next = earliest(next, dueAt <= now ? after(now, this.#times.resend) : dueAt);
      }
      if (due.length > 0) this.#mesh.push(now, peer, due, out);
    }
    this.#wakeAt = next;
  }

  #owe(now: Instant, neighbour: Neighbour, stored: Stored): void {
    neighbour.owed.set(stored.key, lowOf(stored.sequence));
    this.#wakeAt = earliest(this.#wakeAt, after(now, this.#times.acknowledge));
  }

  #holdTowards(peer: NodeId): Micros {
    return this.#mesh.self < peer ? this.#times.hold : this.#times.longHold;
  }
}
