import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AgentSettings, priceListFor } from "@weft/agent-app";
import type { SiteId } from "@weft/infrastructure";
import { EmulatedLinks } from "@weft/infrastructure-emulator";
import type { Ratio } from "@weft/kernel";
import { loadSigner } from "@weft/live";
import { Credentials } from "./credentials.ts";
import { type Emulated, serveDistances, withPeers } from "./distances.ts";
import { Keeper } from "./keeper.ts";
import { lockFolder } from "./lock.ts";
import type { NetworkFile } from "./network-file.ts";

export interface NetworkOptions {
  readonly file: NetworkFile;
  /** Where manager, agents and credentials keep their state. */
  readonly stateDir: string;
  /** Where measurements are kept between networks. */
  readonly cacheDir: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The domain's dealings with others: what its manager's configuration says of them, and how they are dialled. */
  readonly abroad?: {
    readonly federation: unknown;
    readonly via: Readonly<Record<string, string>>;
    /** The distances between the managers, by the names of their domains. */
    readonly between: Emulated;
  };
  /** A folder on the disk that all nodes offer, so that it is measured once; absent: each measures its own. */
  readonly storageDir?: string;
  /** Measures every node anew. */
  readonly fresh?: boolean;
  readonly databaseUrl?: string | undefined;
  readonly say: (line: string) => void;
  /** Raised: what has been started so far is stopped, and the start fails. */
  readonly signal?: AbortSignal;
  /** Told as each process is up. */
  readonly progress?: (step: NetworkStep) => void;
}

export type NetworkStep =
  | { readonly kind: "manager"; readonly url: string; readonly store: string }
  | {
      readonly kind: "measuring";
      readonly node: string;
    }
  | {
      readonly kind: "node";
      readonly node: string;
      readonly share: string;
      readonly tookUs: number;
      readonly cached: boolean;
    };

export interface RunningNetwork {
  readonly url: string;
  readonly managerToken: string;
  /** Token and key file of a consumer. */
  consumer(name: string): { readonly token: string; readonly key: string };
  /** Token and key file of a provider; its nodes heed what that key signs. */
  provider(name: string): { readonly token: string; readonly key: string };
  /** Process ids, for tests that kill. */
  pid(name: string): number;
  kill(name: string): void;
  /** Rejects when a process that should run cannot be kept running. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

function entryOf(app: string): string {
  const index = import.meta.resolve(app);
  return fileURLToPath(new URL(index.endsWith(".ts") ? "../dist/main.js" : "main.js", index));
}
/** A port that nothing listens on: what no emulated link leads to. */
const NOWHERE = "127.0.0.1:9";
/**
 * An agent is mostly idle on a machine that has other work: its young objects get 4 MB in the place of 16, which
 * V8 would fill in a burst and not give back.
 */
const AGENT_FLAGS = ["--max-semi-space-size=4"];

/**
 * Sets a network up on this machine: one manager, its agents one after another (so that none disturbs the others'
 * measuring), and the distances between them. A process that dies is started again.
 */
export async function startNetwork(options: NetworkOptions): Promise<RunningNetwork> {
  const { file, stateDir, host, say } = options;
  mkdirSync(stateDir, { recursive: true });
  const unlock = lockFolder(stateDir);
  const setup = new Setup(options);
  const keeper = new Keeper(say);
  let emulated: EmulatedLinks | null = null;
  let closeDistances = (): void => {};
  const stopAll = async (): Promise<void> => {
    closeDistances();
    await keeper.stop("manager");
    await emulated?.close();
    unlock();
  };
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= stopAll();
    return stopped;
  };
  const abort = (): void => void stop();
  options.signal?.addEventListener("abort", abort);
  try {
    const ports = await freePorts(file.spec.nodes.length + 1, host, options.port);
    emulated = await EmulatedLinks.start({ links: setup.links() });
    const places = setup.places(ports);
    for (const [site, address] of places) await emulated.attach(site, { tcp: address, udp: address });
    const routes = new Routes(emulated, places);
    const config = setup.managerConfig(ports[0] as number, routes);
    const entry = entryOf("@weft/manager-app");
    const ready = await keeper.start({ name: "manager", entry, config, flags: [] }).heard("ready");
    const url = String(ready.url);
    options.progress?.({ kind: "manager", url, store: String(ready.store) });
    const token = setup.credentials.token("manager", "api");
    const between = options.abroad?.between;
    const distances = between === undefined ? emulated : withPeers(emulated, between, file.spec.domain);
    closeDistances = await serveDistances({ emulated: distances, stateDir, server: url, token, say });
    for (const [i, node] of file.spec.nodes.entries()) {
      options.progress?.({ kind: "measuring", node: node.name });
      const config = setup.agentConfig(i, ports[i + 1] as number, url, routes);
      const entry = entryOf("@weft/agent-app");
      const agent = keeper.start({ name: node.name, entry, config, flags: AGENT_FLAGS });
      const measured = await agent.heard("measured");
      await agent.heard("joined");
      const { share, took, cached } = measured as { share: string; took: number; cached: boolean };
      options.progress?.({ kind: "node", node: node.name, share, tookUs: took, cached });
    }
    return {
      url,
      managerToken: setup.credentials.token("manager", "api"),
      consumer: (name) => ({
        token: setup.credentials.token(`consumer-${name}`, "api"),
        key: setup.consumerKey(name),
      }),
      provider: (name) => ({
        token: setup.credentials.token(`provider-${name}`, "api"),
        key: setup.providerKey(name),
      }),
      pid: (name) => keeper.get(name)?.pid ?? 0,
      kill: (name) => keeper.get(name)?.kill(),
      broken: keeper.broken,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

/** Where each gateway is dialled from each site. */
class Routes {
  readonly #emulated: EmulatedLinks;
  readonly #places: ReadonlyMap<SiteId, string>;

  constructor(emulated: EmulatedLinks, places: ReadonlyMap<SiteId, string>) {
    this.#emulated = emulated;
    this.#places = places;
  }

  from(site: SiteId): Record<string, string> {
    const via: Record<string, string> = {};
    for (const [to, address] of this.#places) {
      if (to !== site) via[address] = this.#emulated.addressFor(site, to) ?? NOWHERE;
    }
    return via;
  }
}

/** Writes the configuration of each process. */
class Setup {
  readonly credentials: Credentials;
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.credentials = new Credentials(join(options.stateDir, "credentials.json"));
  }

  links() {
    return this.#options.file.spec.links.flatMap(({ between: [a, b], delay, rate, jitter, loss }) => {
      const distance = {
        delay,
        rate,
        ...(jitter === undefined ? {} : { jitter }),
        ...(loss === undefined ? {} : { loss: loss as Ratio }),
      };
      return [
        { from: a, to: b, ...distance },
        { from: b, to: a, ...distance },
      ];
    });
  }

