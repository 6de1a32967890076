import type { Agent, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import {
  assert,
  type BitsPerSecond,
  type Bytes,
  type Digest,
  type Micros,
  micros,
  ok,
  type Result,
  refuse,
} from "@weft/kernel";
import { pause } from "@weft/live";
import type { Content, DataRefusal, DataRefusalCode } from "./content.ts";
import { exchange, newConnections, readText } from "./exchange.ts";
import { OFFSET_HEADER } from "./gateway.ts";
import { type Address, formatSegments, SEGMENTS_HEADER } from "./segments.ts";
import type { ContentStore } from "./store.ts";

/** What content is sent from: a store, or a file that stays where it is. */
export type ContentSource = Pick<ContentStore, "size" | "pin" | "unpin" | "open">;

export interface Transfer<Store = ContentStore> extends Content {
  /** The gateways to pass, the first dialled from here, the last holding or receiving the content. At least one. */
  readonly segments: readonly Address[];
  /** Where the content goes to, or comes from. */
  readonly store: Store;
  /** Sent to every gateway as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  readonly onProgress?: (progress: { readonly done: number; readonly of: number }) => void;
  readonly signal?: AbortSignal | undefined;
  /** Attempts in a row that may bring no byte further before it is given up; 8 unless said otherwise. */
  readonly retries?: number;
  /** Wait before the second attempt, doubled each time without progress, at most 3 s; 50 ms unless said otherwise. */
  readonly backoffMs?: number;
  /** A connection on which nothing moves for so long is given up; 15 s unless said otherwise. */
  readonly stallMs?: number;
  /** Connections to share; those of this module unless said otherwise. */
  readonly connections?: Agent;
}

/** What a transfer came to. */
export interface TransferReport extends Content {
  /** Bytes this call moved over the network: none when the content was there already, less than `size` when it resumed. */
  readonly moved: Bytes;
  readonly attempts: number;
  readonly took: Micros;
  /** `moved` over `took`; null when nothing moved. */
  readonly rate: BitsPerSecond | null;
}

export type TransferResult = Result<TransferReport, DataRefusal>;

/** What one attempt ended as: `again` while something may change. */
type Attempt =
  | { readonly end: "done" }
  | { readonly end: "again"; readonly refusal: DataRefusal; readonly progressed: boolean }
  | { readonly end: "refused"; readonly refusal: DataRefusal };

const sharedConnections = newConnections();
const MAX_BACKOFF_MS = 3_000;
/** Up to this size it is quicker to send all than to ask first how much is there. */
const SEND_AT_ONCE_BYTES = 256 << 10;
const PROGRESS_EVERY_MS = 100;

/** Refusals that a later attempt may not meet again; all others end the transfer. */
const PASSING: ReadonlySet<DataRefusalCode> = new Set([
  "E_CONTENT_OFFSET",
  "E_CONTENT_BUSY",
  "E_SEGMENT_UNREACHABLE",
]);

/** Fetches under way, so that two tasks wanting the same content move it once. */
const fetching = new WeakMap<ContentStore, Map<Digest, Promise<TransferResult>>>();

/**
 * Brings content into the store, along the segments given. Goes on where a broken connection stopped, checks the
 * hash, and gives up after `retries` attempts without progress. Refusals: those of the gateways, of the store, and
 * `E_TRANSFER_STALLED`, `E_TRANSFER_CANCELLED`.
 */
export async function fetchContent(transfer: Transfer): Promise<TransferResult> {
  const { store, digest } = transfer;
  let underWay = fetching.get(store);
  if (underWay === undefined) fetching.set(store, (underWay = new Map()));
  // Whoever waits takes over when the first one fails: it may have been cancelled, or had another path.
  for (let other = underWay.get(digest); other !== undefined; other = underWay.get(digest)) {
    await settledOrAborted(other, transfer.signal);
    if (transfer.signal?.aborted) return CANCELLED;
    if (store.has(digest)) return persist(transfer, (count) => fetchOnce(transfer, count));
  }
  const mine = persist(transfer, (count) => fetchOnce(transfer, count));
  underWay.set(digest, mine);
  try {
    return await mine;
  } finally {
    underWay.delete(digest);
  }
}

async function fetchOnce(transfer: Transfer, count: Counter): Promise<Attempt> {
  const { store, digest, size } = transfer;
  if (store.has(digest)) return { end: "done" };
  const offset = store.uploaded(digest);
  const response = await ask(transfer, "GET", offset > 0 ? { range: `bytes=${offset}-` } : {});
  const status = response.statusCode ?? 0;
  // Everything came, yet the last step of keeping it failed: an empty rest completes it.
  const nothingLeft = status === 416 && offset === size;
  if (status !== 200 && status !== 206 && !nothingLeft) return refusedBy(response, false);
  const skip = status === 200 ? offset : 0;
  count.startAt(offset - skip);
  if (nothingLeft) response.resume();
  const bytes = nothingLeft ? Readable.from([]) : rest(response, skip, count);
  const got = await store.receive(transfer, offset, bytes);
  if (!got.ok) {
    response.destroy();
    // Bytes of an earlier attempt may be at fault once; a whole content that is wrong stays wrong.
    return got.refusal.code === "E_CONTENT_DIGEST" && offset > 0
      ? { end: "again", refusal: got.refusal, progressed: false }
      : { end: "refused", refusal: got.refusal };
  }
  if (got.value.complete) return { end: "done" };
  return {
    end: "again",
    refusal: unreachable("the connection broke"),
    progressed: got.value.offset > offset,
  };
}

/**
 * Sends content held in the store to the last of the segments, in the same manner. Content that is there
 * already costs one question.
 */
export async function pushContent(transfer: Transfer<ContentSource>): Promise<TransferResult> {
  const { store, digest, size } = transfer;
  if (store.size(digest) !== size) {
    return refuse("E_CONTENT_ABSENT", "not held here, so it cannot be sent", { found: digest });
  }
  store.pin(digest);
  try {
    const there = { reached: 0, known: size <= SEND_AT_ONCE_BYTES };
    return await persist(transfer, (count) => pushOnce(transfer, there, count));
  } finally {
    store.unpin(digest);
  }
}

async function pushOnce(
  transfer: Transfer<ContentSource>,
  there: { reached: number; known: boolean },
  count: Counter,
): Promise<Attempt> {
  const { store, digest, size } = transfer;
  const before = there.reached;
  if (!there.known) {
    const head = await ask(transfer, "HEAD", {});
    head.resume();
    if (head.statusCode === 200) return { end: "done" };
    if (head.statusCode !== 404) return refusedBy(head, false);
    there.reached = Number(head.headers[OFFSET_HEADER] ?? 0);
  }
  there.known = false;
  const from = there.reached;
  const body = store.open(digest, { from, to: size });
  count.startAt(from);
  body.on("data", (chunk: Buffer) => count.add(chunk.byteLength));
  body.pause(); // counting must not start it before the connection does
  const response = await ask(
    transfer,
    "PUT",
    {
      "content-length": size - from,
      ...(from > 0
        ? { "content-range": `bytes ${from === size ? "*" : `${from}-${size - 1}`}/${size}` }
        : {}),
    },
    body,
  );
  const status = response.statusCode ?? 0;
  if (status === 200 || status === 201) {
    response.resume();
    return { end: "done" };
  }
  return refusedBy(response, from > before);
}

/** Tries until done, refused, cancelled, or `retries` attempts in a row brought no byte further. */
async function persist(
  transfer: Transfer<unknown>,
  attempt: (count: Counter) => Promise<Attempt>,
): Promise<TransferResult> {
  const { retries = 8, backoffMs = 50, signal } = transfer;
  const startedAt = performance.now();
  const count = new Counter(transfer);
  for (let attempts = 1, fruitless = 0; ; attempts++) {
    if (signal?.aborted) return CANCELLED;
    const ended = await attempt(count).catch(
      (error: Error): Attempt => ({ end: "again", refusal: unreachable(error.message), progressed: false }),
    );
    if (ended.end === "done") {
      count.finish();
      return ok(report(transfer, count.moved, attempts, performance.now() - startedAt));
    }
    if (signal?.aborted) return CANCELLED;
    if (ended.end === "refused") return { ok: false, refusal: ended.refusal };
    fruitless = ended.progressed ? 1 : fruitless + 1;
    if (fruitless > retries) {
      return refuse("E_TRANSFER_STALLED", `${fruitless} attempts brought no byte further`, {
        found: `${ended.refusal.code}: ${ended.refusal.message}`,
      });
    }
    await pause(Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** (fruitless - 1)), signal);
  }
}

