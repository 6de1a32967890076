import type { ServerResponse } from "node:http";
import { type Agent, request as ask, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { pipeline } from "node:stream";
import type { DataRefusal } from "./content.ts";
import { sendRefusal } from "./reply.ts";
import { type Address, formatSegments, hostAndPort, SEGMENTS_HEADER } from "./segments.ts";

export interface Relay {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Where the request still has to go; the first is next. */
  readonly segments: readonly Address[];
  /** Where to dial for a gateway's address. */
  readonly route: (address: Address) => Address;
  /** Shown to the next gateway; null: whatever came. */
  readonly token: string | null;
  readonly connections: Agent;
  readonly stallMs: number;
  /** Told the bytes of content that passed, either way. */
  readonly moved: (bytes: number) => void;
}

/** Headers that concern one connection only, not what is carried over it (RFC 9110, 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  SEGMENTS_HEADER,
]);

/**
 * Streams one request on to the next gateway of its list and the answer back; keeps nothing but what the sockets
 * buffer. When either side breaks, so does the other, and the sender resumes from what arrived at the end.
 */
export function relay({
  request,
  response,
  segments,
  route,
  token,
  connections,
  stallMs,
  moved,
}: Relay): void {
  const [next, ...rest] = segments as [Address, ...Address[]];
  const outgoing = ask({
    ...hostAndPort(route(next)),
    agent: connections,
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers: {
      ...endToEnd(request.headers),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(rest.length > 0 ? { [SEGMENTS_HEADER]: formatSegments(rest) } : {}),
    },
  });
  outgoing.setTimeout(stallMs, () => outgoing.destroy(new Error(`nothing moved for ${stallMs} ms`)));
  outgoing.once("response", (incoming) => {
    request.on("data", IGNORE); // an early answer: what is still sent is read and dropped
    response.writeHead(incoming.statusCode ?? 502, endToEnd(incoming.headers));
    incoming.on("data", (chunk: Buffer) => moved(chunk.byteLength));
    pipeline(incoming, response, () => {});
  });
  outgoing.on("error", (error) => {
    request.unpipe(outgoing);
    sendRefusal(request, response, 502, unreachable(next, error));
  });
  response.once("close", () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  if (request.method === "PUT") {
    request.on("data", (chunk: Buffer) => moved(chunk.byteLength));
    request.once("close", () => {
      if (!request.complete) outgoing.destroy();
    });
    request.pipe(outgoing);
  } else {
    outgoing.end();
  }
}

const IGNORE = (): void => {};

function endToEnd(headers: IncomingMessage["headers"]): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value;
  }
  return kept;
}

const unreachable = (found: Address, error: Error): DataRefusal => ({
  code: "E_SEGMENT_UNREACHABLE",
  message: `the next gateway did not answer: ${error.message}`,
  found,
});
