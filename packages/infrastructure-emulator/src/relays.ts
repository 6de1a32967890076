import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { linkId, type SiteId } from "@weft/infrastructure";
import { assert, Rng } from "@weft/kernel";
import { DatagramRelay } from "./datagram-relay.ts";
import { Direction } from "./direction.ts";
import type { Distance, EmulatedLinksSpec, GatewayPlace } from "./spec.ts";
import { StreamRelay } from "./stream-relay.ts";
import { Timeline } from "./timeline.ts";

/** Ports tried until one is free for connections and datagrams alike. */
const PORT_ATTEMPTS = 20;

interface Door {
  readonly from: SiteId;
  readonly to: SiteId;
  readonly streams: StreamRelay;
  readonly datagrams: DatagramRelay;
  readonly port: number;
}

/** The relays of one network, in this process. Most callers want `EmulatedLinks`, which keeps them out of theirs. */
export class Relays {
  readonly #timeline = new Timeline();
  readonly #directions = new Map<string, Direction>();
  readonly #doors = new Map<string, Door>();
  readonly #places = new Map<SiteId, GatewayPlace>();

  private constructor() {}

  /** Opens one port of the loopback interface, for TCP and UDP, for each pair of joined sites. */
  static async open(spec: EmulatedLinksSpec): Promise<Relays> {
    const relays = new Relays();
    const rng = new Rng(spec.seed ?? 1);
    const add = (from: SiteId, to: SiteId, distance: Distance): void => {
      const key = linkId(from, to);
      relays.#directions.set(key, new Direction(distance, rng.fork(key)));
    };
    for (const { from, to, ...distance } of spec.links) add(from, to, distance);
    for (const { from, to, ...distance } of spec.links) {
      if (!relays.#directions.has(linkId(to, from))) add(to, from, distance);
    }
    for (const key of relays.#directions.keys()) {
      const [from, to] = key.split(">") as [SiteId, SiteId];
      relays.#doors.set(key, await relays.#openDoor(from, to));
    }
    return relays;
  }

  /** `from>to` -> the port that stands for `to`'s gateway as seen from `from`. */
  ports(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#doors].map(([key, { port }]) => [key, port]));
  }

  attach(site: SiteId, place: GatewayPlace): void {
    this.#places.set(site, place);
  }

  change(from: SiteId, to: SiteId, change: Partial<Distance>): void {
    const direction = this.#directions.get(linkId(from, to));
    assert(direction !== undefined, `no emulated link ${linkId(from, to)}`);
    direction.distance = { ...direction.distance, ...change };
    if (direction.up) return;
    for (const key of [linkId(from, to), linkId(to, from)]) this.#doors.get(key)?.streams.reset();
  }

  async close(): Promise<void> {
    for (const { streams, datagrams } of this.#doors.values()) {
      streams.close();
      datagrams.close();
    }
    await this.#timeline.close();
  }

  async #openDoor(from: SiteId, to: SiteId): Promise<Door> {
    const common = {
      timeline: this.#timeline,
      there: this.#directions.get(linkId(from, to)) as Direction,
      back: this.#directions.get(linkId(to, from)) as Direction,
    };
    for (let attempt = 1; ; attempt++) {
      const streams = new StreamRelay({ ...common, target: () => this.#places.get(to)?.tcp });
      const datagrams = new DatagramRelay({ ...common, target: () => this.#places.get(to)?.udp });
      streams.server.listen(0, "127.0.0.1");
      await once(streams.server, "listening");
      const { port } = streams.server.address() as AddressInfo;
      try {
        datagrams.socket.bind(port, "127.0.0.1");
        await once(datagrams.socket, "listening");
        return { from, to, streams, datagrams, port };
      } catch (error) {
        streams.close();
        datagrams.close();
        if (attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }
}
