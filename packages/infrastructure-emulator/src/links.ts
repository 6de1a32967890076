import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { linkId, type SiteId } from "@weft/infrastructure";
import { assert } from "@weft/kernel";
import type { Answer, Order } from "./process.ts";
import type { Distance, EmulatedLink, EmulatedLinksSpec, GatewayPlace } from "./spec.ts";

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/process.js" : "./process.js",
  import.meta.url,
);

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/**
 * Distance between sites that all live on one machine. For each pair of joined sites a loopback port, TCP and UDP, stands
 * in for "that site's gateway, seen from here", with the delay, rate, jitter and loss of the link both ways. Runs
 * in a process of its own. What it does not emulate: congestion control and repair of TCP, and packet headers (the rate is of payload).
 */
export class EmulatedLinks {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #ports: Readonly<Record<string, number>> = {};
  #nextId = 1;
  readonly #distances: Map<string, EmulatedLink>;

  private constructor({ links }: EmulatedLinksSpec) {
    this.#distances = new Map(links.map((link) => [linkId(link.from, link.to), link]));
    for (const { from, to, ...distance } of links) {
      if (!this.#distances.has(linkId(to, from))) {
        this.#distances.set(linkId(to, from), { from: to, to: from, ...distance });
      }
    }
    this.#child = fork(fileURLToPath(ENTRY), [], {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#child.on("message", (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      this.#ports = answer.ports;
      if (answer.error === null) waiting?.resolve();
      else waiting?.reject(new Error(answer.error));
    });
    this.#child.on("error", () => {}); // it could not be told, or not be started: `exit` follows
    this.#child.once("exit", (code) => {
      const error = new Error(`the process that emulates distance ended (exit ${code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  /** Opens the ports; they refuse connections until the gateways behind them are attached. */
  static async start(spec: EmulatedLinksSpec): Promise<EmulatedLinks> {
    const links = new EmulatedLinks(spec);
    try {
      await links.#order({ kind: "open", spec });
    } catch (error) {
      await links.close();
      throw error;
    }
    return links;
  }

  /** Every direction of every link as it is now. */
  get distances(): readonly EmulatedLink[] {
    return [...this.#distances.values()];
  }

  /** Where `to`'s gateway is reached from `from`, for TCP and UDP alike; null where no link joins them. */
  addressFor(from: SiteId, to: SiteId): string | null {
    const port = this.#ports[linkId(from, to)];
    return port === undefined ? null : `127.0.0.1:${port}`;
  }

  /** Says where a site's gateway really listens. A second call moves it. */
  attach(site: SiteId, place: GatewayPlace): Promise<void> {
    return this.#order({ kind: "attach", site, place });
  }

  /** Changes one direction of a link from now on; taking it down resets the connections over it. */
  async change(from: SiteId, to: SiteId, change: Partial<Distance>): Promise<void> {
    const before = this.#distances.get(linkId(from, to));
    assert(before !== undefined, `no emulated link ${linkId(from, to)}`);
    await this.#order({ kind: "change", from, to, change });
    this.#distances.set(linkId(from, to), { ...before, ...change });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    if (this.#child.connected) this.#child.disconnect();
    await gone;
  }

  #order(order: WithoutId<Order>): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...order, id } as Order, (error) => {
        if (error === null) return;
        this.#waiting.delete(id);
        reject(error);
      });
    });
  }
}
