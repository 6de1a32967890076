import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { assert, type Result, refuse } from "@weft/kernel";
import { BUS_MESSAGE_BYTES, type Bus, isSubject } from "./bus.ts";
import type { Channel, Sent } from "./channel.ts";
import { type ConnectionOptions, ManagerConnection } from "./connection.ts";
import { AgentEndpoint, type Knock } from "./endpoint.ts";

/** Where the members of the embedded bus dial in. */
const BUS_PATH = "/v1/bus";

const LIMITS = { messageBytes: BUS_MESSAGE_BYTES + 1024 };

/** Subject and message in one: length of the subject (16 bits), subject, message. */
function pack(subject: string, message: Uint8Array): Uint8Array {
  const name = Buffer.from(subject, "latin1");
  const packed = Buffer.allocUnsafe(2 + name.length + message.length);
  packed.writeUInt16BE(name.length, 0);
  packed.set(name, 2);
  packed.set(message, 2 + name.length);
  return packed;
}

function unpack(packed: Uint8Array): { readonly subject: string; readonly message: Uint8Array } | null {
  if (packed.length < 2) return null;
  const end = 2 + packed[0]! * 256 + packed[1]!;
  if (end > packed.length) return null;
  const subject = Buffer.from(packed.subarray(2, end)).toString("latin1");
  return isSubject(subject) ? { subject, message: new Uint8Array(packed.subarray(end)) } : null;
}

/** The embedded bus: one process holds it on its HTTP server, the others are its members. */
export class BusServer {
  readonly #endpoint: AgentEndpoint<null>;
  readonly #listeners = new Map<string, Set<Channel>>();

  /** `authorize` decides who may be a member; see AgentEndpoint. `maxSubjects` bounds what one member listens on. */
  constructor(
    authorize: (knock: Knock) => Result<null> | Promise<Result<null>>,
    maxSubjects = 10_000,
    path = BUS_PATH,
  ) {
    this.#endpoint = new AgentEndpoint<null>({
      path,
      limits: LIMITS,
      authorize,
      accept: (member) => {
        const mine = new Set<string>();
        return {
          announcement: (packed) => this.#pass(packed),
          control: (channel, body) => this.#control(member, mine, channel, body, maxSubjects),
          closed: () => {
            for (const subject of mine) this.#drop(subject, member);
          },
        };
      },
    });
  }

  attach(server: Server): void {
    this.#endpoint.attach(server);
  }

  /** Answers one upgrade request; false, with nothing done, when it is not for the bus. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.#endpoint.upgrade(request, socket, head);
  }

  close(): void {
    this.#endpoint.close();
  }

  #pass(packed: Uint8Array): void {
    const read = unpack(packed);
    if (read === null) return;
    // A listener that does not keep up loses messages; the others do not wait for it.
    for (const listener of this.#listeners.get(read.subject) ?? []) listener.sendAnnouncement(packed);
  }

  #control(member: Channel, mine: Set<string>, channel: string, body: unknown, maxSubjects: number): void {
    if (channel === "ready") {
      member.sendControl("ready", body as number);
      return;
    }
    if (typeof body !== "string" || !isSubject(body)) return;
    if (channel === "unsubscribe") {
      mine.delete(body);
      this.#drop(body, member);
    } else if (channel === "subscribe" && mine.size < maxSubjects) {
      mine.add(body);
      const listeners = this.#listeners.get(body);
      if (listeners === undefined) this.#listeners.set(body, new Set([member]));
      else listeners.add(member);
    }
  }

  #drop(subject: string, member: Channel): void {
    const listeners = this.#listeners.get(subject);
    listeners?.delete(member);
    if (listeners?.size === 0) this.#listeners.delete(subject);
  }
}

/** A member of the embedded bus; it reconnects by itself and then listens again. */
export class WebSocketBus implements Bus {
  readonly #connection: ManagerConnection;
  readonly #listeners = new Map<string, Set<(message: Uint8Array) => void>>();
  readonly #waiting = new Map<number, () => void>();
  #asked = 0;

  constructor(options: Omit<ConnectionOptions, "limits">) {
    this.#connection = new ManagerConnection(
      { ...options, path: options.path ?? BUS_PATH, limits: LIMITS },
      {
        connected: () => {
          for (const subject of this.#listeners.keys()) this.#connection.sendControl("subscribe", subject);
          for (const question of this.#waiting.keys()) this.#connection.sendControl("ready", question);
        },
        disconnected: () => {},
        announcement: (packed) => {
          const read = unpack(packed);
          if (read === null) return;
          for (const listener of [...(this.#listeners.get(read.subject) ?? [])]) listener(read.message);
        },
        control: (channel, body) => {
          if (channel !== "ready" || typeof body !== "number") return;
          this.#waiting.get(body)?.();
          this.#waiting.delete(body);
        },
      },
    );
  }

  publish(subject: string, message: Uint8Array): Sent {
    assert(isSubject(subject), `not a subject: ${subject}`);
    if (message.length > BUS_MESSAGE_BYTES) return refuse("oversized", "a message beyond the bus's limit");
    return this.#connection.sendAnnouncement(pack(subject, message));
  }

  subscribe(subject: string, listener: (message: Uint8Array) => void): () => void {
    assert(isSubject(subject), `not a subject: ${subject}`);
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners);
    if (listeners.size === 0) this.#connection.sendControl("subscribe", subject);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(subject);
      this.#connection.sendControl("unsubscribe", subject);
    };
  }

  ready(): Promise<void> {
    const question = ++this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(question, resolve);
      this.#connection.sendControl("ready", question);
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }
}
