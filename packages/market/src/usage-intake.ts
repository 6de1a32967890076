import {
  type Cryptography,
  canonicalText,
  type Digest,
  ok,
  type PublicKey,
  type Refusal,
  type Result,
  refuse,
  type Signature,
  type Signer,
} from "@weft/kernel";
import { type UsageRecord, usageText } from "./usage.ts";

/*
 * Taking in what meters say, in any order and as often as they like to repeat it. A meter that writes many
 * records signs them by the batch: one signature over the digest of their texts.
 */

/** Consecutive records of one node, signed once. */
export interface UsageBatch {
  readonly node: string;
  readonly records: readonly UsageRecord[];
  readonly signature: Signature;
}

const BATCH = "weft/usage-batch/1";

/** What a batch's signature covers: the digest of its records' lines. */
function batchText(node: string, lines: readonly string[], cryptography: Cryptography): string {
  const digest: Digest = cryptography.digest(lines.join("\n"));
  return canonicalText({ kind: BATCH, node, count: lines.length, digest });
}

/**
 * One record as one line: its fields in the order of `UsageRecord`, parted by bars. As exact as the canonical text and
 * a quarter of its length, since a meter may write thousands a second. Ids with a bar or a line break are
 * written as canonical text instead, so that no two records share a line.
 */
export function recordLine(record: UsageRecord): string {
  const { id, contract, node } = record;
  if (/[|\n{]/.test(id + contract + node)) return usageText(record);
  return `${id}|${contract}|${node}|${record.sequence}|${record.startedAt}|${record.endedAt}|${record.cpuTime}|${record.wallTime}|${record.operations}|${record.memoryTime}|${record.storageTime}|${record.inputBytes}|${record.outputBytes}|${record.reservedBits}|${record.outcome}|${record.result ?? ""}`;
}

export const signUsageBatch = (
  node: string,
  records: readonly UsageRecord[],
  signer: Signer,
  cryptography: Cryptography,
): UsageBatch => ({
  node,
  records,
  signature: signer.sign(batchText(node, records.map(recordLine), cryptography)),
});

export type BatchRefusal = Refusal<"E_USAGE_SIGNATURE" | "E_USAGE_CONTRACT">;

/**
 * null when the node's key signed exactly these records, all its own [K4.2]. Pass the records' lines if you have
 * them already: writing them is most of the work.
 */
export function verifyUsageBatch(
  batch: UsageBatch,
  key: PublicKey,
  cryptography: Cryptography,
  lines: readonly string[] = batch.records.map(recordLine),
): BatchRefusal | null {
  const stranger = batch.records.find((record) => record.node !== batch.node);
  if (stranger !== undefined) {
    return refuse("E_USAGE_CONTRACT", "a record of another node", {
      path: "records",
      found: stranger.node,
      expected: batch.node,
      hint: "a batch holds the records of one node",
    }).refusal;
  }
  if (cryptography.verify(key, batchText(batch.node, lines, cryptography), batch.signature)) return null;
  return refuse("E_USAGE_SIGNATURE", "the node did not sign this batch", {
    path: "signature",
    expected: `a signature of ${key}`,
  }).refusal;
}

/** Sequence numbers from `from` to `to`, both included. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
}

export type IntakeRefusal = Refusal<"E_USAGE_REUSED" | "E_USAGE_FORM">;

/**
 * Which records of one node have been taken in. Memory grows with what came ahead of a gap, not with the records: all up
 * to a number are known by that number alone, and a repeat of those is ignored whatever it says.
 */
export class UsageIntake {
  /** Every sequence number up to this one has come. */
  #complete = 0;
  /** What came ahead of a gap, with its line; null where only the store still knows that. */
  readonly #ahead = new Map<number, string | null>();

  /** `known` are the ranges taken in before, in any order. */
  constructor(known: readonly SequenceRange[] = []) {
    for (const { from, to } of known) {
      for (let sequence = Math.max(from, this.#complete + 1); sequence <= to; sequence++) {
        if (sequence > this.#complete) this.#enter(sequence, null); // else a range before closed the gap up to here
      }
    }
  }

  get complete(): number {
    return this.#complete;
  }

  /** `new` to be rated, or `repeat` to be ignored [K4.1]; a number that now says something else is refused. */
  take(record: UsageRecord, line?: string): Result<"new" | "repeat", IntakeRefusal> {
    const { sequence } = record;
    if (!Number.isSafeInteger(sequence) || sequence < 1) {
      return refuse("E_USAGE_FORM", "records are counted from 1", {
        path: "sequence",
        found: String(sequence),
        expected: "a whole number, 1 or more",
        hint: "a node numbers its records one after the other",
      });
    }
    if (sequence <= this.#complete) return ok("repeat");
    const known = this.#ahead.get(sequence);
    if (known === undefined) {
      const next = sequence === this.#complete + 1 && this.#ahead.size === 0;
      this.#enter(sequence, next ? null : (line ?? recordLine(record)));
      return ok("new");
    }
    if (known === null || known === (line ?? recordLine(record))) return ok("repeat");
    return refuse("E_USAGE_REUSED", "this number already stands for another record", {
      path: "sequence",
      found: `${sequence}, ${record.id}`,
      expected: "the same record again, or a number not used yet",
      hint: "a node numbers its records one after the other",
    });
  }

  #enter(sequence: number, line: string | null): void {
    if (sequence === this.#complete + 1) this.#complete = sequence;
    else this.#ahead.set(sequence, line);
    while (this.#ahead.size > 0 && this.#ahead.delete(this.#complete + 1)) this.#complete++;
  }

  /** What is missing between what has come [K4.7]. */
  gaps(): readonly SequenceRange[] {
    const gaps: SequenceRange[] = [];
    let next = this.#complete + 1;
    for (const sequence of [...this.#ahead.keys()].sort((a, b) => a - b)) {
      if (sequence > next) gaps.push({ from: next, to: sequence - 1 });
      next = sequence + 1;
    }
    return gaps;
  }
}
