import type { Agent, IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { type Bytes, type Digest, ok, type Result, refuse } from "@weft/kernel";
import { type Content, type DataRefusal, isDigest } from "./content.ts";
import { newConnections } from "./exchange.ts";
import { answerProbe, PROBE_PATH } from "./probe.ts";
import { readContentRange, readRange } from "./range.ts";
import { relay } from "./relay.ts";
import { ignoreBody, sendRefusal } from "./reply.ts";
import { type Address, parseSegments, SEGMENTS_HEADER } from "./segments.ts";
import type { ContentStore } from "./store.ts";

/** How much of an upload is here already; on every answer about content that is not wholly held. */
export const OFFSET_HEADER = "upload-offset";

export interface GatewayOptions {
  readonly store: ContentStore;
  /** Whether the bearer token (null: none given) admits this request. `digest` is null for a probe. */
  readonly authorize: (request: {
    readonly token: string | null;
    readonly method: string;
    readonly digest: Digest | null;
  }) => boolean;
  /** Whether this gateway forwards to that one. */
  readonly allow: (address: Address) => boolean;
  /** Where this gateway dials for another's address; that address itself unless said otherwise. */
  readonly route?: (address: Address) => Address;
  /** What is shown to the next gateway instead of the token that came; absent: the same token. */
  readonly relayAs?: (token: string | null) => string | null;
  /** The largest content taken. */
  readonly maxContentBytes: number;
  /** A transfer on which nothing moves for so long is broken off; 15 s unless said otherwise. */
  readonly stallMs?: number;
}

/** Bytes of content moved since the gateway was made; relayed ones are neither served nor received. */
export interface GatewayCounters {
  served: Bytes;
  received: Bytes;
  relayed: Bytes;
}

/**
 * Content over HTTP, for a server of the caller's to mount:
 *
 *     GET, HEAD /data/<digest>     with Range (RFC 9110, 14.2)
 *     PUT       /data/<digest>     whole, or in parts with Content-Range (RFC 9110, 14.5): what arrived of a broken
 *                                  upload stays, `upload-offset` of a HEAD or of a refusal says how much
 *     GET, PUT  /data/probe        bytes that mean nothing, to time a link with
 *
 * With a `weft-segments` header the request is streamed on to the first address in it, and nothing is kept.
 * Every refusal is JSON `{code, message, ...}` with a fitting status.
 */
export class Gateway {
  readonly counters: GatewayCounters = { served: 0 as Bytes, received: 0 as Bytes, relayed: 0 as Bytes };
  readonly #options: GatewayOptions;
  readonly #stallMs: number;
  readonly #connections: Agent = newConnections();

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#stallMs = options.stallMs ?? 15_000;
  }

  /** Answers what lies under `/data/`; false, and nothing touched, for anything else. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = (request.url ?? "").split("?", 1)[0] as string;
    if (!path.startsWith("/data/")) return false;
    const method = request.method ?? "GET";
    const segments = parseSegments(one(request.headers[SEGMENTS_HEADER]));
    const probe = path === PROBE_PATH;
    const digest = path.slice("/data/".length);
    if (!probe && !isDigest(digest)) {
      sendRefusal(request, response, 404, notADigest(digest));
    } else if (!this.#options.authorize({ token: bearer(request), method, digest: probe ? null : digest })) {
      response.setHeader("www-authenticate", "Bearer");
      sendRefusal(request, response, 401, NOT_ADMITTED);
    } else if (!segments.ok) {
      sendRefusal(request, response, 400, segments.refusal);
    } else if (segments.value.length > 0) {
      this.#relay(request, response, segments.value);
    } else if (probe) {
      answerProbe(request, response, method);
    } else if (method === "GET" || method === "HEAD") {
      this.#give(request, response, digest);
    } else if (method === "PUT") {
      void this.#take(request, response, digest);
    } else {
      response.setHeader("allow", "GET, HEAD, PUT");
      sendRefusal(request, response, 405, notAMethod(method));
    }
    return true;
  };

  /** Closes the connections kept to other gateways. */
  close(): void {
    this.#connections.destroy();
  }

  #relay(request: IncomingMessage, response: ServerResponse, segments: readonly Address[]): void {
    const next = segments[0] as Address;
    if (!this.#options.allow(next)) {
      sendRefusal(request, response, 403, {
        code: "E_SEGMENT_REFUSED",
        message: "this gateway does not forward there",
        found: next,
      });
      return;
    }
    relay({
      request,
      response,
      segments,
      route: this.#options.route ?? ((address) => address),
      token: this.#options.relayAs?.(bearer(request)) ?? null,
      connections: this.#connections,
      stallMs: this.#stallMs,
      moved: (bytes) => {
        this.counters.relayed = (this.counters.relayed + bytes) as Bytes;
      },
    });
  }

  #give(request: IncomingMessage, response: ServerResponse, digest: Digest): void {
    const { store } = this.#options;
    const size = store.size(digest);
    if (size === null) {
      response.setHeader(OFFSET_HEADER, store.uploaded(digest));
      sendRefusal(request, response, 404, absent(digest));
      return;
    }
    response.setHeader("accept-ranges", "bytes");
    response.setHeader("etag", `"${digest}"`);
    const range = readRange(request.headers.range, size);
    if (range === "unsatisfiable") {
      response.setHeader("content-range", `bytes */${size}`);
      sendRefusal(request, response, 416, badRange(request.headers.range ?? ""));
      return;
    }
    const { from, to } = range ?? { from: 0, to: size };
    if (range !== null) response.setHeader("content-range", `bytes ${from}-${to - 1}/${size}`);
    response.setHeader("content-type", "application/octet-stream");
    response.setHeader("content-length", to - from);
    response.writeHead(range === null ? 200 : 206);
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    response.setTimeout(this.#stallMs, () => response.destroy());
    pipeline(store.open(digest, { from, to }), response, () => {});
    this.counters.served = (this.counters.served + to - from) as Bytes;
  }

  async #take(request: IncomingMessage, response: ServerResponse, digest: Digest): Promise<void> {
    const { store } = this.#options;
    const asked = this.#readUpload(request, digest);
    if (!asked.ok) {
      sendRefusal(request, response, asked.refusal.code === "E_CONTENT_SIZE" ? 413 : 400, asked.refusal);
      return;
    }
    const { content, from } = asked.value;
    if (store.has(digest)) {
      ignoreBody(request, response);
      response.writeHead(200, { "content-length": 0 }).end();
      return;
    }
    request.setTimeout(this.#stallMs, () => request.destroy());
    let got: Result<{ complete: boolean; offset: number }, DataRefusal>;
    try {
      // The stream must outlive a refusal, or its answer would have no connection to go out on.
      got = await store.receive(content, from, request.iterator({ destroyOnReturn: false }));
    } catch (error) {
      response.destroy(error as Error);
      return;
    }
    request.setTimeout(0);
    if (!got.ok) {
      response.setHeader(OFFSET_HEADER, store.uploaded(digest));
      sendRefusal(request, response, STATUS[got.refusal.code] ?? 500, got.refusal);
      return;
    }
    this.counters.received = (this.counters.received + got.value.offset - from) as Bytes;
    if (response.destroyed) return;
    response.setHeader(OFFSET_HEADER, got.value.offset);
    response.writeHead(got.value.complete ? 201 : 202, { "content-length": 0 }).end();
  }

  #readUpload(
    request: IncomingMessage,
    digest: Digest,
  ): Result<{ readonly content: Content; readonly from: number }, DataRefusal> {
    const length = request.headers["content-length"];
    const range = readContentRange(request.headers["content-range"]);
    if (range === "malformed" || (range === null && length === undefined)) {
      return refuse("E_DATA_REQUEST", "an upload says how long it is", {
        expected: "Content-Length, or Content-Range: bytes first-last/total",
      });
    }
    const size = range === null ? Number(length) : range.total;
    if (size > this.#options.maxContentBytes) {
      return refuse("E_CONTENT_SIZE", "larger than one content may be here", {
        found: `${size} bytes`,
        expected: `at most ${this.#options.maxContentBytes} bytes`,
      });
    }
    return ok({ content: { digest, size: size as Bytes }, from: range?.from ?? 0 });
  }
}

