import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SiteId } from "@weft/infrastructure";
import { EmulatedLinks } from "@weft/infrastructure-emulator";
import type { Ratio } from "@weft/kernel";
import { loadSigner } from "@weft/live";
import {
  freePorts,
  type NetworkOptions,
  type NetworkStep,
  type RunningNetwork,
  startNetwork,
} from "./network.ts";
import type { DomainsFile } from "./network-file.ts";

export interface DomainsOptions
  extends Pick<NetworkOptions, "stateDir" | "cacheDir" | "host" | "port" | "fresh" | "say" | "signal"> {
  readonly file: DomainsFile;
  readonly progress?: (domain: string, step: NetworkStep) => void;
}

export interface RunningDomains {
  readonly networks: ReadonlyMap<string, RunningNetwork>;
  /** Rejects when a process of any domain cannot be kept running. */
  readonly broken: Promise<never>;
  stop(): Promise<void>;
}

type Peers = DomainsFile["spec"]["peers"][number];

/**
 * Sets several domains up on this machine, each a network of its own with its own store, books and keys, and the
 * distances between their managers. The first domain's manager listens on `port`, the others on free ones.
 */
export async function startDomains(options: DomainsOptions): Promise<RunningDomains> {
  const { file, host, stateDir } = options;
  const { domains, peers } = file.spec;
  mkdirSync(stateDir, { recursive: true });
  const ports = await freePorts(domains.length, host, options.port);
  const address = new Map(domains.map(({ domain }, i) => [domain, `${host}:${ports[i]}`]));
  const between = await distances(peers, address);
  const networks = new Map<string, RunningNetwork>();
  const stop = async (): Promise<void> => {
    await Promise.all([...networks.values()].map((network) => network.stop()));
    await between.close();
  };
  try {
    for (const [i, { offer, ...spec }] of domains.entries()) {
      const { domain } = spec;
      const network = await startNetwork({
        ...options,
        file: { ...file, kind: "Network", metadata: { name: domain }, spec },
        stateDir: join(stateDir, domain),
        storageDir: options.cacheDir,
        port: ports[i] as number,
        progress: (step) => options.progress?.(domain, step),
        abroad: {
          between,
          federation: {
            peers: peersOf(domain, peers, address, stateDir),
            offer: { tiers: offer.tiers, labels: offer.labels, markupPpm: Math.round(offer.markup * 1e6) },
          },
          via: Object.fromEntries(
            peersNamed(domain, peers).map((other) => [
              address.get(other) ?? "",
              between.addressFor(domain as unknown as SiteId, other as unknown as SiteId) ?? "",
            ]),
          ),
        },
      });
      networks.set(domain, network);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const broken = Promise.race([...networks.values()].map((network) => network.broken));
  broken.catch(() => {});
  return { networks, broken, stop };
}

const peersNamed = (domain: string, peers: readonly Peers[]): string[] =>
  peers.flatMap(({ between: [a, b] }) => (a === domain ? [b] : b === domain ? [a] : []));

/** Whom a domain deals with, by its manager's configuration. Keys are made here where they are not there yet. */
function peersOf(
  domain: string,
  peers: readonly Peers[],
  address: ReadonlyMap<string, string>,
  stateDir: string,
): unknown[] {
  return peers.flatMap(({ between: [a, b], relation, credit }) => {
    if (a !== domain && b !== domain) return [];
    const other = a === domain ? b : a;
    // The file says what the first is to the second; to the first the second is the reverse.
    const reverse = { customer: "provider", provider: "customer", peer: "peer" } as const;
    return [
      {
        domain: other,
        key: loadSigner(join(stateDir, other, "manager", "manager.pem")).publicKey,
        url: `http://${address.get(other)}`,
        relation: b === domain ? relation : reverse[relation],
        credit: `${credit}`,
      },
    ];
  });
}

/** The distances between the managers, on real sockets. */
async function distances(
  peers: readonly Peers[],
  address: ReadonlyMap<string, string>,
): Promise<EmulatedLinks> {
  const links = peers.flatMap(({ between: [a, b], delay, rate, jitter, loss }) => {
    const distance = {
      delay,
      rate,
      ...(jitter === undefined ? {} : { jitter }),
      ...(loss === undefined ? {} : { loss: loss as Ratio }),
    };
    const [from, to] = [a as unknown as SiteId, b as unknown as SiteId];
    return [
      { from, to, ...distance },
      { from: to, to: from, ...distance },
    ];
  });
  const emulated = await EmulatedLinks.start({ links });
  for (const [domain, place] of address) {
    await emulated.attach(domain as unknown as SiteId, { tcp: place, udp: place });
  }
  return emulated;
}
