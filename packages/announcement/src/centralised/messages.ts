import { ok, type Result, refuse } from "@weft/kernel";
import { STATE_FACETS, type StateFacet } from "../facts.ts";
import { type AnnouncementRecord, decodeRecord, encodeRecord, MAX_RECORD_BYTES } from "../record.ts";
import { bytes, choice, list, number, required, struct } from "../schema.ts";
import { Reader, SAME_VERSION, type WireRefusal, Writer } from "../wire.ts";

/** What an agent tells its collector. */
export interface ReportMessage {
  readonly kind: "report";
  readonly records: readonly AnnouncementRecord[];
}

/** What a collector asks of an agent: these facets whole, under numbers above `above`. */
export interface ResyncMessage {
  readonly kind: "resync";
  readonly facets: readonly StateFacet[];
  /** The newest number of the agent's that the collector remembers. */
  readonly above: number;
}

export type CentralisedMessage = ReportMessage | ResyncMessage;

/** The largest message; holds every facet of one origin, each at its limit. */
const MAX_MESSAGE_BYTES = 4 * MAX_RECORD_BYTES;

const VERSION = 1;
const REPORT = 1;
const RESYNC = 2;

const report = struct<{ readonly records: readonly Uint8Array[] }>({ records: list(1, bytes) });
const resync = struct<Omit<ResyncMessage, "kind">>({
  facets: list(1, choice(STATE_FACETS)),
  above: required(2, number()),
});

export function encodeCentralised(message: CentralisedMessage): Uint8Array {
  const writer = new Writer();
  writer.byte(VERSION);
  if (message.kind === "report") {
    writer.byte(REPORT);
    report.write(writer, { records: message.records.map(encodeRecord) });
  } else {
    writer.byte(RESYNC);
    resync.write(writer, message);
  }
  return writer.finish();
}

/** Reads a message; never throws. One bad record makes the whole message refused. */
export function decodeCentralised(encoded: Uint8Array): Result<CentralisedMessage, WireRefusal> {
  if (encoded.length > MAX_MESSAGE_BYTES) {
    return refuse("oversized", "a message beyond the size limit", {
      found: `${encoded.length} bytes`,
      expected: `at most ${MAX_MESSAGE_BYTES} bytes`,
    });
  }
  const reader = new Reader(encoded);
  const version = reader.byte();
  const kind = reader.byte();
  if (!reader.bad && version !== VERSION) {
    return refuse("unknown_version", "a message of a version we do not know", {
      found: String(version),
      expected: String(VERSION),
      hint: SAME_VERSION,
    });
  }
  if (kind === RESYNC) {
    const message = resync.read(reader);
    return reader.bad
      ? refuse("malformed", "not a resync", { hint: SAME_VERSION })
      : ok({ kind: "resync", ...message });
  }
  if (kind !== REPORT)
    return refuse("malformed", "no such kind of message", {
      found: String(kind),
      hint: SAME_VERSION,
    });
  const { records: inner } = report.read(reader);
  if (reader.bad) return refuse("malformed", "not a report", { hint: SAME_VERSION });
  const records: AnnouncementRecord[] = [];
  for (const one of inner) {
    const record = decodeRecord(one);
    if (!record.ok) return record;
    records.push(record.value);
  }
  return ok({ kind: "report", records });
}
