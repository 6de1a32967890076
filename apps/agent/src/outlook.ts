import type { Publication } from "@weft/announcement";
import type { ComputeType, NodeDescription, NodeLoad, SiteId } from "@weft/infrastructure";
import { type HostMeasurement, LinkProber, LoadMeter, othersUse } from "@weft/infrastructure-host";
import type { Bytes, Instant, Micros } from "@weft/kernel";
import type { GatewayAddress } from "@weft/service";
import { type Availability, availability } from "./availability.ts";
import type { AgentConfig } from "./config.ts";
import { addressOf, type Gateways } from "./gateways.ts";

/** How often the machine's load is looked at; what moved is announced, the rest is not. */
const LOOK_EVERY_MS = 2_000;

const NONE = 0 as Micros;
const NO_QUEUE: { readonly [type in ComputeType]: Micros } = { logical: NONE, parallel: NONE, neural: NONE };

export interface OutlookOptions {
  readonly config: AgentConfig;
  readonly description: NodeDescription;
  readonly host: HostMeasurement;
  readonly storageDir: string;
  readonly clock: () => Instant;
  readonly say: (line: string) => void;
  readonly gateways: Gateways;
  /** Told when the node begins or ceases to take tasks. */
  readonly accepting: (accepting: boolean) => void;
  readonly publish: (publication: Publication) => void;
}

/** What a node sees of itself and its links, looked at every two seconds and when something changes, and told. */
export class Outlook {
  readonly #options: OutlookOptions;
  readonly #meter: LoadMeter;
  readonly #prober: LinkProber;
  /** By site, the gateway that is probed there. */
  readonly #probed = new Map<SiteId, string>();
  readonly #looking: NodeJS.Timeout;
  #paused = false;
  #told: Availability = { accepting: true };

  constructor(options: OutlookOptions) {
    this.#options = options;
    this.#meter = new LoadMeter(options.storageDir);
    this.#prober = new LinkProber({ from: options.description.site, onState: () => this.look() });
    this.#looking = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  look(): void {
    const { config, description, host, clock, say, accepting, publish } = this.#options;
    const sampled = this.#meter.sample();
    const now = availability(config, this.#paused, new Date(), sampled.battery);
    if (now.accepting !== this.#told.accepting) {
      say(now.accepting ? "taking tasks" : `taking no new tasks: ${now.because}`);
      this.#told = now;
      accepting(now.accepting);
    }
    const load: NodeLoad = {
      node: description.id,
      othersUse: othersUse(description.power, host.allowedCores, sampled.othersWant ?? 0),
      freeMemoryBytes: Math.min(sampled.freeMemoryBytes, description.memoryBytes) as Bytes,
      freeStorageBytes: sampled.freeStorageBytes,
      queue: NO_QUEUE,
      battery: sampled.battery,
      accepting: now.accepting,
      at: clock(),
    };
    publish({ description, load, links: this.#prober.states() });
  }

  /** The network's gateways, of which those of other sites are probed. */
  probe(all: readonly GatewayAddress[], dataToken: string): void {
    const { gateways, description } = this.#options;
    gateways.update(all, dataToken);
    const listening = new Set(all.map((gateway) => gateway.site));
    for (const site of this.#probed.keys()) {
      if (listening.has(site)) continue;
      this.#probed.delete(site);
      this.#prober.remove(site);
    }
    for (const { site, url, echo } of all) {
      const key = `${url} ${echo}`;
      if (site === description.site || echo === null || this.#probed.get(site) === key) continue;
      this.#probed.set(site, key);
      const [udp, tcp] = [gateways.route(echo), gateways.route(addressOf(url))];
      this.#prober.add({ site, udp, tcp, token: dataToken });
    }
  }

  /** Takes no new tasks, or takes them again. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.look();
  }

  close(): void {
    clearInterval(this.#looking);
    this.#prober.close();
  }
}
