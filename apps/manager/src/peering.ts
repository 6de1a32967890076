import { type Bus, BusServer, openBus, subjectOf, WebSocketBus } from "@weft/announcement-net";
import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import { LinkProber } from "@weft/infrastructure-host";
import { type Instant, type Micros, ok, type PublicKey, refuse, type Signer } from "@weft/kernel";
import { nodeCryptography } from "@weft/live";
import { type Address, type ContentStore, fetchContent, pushContent } from "@weft/orchestration-data";
import {
  type Crossing,
  Envelopes,
  foreignName,
  type ManagerInput,
  type PeerMessage,
  passHolder,
  peerPass,
} from "@weft/service";
import type { ManagerConfig } from "./config.ts";

/** Where peers' managers dial in. */
const PEERS_PATH = "/v1/peers";
/** How often what is measured of the links to peers is told. */
const LOOK_EVERY_MS = 1_000;

export interface PeeringOptions {
  readonly config: ManagerConfig;
  readonly signer: Signer;
  readonly clock: () => Instant;
  readonly content: ContentStore;
  readonly handle: (input: ManagerInput) => void;
  /** Told of envelopes that were not opened, and of transfers that failed. */
  readonly say: (line: string) => void;
}

/**
 * The manager among managers, live. Each has a bus of its own to which its peers dial in, letting in whom it has the
 * key of; where NATS is the bus, everybody meets there instead. Whatever the bus, each message is an envelope signed by
 * its sender's key for one receiver.
 */