const STATUS: { readonly [code in DataRefusal["code"]]?: number } = {
  E_CONTENT_DIGEST: 422,
  E_CONTENT_SIZE: 413,
  E_CONTENT_OFFSET: 409,
  E_CONTENT_BUSY: 409,
  E_CONTENT_SPACE: 507,
  E_CONTENT_DISK: 507,
};

const NOT_ADMITTED: DataRefusal = {
  code: "E_DATA_TOKEN",
  message: "the bearer token does not admit this",
  expected: "Authorization: Bearer <token>",
};

const absent = (digest: Digest): DataRefusal => ({
  code: "E_CONTENT_ABSENT",
  message: "not held here",
  found: digest,
});

const notADigest = (found: string): DataRefusal => ({
  code: "E_DATA_REQUEST",
  message: "content is named by its SHA-256",
  found,
  expected: "/data/ and 64 lower-case hex digits",
});

const notAMethod = (found: string): DataRefusal => ({
  code: "E_DATA_REQUEST",
  message: "content is read with GET and HEAD, written with PUT",
  found,
});

const badRange = (found: string): DataRefusal => ({
  code: "E_DATA_REQUEST",
  message: "the range lies outside the content",
  path: "range",
  found,
});

const one = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(",") : header;

function bearer(request: IncomingMessage): string | null {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? null;
}
