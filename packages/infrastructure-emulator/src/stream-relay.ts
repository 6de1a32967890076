import { connect, createServer, type Server, type Socket } from "node:net";
import type { Direction } from "./direction.ts";
import { hostAndPort } from "./spec.ts";
import { nowMicros, type Timeline } from "./timeline.ts";

/** A stream is read no further while so much waits to leave: a router's queue, in time. */
const QUEUE_MICROS = 10_000;
/** Nor while so much is under way, or waits for a receiver who does not read. */
const IN_FLIGHT_BYTES = 64 << 20;
const UNREAD_BYTES = 4 << 20;

export interface StreamRelayOptions {
  readonly timeline: Timeline;
  readonly there: Direction;
  readonly back: Direction;
  /** Where the far gateway listens; undefined while nobody does, and connections are refused. */
  readonly target: () => string | undefined;
}

/** Stands in for a far gateway: takes connections here, and carries their bytes there and back, later. */
export class StreamRelay {
  readonly server: Server;
  readonly #options: StreamRelayOptions;
  readonly #open = new Set<Socket>();

  constructor(options: StreamRelayOptions) {
    this.#options = options;
    this.server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
    this.server.on("connection", (near) => this.#accept(near));
  }

  /** Resets every connection: what a cut cable comes to in the end. */
  reset(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  close(): void {
    this.server.close();
    this.reset();
  }

  /** Opening takes a round trip, as a handshake does, although the near side is connected at once. */
  #accept(near: Socket): void {
    const { timeline, there, back, target } = this.#options;
    this.#watch(near);
    timeline.do(there.admit(nowMicros(), 0), () => {
      const address = target();
      if (near.destroyed) return;
      if (address === undefined || !there.up || !back.up) {
        near.resetAndDestroy();
        return;
      }
      const far = connect({ ...hostAndPort(address), allowHalfOpen: true, noDelay: true });
      this.#watch(far);
      const refused = (): void => timeline.do(back.admit(nowMicros(), 0), () => near.resetAndDestroy());
      far.once("error", refused);
      far.once("connect", () => {
        far.off("error", refused);
        carry(timeline, back, far, near);
        carry(timeline, there, near, far);
        timeline.do(back.admit(nowMicros(), 0), () => near.resume());
      });
      near.once("close", () => {
        if (far.connecting) far.destroy();
      });
    });
  }

  #watch(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => {}); // what follows from it, its close, is carried over
    socket.once("close", () => this.#open.delete(socket));
  }
}

/** Carries one direction of one connection: its bytes, its end, or its breaking off. */
function carry(timeline: Timeline, direction: Direction, from: Socket, to: Socket): void {
  let inFlight = 0;
  let waiting = false;
  let ended = false;

  const later = (bytes: number, deed: () => void): void => {
    inFlight += bytes;
    timeline.do(direction.admit(nowMicros(), bytes), () => {
      inFlight -= bytes;
      if (!to.destroyed) deed();
      if (waiting) goOn();
    });
  };
  const goOn = (): void => {
    waiting = inFlight > IN_FLIGHT_BYTES || to.writableLength > UNREAD_BYTES;
    if (waiting) return; // the next delivery or drain asks again
    const backlog = direction.backlog(nowMicros());
    if (backlog <= QUEUE_MICROS) from.resume();
    else timeline.do(nowMicros() + backlog - QUEUE_MICROS / 2, goOn);
  };

  from.on("data", (chunk: Buffer) => {
    const step = direction.pieceBytes;
    for (let at = 0; at < chunk.length; at += step) {
      const piece = chunk.subarray(at, at + step);
      later(piece.length, () => to.write(piece));
    }
    if (
      direction.backlog(nowMicros()) > QUEUE_MICROS ||
      inFlight > IN_FLIGHT_BYTES ||
      to.writableLength > UNREAD_BYTES
    ) {
      from.pause();
      goOn();
    }
  });
  to.on("drain", () => {
    if (waiting) goOn();
  });
  from.once("end", () => {
    ended = true;
    later(0, () => to.end());
  });
  from.once("close", () => {
    if (!ended) later(0, () => to.resetAndDestroy());
  });
}
