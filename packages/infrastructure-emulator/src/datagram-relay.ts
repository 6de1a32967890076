import { createSocket, type Socket } from "node:dgram";
import type { Direction } from "./direction.ts";
import { hostAndPort } from "./spec.ts";
import { nowMicros, type Timeline } from "./timeline.ts";

/** A sender unheard for so long is forgotten; with so many at once, the one unheard longest is. */
const FORGET_MS = 60_000;
const MAX_SENDERS = 256;

export interface DatagramRelayOptions {
  readonly timeline: Timeline;
  readonly there: Direction;
  readonly back: Direction;
  readonly target: () => string | undefined;
}

interface Sender {
  /** Speaks to the far gateway for one sender, so that answers find their way back. */
  readonly upstream: Socket;
  heardAt: number;
}

/** Carries datagrams to a far gateway and its answers back; some are lost, none is repeated. */
export class DatagramRelay {
  readonly socket: Socket = createSocket("udp4");
  readonly #options: DatagramRelayOptions;
  /** By `address:port`, the one unheard longest first. */
  readonly #senders = new Map<string, Sender>();

  constructor(options: DatagramRelayOptions) {
    this.#options = options;
    this.socket.on("error", () => {});
    this.socket.on("message", (message, { address, port }) => this.#carry(message, address, port));
  }

  close(): void {
    this.socket.close();
    for (const { upstream } of this.#senders.values()) upstream.close();
    this.#senders.clear();
  }

  #carry(message: Buffer, address: string, port: number): void {
    const { timeline, there, target } = this.#options;
    if (there.loses()) return;
    const sender = this.#sender(address, port);
    timeline.do(there.admit(nowMicros(), message.length), () => {
      const gateway = target();
      if (gateway === undefined) return;
      const { host, port: farPort } = hostAndPort(gateway);
      sender.upstream.send(message, farPort, host, () => {}); // a datagram that cannot be sent is lost
    });
  }

  #sender(address: string, port: number): Sender {
    const key = `${address}:${port}`;
    const now = performance.now();
    const known = this.#senders.get(key);
    this.#senders.delete(key);
    const sender = known ?? { upstream: this.#upstream(address, port), heardAt: now };
    sender.heardAt = now;
    this.#senders.set(key, sender);
    for (const [other, { heardAt, upstream }] of this.#senders) {
      if (now - heardAt < FORGET_MS && this.#senders.size <= MAX_SENDERS) break;
      this.#senders.delete(other);
      upstream.close();
    }
    return sender;
  }

  #upstream(address: string, port: number): Socket {
    const { timeline, back } = this.#options;
    const upstream = createSocket("udp4");
    upstream.on("error", () => {});
    upstream.on("message", (answer) => {
      if (back.loses()) return;
      timeline.do(back.admit(nowMicros(), answer.length), () => {
        this.socket.send(answer, port, address, () => {});
      });
    });
    return upstream;
  }
}
