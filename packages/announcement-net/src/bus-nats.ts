import { connect, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { assert, ok, refuse } from "@weft/kernel";
import { BUS_MESSAGE_BYTES, type Bus, isSubject } from "./bus.ts";
import type { Sent } from "./channel.ts";

/** Most bytes that may wait for a NATS server that does not keep up or is away. */
const QUEUE_BYTES = 8 << 20;

/** A bus over NATS core, for more than one machine. Reconnects by itself for as long as it takes. */
export class NatsBus implements Bus {
  readonly #connection: NatsConnection;
  #open = true;
  #unflushed = 0;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.closed().then(() => {
      this.#open = false;
    });
  }

  /** Connects to `nats://[user:password@]host:port`, or several of them separated by commas. */
  static async connect(url: string, token?: string): Promise<NatsBus> {
    const servers = url.split(",").map((one) => one.trim());
    const first = new URL(servers[0] as string);
    const login = first.username === "" ? {} : { user: first.username, pass: first.password };
    const connection = await connect({
      servers: servers.map((one) => new URL(one).host),
      ...login,
      ...(token === undefined ? {} : { token }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      name: "weft",
    });
    return new NatsBus(connection);
  }

  publish(subject: string, message: Uint8Array): Sent {
    assert(isSubject(subject), `not a subject: ${subject}`);
    if (message.length > BUS_MESSAGE_BYTES) return refuse("oversized", "a message beyond the bus's limit");
    if (!this.#open) return refuse("not_connected", "the connection to NATS is closed");
    if (this.#unflushed > QUEUE_BYTES) return refuse("queue_full", "NATS does not keep up");
    this.#connection.publish(subject, message);
    this.#count(message.length);
    return ok(null);
  }

  subscribe(subject: string, listener: (message: Uint8Array) => void): () => void {
    assert(isSubject(subject), `not a subject: ${subject}`);
    const subscription: Subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) listener(new Uint8Array(message.data));
      },
    });
    return () => subscription.unsubscribe();
  }

  ready(): Promise<void> {
    return this.#connection.flush();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#connection.close();
  }

  /** Counts what waits: a flush answers once the server has taken all that came before it. */
  #count(bytes: number): void {
    const idle = this.#unflushed === 0;
    this.#unflushed += bytes;
    if (!idle) return;
    setImmediate(() => {
      const sent = this.#unflushed;
      this.#connection.flush().then(
        () => this.#flushed(sent),
        () => this.#flushed(sent),
      );
    });
  }

  #flushed(sent: number): void {
    const rest = this.#unflushed - sent;
    this.#unflushed = 0;
    if (rest > 0) this.#count(rest);
  }
}
