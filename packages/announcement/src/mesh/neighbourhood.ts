import type { NodeId } from "@weft/infrastructure";
import { type Instant, MILLISECOND, type Micros, micros, SECOND } from "@weft/kernel";
import type { ParticipantOutput } from "../participant.ts";
import { DEFAULT_PUBLISHER_SETTINGS, type PublisherSettings } from "../publisher.ts";
import { DEFAULT_VIEW_SETTINGS, type ViewSettings } from "../view.ts";
import type { MeshMessage } from "./messages.ts";
import type { RecordStore, Stored } from "./store.ts";

/*
 * What a mesh and the way its records spread may ask of each other, and what can be set about it.
 */

/** How records travel on. Every method may add to `out`. */
export interface Spread {
  readonly wakeAt: Instant;
  wake(now: Instant, out: ParticipantOutput[]): void;
  /** A record new to us is stored; `from` is null for our own. */
  fresh(now: Instant, stored: Stored, from: NodeId | null, out: ParticipantOutput[]): void;
  /** The same record once more. */
  duplicate(now: Instant, stored: Stored, from: NodeId, out: ParticipantOutput[]): void;
  message(now: Instant, from: NodeId, message: MeshMessage, out: ParticipantOutput[]): void;
  peerUp(now: Instant, peer: NodeId, out: ParticipantOutput[]): void;
  peerDown(now: Instant, peer: NodeId, out: ParticipantOutput[]): void;
  forget(stored: readonly Stored[]): void;
}

/** What a spread may use of its mesh. */
export interface Neighbourhood {
  readonly self: NodeId;
  readonly peers: ReadonlySet<NodeId>;
  readonly store: RecordStore;
  push(now: Instant, to: NodeId, stored: readonly Stored[], out: ParticipantOutput[]): void;
  send(now: Instant, to: NodeId, message: MeshMessage, out: ParticipantOutput[]): void;
}

export interface MeshSettings {
  readonly publisher: PublisherSettings;
  readonly view: ViewSettings;
  /** A neighbour hears something of us in every such interval. */
  readonly helloEvery: Micros;
  readonly peerLifetime: Micros;
  /** Least time between two records of one facet of one origin; what comes faster is dropped and sent again. */
  readonly leastArrival: Micros;
  /** Most neighbours; others are not listened to. */
  readonly maxPeers: number;
  /** Others speak for our origin too: what they say of it is news like any other. */
  readonly sharedOrigin: boolean;
}

/** Records live longer here than at a collector, since each heartbeat crosses the whole mesh. */
export const DEFAULT_MESH_SETTINGS: MeshSettings = {
  publisher: { ...DEFAULT_PUBLISHER_SETTINGS, deltas: false, heartbeat: micros(20 * SECOND) },
  view: {
    ...DEFAULT_VIEW_SETTINGS,
    suspectAfter: micros(45 * SECOND),
    downAfter: micros(70 * SECOND),
    forgetAfter: micros(300 * SECOND),
  },
  helloEvery: SECOND,
  peerLifetime: micros(3.5 * SECOND),
  leastArrival: micros(5 * MILLISECOND),
  maxPeers: 256,
  sharedOrigin: false,
};
