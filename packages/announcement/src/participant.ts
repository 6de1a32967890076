import type { NodeId } from "@weft/infrastructure";
import type { Instant, Machine, Micros } from "@weft/kernel";
import type { Publication } from "./publisher.ts";
import type { AnnouncementRecord } from "./record.ts";
import type { Change, View } from "./view.ts";

/*
 * The one contract of every announcement architecture: publish what you know of yourself, talk to your peers in
 * bytes, read the view. What the peers are (collector, neighbours, other domains) is the architecture's affair.
 */

export type ParticipantInput =
  /** What is known of itself now; members left out stay as they were. */
  | { readonly kind: "publish"; readonly publication: Publication }
  /** A peer can be talked to; `delay` one way, where the transport knows it. */
  | { readonly kind: "peer_up"; readonly peer: NodeId; readonly delay?: Micros }
  | { readonly kind: "peer_down"; readonly peer: NodeId }
  | { readonly kind: "message"; readonly from: NodeId; readonly bytes: Uint8Array }
  /** Takes everything back that was published. */
  | { readonly kind: "leave" };

export type ParticipantOutput =
  | { readonly kind: "send"; readonly to: NodeId; readonly bytes: Uint8Array }
  | { readonly kind: "change"; readonly change: Change };

export interface Participant extends Machine<ParticipantInput, ParticipantOutput> {
  /** What this participant knows, itself included. */
  readonly view: View;
  /** Bytes of announcements it keeps, besides the view's own objects. */
  readonly stateBytes: number;
}

/** A record that a participant took, and when its origin made it by that participant's clock. */
export interface Taken {
  readonly record: AnnouncementRecord;
  readonly bornAt: Instant;
}

/**
 * A participant that may speak for an origin which others speak for too, one at a time: a region's gateways, a domain's
 * routers.
 */
export interface SharedParticipant extends Participant {
  /** Told of every record that is new here, own ones included. */
  tap: ((taken: Taken) => void) | null;
  /** Takes over: tells all it published anew. */
  resume(now: Instant): readonly ParticipantOutput[];
  /** Another has taken over: says nothing more of the origin. */
  rest(): void;
  /** Every record kept here. */
  known(): readonly Taken[];
}
