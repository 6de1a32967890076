import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, MILLISECOND, type Micros, micros, NEVER, SECOND } from "@weft/kernel";
import { bytes, maybe, number, required, struct } from "../schema.ts";
import { Reader, Writer } from "../wire.ts";

/*
 * Messages in order and without loss between two peers, over a transport that may lose, repeat and reorder: what
 * BGP has from TCP. A new life of either side begins a new session, with nothing carried over; lives are numbered by the
 * clock, and one that began with its clock set back learns from the other side which number to outdo.
 *
 * [SES.1] What was sent in a session is delivered once and in order, or the session ends.
 * [SES.2] A peer unheard for its lifetime ends the session; its next word begins a new one.
 * [SES.3] At most `window` messages wait for acknowledgement; a session that needs more ends.
 */

export interface SessionSettings {
  readonly helloEvery: Micros;
  readonly lifetime: Micros;
  readonly resend: Micros;
  readonly acknowledge: Micros;
  readonly window: number;
}

export const DEFAULT_SESSION_SETTINGS: SessionSettings = {
  helloEvery: SECOND,
  lifetime: micros(3.5 * SECOND),
  resend: micros(400 * MILLISECOND),
  acknowledge: micros(40 * MILLISECOND),
  window: 65_536,
};

interface Segment {
  /** Life of the sender, and the sender's idea of the receiver's; 0 unknown. */
  readonly boot: number;
  readonly peer: number;
  /** Number of the payload, from 1; 0 without one. */
  readonly number: number;
  /** Every payload up to this one has arrived. */
  readonly acknowledged: number;
  readonly payload: Uint8Array | undefined;
}

const VERSION = 1;
const layout = struct<Segment>({
  boot: required(1, number()),
  peer: required(2, number()),
  number: required(3, number()),
  acknowledged: required(4, number()),
  payload: maybe(5, bytes),
});

/** What a session asks of, and tells, whoever holds it. */
export interface SessionEvents {
  transmit(segment: Uint8Array): void;
  up(now: Instant): void;
  down(now: Instant): void;
  deliver(now: Instant, payload: Uint8Array): void;
}

export class Session {
  readonly peer: NodeId;
  readonly #settings: SessionSettings;
  readonly #events: SessionEvents;
  /** Names this session of ours: raised when one ends, so that the other side ends it too. */
  #boot: number;
  #theirs = 0;
  #up = false;
  #sent = 0;
  #waiting: { readonly number: number; readonly payload: Uint8Array }[] = [];
  #resendAt: Instant = NEVER;
  #backoff = 1;
  #delivered = 0;
  readonly #early = new Map<number, Uint8Array>();
  #acknowledgeAt: Instant = NEVER;
  #heardAt: Instant;
  #saidAt: Instant;

  constructor(peer: NodeId, boot: number, now: Instant, settings: SessionSettings, events: SessionEvents) {
    this.peer = peer;
    this.#boot = boot;
    this.#settings = settings;
    this.#events = events;
    this.#heardAt = now;
    this.#saidAt = now;
  }

  get up(): boolean {
    return this.#up;
  }

