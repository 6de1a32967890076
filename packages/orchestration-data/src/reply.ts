import type { IncomingMessage, ServerResponse } from "node:http";
import type { DataRefusal } from "./content.ts";

/** How long a refused sender may go on talking before the connection is cut. */
const DRAIN_MS = 2_000;

/**
 * Throws away a body still coming in, for a moment, before an answer that does not wait for it: closing
 * on a sender in mid-sentence resets the connection, and the answer is lost with it.
 */
export function ignoreBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.setHeader("connection", "close");
  request.resume();
  setTimeout(() => request.destroy(), DRAIN_MS).unref();
}

/** Answers with a refusal as JSON. */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  refusal: DataRefusal,
): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(refusal));
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", body.byteLength);
  ignoreBody(request, response);
  response.writeHead(status);
  response.end(request.method === "HEAD" ? undefined : body);
}
