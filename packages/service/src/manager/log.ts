import {
  after,
  type Cryptography,
  type Instant,
  type Micros,
  NEVER,
  ok,
  type PublicKey,
  type Result,
  refuse,
  SECOND,
  type Signature,
} from "@weft/kernel";
import {
  contractEntry,
  cosignText,
  type SignedTreeHead,
  type SignedUsage,
  type Transfer,
  TransparencyLog,
  transferEntry,
} from "@weft/market";
import type { StoreChange, StoreState } from "../store.ts";
import { type Core, store } from "./core.ts";
import type { RunEntry } from "./tasks.ts";
import type { Traded } from "./trading.ts";

/*
 * The manager's transparency log (docs/spec/ledger.md): what ends a contract and what moves money otherwise becomes an
 * entry in the same commit as the deed itself. A head is signed at intervals, not for each entry, and shown only once it
 * and its entries are durable: a head that was shown can never be taken back.
 */

const HEADS = "log-heads";
const HEAD_EVERY = SECOND as Micros;
/** Heads kept to be cosigned and shown; older ones are forgotten. */
const KEPT_HEADS = 128;
const MOST_COSIGNATURES = 32;

export class ManagerLog {
  readonly #log: TransparencyLog;
  readonly #cryptography: Cryptography;
  /** Oldest first. */
  readonly #heads: SignedTreeHead[];
  /** When the next head is due; NEVER while there is nothing new. */
  headAt: Instant = NEVER;
  /** What is wrong with the entries as they were kept; null: they give the head that was signed last. */
  readonly damage: string | null;

  constructor(cryptography: Cryptography, state: StoreState, now: Instant) {
    this.#cryptography = cryptography;
    this.#log = new TransparencyLog(cryptography, state.logLeaves);
    this.#heads = state.documents
      .filter(({ collection }) => collection === HEADS)
      .map(({ body }) => body as SignedTreeHead)
      .sort((a, b) => a.head.size - b.head.size);
    this.damage = this.#compare();
    if (this.damage === null && this.size > (this.latest?.head.size ?? 0)) this.headAt = now;
  }

  #compare(): string | null {
    const head = this.latest?.head;
    if (head === undefined) return null;
    if (head.size > this.size) return `${head.size - this.size} entries are missing at the end`;
    return this.#log.root(head.size) === head.root
      ? null
      : `the first ${head.size} entries are not those of the head`;
  }

  get size(): number {
    return this.#log.size;
  }

  get heads(): readonly SignedTreeHead[] {
    return this.#heads;
  }

  get latest(): SignedTreeHead | undefined {
    return this.#heads.at(-1);
  }

  inclusionProof(index: number, size: number): readonly string[] {
    return this.#log.inclusionProof(index, size);
  }

  consistencyProof(first: number, second: number): readonly string[] {
    return this.#log.consistencyProof(first, second);
  }

  append(body: string, now: Instant): StoreChange & { kind: "append-log" } {
    if (this.headAt === NEVER && this.damage === null) this.headAt = after(now, HEAD_EVERY);
    return { kind: "append-log", row: this.#log.append(body) };
  }

  /** Enters a transfer; those that settle a contract stand in the contract's own entry. */
  transfer(transfer: Transfer): readonly StoreChange[] {
    if (transfer.kind === "settlement" || transfer.kind === "penalty") return [];
    return [this.append(transferEntry(transfer, this.#cryptography), transfer.at)];
  }

  /** Signs a head over all entries so far. */
  sign(core: Core, now: Instant): void {
    this.headAt = NEVER;
    const signed = this.#log.head(core.options.signer, now);
    this.#heads.push(signed);
    const gone = this.#heads.length > KEPT_HEADS ? this.#heads.shift() : undefined;
    if (gone !== undefined) {
      store(core, [{ kind: "remove-document", collection: HEADS, id: idOf(gone.head.size) }]);
    }
    store(core, [putHead(signed, now)]);
    core.out.push({ kind: "head", size: signed.head.size });
  }

  /** A witness stands by a head that was shown. Told again it changes nothing. */
  cosign(core: Core, now: Instant, asked: CosignCommand): Result<string> {
    const { size, witness, signature } = asked;
    const index = this.#heads.findIndex(({ head }) => head.size === size);
    const signed = this.#heads[index];
    if (signed === undefined) {
      return refuse("E_NOT_FOUND", "no such head", {
        path: "size",
        found: String(size),
        hint: "GET /v1/log/heads lists those that can be cosigned",
      });
    }
    if (!this.#cryptography.verify(witness, cosignText(signed.head), signature)) {
      return refuse("E_LOG_SIGNATURE", "the witness did not sign this head", {
        path: "signature",
        expected: `a signature of ${witness}`,
      });
    }
    const others = signed.cosignatures.filter((cosignature) => cosignature.witness !== witness);
    if (others.length >= MOST_COSIGNATURES) {
      return refuse("E_TOO_MANY", "enough witnesses stand by this head already", {
        found: String(others.length + 1),
        expected: `at most ${MOST_COSIGNATURES}`,
        hint: "stand by a later head",
      });
    }
    const cosigned = { ...signed, cosignatures: [...others, { witness, signature }] };
    this.#heads[index] = cosigned;
    store(core, [putHead(cosigned, now)]);
    return ok(String(size));
  }
}

export interface CosignCommand {
  readonly kind: "cosign-head";
  readonly size: number;
  readonly witness: PublicKey;
  readonly signature: Signature;
}

/** Names sort as the sizes do. */
const idOf = (size: number): string => String(size).padStart(16, "0");
const putHead = (signed: SignedTreeHead, at: Instant): StoreChange => ({
  kind: "put-document",
  row: { collection: HEADS, id: idOf(signed.head.size), body: signed, at },
});

/** Enters a contract that has ended; its row knows where it stands from now on. */
export const seal = (core: Core, now: Instant, run: RunEntry): void =>
  sealRow(core, now, run, run.usage?.usage ?? null);

/** The same for a contract read back from the store, or one whose state changed after its end. */
export function sealRow(core: Core, now: Instant, traded: Traded, usage: SignedUsage | null): void {
  const { contract, state, because } = traded.contract;
  const ended = { contract, state, because, usage, settlement: traded.settlement ?? [] };
  const change = core.log.append(contractEntry(ended, core.options.cryptography), now);
  traded.contract = { ...traded.contract, entry: change.row.index };
  delete traded.settlement;
  store(core, [change]);
}
