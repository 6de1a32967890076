import type { NodeId } from "@weft/infrastructure";
import {
  after,
  type Cryptography,
  earliest,
  type Instant,
  NEVER,
  type PublicKey,
  type Rng,
  type Signer,
} from "@weft/kernel";
import { Flooding } from "../mesh/flooding.ts";
import { Mesh } from "../mesh/mesh.ts";
import { DEFAULT_MESH_SETTINGS, type MeshSettings } from "../mesh/neighbourhood.ts";
import type { Participant, ParticipantInput, ParticipantOutput } from "../participant.ts";
import type { View } from "../view.ts";

/*
 * Centralised announcement as deciders everywhere see it (A1): a star. Each agent keeps one collector as its only
 * neighbour; the collector passes on what any of them announced. Reporter and Collector are the lean pair for agents
 * that decide nothing.
 *
 * [CENT.1] An agent speaks with one collector at a time.
 * [CENT.2] When that one is silent for its lifetime the next one in reach takes its place (fail-over).
 */

/** An agent: its peers are the collectors, in the order of preference in which they come up. */
export class CentralisedAgent implements Participant {
  readonly #mesh: Mesh;
  readonly #settings: MeshSettings;
  readonly #reachable: Extract<ParticipantInput, { kind: "peer_up" }>[] = [];
  #active: NodeId | null = null;
  #checkAt: Instant = NEVER;

  constructor(
    self: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    settings: MeshSettings = DEFAULT_MESH_SETTINGS,
    rng: Rng | null = null,
  ) {
    this.#settings = settings;
    this.#mesh = new Mesh(self, signer, cryptography, keyOf, (mesh) => new Flooding(mesh), settings, rng);
  }

  get view(): View {
    return this.#mesh.view;
  }

  get stateBytes(): number {
    return this.#mesh.stateBytes;
  }

  get wakeAt(): Instant {
    return earliest(this.#mesh.wakeAt, this.#checkAt);
  }

  /** The collector spoken with now. */
  get collector(): NodeId | null {
    return this.#active;
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    const out = this.#mesh.wakeAt <= now ? [...this.#mesh.wake(now)] : [];
    if (this.#checkAt > now) return out;
    this.#checkAt = after(now, this.#settings.peerLifetime);
    if (this.#active === null || !this.#mesh.peers.has(this.#active)) out.push(...this.#next(now));
    return out;
  }

  handle(now: Instant, input: ParticipantInput): readonly ParticipantOutput[] {
    switch (input.kind) {
      case "peer_up":
        if (!this.#reachable.some(({ peer }) => peer === input.peer)) this.#reachable.push(input);
        return this.#active === null ? this.#next(now) : [];
      case "peer_down": {
        const index = this.#reachable.findIndex(({ peer }) => peer === input.peer);
        if (index >= 0) this.#reachable.splice(index, 1);
        return input.peer === this.#active ? this.#next(now) : [];
      }
      default:
        return this.#mesh.handle(now, input);
    }
  }

  /** Turns to the collector after the present one. */
  #next(now: Instant): readonly ParticipantOutput[] {
    const out: ParticipantOutput[] = [];
    const at = this.#reachable.findIndex(({ peer }) => peer === this.#active);
    const next = this.#reachable[(at + 1) % Math.max(1, this.#reachable.length)];
    if (this.#active !== null) out.push(...this.#mesh.handle(now, { kind: "peer_down", peer: this.#active }));
    this.#active = next?.peer ?? null;
    this.#checkAt = next === undefined ? NEVER : after(now, this.#settings.peerLifetime);
    if (next !== undefined) out.push(...this.#mesh.handle(now, next));
    return out;
  }
}

/** A collector that passes on what it collects: its peers are the agents and the other collectors. */
export const centralisedCollector = (
  self: NodeId,
  signer: Signer,
  cryptography: Cryptography,
  keyOf: (origin: NodeId) => PublicKey | null,
  settings: MeshSettings = { ...DEFAULT_MESH_SETTINGS, maxPeers: 100_000 },
  rng: Rng | null = null,
): Mesh => new Mesh(self, signer, cryptography, keyOf, (mesh) => new Flooding(mesh), settings, rng);
