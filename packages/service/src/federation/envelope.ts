import type { DomainId } from "@weft/infrastructure";
import {
  type Cryptography,
  canonicalText,
  type Instant,
  MINUTE,
  ok,
  type PublicKey,
  type Result,
  refuse,
  type Signer,
} from "@weft/kernel";
import { z } from "zod";
import type { Envelope, PeerMessage } from "./messages.ts";
import { decodePeer, encodePeer } from "./wire.ts";

/** How far clocks of two managers may stand apart. */
const CLOCK_SKEW = MINUTE;

const layout = z.object({
  from: z.string().min(1).max(253),
  to: z.string().min(1).max(253),
  at: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  body: z.string().max(1 << 19),
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});

const signedText = ({ from, to, at, body }: Omit<Envelope, "signature">): string =>
  canonicalText({ kind: "weft/peer-message/1", from, to, at, body });

/**
 * Closes and opens the envelopes of one manager: each is signed by its domain's key, for one receiver, and opened once
 * (replays are dropped by their number, which is the sender's time).
 */
export class Envelopes {
  readonly #self: DomainId;
  readonly #signer: Signer;
  readonly #cryptography: Cryptography;
  readonly #keyOf: (domain: DomainId) => PublicKey | null;
  readonly #opened = new Map<DomainId, number>();
  #sealed = 0;

  constructor(
    self: DomainId,
    signer: Signer,
    cryptography: Cryptography,
    keyOf: (domain: DomainId) => PublicKey | null,
  ) {
    this.#self = self;
    this.#signer = signer;
    this.#cryptography = cryptography;
    this.#keyOf = keyOf;
  }

  seal(now: Instant, to: DomainId, message: PeerMessage): string {
    this.#sealed = Math.max(this.#sealed + 1, now);
    const body = JSON.stringify(encodePeer(message));
    const unsigned = { from: this.#self, to, at: this.#sealed as Instant, body };
    return JSON.stringify({ ...unsigned, signature: this.#signer.sign(signedText(unsigned)) });
  }

  /** Refuses what is not for us, of nobody we know, not signed by its key, older than what we had, or malformed. */
  open(now: Instant, text: string): Result<{ readonly from: DomainId; readonly message: PeerMessage }> {
    const read = layout.safeParse(json(text));
    if (!read.success) return refuse("malformed", "not an envelope of a peer");
    const envelope = read.data as Envelope;
    const { from, to, at } = envelope;
    const key = this.#keyOf(from);
    if (to !== this.#self || key === null) {
      return refuse("unknown_peer", "not from a peer of ours to us", { found: from });
    }
    if (!this.#cryptography.verify(key, signedText(envelope), envelope.signature)) {
      return refuse("forged", "not signed by the key that is pinned for this peer", { found: from });
    }
    if (at <= (this.#opened.get(from) ?? 0))
      return refuse("replayed", "an envelope seen before", { found: from });
    if (Math.abs(at - now) > CLOCK_SKEW) {
      return refuse("clock", "the peer's clock stands more than a minute from ours", { found: from });
    }
    this.#opened.set(from, at);
    const message = decodePeer(json(envelope.body));
    return message.ok ? ok({ from, message: message.value }) : message;
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What a manager signs once so that a peer lets it in: to its bus, and to the content of forwarded tasks. */
const passText = (from: DomainId, to: PublicKey): string => `weft/peer-pass/1 ${from} ${to}`;
const PASS = /^wp_(.{1,253})_([0-9a-f]{128})$/;

/** The bearer token by which a domain's manager is let in by the one whose key is `to`. */
export const peerPass = (from: DomainId, to: PublicKey, signer: Signer): string =>
  `wp_${from}_${signer.sign(passText(from, to))}`;

/** Whose pass it is; null where it is none of a domain we know. */
export function passHolder(
  token: string | null,
  self: PublicKey,
  keyOf: (domain: DomainId) => PublicKey | null,
  cryptography: Cryptography,
): DomainId | null {
  const match = PASS.exec(token ?? "");
  if (match === null) return null;
  const from = match[1] as DomainId;
  const key = keyOf(from);
  return key !== null && cryptography.verify(key, passText(from, self), match[2] as string) ? from : null;
}
