import type { NodeId } from "@weft/infrastructure";
import { type Cryptography, ok, type PublicKey, type Result, refuse, type Signer } from "@weft/kernel";
import { encodeFact, FACETS, type Facet, type Fact } from "./facts.ts";
import { bytes, choice, number, required, struct, text } from "./schema.ts";
import { Reader, SAME_VERSION, type WireRefusal, Writer } from "./wire.ts";

/**
 * What one origin says of one facet of itself, signed: the unit that every architecture moves. Whoever
 * passes it on need not understand its body.
 */
export interface AnnouncementRecord {
  readonly origin: NodeId;
  readonly facet: Facet;
  /** Microseconds of the origin's clock when it was made, raised where needed so that it always grows. */
  readonly sequence: number;
  /** The fact's bytes (`encodeFact`). */
  readonly body: Uint8Array;
  /** Ed25519 over `signedText`, 64 bytes. */
  readonly signature: Uint8Array;
}

/** The largest record anybody makes or takes. */
export const MAX_RECORD_BYTES = 16_384;
/** Version of the record's layout; a higher one is refused, unknown fields of this one are skipped. */
const VERSION = 1;

const layout = struct<AnnouncementRecord>({
  origin: required(1, text()),
  facet: required(2, choice(FACETS)),
  sequence: required(3, number()),
  body: required(4, bytes),
  signature: required(5, bytes),
});

/** What the signature covers. The origin stands last, since only it may contain anything. */
const signedText = (
  cryptography: Cryptography,
  record: Pick<AnnouncementRecord, "origin" | "facet" | "sequence" | "body">,
): string =>
  `weft announcement ${VERSION} ${record.facet} ${record.sequence} ${cryptography.digest(record.body)} ${record.origin}`;

/** Makes and signs a record. */
export function makeRecord(
  origin: NodeId,
  fact: Fact,
  sequence: number,
  signer: Signer,
  cryptography: Cryptography,
): AnnouncementRecord {
  const unsigned = { origin, facet: fact.facet, sequence, body: encodeFact(fact) };
  return { ...unsigned, signature: fromHex(signer.sign(signedText(cryptography, unsigned))) };
}

/** Whether the record is signed by the holder of `key`. */
export const isSignedBy = (key: PublicKey, record: AnnouncementRecord, cryptography: Cryptography): boolean =>
  record.signature.length === 64 &&
  cryptography.verify(key, signedText(cryptography, record), toHex(record.signature));

export function encodeRecord(record: AnnouncementRecord): Uint8Array {
  const writer = new Writer();
  writer.byte(VERSION);
  layout.write(writer, record);
  return writer.finish();
}

/** Reads a record; refuses what is oversized, of another version or malformed, and never throws. */
export function decodeRecord(encoded: Uint8Array): Result<AnnouncementRecord, WireRefusal> {
  if (encoded.length > MAX_RECORD_BYTES) {
    return refuse("oversized", "an announcement beyond the size limit", {
      found: `${encoded.length} bytes`,
      expected: `at most ${MAX_RECORD_BYTES} bytes`,
    });
  }
  const reader = new Reader(encoded);
  const version = reader.byte();
  if (!reader.bad && version !== VERSION) {
    return refuse("unknown_version", "an announcement of a version we do not know", {
      found: String(version),
      expected: String(VERSION),
      hint: SAME_VERSION,
    });
  }
  const record = layout.read(reader);
  return reader.bad ? refuse("malformed", "not an announcement", { hint: SAME_VERSION }) : ok(record);
}

const HEX = "0123456789abcdef";

/** Bytes as lower-case hex. */
export function toHex(value: Uint8Array): string {
  let hex = "";
  for (const byte of value) hex += (HEX[byte >> 4] as string) + HEX[byte & 15];
  return hex;
}

/** Lower-case hex as bytes. */
export function fromHex(hex: string): Uint8Array {
  const value = new Uint8Array(hex.length >> 1);
  for (let i = 0; i < value.length; i++) value[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return value;
}
