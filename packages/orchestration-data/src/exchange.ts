import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import type { Readable } from "node:stream";
import type { Address } from "./segments.ts";
import { hostAndPort } from "./segments.ts";

/** Connections to gateways, kept open between transfers: a far gateway costs its round trip once. */
export const newConnections = (): Agent => new Agent({ keepAlive: true, maxFreeSockets: 16, noDelay: true });

export interface Exchange {
  readonly connections: Agent;
  readonly address: Address;
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: Readable;
  readonly signal?: AbortSignal | undefined;
  /** The connection is given up when nothing moves on it for so long. */
  readonly stallMs: number;
}

/**
 * One request to one gateway. Resolves with the response's head, its body still to be read; rejects when the connection
 * cannot be made or breaks before that. An answer that comes before the whole body was sent wins: the rest of the body is dropped.
 */
export function exchange(what: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...hostAndPort(what.address),
      agent: what.connections,
      method: what.method,
      path: what.path,
      headers: what.headers,
      ...(what.signal === undefined ? {} : { signal: what.signal }),
    });
    outgoing.setTimeout(what.stallMs, () => outgoing.destroy(stalled(what)));
    outgoing.once("response", (response) => {
      // An answer before the body's end: stop sending, yet keep the connection until the answer is read.
      what.body?.unpipe(outgoing);
      what.body?.destroy();
      if (!outgoing.writableEnded) response.once("end", () => outgoing.destroy());
      resolve(response);
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      // A kept connection may be closed by the other side at the very moment it is used again.
      const mayRepeat = outgoing.reusedSocket && what.body === undefined && error.code === "ECONNRESET";
      what.body?.destroy();
      if (mayRepeat) exchange(what).then(resolve, reject);
      else reject(error);
    });
    if (what.body === undefined) outgoing.end();
    else what.body.once("error", (error) => outgoing.destroy(error)).pipe(outgoing);
  });
}

function stalled(what: Exchange): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(
    `nothing moved to or from ${what.address} for ${what.stallMs} ms`,
  );
  error.code = "ETIMEDOUT";
  return error;
}

/** Reads at most `limit` bytes of a body as text; what lies beyond is thrown away. */
export async function readText(body: Readable, limit = 64 << 10): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.byteLength;
  }
  return Buffer.concat(chunks).toString("utf8");
}