function ask(
  transfer: Transfer<unknown>,
  method: string,
  headers: OutgoingHttpHeaders,
  body?: Readable,
): Promise<IncomingMessage> {
  const [first, ...others] = transfer.segments;
  assert(first !== undefined, "a transfer names at least one gateway");
  return exchange({
    connections: transfer.connections ?? sharedConnections,
    address: first,
    method,
    path: `/data/${transfer.digest}`,
    headers: {
      ...headers,
      ...(others.length > 0 ? { [SEGMENTS_HEADER]: formatSegments(others) } : {}),
      ...(transfer.token === undefined ? {} : { authorization: `Bearer ${transfer.token}` }),
    },
    ...(body === undefined ? {} : { body }),
    signal: transfer.signal,
    stallMs: transfer.stallMs ?? 15_000,
  });
}

/** A gateway's refusal, read from its JSON; one that may pass is tried again. */
async function refusedBy(response: IncomingMessage, progressed: boolean): Promise<Attempt> {
  const status = response.statusCode ?? 0;
  const text = await readText(response);
  const refusal = parseRefusal(text) ?? {
    code: "E_DATA_REQUEST" as const,
    message: `the gateway answered ${status}`,
    ...(text === "" ? {} : { found: text.slice(0, 200) }),
  };
  const again = PASSING.has(refusal.code) || status === 202;
  return again ? { end: "again", refusal, progressed } : { end: "refused", refusal };
}

