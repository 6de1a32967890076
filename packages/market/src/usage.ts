import {
  type Bytes,
  type Cryptography,
  canonicalText,
  type Digest,
  type Instant,
  MILLISECOND,
  MINUTE,
  type Micros,
  type OperationsPerSecond,
  type Refusal,
  refuse,
  SECOND,
  type Signature,
  type Signer,
} from "@weft/kernel";
import type { ContractTerms } from "./contract.ts";
import type { Usage } from "./prices.ts";

/** What one run used, as its node metered it. Never changed once signed: an error is put right by a credit note. */
export interface UsageRecord {
  /** The run's id: a record told twice is one record [K4.1]. */
  readonly id: string;
  readonly contract: string;
  readonly node: string;
  /** Counts this node's records from 1 without gaps, so that a missing one shows [K4.7]. */
  readonly sequence: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly cpuTime: Micros;
  readonly wallTime: Micros;
  readonly operations: bigint;
  /** Byte-microseconds of memory held. */
  readonly memoryTime: bigint;
  /** Byte-microseconds of storage held. */
  readonly storageTime: bigint;
  readonly inputBytes: Bytes;
  readonly outputBytes: Bytes;
  /** Bits that the reserved path could have carried. */
  readonly reservedBits: bigint;
  readonly outcome: "completed" | "failed";
  /** Digest of the result; null where there is none. */
  readonly result: Digest | null;
}

export interface SignedUsage {
  readonly record: UsageRecord;
  readonly signature: Signature;
}

/** What the manager knows of a node without asking its meter. */
export interface MeterBounds {
  readonly lanes: number;
  /** Measured rate of the whole node for the contract's type of compute. */
  readonly rate: OperationsPerSecond;
  readonly memoryBytes: Bytes;
  readonly storageBytes: Bytes;
  /** What the path's own counters saw move for this run; null where no gateway counted. */
  readonly movedBytes: number | null;
  /** Rate reserved on the path; 0 where none was. */
  readonly reservedBps: number;
}

export type UsageRefusal = Refusal<
  | "E_USAGE_SIGNATURE"
  | "E_USAGE_CONTRACT"
  | "E_USAGE_FORM"
  | "E_USAGE_TIME"
  | "E_USAGE_CPU_TIME"
  | "E_USAGE_OPERATIONS"
  | "E_USAGE_MEMORY"
  | "E_USAGE_STORAGE"
  | "E_USAGE_BYTES"
  | "E_USAGE_BANDWIDTH"
>;

/**
 * How far the clocks of node and manager may stand apart: a contract that starts or ends by another clock is declined, and a
 * record that lies outside its contract by more is not believed. One figure for both, or a node would run what it is not
 * paid for.
 */
export const CLOCK_TOLERANCE = MINUTE as Micros;
/** What may pass between looking at the contract and the run's end without the record being doubted: drift, and steps of a clock. */
const CLOCK_STEP = (5 * SECOND) as Micros;
const RECORD_TOLERANCE = (CLOCK_TOLERANCE + CLOCK_STEP) as Micros;
const COUNTER_GRAIN = (20 * MILLISECOND) as Micros;
/** A benchmark's rate is no upper bound: some programs run faster than it. */
const RATE_SLACK = 2;
/** Framing, retries and re-sent pieces on top of the content itself. */
const BYTES_SLACK = 1.05;
const BYTES_GRAIN = 65_536;

/** A record never changes once written, so the text of the same record is made once. */
const texts = new WeakMap<UsageRecord, string>();

/** What the node signs. */
export function usageText(record: UsageRecord): string {
  let text = texts.get(record);
  if (text === undefined) texts.set(record, (text = canonicalText({ kind: "weft/usage/1", ...record })));
  return text;
}

export const signUsage = (record: UsageRecord, node: Signer): SignedUsage => ({
  record,
  signature: node.sign(usageText(record)),
});

/** The part of a record that has a price. */
export const meteredUsage = (record: UsageRecord): Usage => ({
  operations: record.operations,
  memoryTime: record.memoryTime,
  storageTime: record.storageTime,
  movedBytes: BigInt(record.inputBytes) + BigInt(record.outputBytes),
  reservedBits: record.reservedBits,
});

/** null when the record was signed by the contract's node and is about this contract [K4.2]. */
export function verifyUsage(
  signed: SignedUsage,
  terms: ContractTerms,
  cryptography: Cryptography,
): UsageRefusal | null {
  const { record } = signed;
  if (record.contract !== terms.id || record.node !== terms.node.id) {
    return refuse("E_USAGE_CONTRACT", "the record is about another contract or node", {
      path: "contract",
      found: `${record.contract} on ${record.node}`,
      expected: `${terms.id} on ${terms.node.id}`,
    }).refusal;
  }
  if (!cryptography.verify(terms.node.key, usageText(record), signed.signature)) {
    return refuse("E_USAGE_SIGNATURE", "the node did not sign this record", {
      path: "signature",
      expected: `a signature of ${terms.node.key}`,
    }).refusal;
  }
  return null;
}

