import type { NodeId } from "@weft/infrastructure";
import type { Cryptography, PublicKey, Signer } from "@weft/kernel";
import { fromHex, toHex } from "../record.ts";
import { type Cause, causeText, type Hop } from "./messages.ts";

/** The root causes of ended routes that a domain has heard of or told itself, the oldest forgotten first. */
export class Causes {
  readonly #self: NodeId;
  readonly #signer: Signer;
  readonly #cryptography: Cryptography;
  readonly #keyOf: (origin: NodeId) => PublicKey | null;
  readonly #most: number;
  /** By session, oldest first. */
  readonly #known = new Map<number, Cause>();

  constructor(
    self: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    most: number,
  ) {
    this.#self = self;
    this.#signer = signer;
    this.#cryptography = cryptography;
    this.#keyOf = keyOf;
    this.#most = most;
  }

  /** Our word that our session `link` is lost. */
  sign(link: number): Cause {
    const unsigned = { by: this.#self, link };
    return { ...unsigned, signature: fromHex(this.#signer.sign(causeText(unsigned))) };
  }

  /** Whether whoever lost the session says so. */
  isSigned(cause: Cause): boolean {
    const key = this.#keyOf(cause.by);
    return key !== null && this.#cryptography.verify(key, causeText(cause), toHex(cause.signature));
  }

  has(link: number): boolean {
    return this.#known.has(link);
  }

  add(cause: Cause): void {
    this.#known.set(cause.link, cause);
    if (this.#known.size > this.#most) this.#known.delete(this.#known.keys().next().value as number);
  }

  all(): IterableIterator<Cause> {
    return this.#known.values();
  }

  /** Whether a path uses a session that is known to be lost. */
  isGone(path: readonly Hop[]): boolean {
    return path.some(({ domain, link }) => this.#known.get(link)?.by === domain);
  }
}