function parseRefusal(text: string): DataRefusal | null {
  try {
    const { code, message } = JSON.parse(text);
    return typeof code === "string" && typeof message === "string" ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** A body, counted, without its first `skip` bytes. */
async function* rest(body: IncomingMessage, skip: number, count: Counter): AsyncGenerator<Uint8Array> {
  let left = skip;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    count.add(chunk.byteLength);
    if (left >= chunk.byteLength) {
      left -= chunk.byteLength;
      continue;
    }
    yield left === 0 ? chunk : chunk.subarray(left);
    left = 0;
  }
}

/** Counts what moves, and tells the asker how far the content is, a few times a second. */
class Counter {
  moved = 0;
  readonly #transfer: Transfer<unknown>;
  #reached = 0;
  #toldAt = 0;

  constructor(transfer: Transfer<unknown>) {
    this.#transfer = transfer;
  }

  /** So much of the content is at its goal before the next byte moves. */
  startAt(offset: number): void {
    this.#reached = offset;
  }

  add(bytes: number): void {
    this.moved += bytes;
    this.#reached += bytes;
    const now = performance.now();
    if (now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    this.#transfer.onProgress?.({ done: this.#reached, of: this.#transfer.size });
  }

  finish(): void {
    this.#transfer.onProgress?.({ done: this.#transfer.size, of: this.#transfer.size });
  }
}

function report(content: Content, moved: number, attempts: number, tookMs: number): TransferReport {
  return {
    digest: content.digest,
    size: content.size,
    moved: moved as Bytes,
    attempts,
    took: micros(tookMs * 1000),
    rate: moved === 0 || tookMs === 0 ? null : ((((moved * 8) / tookMs) * 1000) as BitsPerSecond),
  };
}

const unreachable = (message: string): DataRefusal => ({ code: "E_SEGMENT_UNREACHABLE", message });

const CANCELLED = refuse("E_TRANSFER_CANCELLED", "the transfer was called off");

/** Waits for what another one does, at most until the signal is raised; listens to the signal no longer than that. */
async function settledOrAborted(other: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  let raise = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    raise = resolve;
  });
  signal?.addEventListener("abort", raise);
  try {
    await Promise.race([other, aborted]);
  } finally {
    signal?.removeEventListener("abort", raise);
  }
}
