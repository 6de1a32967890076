import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, MILLISECOND, MINUTE, type Micros, micros, NEVER } from "@weft/kernel";
import { FACETS } from "../facts.ts";
import type { ParticipantOutput } from "../participant.ts";
import { type Hint, isNewer, keyHash, lowOf, type MeshMessage } from "./messages.ts";
import type { Neighbourhood, Spread } from "./neighbourhood.ts";
import type { Stored } from "./store.ts";

/*
 * One tree an origin, grown by whoever was first, mended by gossip.
 *
 * [TREE.1] An origin's description, and one heartbeat every `grow`, go to every neighbour; the neighbour that brings
 *          one first is the parent, and all others are asked to push nothing more of that origin (prune).
 * [TREE.2] All else goes down that tree only: n - 1 transmissions, each node reached by the fastest way there was
 *          when the tree grew last.
 * [TREE.3] Every neighbour that was not sent a record hears its hint in the next digest; who lacks it then asks for
 *          it and for the branch (graft).
 * [TREE.4] A lost parent is replaced at once by the neighbours pruned before; the next growth finds the best anew.
 * [TREE.5] What is kept for an origin is one parent and one bit a neighbour; for a neighbour, one hint a record.
 */

export interface TreeTimes {
  /** How often hints are gathered into a digest. */
  readonly digest: Micros;
  /** How long a record whose hint came first may still arrive by itself. */
  readonly patience: Micros;
  /** How long a branch asked for may take. */
  readonly again: Micros;
  /** How often a tree is grown anew, by the origin's clock. */
  readonly grow: Micros;
}

export const DEFAULT_TREE_TIMES: TreeTimes = {
  digest: micros(250 * MILLISECOND),
  patience: micros(100 * MILLISECOND),
  again: micros(500 * MILLISECOND),
  grow: micros(10 * MINUTE),
};

const MOST_TRIES = 5;

interface Tree {
  parent: NodeId | null;
  /** Number of the record it grew by. */
  grown: number;
  /** Neighbours that asked not to be pushed this origin's records. */
  readonly pruned: Set<NodeId>;
}

interface Missing {
  readonly from: NodeId[];
  readonly low: number;
  dueAt: Instant;
  tries: number;
}

interface Outbox {
  readonly have: Map<number, number>;
  readonly prune: Set<number>;
}

export class Trees implements Spread {
  readonly #mesh: Neighbourhood;
  readonly #times: TreeTimes;
  readonly #trees = new Map<number, Tree>();
  readonly #outboxes = new Map<NodeId, Outbox>();
  readonly #missing = new Map<number, Missing>();
  #digestAt: Instant = NEVER;
  #missingAt: Instant = NEVER;

  constructor(mesh: Neighbourhood, times: TreeTimes = DEFAULT_TREE_TIMES) {
    this.#mesh = mesh;
    this.#times = times;
  }

