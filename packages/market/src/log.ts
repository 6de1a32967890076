import {
  type Cryptography,
  canonicalText,
  type Digest,
  type Instant,
  ok,
  type PublicKey,
  type Refusal,
  type Result,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import { leafHash, MerkleTree, verifyConsistency } from "./merkle.ts";

/*
 * The manager's log of contracts, usage and settlements: whatever it once showed anyone it can never take back or
 * show otherwise without being caught. A head is the signed root; witnesses cosign only heads that extend the one they
 * signed before, so a manager that shows two histories needs every witness to lie with it.
 */

/** What the manager says its log is, at one moment. */
export interface TreeHead {
  /** Names the log: the manager's public key. */
  readonly log: PublicKey;
  readonly size: number;
  readonly root: Digest;
  readonly at: Instant;
}

export interface Cosignature {
  readonly witness: PublicKey;
  readonly signature: Signature;
}

export interface SignedTreeHead {
  readonly head: TreeHead;
  readonly signature: Signature;
  readonly cosignatures: readonly Cosignature[];
}

export type LogRefusal = Refusal<
  "E_LOG_SIGNATURE" | "E_LOG_WITNESSES" | "E_LOG_EDITED" | "E_LOG_SHORT" | "E_LOG_FORK" | "E_LOG_ROLLED_BACK"
>;

const headText = (head: TreeHead): string => canonicalText({ kind: "weft/tree-head/1", ...head });
/** What a witness signs. */
export const cosignText = (head: TreeHead): string => canonicalText({ kind: "weft/cosign/1", ...head });

export const signHead = (head: TreeHead, manager: Signer): SignedTreeHead => ({
  head,
  signature: manager.sign(headText(head)),
  cosignatures: [],
});

/** null when the manager signed it and at least `quorum` of these witnesses cosigned. */
export function verifyHead(
  signed: SignedTreeHead,
  witnesses: readonly PublicKey[],
  quorum: number,
  cryptography: Cryptography,
): LogRefusal | null {
  const { head, signature, cosignatures } = signed;
  if (!cryptography.verify(head.log, headText(head), signature)) {
    return refuse("E_LOG_SIGNATURE", "the manager did not sign this head").refusal;
  }
  const text = cosignText(head);
  const agreeing = new Set(
    cosignatures
      .filter(({ witness }) => witnesses.includes(witness))
      .filter((cosignature) => cryptography.verify(cosignature.witness, text, cosignature.signature))
      .map(({ witness }) => witness),
  );
  if (agreeing.size >= quorum) return null;
  return refuse("E_LOG_WITNESSES", "too few witnesses stand by this head", {
    found: String(agreeing.size),
    expected: String(quorum),
  }).refusal;
}

/** One entry as it is kept. */
export interface LogEntry {
  readonly index: number;
  readonly leaf: Digest;
  readonly body: string;
}

/** The manager's side of the log: what is to be kept, and heads and proofs for whoever asks. */
export class TransparencyLog {
  readonly #tree: MerkleTree;
  readonly #cryptography: Cryptography;

  /** Goes on from the leaves kept so far. */
  constructor(cryptography: Cryptography, leaves: readonly Digest[] = []) {
    this.#cryptography = cryptography;
    this.#tree = new MerkleTree(cryptography, leaves);
  }

  get size(): number {
    return this.#tree.size;
  }

  /** The root of the first `size` entries. */
  root(size: number = this.size): Digest {
    return this.#tree.root(size);
  }

  /** Adds a text, such as a signed contract's, and gives the entry to keep. */
  append(body: string): LogEntry {
    const index = this.#tree.size;
    const leaf = leafHash(body, this.#cryptography);
    this.#tree.append(leaf);
    return { index, leaf, body };
  }

  /** The head at this moment. Sign it only once its entries are durable: a head can never be taken back. */
  head(manager: Signer, at: Instant, size: number = this.size): SignedTreeHead {
    return signHead({ log: manager.publicKey, size, root: this.#tree.root(size), at }, manager);
  }

  /** Shows that entry `index` stands in the log of `size` entries; check it with `verifyInclusion`. */
  inclusionProof(index: number, size: number = this.size): readonly Digest[] {
    return this.#tree.inclusionProof(index, size);
  }

  /** Shows that the log of `second` entries begins with that of `first`; empty for an empty first. */
  consistencyProof(first: number, second: number = this.size): readonly Digest[] {
    return first === 0 ? [] : this.#tree.consistencyProof(first, second);
  }
}

/** One independent watcher of a log. It keeps nothing but the last head it stood by. */
export class Witness {
  readonly #signer: Signer;
  readonly #cryptography: Cryptography;
  #last: TreeHead | null;

  constructor(signer: Signer, cryptography: Cryptography, last: TreeHead | null = null) {
    this.#signer = signer;
    this.#cryptography = cryptography;
    this.#last = last;
  }

  get last(): TreeHead | null {
    return this.#last;
  }

  /**
   * Cosigns a head that extends the last one by `proof` (empty for the first). Refuses a shorter log, and one
   * with another past: that refusal, with both heads, is the evidence.
   */
  cosign(signed: SignedTreeHead, proof: readonly Digest[]): Result<Cosignature, LogRefusal> {
    const { head, signature } = signed;
    if (!this.#cryptography.verify(head.log, headText(head), signature)) {
      return refuse("E_LOG_SIGNATURE", "the manager did not sign this head");
    }
    const last = this.#last;
    if (last !== null) {
      if (head.log !== last.log) return refuse("E_LOG_SIGNATURE", "another log than the one watched");
      if (head.size < last.size) {
        return refuse("E_LOG_ROLLED_BACK", "the log became shorter", {
          found: String(head.size),
          expected: `at least ${last.size}`,
        });
      }
      const extended =
        last.size === 0 ||
        verifyConsistency(last.size, head.size, last.root, head.root, proof, this.#cryptography);
      if (!extended) return refuse("E_LOG_FORK", "the log has another past than the one seen before");
    }
    this.#last = head;
    return ok({ witness: this.#signer.publicKey, signature: this.#signer.sign(cosignText(head)) });
  }
}

/**
 * Checks a log offline against any number of heads collected from anyone, at any time: null when the entries
 * give every one of those roots, else what does not fit. An edit, a removal, a reordering and a fork all show.
 */
export function verifyLog(
  entries: readonly string[],
  heads: readonly SignedTreeHead[],
  cryptography: Cryptography,
): LogRefusal | null {
  const tree = new MerkleTree(cryptography);
  for (const entry of entries) tree.append(leafHash(entry, cryptography));
  const bySize = new Map<number, TreeHead>();
  for (const { head, signature } of [...heads].sort((a, b) => a.head.size - b.head.size)) {
    if (!cryptography.verify(head.log, headText(head), signature)) {
      return refuse("E_LOG_SIGNATURE", `the head of size ${head.size} is not signed by its log`).refusal;
    }
    const other = bySize.get(head.size);
    if (other !== undefined && (other.root !== head.root || other.log !== head.log)) {
      return refuse("E_LOG_FORK", `two signed heads of size ${head.size} differ`, {
        found: head.root,
        expected: other.root,
      }).refusal;
    }
    bySize.set(head.size, head);
    if (head.size > entries.length) {
      return refuse("E_LOG_SHORT", "entries are missing at the end", {
        found: String(entries.length),
        expected: `at least ${head.size}`,
      }).refusal;
    }
    if (tree.root(head.size) !== head.root) {
      return refuse("E_LOG_EDITED", `the first ${head.size} entries are not those that were signed`, {
        found: tree.root(head.size),
        expected: head.root,
      }).refusal;
    }
  }
  return null;
}