  /** `host:port` of every gateway by site. */
  places(ports: readonly number[]): ReadonlyMap<SiteId, string> {
    const { file, host } = this.#options;
    const places = new Map([[file.spec.manager.site, `${host}:${ports[0]}`]]);
    for (const [i, node] of file.spec.nodes.entries()) {
      if (node.gateway && !places.has(node.site)) places.set(node.site, `${host}:${ports[i + 1]}`);
    }
    return places;
  }

  consumerKey(name: string): string {
    return join(this.#options.stateDir, "keys", `${name}.pem`);
  }

  providerKey(name: string): string {
    return join(this.#options.stateDir, "keys", `provider-${name}.pem`);
  }

  managerConfig(port: number, routes: Routes): string {
    const { file, host, databaseUrl } = this.#options;
    const { spec } = file;
    const providers = [...new Set(spec.nodes.map((node) => node.provider))];
    return this.#write("manager", {
      name: file.metadata.name,
      stateDir: this.#folder("manager"),
      listen: { host, port },
      via: { ...routes.from(spec.manager.site), ...this.#options.abroad?.via },
      ...(this.#options.abroad === undefined ? {} : { federation: this.#options.abroad.federation }),
      site: spec.manager.site,
      domain: spec.domain,
      announcement: spec.announcement,
      bus: spec.bus,
      commissionPpm: Math.round(spec.manager.commission * 1e6),
      latePenaltyPpm: Math.round(spec.manager.latePenalty * 1e6),
      ...(spec.manager.billing === undefined ? {} : { billing: spec.manager.billing }),
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      bootstrap: {
        accounts: [
          ...spec.consumers.map(({ name, credit }) => ({
            id: name,
            name,
            role: "consumer",
            credit: `${credit}`,
          })),
          ...providers.map((name) => ({ id: name, name, role: "provider" })),
        ],
        tokens: [
          this.#token("manager", "api", "manager", "manager"),
          ...spec.consumers.map(({ name }) => this.#token(`consumer-${name}`, "api", name, "consumer")),
          ...providers.map((name) => this.#token(`provider-${name}`, "api", name, "provider")),
          ...providers.map((name) => this.#token(`join-${name}`, "join", name, "provider")),
        ],
        keys: [
          ...spec.consumers.map(({ name }) => this.#key(name, this.consumerKey(name))),
          ...providers.map((name) => this.#key(name, this.providerKey(name))),
        ],
      },
    });
  }

  agentConfig(i: number, port: number, managerUrl: string, routes: Routes): string {
    const { file, cacheDir, storageDir, host, fresh = false } = this.#options;
    const { spec } = file;
    const node = spec.nodes[i] as (typeof spec.nodes)[number];
    const via = routes.from(node.site);
    const managerHost = new URL(managerUrl).host;
    const settings: AgentSettings = {
      name: node.name,
      managers: [`http://${via[managerHost] ?? managerHost}`],
      stateDir: this.#folder(node.name),
      cacheDir,
      ...(storageDir === undefined ? {} : { storageDir }),
      joinToken: this.credentials.token(`join-${node.provider}`, "join"),
      owner: loadSigner(this.providerKey(node.provider)).publicKey,
      site: node.site,
      domain: spec.domain,
      tier: node.tier,
      share: node.share,
      memoryBytes: node.memory,
      listen: node.gateway ? { host, port } : null,
      via,
      labels: node.labels,
      runs: node.runs,
      prices: priceListFor(node.price),
      fresh,
    };
    return this.#write(node.name, settings);
  }

  #key(account: string, file: string) {
    return { account, key: loadSigner(file).publicKey, note: "made by weft up" };
  }

  #token(id: string, use: "api" | "join", account: string, role: string) {
    return { id, use, account, role, digest: this.credentials.digest(id, use), note: "made by weft up" };
  }

  #folder(name: string): string {
    return join(this.#options.stateDir, name);
  }

  #write(name: string, config: unknown): string {
    mkdirSync(this.#folder(name), { recursive: true });
    const path = join(this.#folder(name), "config.json");
    writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    return path;
  }
}

/** Ports free now; the first is `wanted` unless that is 0. */
export async function freePorts(count: number, host: string, wanted: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const [i, server] of servers.entries()) {
    if (i === 0 && wanted !== 0) {
      ports.push(wanted);
      continue;
    }
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, host, resolve);
    });
    const address = server.address();
    ports.push(typeof address === "object" && address !== null ? address.port : 0);
  }
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve())),
    ),
  );
  return ports;
}
