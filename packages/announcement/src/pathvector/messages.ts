import type { NodeId } from "@weft/infrastructure";
import type { Micros } from "@weft/kernel";
import { bytes, list, number, required, struct, text } from "../schema.ts";
import { Reader, Writer } from "../wire.ts";

/** One domain on a path, and the session over which it heard of the origin. */
export interface Hop {
  readonly domain: NodeId;
  /** Names that session of the domain's, another one each time the link comes up; 0 at the origin itself. */
  readonly link: number;
}

/** A way to an origin as a peer tells it: that peer first, the origin last. */
export interface Route {
  readonly origin: NodeId;
  readonly path: readonly Hop[];
  /** One-way delay from the teller to the origin, along the path. */
  readonly delay: Micros;
}

/** Why routes end: domain `by` lost its session `link`. Signed by `by`. */
export interface Cause {
  readonly by: NodeId;
  readonly link: number;
  readonly signature: Uint8Array;
}

export type PathVectorMessage =
  | ({ readonly kind: "route" } & Route)
  | { readonly kind: "withdraw"; readonly origin: NodeId }
  /** Records of origins the receiver has a route to, or is just told one. */
  | {
      readonly kind: "records";
      readonly records: readonly { readonly record: Uint8Array; readonly ageUs: number }[];
    }
  | ({ readonly kind: "cause" } & Cause);

/** The longest path anybody takes: beyond it a route is noise. */
export const MAX_PATH = 64;

/** In wire order. Append only. */
const KINDS: readonly PathVectorMessage["kind"][] = ["route", "withdraw", "records", "cause"];
const VERSION = 1;

const layouts = {
  route: struct<Route>({
    origin: required(1, text()),
    path: list(2, struct<Hop>({ domain: required(1, text()), link: required(2, number()) })),
    delay: required(3, number()),
  }),
  withdraw: struct<{ origin: NodeId }>({ origin: required(1, text()) }),
  records: struct<{ records: readonly { record: Uint8Array; ageUs: number }[] }>({
    records: list(1, struct({ record: required(1, bytes), ageUs: required(2, number<number>()) })),
  }),
  cause: struct<Cause>({
    by: required(1, text()),
    link: required(2, number()),
    signature: required(3, bytes),
  }),
} as const;

export function encodePathVector(message: PathVectorMessage): Uint8Array {
  const writer = new Writer();
  writer.byte(VERSION);
  writer.byte(KINDS.indexOf(message.kind));
  const layout = layouts[message.kind] as { write(writer: Writer, value: unknown): void };
  layout.write(writer, message);
  return writer.finish();
}

/** Reads a message; null for whatever is malformed or of another version. Never throws. */
export function decodePathVector(encoded: Uint8Array): PathVectorMessage | null {
  const reader = new Reader(encoded);
  if (reader.byte() !== VERSION) return null;
  const kind = KINDS[reader.byte()];
  if (reader.bad || kind === undefined) return null;
  const message = { kind, ...layouts[kind].read(reader) } as PathVectorMessage;
  if (reader.bad) return null;
  return message.kind === "route" && (message.path.length === 0 || message.path.length > MAX_PATH)
    ? null
    : message;
}

/** What the signature of a cause covers. */
export const causeText = (cause: Omit<Cause, "signature">): string =>
  `weft cause 1 ${cause.link} ${cause.by}`;