export class Peering {
  readonly server: BusServer;
  readonly #options: PeeringOptions;
  readonly #keys: ReadonlyMap<DomainId, PublicKey>;
  readonly #envelopes: Envelopes;
  readonly #prober: LinkProber;
  readonly #holders = new Map<string, DomainId | null>();
  /** Which bus leads to which peer. */
  readonly #ways = new Map<DomainId, Bus>();
  readonly #buses = new Set<Bus>();
  readonly #gateways = new Map<DomainId, Address>();
  #looking: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(options: PeeringOptions) {
    this.#options = options;
    const { config, signer } = options;
    this.#keys = new Map(config.federation.peers.map(({ domain, key }) => [domain, key]));
    const keyOf = (domain: DomainId) => this.#keys.get(domain) ?? null;
    this.#envelopes = new Envelopes(config.domain, signer, nodeCryptography, keyOf);
    this.server = new BusServer(
      ({ token }) =>
        this.holder(token) !== null || token === this.#passTo(signer.publicKey)
          ? ok(null)
          : refuse("E_PEER_UNKNOWN", "no key is pinned here for this domain"),
      1_000,
      PEERS_PATH,
    );
    this.#prober = new LinkProber({ from: config.site, onState: () => this.#look() });
  }

  /** Which peer shows this token; null: none. */
  holder(token: string | null): DomainId | null {
    if (token === null || !token.startsWith("wp_")) return null;
    const known = this.#holders.get(token);
    if (known !== undefined) return known;
    const { publicKey } = this.#options.signer;
    const holder = passHolder(token, publicKey, (domain) => this.#keys.get(domain) ?? null, nodeCryptography);
    if (holder !== null) this.#holders.set(token, holder);
    return holder;
  }

  /** Begins once our own server listens at `url`. Throws where the bus that is named cannot be reached. */
  async open(url: string): Promise<void> {
    const { config, signer } = this.#options;
    const { peers } = config.federation;
    if (peers.length === 0) return;
    if (config.bus !== null) {
      const opened = await openBus(config.bus, { urls: [url], token: () => null, jitter: Math.random });
      if (!opened.ok) throw Object.assign(new Error(opened.refusal.message), opened.refusal);
      this.#listen(opened.value);
      for (const { domain } of peers) this.#ways.set(domain, opened.value);
    } else {
      const own = this.#dial(url, this.#passTo(signer.publicKey));
      for (const peer of peers) {
        const at = peer.url === null ? null : new URL(peer.url);
        const way =
          at === null
            ? own
            : this.#dial(`${at.protocol}//${config.via[at.host] ?? at.host}`, this.#passTo(peer.key));
        this.#ways.set(peer.domain, way);
      }
    }
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  send(to: DomainId, message: PeerMessage): void {
    const text = this.#envelopes.seal(this.#options.clock(), to, message);
    const sent = this.#ways.get(to)?.publish(subjectFor(to), Buffer.from(text, "utf8"));
    if (sent?.ok === false && sent.refusal.code === "oversized") {
      this.#options.say(`a message to domain ${to} is too large: ${message.kind}`);
    }
  }

  /** A peer says where its data plane is: the link there is probed from now on. */
  gateway(domain: DomainId, { url, echo }: { readonly url: string; readonly echo: string | null }): void {
    const { via } = this.#options.config;
    const { host } = new URL(url);
    this.#gateways.set(domain, host);
    const site = foreignName(domain) as unknown as SiteId;
    const key = this.#keys.get(domain);
    if (echo === null || key === undefined) return this.#prober.remove(site);
    this.#prober.add({ site, udp: via[echo] ?? echo, tcp: via[host] ?? host, token: this.#passTo(key) });
  }

  /** Fetches what a run needs from its home domain. */
  async bring({ run, contents, segments, peer }: Crossing): Promise<void> {
    const { content, clock } = this.#options;
    const startedAt = clock();
    let failed: string | null = null;
    for (const one of contents) {
      if (failed !== null || content.size(one.digest) !== null) continue;
      const fetched = await fetchContent({ ...one, ...this.#route(peer, segments), store: content });
      if (!fetched.ok) failed = `${fetched.refusal.code}: ${fetched.refusal.message}`;
    }
    this.#crossed(run, "in", startedAt, failed);
  }

  /** Takes a run's result home. */
  async deliver({ run, contents, segments, peer }: Crossing): Promise<void> {
    const { content, clock } = this.#options;
    const startedAt = clock();
    let failed: string | null = null;
    for (const one of contents) {
      if (failed !== null) continue;
      const pushed = await pushContent({ ...one, ...this.#route(peer, segments), store: content });
      if (!pushed.ok) failed = `${pushed.refusal.code}: ${pushed.refusal.message}`;
    }
    this.#crossed(run, "out", startedAt, failed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    this.#prober.close();
    await Promise.all([...this.#buses].map((bus) => bus.close()));
    this.server.close();
  }

  #crossed(run: string, way: "in" | "out", startedAt: Instant, failed: string | null): void {
    if (this.#closed) return;
    if (failed !== null) this.#options.say(`content of ${run} did not cross: ${failed}`);
    const took = Math.max(0, this.#options.clock() - startedAt) as Micros;
    this.#options.handle({ kind: "crossed", run, way, took, failed });
  }

  #route(peer: DomainId, segments: readonly string[]) {
    const { via } = this.#options.config;
    // The home domain names its gateways as its own nodes dial them; the border is where its manager greets from.
    const border = this.#gateways.get(peer) ?? segments[0] ?? "";
    return {
      segments: [via[border] ?? border, ...segments.slice(1)],
      token: this.#passTo(this.#keys.get(peer) ?? ""),
    };
  }

  #passTo(key: PublicKey): string {
    return peerPass(this.#options.config.domain, key, this.#options.signer);
  }

  #dial(url: string, token: string): Bus {
    const bus = new WebSocketBus({ urls: [url], path: PEERS_PATH, token: () => token, jitter: Math.random });
    this.#listen(bus);
    return bus;
  }

  #listen(bus: Bus): void {
    this.#buses.add(bus);
    bus.subscribe(subjectFor(this.#options.config.domain), (message) => this.#receive(message));
  }

  #receive(message: Uint8Array): void {
    const opened = this.#envelopes.open(this.#options.clock(), Buffer.from(message).toString("utf8"));
    if (opened.ok) this.#options.handle({ kind: "peer", ...opened.value });
    else if (opened.refusal.code !== "replayed") {
      this.#options.say(`a peer's message was dropped: ${opened.refusal.message} [${opened.refusal.code}]`);
    }
  }

  #look(): void {
    if (this.#closed) return;
    this.#options.handle({ kind: "links", links: this.#prober.states() });
  }
}

const subjectFor = (domain: DomainId): string => subjectOf(foreignName(domain) as NodeId, "domains");
