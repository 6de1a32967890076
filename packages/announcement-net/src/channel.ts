import { Buffer } from "node:buffer";
import { ok, type Refusal, type Result, refuse } from "@weft/kernel";
import type { RawData, WebSocket } from "ws";
import { announcementFrame, controlFrame, FRAME_HEADER_BYTES, type Json, readFrames } from "./frame.ts";

/** What a channel tells its owner. A handler that throws stops the program: it is our own bug. */
export interface ChannelHandlers {
  announcement(bytes: Uint8Array): void;
  control(channel: string, body: Json): void;
  /** The send queue, once refused for being full, has room again. */
  drained?(): void;
  /** Told once; nothing else is told afterwards. */
  closed(reason: string): void;
}

export interface ChannelLimits {
  /** Largest announcement or control message, either way. */
  readonly messageBytes: number;
  /** Most that waits to be sent; what comes on top is refused. */
  readonly queueBytes: number;
  /** Silence after which the other side is asked for a sign of life; dead after two and a half times that. */
  readonly pingMs: number;
}

export const DEFAULT_CHANNEL_LIMITS: ChannelLimits = {
  messageBytes: 1 << 20,
  queueBytes: 8 << 20,
  pingMs: 10_000,
};

/** Frames that become ready together leave in one WebSocket message up to about this size. */
const BATCH_BYTES = 1 << 16;
/** Right after a message, frames wait this long for company: a stream of small ones then costs a message each 2 ms. */
const GATHER_MS = 2;

export type SendRefusal = Refusal<"queue_full" | "oversized" | "not_connected">;
export type Sent = Result<null, SendRefusal>;
const SENT: Sent = ok(null);

/** What the WebSocket layer must take for these limits: a full batch, or one message at its limit. */
export const maxPayload = (limits: ChannelLimits): number =>
  limits.messageBytes + BATCH_BYTES + FRAME_HEADER_BYTES;

/** One live connection: frames out in batches with bounded memory, frames in, liveness. Both sides use it. */
export class Channel {
  readonly #socket: WebSocket;
  readonly #limits: ChannelLimits;
  readonly #handlers: ChannelHandlers;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #gather: NodeJS.Timeout | undefined;
  #flushedMs = 0;
  #refusing = false;
  #closed = false;
  #heardMs: number;
  #pingedMs = 0;
  #pingSentNs = 0n;
  #roundTripUs: number | null = null;
  readonly #pulse: ReturnType<typeof setInterval>;

  constructor(socket: WebSocket, limits: ChannelLimits, handlers: ChannelHandlers) {
    this.#socket = socket;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#heardMs = performance.now();
    socket.on("message", (data, binary) => this.#received(data, binary));
    socket.on("ping", () => this.#heard());
    socket.on("pong", (data) => this.#ponged(data));
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", (code, reason) => this.#end(reason.toString() || `closed (${code})`));
    this.#pulse = setInterval(() => this.#beat(), limits.pingMs / 2);
    this.#pulse.unref();
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#socket.bufferedAmount;
  }

  /** The last round trip of a ping, microseconds; null before the first. */
  get roundTripUs(): number | null {
    return this.#roundTripUs;
  }

  get open(): boolean {
    return !this.#closed;
  }

  sendAnnouncement(bytes: Uint8Array): Sent {
    return this.#send(announcementFrame(bytes));
  }

  /** Sends `body` as JSON to whoever listens on `channel` at the other side. */
  sendControl(channel: string, body: Json): Sent {
    return this.#send(controlFrame(channel, body));
  }

  /** Sends what waits, then closes in order. */
  close(reason = "closed by this side"): void {
    if (this.#closed) return;
    this.#flushNow();
    this.#socket.close(1000, reason);
    // A peer that does not answer the close is cut off.
    setTimeout(() => this.#socket.terminate(), 1_000).unref();
    this.#end(reason);
  }

  /** Cuts the connection at once; the other side learns it as a failure. */
  terminate(reason: string): void {
    this.#socket.terminate();
    this.#end(reason);
  }

  #send(frame: Uint8Array): Sent {
    if (this.#closed) return refuse("not_connected", "there is no connection");
    if (frame.length > this.#limits.messageBytes + FRAME_HEADER_BYTES) {
      return refuse("oversized", `a message is at most ${this.#limits.messageBytes} bytes long`);
    }
    if (this.queuedBytes + frame.length > this.#limits.queueBytes) {
      this.#refusing = true;
      return refuse("queue_full", "the other side does not keep up");
    }
    this.#pending.push(frame);
    this.#pendingBytes += frame.length;
    if (this.#pendingBytes >= BATCH_BYTES) this.#flushNow();
    else if (this.#flush === undefined && this.#gather === undefined) {
      if (performance.now() - this.#flushedMs < GATHER_MS)
        this.#gather = setTimeout(() => this.#flushNow(), GATHER_MS);
      else this.#flush = setImmediate(() => this.#flushNow());
    }
    return SENT;
  }

  /** All that waits leaves as one message. */
  #flushNow(): void {
    this.#stopWaiting();
    this.#flushedMs = performance.now();
    if (this.#pending.length === 0 || this.#closed) return;
    const batch =
      this.#pending.length === 1
        ? (this.#pending[0] as Uint8Array)
        : Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#socket.send(batch, { binary: true, compress: false }, () => this.#drained());
  }

  #stopWaiting(): void {
    clearImmediate(this.#flush);
    clearTimeout(this.#gather);
    this.#flush = undefined;
    this.#gather = undefined;
  }

  #drained(): void {
    if (!this.#refusing || this.#closed || this.queuedBytes > this.#limits.queueBytes / 2) return;
    this.#refusing = false;
    this.#handlers.drained?.();
  }

  #received(data: RawData, binary: boolean): void {
    if (this.#closed) return;
    this.#heard();
    const fault =
      binary && data instanceof Buffer
        ? readFrames(data, (frame) => {
            if (this.#closed) return;
            if (frame.kind === "announcement") this.#handlers.announcement(frame.bytes);
            else this.#handlers.control(frame.channel, frame.body);
          })
        : "a text message where only binary ones are spoken";
    if (fault === null) return;
    this.#socket.close(1007, fault);
    this.#end(`the other side sent ${fault}`);
  }

  #heard(): void {
    this.#heardMs = performance.now();
  }

  #ponged(data: Buffer): void {
    this.#heard();
    if (data.length !== 8 || data.readBigUInt64BE() !== this.#pingSentNs) return;
    this.#roundTripUs = Number(process.hrtime.bigint() - this.#pingSentNs) / 1000;
  }

  #beat(): void {
    const now = performance.now();
    if (now - this.#heardMs > 2.5 * this.#limits.pingMs) {
      this.terminate("nothing heard from the other side");
    } else if (now - this.#pingedMs >= this.#limits.pingMs) {
      this.#pingedMs = now;
      this.#pingSentNs = process.hrtime.bigint();
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(this.#pingSentNs);
      this.#socket.ping(stamp);
    }
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#pulse);
    this.#stopWaiting();
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#handlers.closed(reason);
  }
}