/**
 * null when what the meter says is physically possible [K4.3 to K4.6]; else what is not. Pass it before
 * rating: a record refused here is flagged and charges nothing.
 */
export function checkUsage(
  record: UsageRecord,
  terms: ContractTerms,
  bounds: MeterBounds,
): UsageRefusal | null {
  return checkForm(record) ?? checkTime(record, terms) ?? checkAmounts(record, bounds);
}

const WHOLE = [
  "sequence",
  "startedAt",
  "endedAt",
  "cpuTime",
  "wallTime",
  "inputBytes",
  "outputBytes",
] as const;
const EXACT = ["operations", "memoryTime", "storageTime", "reservedBits"] as const;

/** Whether every figure is a whole number, zero or more: the common case, without a look at names. */
const wellFormed = (record: UsageRecord): boolean =>
  isCount(record.sequence) &&
  isCount(record.startedAt) &&
  isCount(record.endedAt) &&
  isCount(record.cpuTime) &&
  isCount(record.wallTime) &&
  isCount(record.inputBytes) &&
  isCount(record.outputBytes) &&
  isExact(record.operations) &&
  isExact(record.memoryTime) &&
  isExact(record.storageTime) &&
  isExact(record.reservedBits);
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isExact = (value: bigint): boolean => typeof value === "bigint" && value >= 0n;

function checkForm(record: UsageRecord): UsageRefusal | null {
  if (wellFormed(record)) return null;
  const path =
    WHOLE.find((name) => !Number.isSafeInteger(record[name]) || record[name] < 0) ??
    EXACT.find((name) => typeof record[name] !== "bigint" || record[name] < 0n);
  if (path === undefined) return null;
  return refuse("E_USAGE_FORM", "a meter counts in whole numbers, zero or more", {
    path,
    found: String(record[path]),
    expected: "a whole number, 0 or more",
    hint: "the record charges nothing as it is",
  }).refusal;
}

function checkTime(record: UsageRecord, terms: ContractTerms): UsageRefusal | null {
  const outside =
    record.endedAt < record.startedAt ||
    record.startedAt < terms.validFrom - RECORD_TOLERANCE ||
    record.endedAt > terms.validUntil + RECORD_TOLERANCE;
  if (!outside && record.wallTime <= record.endedAt - record.startedAt + COUNTER_GRAIN) return null;
  return refuse(
    "E_USAGE_TIME",
    "the run lies outside its contract, or lasted longer than from start to end",
    {
      path: outside ? "startedAt" : "wallTime",
      found: `${record.startedAt} to ${record.endedAt}, ${record.wallTime} us of wall time`,
      expected: `within ${terms.validFrom} to ${terms.validUntil}`,
      hint: "compare the clocks of node and manager",
    },
  ).refusal;
}

/** Whether a node can have used all that a record says: the common case, without telling what is over. */
function isPossible(record: UsageRecord, bounds: MeterBounds): boolean {
  const wall = record.wallTime + COUNTER_GRAIN;
  return (
    record.cpuTime <= wall * bounds.lanes &&
    Number(record.operations) <= (wall / 1e6) * bounds.rate * RATE_SLACK &&
    Number(record.memoryTime) <= wall * bounds.memoryBytes &&
    Number(record.storageTime) <= wall * bounds.storageBytes &&
    Number(record.reservedBits) <= (wall / 1e6) * bounds.reservedBps &&
    (bounds.movedBytes === null ||
      record.inputBytes + record.outputBytes <= bounds.movedBytes * BYTES_SLACK + BYTES_GRAIN)
  );
}

function checkAmounts(record: UsageRecord, bounds: MeterBounds): UsageRefusal | null {
  if (isPossible(record, bounds)) return null;
  const wall = record.wallTime + COUNTER_GRAIN;
  const over = <Code extends string>(
    code: Code,
    path: string,
    found: number | bigint,
    most: number,
  ): Refusal<Code> | null =>
    Number(found) <= most
      ? null
      : refuse(code, "more than the node can have used", {
          path,
          found: String(found),
          expected: `at most ${Math.floor(most)}`,
          hint: "the record charges nothing as it is",
        }).refusal;
  return (
    over("E_USAGE_CPU_TIME", "cpuTime", record.cpuTime, wall * bounds.lanes) ??
    over("E_USAGE_OPERATIONS", "operations", record.operations, (wall / 1e6) * bounds.rate * RATE_SLACK) ??
    over("E_USAGE_MEMORY", "memoryTime", record.memoryTime, wall * bounds.memoryBytes) ??
    over("E_USAGE_STORAGE", "storageTime", record.storageTime, wall * bounds.storageBytes) ??
    over("E_USAGE_BANDWIDTH", "reservedBits", record.reservedBits, (wall / 1e6) * bounds.reservedBps) ??
    (bounds.movedBytes === null
      ? null
      : over(
          "E_USAGE_BYTES",
          "inputBytes",
          record.inputBytes + record.outputBytes,
          bounds.movedBytes * BYTES_SLACK + BYTES_GRAIN,
        ))
  );
}
