import type { NodeId } from "@weft/infrastructure";
import { FACETS, type Facet } from "../facts.ts";
import { bytes, flag, list, number, required, struct, text } from "../schema.ts";
import { Reader, Writer } from "../wire.ts";

/*
 * What neighbours say to each other. `have`, `acknowledge`, `prune` and `graft` name records by four bytes of hash
 * and the low four of the number: they are hints, and a collision costs one needless or one late transfer.
 */

/** One record on its way, and how long ago its origin made it, as far as its carriers know. */
export interface Carried {
  readonly record: Uint8Array;
  readonly ageUs: number;
}

/** The newest number of each facet of one origin; 0 where there is none. */
export interface Held {
  readonly origin: NodeId;
  readonly sequences: readonly number[];
}

/** A record by its hints. */
export interface Hint {
  readonly key: number;
  readonly low: number;
}

export type MeshMessage =
  /**
   * Sign of life. `boot` names this life of the sender, `knows` the life of the receiver whose summary it has read
   * whole, `ask` wants a hello back.
   */
  | { readonly kind: "hello"; readonly boot: number; readonly knows: number; readonly ask: boolean }
  | { readonly kind: "records"; readonly carried: readonly Carried[] }
  /** Part `part` of the `of` parts of all that the sender holds. Told on contact, until it was read whole. */
  | {
      readonly kind: "summary";
      readonly boot: number;
      readonly part: number;
      readonly of: number;
      readonly held: readonly Held[];
    }
  | { readonly kind: "request"; readonly keys: readonly number[] }
  | { readonly kind: "acknowledge" | "have"; readonly hints: readonly Hint[] }
  /** Stop or go on pushing records of these origins to me. */
  | { readonly kind: "prune" | "graft"; readonly origins: readonly number[] };

/** In wire order. Append only. */
const KINDS: readonly MeshMessage["kind"][] = [
  "hello",
  "records",
  "summary",
  "request",
  "acknowledge",
  "have",
  "prune",
  "graft",
];

const VERSION = 1;

const layouts = {
  hello: struct<{ boot: number; knows: number; ask: boolean }>({
    boot: required(1, number()),
    knows: required(2, number()),
    ask: required(3, flag),
  }),
  records: struct<{ carried: readonly Carried[] }>({
    carried: list(1, struct<Carried>({ record: required(1, bytes), ageUs: required(2, number()) })),
  }),
  summary: struct<{ boot: number; part: number; of: number; held: readonly Held[] }>({
    boot: required(1, number()),
    part: required(2, number()),
    of: required(3, number()),
    held: list(4, struct<Held>({ origin: required(1, text()), sequences: list(2, number()) })),
  }),
} as const;

export function encodeMesh(message: MeshMessage): Uint8Array {
  const writer = new Writer();
  writer.byte(VERSION);
  writer.byte(KINDS.indexOf(message.kind));
  switch (message.kind) {
    case "hello":
      layouts.hello.write(writer, message);
      break;
    case "records":
      layouts.records.write(writer, message);
      break;
    case "summary":
      layouts.summary.write(writer, message);
      break;
    case "request":
      writeWords(writer, message.keys);
      break;
    case "acknowledge":
    case "have":
      writeWords(
        writer,
        message.hints.flatMap(({ key, low }) => [key, low]),
      );
      break;
    case "prune":
    case "graft":
      writeWords(writer, message.origins);
      break;
  }
  return writer.finish();
}

/** Reads a message; null for whatever is malformed or of another version. Never throws. */
export function decodeMesh(encoded: Uint8Array): MeshMessage | null {
  const reader = new Reader(encoded);
  if (reader.byte() !== VERSION) return null;
  const kind = KINDS[reader.byte()];
  if (reader.bad || kind === undefined) return null;
  const message = readMessage(kind, reader, encoded);
  return reader.bad ? null : message;
}

function readMessage(kind: MeshMessage["kind"], reader: Reader, encoded: Uint8Array): MeshMessage | null {
  switch (kind) {
    case "hello":
      return { kind, ...layouts.hello.read(reader) };
    case "records":
      return { kind, ...layouts.records.read(reader) };
    case "summary":
      return { kind, ...layouts.summary.read(reader) };
    case "request": {
      const keys = readWords(encoded);
      return keys === null ? null : { kind, keys };
    }
    case "acknowledge":
    case "have": {
      const words = readWords(encoded);
      if (words === null || words.length % 2 !== 0) return null;
      const hints: Hint[] = [];
      for (let i = 0; i < words.length; i += 2) hints.push({ key: words[i]!, low: words[i + 1]! });
      return { kind, hints };
    }
    case "prune":
    case "graft": {
      const origins = readWords(encoded);
      return origins === null ? null : { kind, origins };
    }
  }
}

function writeWords(writer: Writer, words: readonly number[]): void {
  const raw = new Uint8Array(words.length * 4);
  const view = new DataView(raw.buffer);
  for (let i = 0; i < words.length; i++) view.setUint32(i * 4, words[i] as number);
  writer.raw(raw);
}

function readWords(encoded: Uint8Array): number[] | null {
  const length = encoded.length - 2;
  if (length % 4 !== 0) return null;
  const view = new DataView(encoded.buffer, encoded.byteOffset + 2, length);
  const words: number[] = [];
  for (let i = 0; i < length; i += 4) words.push(view.getUint32(i));
  return words;
}

/** Four bytes of hash of an origin (FNV-1a, mixed). */
export function originHash(origin: NodeId): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < origin.length; i++) hash = Math.imul(hash ^ origin.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The hint of one facet of an origin with that hash. */
export const keyHash = (origin: number, facet: Facet): number =>
  (origin ^ Math.imul(FACETS.indexOf(facet) + 1, 0x9e3779b1)) >>> 0;

export const lowOf = (sequence: number): number => sequence % 0x1_0000_0000;

/** Whether number `low` is newer than `than`, both known by their low 32 bits (half an hour apart at most). */
export const isNewer = (low: number, than: number): boolean => ((low - than) | 0) > 0;
