import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Refusal, Result } from "@weft/kernel";
import { WebSocketServer } from "ws";
import {
  Channel,
  type ChannelHandlers,
  type ChannelLimits,
  DEFAULT_CHANNEL_LIMITS,
  maxPayload,
} from "./channel.ts";

/** Where agents dial in. */
export const AGENTS_PATH = "/v1/agents";

/** Who knocks, before anything is accepted. */
export interface Knock {
  /** From `Authorization: Bearer ...`; null where there is none. */
  readonly token: string | null;
  /** The request's headers, names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly remoteAddress: string | null;
}

export interface EndpointOptions<Identity> {
  readonly path?: string;
  readonly limits?: Partial<ChannelLimits>;
  /** Most sessions at a time; more are answered with 503. */
  readonly maxSessions?: number;
  /** Says who it is, or refuses; a refusal goes back as 401 with its code and message. */
  authorize(knock: Knock): Result<Identity> | Promise<Result<Identity>>;
  /** Takes a new session and says who listens to it. Called before anything is received. */
  accept(session: Channel, identity: Identity): ChannelHandlers;
}

/** The manager's side: takes the agents' connections on an HTTP server that is already there. */
export class AgentEndpoint<Identity> {
  readonly #options: EndpointOptions<Identity>;
  readonly #limits: ChannelLimits;
  readonly #path: string;
  readonly #webSockets: WebSocketServer;
  readonly #sessions = new Set<Channel>();
  #knocking = 0;
  #closed = false;

  constructor(options: EndpointOptions<Identity>) {
    this.#options = options;
    this.#limits = { ...DEFAULT_CHANNEL_LIMITS, ...options.limits };
    this.#path = options.path ?? AGENTS_PATH;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxPayload(this.#limits),
    });
  }

  /** Open sessions. */
  get sessions(): ReadonlySet<Channel> {
    return this.#sessions;
  }

  /** Answers the upgrade requests for our path on this server; others are left to other listeners. */
  attach(server: Server): void {
    server.on("upgrade", (request, socket, head) => void this.upgrade(request, socket, head));
  }

  /** Answers one upgrade request; false, with nothing done, when it is not for our path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const path = (request.url ?? "").split("?")[0];
    if (path !== this.#path) return false;
    socket.on("error", ignore); // a peer that vanishes while it knocks
    if (this.#closed || this.#sessions.size + this.#knocking >= (this.#options.maxSessions ?? 100_000)) {
      answer(socket, 503, { code: "too_many_sessions", message: "no room for another agent" });
    } else {
      this.#knocking++;
      this.#admit(request, socket, head).finally(() => this.#knocking--);
    }
    return true;
  }

  /** Closes every session and takes no more. */
  close(): void {
    this.#closed = true;
    for (const session of [...this.#sessions]) session.close("the manager stops");
    this.#webSockets.close();
  }

  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const verdict = await this.#verdict(request);
    if (socket.destroyed) return;
    if (!verdict.ok) {
      const status = verdict.refusal.code === "internal" ? 500 : 401;
      answer(socket, status, verdict.refusal);
      return;
    }
    socket.off("error", ignore);
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      let handlers: ChannelHandlers | undefined;
      const channel = new Channel(webSocket, this.#limits, {
        announcement: (bytes) => handlers?.announcement(bytes),
        control: (name, body) => handlers?.control(name, body),
        drained: () => handlers?.drained?.(),
        closed: (reason) => {
          this.#sessions.delete(channel);
          handlers?.closed(reason);
        },
      });
      this.#sessions.add(channel);
      handlers = this.#options.accept(channel, verdict.value);
    });
  }

  async #verdict(request: IncomingMessage): Promise<Result<Identity>> {
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "");
    try {
      return await this.#options.authorize({
        token: bearer?.[1] ?? null,
        headers: request.headers,
        remoteAddress: request.socket.remoteAddress ?? null,
      });
    } catch (error) {
      return { ok: false, refusal: { code: "internal", message: (error as Error).message } };
    }
  }
}

function ignore(): void {}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function answer(socket: Duplex, status: number, refusal: Refusal): void {
  const body = JSON.stringify(status === 500 ? { code: "internal", message: "internal error" } : refusal);
  socket.end(
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
