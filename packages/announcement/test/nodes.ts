import type { LinkState, NodeDescription, NodeId, NodeLoad, SiteId } from "@weft/infrastructure";
import type { Cryptography, Instant, PublicKey, Signer } from "@weft/kernel";
import { nodeCryptography, signerFromSeed } from "@weft/live";

/** Plain nodes to announce: a description, load and links that tests vary one member of. */

export const nodeNamed = (name: string): NodeId => name as NodeId;

export function describe(name: string, change: Partial<NodeDescription> = {}): NodeDescription {
  const power = { logical: 80e9, parallel: 370e9, neural: 230e9 };
  return {
    id: nodeNamed(name),
    tier: "edge",
    site: `site-${name}`,
    domain: "d",
    labels: {},
    power,
    laneRate: { logical: 40e9, parallel: 185e9, neural: 115e9 },
    memoryBytes: 8 * 2 ** 30,
    storage: { capacityBytes: 100e9, throughput: 500e6, storageClass: "scratch" },
    accelerators: [],
    runs: ["wasm", "model"],
    security: "encrypted",
    watts: null,
    gramsPerKwh: null,
    ...change,
  } as NodeDescription;
}

export function load(name: string, change: Record<string, unknown> = {}): NodeLoad {
  return {
    node: nodeNamed(name),
    othersUse: { logical: 0, parallel: 0, neural: 0 },
    freeMemoryBytes: 4 * 2 ** 30,
    freeStorageBytes: 50e9,
    queue: { logical: 0, parallel: 0, neural: 0 },
    battery: null,
    accepting: true,
    at: 0,
    ...change,
  } as unknown as NodeLoad;
}

/** Everybody waits this long. */
export const queued = (us: number) => ({ queue: { logical: us, parallel: us, neural: us } });

export function link(from: string, to: string, change: Partial<LinkState> = {}): LinkState {
  return {
    from: from as SiteId,
    to: to as SiteId,
    up: true,
    delay: 1000,
    jitter: 10,
    loss: 0,
    capacity: 1e9,
    bitErrorRate: null,
    security: "encrypted",
    radio: null,
    at: 0,
    ...change,
  } as LinkState;
}

/** One key pair a name, the same in every run. */
export class Keys {
  readonly #signers = new Map<string, Signer>();

  of(name: string): Signer {
    let signer = this.#signers.get(name);
    if (signer === undefined) {
      const seed = new Uint8Array(32);
      for (let i = 0; i < name.length; i++) seed[i % 32] = (seed[i % 32] as number) * 31 + name.charCodeAt(i);
      signer = signerFromSeed(seed);
      this.#signers.set(name, signer);
    }
    return signer;
  }

  /** The key an origin signs with; names beginning with `stranger` have none. */
  readonly keyOf = (name: NodeId): PublicKey | null =>
    name.startsWith("stranger") ? null : this.of(name).publicKey;
}

/** 2026-01-01T00:00:00Z and `us` microseconds. */
export const at = (us: number): Instant => (1_767_225_600_000_000 + us) as Instant;

/** Ed25519 that checks each signature once: in one process every observer would check the same ones again. */
export function sharedCryptography(): Cryptography {
  const seen = new Map<string, boolean>();
  return {
    digest: nodeCryptography.digest,
    verify(key, message, signature) {
      const name = `${key} ${signature} ${message}`;
      let valid = seen.get(name);
      if (valid === undefined) {
        valid = nodeCryptography.verify(key, message, signature);
        seen.set(name, valid);
      }
      return valid;
    },
  };
}
