import { earliest, type Instant, type Micros, NEVER } from "@weft/kernel";

/** What one end of a stream sends the other over a link that may lose, repeat and reorder it. */
export interface StreamFrame {
  readonly stream: string;
  readonly kind: "open" | "data" | "ack" | "reset";
  /** Of the payload, counted from 1; 0 without one. */
  readonly sequence: number;
  /** Every payload up to this one has arrived. */
  readonly heard: number;
  readonly payload: unknown;
}

const RETRY = 200_000 as Micros;
const KEEP_ALIVE = 1_000_000 as Micros;
const SILENCE = 5_000_000 as Micros;
/** Payloads sent again at once when an acknowledgement stays away. */
const BURST = 16;

/**
 * One end of a stream over datagrams, with the promise of TCP: what is sent arrives once and in order, or the
 * stream breaks and both ends notice. Payloads are numbered, kept until acknowledged and sent again; an end that hears
 * nothing for five seconds, or that its peer does not know the stream, is broken.
 */
export class StreamEnd {
  readonly id: string;
  broken = false;
  readonly #opener: boolean;
  readonly #unheard: StreamFrame[] = [];
  readonly #early = new Map<number, unknown>();
  #sent = 0;
  #heard = 0;
  #established: boolean;
  #heardAt: Instant;
  #spokeAt: Instant;
  #retryAt: Instant = NEVER;

  /** The opener's first frames come from `wake`; the other end is made when an `open` arrives. */
  constructor(id: string, now: Instant, opener: boolean) {
    this.id = id;
    this.#opener = opener;
    this.#established = !opener;
    this.#heardAt = now;
    this.#spokeAt = now;
    if (opener) this.#retryAt = now;
  }

  get wakeAt(): Instant {
    if (this.broken) return NEVER;
    const alive = Math.min(this.#spokeAt + KEEP_ALIVE, this.#heardAt + SILENCE) as Instant;
    return earliest(this.#retryAt, alive);
  }

  send(now: Instant, payload: unknown): readonly StreamFrame[] {
    const frame = this.#frame("data", ++this.#sent, payload);
    this.#unheard.push(frame);
    if (this.#retryAt === NEVER) this.#retryAt = (now + RETRY) as Instant;
    this.#spokeAt = now;
    return this.#established ? [frame] : [];
  }

  /** Takes a frame; gives the payloads that are now in order, and what to say. */
  receive(
    now: Instant,
    frame: StreamFrame,
  ): { readonly payloads: readonly unknown[]; readonly frames: readonly StreamFrame[] } {
    if (this.broken) return { payloads: [], frames: [] };
    if (frame.kind === "reset") {
      this.broken = true;
      return { payloads: [], frames: [] };
    }
    this.#heardAt = now;
    const first = !this.#established;
    this.#established = true;
    while (this.#unheard[0] !== undefined && this.#unheard[0].sequence <= frame.heard) this.#unheard.shift();
    this.#retryAt = this.#unheard.length === 0 ? NEVER : ((now + RETRY) as Instant);
    const payloads = frame.kind === "data" ? this.#inOrder(frame) : [];
    const frames = first ? this.#unheard.slice(0, BURST) : [];
    return { payloads, frames: frame.kind === "ack" ? frames : [...frames, this.#say(now, "ack")] };
  }

  #inOrder({ sequence, payload }: StreamFrame): unknown[] {
    if (sequence > this.#heard) this.#early.set(sequence, payload);
    const payloads: unknown[] = [];
    while (this.#early.has(this.#heard + 1)) {
      this.#heard++;
      payloads.push(this.#early.get(this.#heard));
      this.#early.delete(this.#heard);
    }
    return payloads;
  }

  wake(now: Instant): readonly StreamFrame[] {
    if (this.broken) return [];
    if (now >= this.#heardAt + SILENCE) {
      this.broken = true;
      return [this.#say(now, "reset")];
    }
    if (now >= this.#retryAt) {
      this.#retryAt = (now + RETRY) as Instant;
      if (!this.#established && this.#opener) return [this.#say(now, "open")];
      this.#spokeAt = now;
      return this.#unheard.slice(0, BURST).map((frame) => ({ ...frame, heard: this.#heard }));
    }
    return now >= this.#spokeAt + KEEP_ALIVE ? [this.#say(now, "ack")] : [];
  }

  #say(now: Instant, kind: StreamFrame["kind"]): StreamFrame {
    this.#spokeAt = now;
    return this.#frame(kind, 0, null);
  }

  #frame(kind: StreamFrame["kind"], sequence: number, payload: unknown): StreamFrame {
    return { stream: this.id, kind, sequence, heard: this.#heard, payload };
  }
}

/** What an end that does not know a stream answers. */
export const resetFrame = (stream: string): StreamFrame => ({
  stream,
  kind: "reset",
  sequence: 0,
  heard: 0,
  payload: null,
});
