import { type IncomingMessage, request } from "node:http";
import type { BitsPerSecond } from "@weft/kernel";

/*
 * A link's rate by timing bytes over it, against a gateway's `/data/probe`: GET with `?bytes=N` gives N bytes, PUT takes some
 * and answers `{bytes, micros}` as it saw them arrive. Only the time between the first and the last byte counts, at the
 * receiving end, so that neither the delay nor what buffers swallow at the sending end enters.
 */

export interface ThroughputOptions {
  readonly address: string;
  readonly token?: string | undefined;
  /** The most one direction may cost; 8 MiB unless said otherwise. */
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

const FIRST_BYTES = 128 << 10;
const GROWTH = 4;
/** A transfer that takes so long says enough. */
const ENOUGH_MS = 60;

export interface Throughput {
  readonly there: BitsPerSecond | null;
  readonly back: BitsPerSecond | null;
}

/** Times both directions, one after the other, with as few bytes as tell. null where the gateway did not answer. */
export async function measureThroughput(options: ThroughputOptions): Promise<Throughput> {
  return {
    back: await grow(options, (bytes) => download(options, bytes)),
    there: await grow(options, (bytes) => upload(options, bytes)),
  };
}

interface Timed {
  readonly bytes: number;
  readonly ms: number;
}

/** Sends more until it takes long enough to be timed, and gives the last rate. */
async function grow(
  { maxBytes = 8 << 20 }: ThroughputOptions,
  transfer: (bytes: number) => Promise<Timed>,
): Promise<BitsPerSecond | null> {
  for (let bytes = Math.min(FIRST_BYTES, maxBytes); ; bytes = Math.min(bytes * GROWTH, maxBytes)) {
    let timed: Timed;
    try {
      timed = await transfer(bytes);
    } catch {
      return null;
    }
    if (timed.ms < ENOUGH_MS && bytes < maxBytes) continue;
    return timed.bytes > 0 && timed.ms > 0
      ? ((((timed.bytes * 8) / timed.ms) * 1000) as BitsPerSecond)
      : null;
  }
}

async function download(options: ThroughputOptions, bytes: number): Promise<Timed> {
  const response = await ask(options, "GET", `/data/probe?bytes=${bytes}`);
  let counted = -1;
  let firstAt = 0;
  let lastAt = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    lastAt = performance.now();
    // The first chunk starts the clock; when its bytes were sent is not known.
    if (counted < 0) {
      firstAt = lastAt;
      counted = 0;
    } else counted += chunk.length;
  }
  return { bytes: Math.max(0, counted), ms: lastAt - firstAt };
}

async function upload(options: ThroughputOptions, bytes: number): Promise<Timed> {
  const response = await ask(options, "PUT", "/data/probe", Buffer.alloc(bytes));
  let text = "";
  for await (const chunk of response) text += chunk;
  const answer = JSON.parse(text) as { bytes: number; micros: number };
  return { bytes: answer.bytes, ms: answer.micros / 1000 };
}

function ask(
  { address, token, timeoutMs = 10_000 }: ThroughputOptions,
  method: string,
  path: string,
  body?: Buffer,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`http://${address}${path}`, {
      method,
      agent: false,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-length": body.length }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      if (response.statusCode === 200) resolve(response);
      else {
        response.resume();
        reject(new Error(`the gateway answered ${response.statusCode}`));
      }
    });
    outgoing.end(body);
  });
}
