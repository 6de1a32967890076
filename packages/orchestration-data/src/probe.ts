import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { sendRefusal } from "./reply.ts";

/**
 * Bytes without meaning, to time a link with: `GET ?bytes=N` sends some; `PUT` takes some and answers how many came behind
 * the first chunk, and in how many microseconds after it.
 */
export const PROBE_PATH = "/data/probe";

/** The most one probe may ask for. */
const MAX_PROBE_BYTES = 16 << 20;

/** Random once, so that nothing on the way can shorten it. */
let filler: Buffer | undefined;

function fillerBytes(): Buffer {
  if (filler === undefined) {
    filler = Buffer.allocUnsafe(64 << 10);
    for (let at = 0, state = 0x9e3779b9; at < filler.length; at++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      filler[at] = state;
    }
  }
  return filler;
}

/** Answers a probe of the link to this gateway. */
export function answerProbe(request: IncomingMessage, response: ServerResponse, method: string): void {
  if (method === "PUT") {
    let bytes = 0;
    let first = 0;
    let firstAt = 0;
    let lastAt = 0;
    request.on("data", (chunk: Buffer) => {
      lastAt = performance.now();
      if (bytes === 0) {
        first = chunk.byteLength;
        firstAt = lastAt;
      }
      bytes += chunk.byteLength;
      if (bytes > MAX_PROBE_BYTES) request.destroy();
    });
    request.once("end", () => {
      const micros = Math.round((lastAt - firstAt) * 1000);
      const body = JSON.stringify({ bytes: bytes - first, micros });
      response
        .writeHead(200, { "content-type": "application/json", "content-length": body.length })
        .end(body);
    });
    return;
  }
  const asked = Number(new URLSearchParams((request.url ?? "").split("?")[1]).get("bytes") ?? Number.NaN);
  if ((method !== "GET" && method !== "HEAD") || !(asked >= 0 && asked <= MAX_PROBE_BYTES)) {
    sendRefusal(request, response, 400, {
      code: "E_DATA_REQUEST",
      message: "not a probe of this gateway",
      path: "bytes",
      expected: `GET with ?bytes= of at most ${MAX_PROBE_BYTES}, or PUT`,
    });
    return;
  }
  const size = Math.floor(asked);
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
  if (method === "HEAD") response.end();
  else Readable.from(fill(size), { objectMode: false }).pipe(response);
}

function* fill(size: number): Generator<Buffer> {
  const bytes = fillerBytes();
  for (let left = size; left > 0; left -= bytes.length) yield bytes.subarray(0, Math.min(left, bytes.length));
}
