import type { IncomingMessage } from "node:http";
import { assert, type Refusal, refuse } from "@weft/kernel";
import { WebSocket } from "ws";
import {
  Channel,
  type ChannelHandlers,
  type ChannelLimits,
  DEFAULT_CHANNEL_LIMITS,
  maxPayload,
  type Sent,
} from "./channel.ts";
import { AGENTS_PATH } from "./endpoint.ts";
import type { Json } from "./frame.ts";

export interface ConnectionOptions {
  /** The managers to dial, such as `http://127.0.0.1:7070`: tried in turn, the first one first. */
  readonly urls: readonly string[];
  readonly path?: string;
  /** Sent as `Authorization: Bearer ...`; read anew for each attempt. null: none. */
  token(): string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits?: Partial<ChannelLimits>;
  /** Waits between attempts: the first, doubling up to the longest. */
  readonly backoff?: { readonly firstMs: number; readonly longestMs: number };
  /** Uniform over [0, 1): spreads the attempts of many agents after a common fault. */
  jitter(): number;
  /** An attempt that takes longer than this is given up. */
  readonly attemptMs?: number;
  /** Certificate authorities to trust beside the system's, PEM. */
  readonly ca?: string;
}

export interface ConnectionHandlers extends Omit<ChannelHandlers, "closed"> {
  connected(url: string): void;
  /** After `connected`; the next attempt is already planned. */
  disconnected(reason: string): void;
  /**
   * An attempt failed: `unreachable`, or the manager's own refusal such as a wrong token. Attempts go on with
   * growing waits unless the owner closes the connection.
   */
  failed?(refusal: Refusal, url: string): void;
}

/** The agent's side: one outbound connection that is opened again for as long as it takes. */
export class ManagerConnection {
  readonly #options: ConnectionOptions;
  readonly #limits: ChannelLimits;
  readonly #handlers: ConnectionHandlers;
  #channel: Channel | null = null;
  #attempt: WebSocket | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Dials at once. */
  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    assert(options.urls.length > 0, "a connection needs a manager to dial");
    this.#options = options;
    this.#limits = { ...DEFAULT_CHANNEL_LIMITS, ...options.limits };
    this.#handlers = handlers;
    this.#timer = setTimeout(() => this.#dial(), 0);
  }

  get connected(): boolean {
    return this.#channel !== null;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#channel?.queuedBytes ?? 0;
  }

  /** The last round trip to the manager, microseconds; null when unknown. */
  get roundTripUs(): number | null {
    return this.#channel?.roundTripUs ?? null;
  }

  sendAnnouncement(bytes: Uint8Array): Sent {
    return this.#channel?.sendAnnouncement(bytes) ?? NOT_CONNECTED;
  }

  /** Sends `body` as JSON to whoever listens on `channel` at the manager. */
  sendControl(channel: string, body: Json): Sent {
    return this.#channel?.sendControl(channel, body) ?? NOT_CONNECTED;
  }

  /** Sends what waits, closes, and dials no more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#attempt?.terminate();
    this.#channel?.close("the agent stops");
  }

  #dial(): void {
    const { urls, path = AGENTS_PATH, attemptMs = 10_000, headers, ca } = this.#options;
    const url = urls[this.#failures % urls.length] as string;
    const token = this.#options.token();
    const socket = new WebSocket(new URL(path, url.replace(/^http/, "ws")), {
      perMessageDeflate: false,
      maxPayload: maxPayload(this.#limits),
      handshakeTimeout: attemptMs,
      headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      ...(ca === undefined ? {} : { ca }),
    });
    this.#attempt = socket;
    const fail = (refusal: Refusal): void => {
      if (this.#attempt !== socket) return;
      this.#attempt = null;
      socket.terminate();
      this.#retry(() => this.#handlers.failed?.(refusal, url));
    };
    socket.on("error", (error) => fail({ code: "unreachable", message: error.message || "no connection" }));
    socket.on("unexpected-response", (_request, response) => readRefusal(response, fail));
    socket.once("open", () => this.#opened(socket, url));
  }

  #opened(socket: WebSocket, url: string): void {
    if (this.#closed) {
      socket.terminate();
      return;
    }
    this.#attempt = null;
    this.#channel = new Channel(socket, this.#limits, {
      announcement: (bytes) => this.#handlers.announcement(bytes),
      control: (channel, body) => this.#handlers.control(channel, body),
      drained: () => this.#handlers.drained?.(),
      closed: (reason) => {
        this.#channel = null;
        this.#retry(() => this.#handlers.disconnected(reason));
      },
    });
    // Only an open connection that lasts a while is a success: else a manager that hangs up would be hammered.
    const channel = this.#channel;
    setTimeout(() => {
      if (this.#channel === channel) this.#failures = 0;
    }, 2_000).unref();
    this.#handlers.connected(url);
  }

  /** Plans the next attempt, then tells, so that the owner may still close. */
  #retry(tell: () => void): void {
    if (!this.#closed) {
      const { firstMs, longestMs } = this.#options.backoff ?? { firstMs: 200, longestMs: 15_000 };
      const round = Math.floor(this.#failures / this.#options.urls.length);
      const wait = Math.min(longestMs, firstMs * 2 ** Math.min(round, 30));
      this.#failures++;
      this.#timer = setTimeout(() => this.#dial(), wait * (0.5 + this.#options.jitter() / 2));
    }
    tell();
  }
}

const NOT_CONNECTED: Sent = refuse("not_connected", "there is no connection to the manager");

/** The manager's refusal from its HTTP answer; at most 4 KiB of it are read. */
function readRefusal(response: IncomingMessage, tell: (refusal: Refusal) => void): void {
  let text = "";
  const finish = (): void => {
    const status = `the manager answered ${response.statusCode}`;
    try {
      const { code, message } = JSON.parse(text) as Record<string, unknown>;
      if (typeof code === "string" && typeof message === "string") {
        tell({ code, message });
        return;
      }
    } catch {
      // not one of ours: some other server answered
    }
    tell({ code: "refused", message: status });
  };
  response.setEncoding("utf8");
  response.on("data", (part: string) => {
    text += part;
    if (text.length > 4096) response.destroy();
  });
  response.once("close", finish);
  response.on("error", () => {});
}