  get wakeAt(): Instant {
    return earliest(this.#digestAt, this.#missingAt);
  }

  peerUp(_now: Instant, peer: NodeId): void {
    this.#outboxes.set(peer, { have: new Map(), prune: new Set() });
  }

  peerDown(now: Instant, peer: NodeId, out: ParticipantOutput[]): void {
    this.#outboxes.delete(peer);
    const orphaned: number[] = [];
    for (const [origin, tree] of this.#trees) {
      tree.pruned.delete(peer);
      if (tree.parent !== peer) continue;
      tree.parent = null;
      orphaned.push(origin);
    }
    for (const other of this.#outboxes.keys()) {
      const origins = orphaned.filter((origin) => this.#trees.get(origin)?.pruned.has(other));
      if (origins.length > 0) this.#graft(now, other, origins, out);
    }
  }

  fresh(now: Instant, stored: Stored, from: NodeId | null, out: ParticipantOutput[]): void {
    this.#missing.delete(stored.key);
    const tree = this.#treeOf(stored.originHash);
    tree.parent = from;
    if (from !== null) tree.pruned.delete(from);
    if (this.#isGrowing(tree, stored)) {
      tree.grown = stored.sequence;
      tree.pruned.clear();
    }
    for (const [peer, outbox] of this.#outboxes) {
      if (peer === from) {
        outbox.have.delete(stored.key);
        // A prune that still waits was meant for another record, which it did not bring first.
        outbox.prune.delete(stored.originHash);
        continue;
      }
      if (!tree.pruned.has(peer)) this.#mesh.push(now, peer, [stored], out);
      outbox.have.set(stored.key, lowOf(stored.sequence));
      this.#digestAt = earliest(this.#digestAt, after(now, this.#times.digest));
    }
  }

  /** All see the same record and mostly the same past, so all agree; who does not costs a few duplicates. */
  #isGrowing(tree: Tree, { facet, sequence, originHash }: Stored): boolean {
    const { grow } = this.#times;
    // Each origin at a time of its own, so that not all trees grow at once.
    const period = (number: number): number => Math.floor((number + (originHash % grow)) / grow);
    if (facet === "alive") return period(sequence) > period(tree.grown);
    return facet === "description" || facet === "leaving";
  }

  duplicate(now: Instant, stored: Stored, from: NodeId): void {
    const outbox = this.#outboxes.get(from);
    const tree = this.#treeOf(stored.originHash);
    if (outbox === undefined || tree.parent === from) return;
    outbox.have.delete(stored.key);
    outbox.prune.add(stored.originHash);
    this.#digestAt = earliest(this.#digestAt, after(now, this.#times.digest));
  }

  message(now: Instant, from: NodeId, message: MeshMessage): void {
    switch (message.kind) {
      case "have":
        for (const { key, low } of message.hints) this.#heard(now, from, key, low);
        break;
      case "prune":
        // Only origins we know: whoever is asked to remember the rest would grow without bound.
        for (const origin of message.origins) this.#trees.get(origin)?.pruned.add(from);
        break;
      case "graft":
        for (const origin of message.origins) this.#trees.get(origin)?.pruned.delete(from);
        break;
      default:
    }
  }

  forget(gone: readonly Stored[]): void {
    for (const { key, originHash } of gone) {
      this.#trees.delete(originHash);
      this.#missing.delete(key);
      for (const { have, prune } of this.#outboxes.values()) {
        have.delete(key);
        prune.delete(originHash);
      }
    }
  }

  wake(now: Instant, out: ParticipantOutput[]): void {
    if (this.#digestAt <= now) this.#digest(now, out);
    if (this.#missingAt <= now) this.#fetch(now, out);
  }

  #digest(now: Instant, out: ParticipantOutput[]): void {
    this.#digestAt = NEVER;
    for (const [peer, { have, prune }] of this.#outboxes) {
      if (prune.size > 0) this.#mesh.send(now, peer, { kind: "prune", origins: [...prune] }, out);
      if (have.size > 0) {
        const hints: Hint[] = [...have].map(([key, low]) => ({ key, low }));
        this.#mesh.send(now, peer, { kind: "have", hints }, out);
      }
      prune.clear();
      have.clear();
    }
  }

  #heard(now: Instant, from: NodeId, key: number, low: number): void {
    const stored = this.#mesh.store.byKey(key);
    if (stored !== undefined && !isNewer(low, lowOf(stored.sequence))) {
      // It has what we would have told it of.
      const outbox = this.#outboxes.get(from);
      if (outbox?.have.get(key) === low) outbox.have.delete(key);
      return;
    }
    const missing = this.#missing.get(key);
    if (missing !== undefined && !isNewer(low, missing.low)) {
      if (!missing.from.includes(from)) missing.from.push(from);
      return;
    }
    const dueAt = after(now, this.#times.patience);
    this.#missing.set(key, { from: [from], low, dueAt, tries: 0 });
    this.#missingAt = earliest(this.#missingAt, dueAt);
  }

  /** Asks for what did not come by itself, and for the branch it should have come by. */
  #fetch(now: Instant, out: ParticipantOutput[]): void {
    const asked = new Map<NodeId, number[]>();
    let next: Instant = NEVER;
    for (const [key, missing] of this.#missing) {
      if (missing.dueAt <= now) {
        const peers = missing.from.filter((peer) => this.#outboxes.has(peer));
        if (peers.length === 0 || missing.tries === MOST_TRIES) {
          this.#missing.delete(key);
          continue;
        }
        const peer = peers[missing.tries % peers.length] as NodeId;
        asked.set(peer, [...(asked.get(peer) ?? []), key]);
        missing.tries++;
        missing.dueAt = after(now, this.#times.again);
      }
      next = earliest(next, missing.dueAt);
    }
    this.#missingAt = next;
    for (const [peer, keys] of asked) {
      this.#mesh.send(now, peer, { kind: "request", keys }, out);
      const origins = new Set<number>();
      for (const key of keys)
        for (const origin of originsOf(key)) if (this.#trees.has(origin)) origins.add(origin);
      if (origins.size > 0) this.#graft(now, peer, [...origins], out);
    }
  }

  #graft(now: Instant, peer: NodeId, origins: readonly number[], out: ParticipantOutput[]): void {
    for (const origin of origins) this.#outboxes.get(peer)?.prune.delete(origin);
    this.#mesh.send(now, peer, { kind: "graft", origins }, out);
  }

  #treeOf(origin: number): Tree {
    let tree = this.#trees.get(origin);
    if (tree === undefined) {
      tree = { parent: null, grown: 0, pruned: new Set() };
      this.#trees.set(origin, tree);
    }
    return tree;
  }
}

/** The origins a key may belong to: a key is its origin's hash turned by its facet. */
const originsOf = (key: number): readonly number[] => FACETS.map((facet) => keyHash(key, facet));