  get wakeAt(): Instant {
    const life = this.#up ? after(this.#heardAt, this.#settings.lifetime) : NEVER;
    const hello = after(this.#saidAt, this.#settings.helloEvery);
    return earliest(earliest(life, hello), earliest(this.#resendAt, this.#acknowledgeAt));
  }

  /** Says hello; answers come by `receive`. */
  greet(now: Instant): void {
    this.#say(now, 0, undefined);
  }

  /** Queues a payload; ignored while the session is down. */
  send(now: Instant, payload: Uint8Array): void {
    if (!this.#up) return;
    if (this.#waiting.length >= this.#settings.window) {
      this.#end(now);
      return;
    }
    const entry = { number: ++this.#sent, payload };
    this.#waiting.push(entry);
    if (this.#resendAt === NEVER) this.#resendAt = after(now, this.#settings.resend);
    this.#say(now, entry.number, payload);
  }

  receive(now: Instant, encoded: Uint8Array): boolean {
    const reader = new Reader(encoded);
    if (reader.byte() !== VERSION) return false;
    const segment = layout.read(reader);
    if (reader.bad) return false;
    this.#heardAt = now;
    if (segment.boot < this.#theirs) {
      // From a life that is over, or from one whose clock was set back: the answer tells it what it has to outdo.
      this.#say(now, 0, undefined);
      return true;
    }
    if (segment.boot > this.#theirs) {
      this.#end(now);
      this.#theirs = segment.boot;
      this.#say(now, 0, undefined);
    }
    if (segment.peer > this.#boot && segment.peer < Number.MAX_SAFE_INTEGER) {
      this.#boot = segment.peer + 1;
      this.#say(now, 0, undefined);
      return true;
    }
    if (segment.peer !== this.#boot) {
      if (segment.peer !== 0 || this.#up) this.#say(now, 0, undefined);
      return true;
    }
    if (!this.#up) {
      this.#up = true;
      this.#say(now, 0, undefined);
      this.#events.up(now);
    }
    this.#acknowledged(now, segment.acknowledged);
    if (segment.number > 0 && segment.payload !== undefined)
      this.#payload(now, segment.number, segment.payload);
    return true;
  }

  wake(now: Instant): void {
    if (this.#up && now >= this.#heardAt + this.#settings.lifetime) this.#end(now);
    if (this.#resendAt <= now) this.#resend(now);
    if (this.#acknowledgeAt <= now || now >= this.#saidAt + this.#settings.helloEvery) {
      this.#say(now, 0, undefined);
    }
  }

  /** The transport says that the peer is gone. */
  lose(now: Instant): void {
    this.#end(now);
  }

  #payload(now: Instant, number: number, payload: Uint8Array): void {
    this.#acknowledgeAt = earliest(this.#acknowledgeAt, after(now, this.#settings.acknowledge));
    if (number <= this.#delivered || this.#early.size >= this.#settings.window) return;
    this.#early.set(number, payload);
    for (let next = this.#early.get(this.#delivered + 1); next !== undefined && this.#up; ) {
      this.#early.delete(++this.#delivered);
      this.#events.deliver(now, next);
      next = this.#early.get(this.#delivered + 1);
    }
  }

  #acknowledged(now: Instant, upTo: number): void {
    if (this.#waiting.length === 0 || upTo < this.#waiting[0]!.number) return;
    this.#waiting = this.#waiting.filter(({ number }) => number > upTo);
    this.#backoff = 1;
    this.#resendAt = this.#waiting.length === 0 ? NEVER : after(now, this.#settings.resend);
  }

  /** Sends again the first few that wait: the rest follows as they are acknowledged. */
  #resend(now: Instant): void {
    for (const { number, payload } of this.#waiting.slice(0, 16)) this.#say(now, number, payload);
    this.#backoff = Math.min(this.#backoff * 2, 4);
    this.#resendAt =
      this.#waiting.length === 0 ? NEVER : after(now, micros(this.#settings.resend * this.#backoff));
  }

  #say(now: Instant, number: number, payload: Uint8Array | undefined): void {
    this.#saidAt = now;
    this.#acknowledgeAt = NEVER;
    const writer = new Writer();
    writer.byte(VERSION);
    layout.write(writer, {
      boot: this.#boot,
      peer: this.#theirs,
      number,
      acknowledged: this.#delivered,
      payload,
    });
    this.#events.transmit(writer.finish());
  }

  #end(now: Instant): void {
    const was = this.#up;
    this.#up = false;
    this.#theirs = 0;
    this.#sent = 0;
    this.#delivered = 0;
    this.#waiting = [];
    this.#early.clear();
    this.#resendAt = NEVER;
    this.#acknowledgeAt = NEVER;
    this.#backoff = 1;
    if (!was) return;
    this.#boot++;
    this.#events.down(now);
  }
}
