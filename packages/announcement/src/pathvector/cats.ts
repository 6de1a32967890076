import { COMPUTE_TYPES, type NodeDescription, type NodeLoad } from "@weft/infrastructure";
import { completion, DEFAULT_PROBES } from "../regional/probes.ts";
import type { Form } from "../schema.ts";

/*
 * Metrics of a domain's offer in the layout of CATS (draft-ietf-cats-metric-definition): what a path selector of
 * another make can use without knowing our records. Level 1 is a score by category, level 2 one score for all; raw
 * figures (level 0) are not sent this way, they stand in the record itself.
 *
 *   type 8 | level 2 | format 1 | length 3 | value 8 | source 3 | reserved 7
 *
 * The draft still moves and names no code points: ours stand below, and we claim no conformance.
 */

/** What a metric is about, by its code point; append only. */
export const CATS_TYPES = ["all", "logical", "parallel", "neural"] as const;
export type CatsType = (typeof CATS_TYPES)[number];

/** How a value came about, by its code point; append only. */
export const CATS_SOURCES = ["nominal", "measured", "estimated", "normalised", "aggregated"] as const;
export type CatsSource = (typeof CATS_SOURCES)[number];

export interface CatsMetric {
  readonly type: CatsType;
  readonly level: 1 | 2;
  /** 0 to 10: not recommended up to 3, optional up to 7, to be preferred from 8 on. */
  readonly value: number;
  readonly source: CatsSource;
}

/** Values are whole numbers of one byte. */
const UNSIGNED = 0;
const ONE_BYTE = 1;
const BYTES = 4;

/** One metric as four bytes. */
export function encodeCats({ type, level, value, source }: CatsMetric): Uint8Array {
  const head = (CATS_TYPES.indexOf(type) << 24) | (level << 22) | (UNSIGNED << 21) | (ONE_BYTE << 18);
  const word = head | ((value & 0xff) << 10) | (CATS_SOURCES.indexOf(source) << 7);
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

/** Reads a metric; null for one of a type, level, format or source that we do not know: it is ignored. */
export function decodeCats(bytes: Uint8Array): CatsMetric | null {
  if (bytes.length !== BYTES) return null;
  const [a, b, c, d] = bytes as unknown as readonly [number, number, number, number];
  const type = CATS_TYPES[a];
  const level = b >>> 6;
  const value = ((b & 0b11) << 6) | (c >>> 2);
  const source = CATS_SOURCES[((c & 0b11) << 1) | (d >>> 7)];
  const known = ((b >>> 5) & 1) === UNSIGNED && ((b >>> 2) & 0b111) === ONE_BYTE;
  if (!known || type === undefined || source === undefined) return null;
  if (value > 10) return null;
  return level === 1 || level === 2 ? { type, level, value, source } : null;
}

/** The metrics of a load as repeated fields; unknown ones are dropped, not refused. */
export const catsMetric: Form<CatsMetric | null> = {
  put: (writer, field, value) => {
    if (value !== null) writer.bytes(field, encodeCats(value));
  },
  take: (reader) => decodeCats(reader.bytes()),
};

/**
 * The CATS score of an offer, 0 to 10: 10 where a probe is done as fast as on an idle reference, falling by one with
 * each doubling of the time.
 */
export function catsScore(takes: number, reference: number): number {
  if (!Number.isFinite(takes)) return 0;
  return Math.max(0, Math.min(10, Math.round(10 - Math.log2(Math.max(1, takes / reference)))));
}

const IDLE = { accepting: true, othersUse: zeros(), queue: zeros() } as unknown as NodeLoad;

function zeros(): Record<string, number> {
  return Object.fromEntries(COMPUTE_TYPES.map((type) => [type, 0]));
}

/**
 * What a domain's offer scores: by type of computing power, how its shortest probe fares beside the same domain idle, and
 * over all types it has, the mean. Types it lacks are left out.
 */
export function catsMetrics(node: NodeDescription, load: NodeLoad): readonly CatsMetric[] {
  const metrics: CatsMetric[] = [];
  for (const type of COMPUTE_TYPES) {
    const probe = DEFAULT_PROBES.find((candidate) => candidate.type === type);
    if (probe === undefined || !(node.power[type] > 0)) continue;
    const value = catsScore(completion(probe, node, load), completion(probe, node, IDLE));
    metrics.push({ type, level: 1, value, source: "normalised" });
  }
  if (metrics.length === 0) return [];
  const mean = metrics.reduce((sum, { value }) => sum + value, 0) / metrics.length;
  return [{ type: "all", level: 2, value: Math.round(mean), source: "aggregated" }, ...metrics];
}
