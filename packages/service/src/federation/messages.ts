import type { Relation } from "@weft/announcement";
import type { DomainId, NodeId, Tier } from "@weft/infrastructure";
import type { Instant, Micros, Money, PublicKey, Refusal, Signature } from "@weft/kernel";
import type { PriceList } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import type { FromAgent, Launch } from "../protocol.ts";
import type { ContentReference, SignedOrder } from "../resources.ts";

/*
 * What managers of different domains say to each other. To its home a foreign domain is a provider with one large node,
 * and its manager speaks as that node's agent; to the foreign domain the home manager is a consumer.
 *
 * [P1] A domain is its manager's key, pinned by each of its peers. Every message is signed by it (envelope.ts).
 * [P2] Every message may be lost: greetings name what is held, and what is unsettled is said again.
 * [P3] A task is forwarded under the home run's id. The same id again is the same task: it runs and is billed once.
 * [P4] A quote binds: whatever node runs it, the home manager pays by the price list that was quoted.
 * [P5] What the home manager has booked for a run, nothing included, the foreign manager books too: the account that
 *      each keeps of the other mirrors the other's.
 */

/** What a domain tells of itself outside (survey A2: the whole of a domain is nobody else's business). */
export interface OfferPolicy {
  /** Only nodes of these tiers; null: of all. */
  readonly tiers: readonly Tier[] | null;
  /** Only nodes that bear all of these. */
  readonly labels: Readonly<Record<string, string>>;
  /** Added to the nodes' prices, millionths. */
  readonly markupPpm: number;
}

export interface PeerOptions {
  readonly domain: DomainId;
  readonly key: PublicKey;
  /** What it is to us: decides which domains' routes we tell it (valley-free export). */
  readonly relation: Relation;
  /** How much it may owe us. */
  readonly credit: Money;
  /** Whether our tasks may go there. */
  readonly send: boolean;
  /** Whether its tasks may come here. */
  readonly take: boolean;
}

export interface FederationOptions {
  readonly peers: readonly PeerOptions[];
  readonly offer: OfferPolicy;
  /** A peer unheard for this long has lost the runs it has of ours. */
  readonly silence: Micros;
}

export type PeerMessage =
  /** Said about once a second. */
  | {
      readonly kind: "greet";
      /** Where its data plane is. */
      readonly gateway: { readonly url: string; readonly echo: string | null };
      /** Runs of ours that it has; null: too many to say each time. */
      readonly holding: readonly string[] | null;
    }
  | { readonly kind: "announce"; readonly bytes: Uint8Array }
  /** What would this cost with you, and how long would it take? */
  | { readonly kind: "ask"; readonly ask: Ask }
  | { readonly kind: "quote"; readonly id: string; readonly quote: Quote | Refusal }
  | { readonly kind: "forward"; readonly forward: Forward }
  | { readonly kind: "cancel"; readonly run: string }
  /** The outcome of a run is booked; `owed` is what the provider got for it, 0 where it came too late. */
  | { readonly kind: "settled"; readonly run: string; readonly owed: Money }
  /** As the agent of the one large node. */
  | { readonly kind: "agent"; readonly message: FromAgent };

export interface Ask {
  readonly id: string;
  readonly needs: TaskNeeds;
  /** What the home manager keeps of the price: the quote is made so that the rest pays for the work. */
  readonly commissionPpm: number;
}

export interface Quote {
  readonly prices: PriceList;
  /** What the task is expected to cost by them, and how long it takes there, transfers between domains apart. */
  readonly price: Money;
  readonly takes: Micros;
}

export const isQuote = (answer: Quote | Refusal): answer is Quote => "prices" in answer;

/** A task of the home domain for the foreign one to run. */
export interface Forward {
  /** The contract's node is the foreign domain as a whole; `launch.run` is the idempotent id. */
  readonly launch: Launch;
  readonly name: string;
  readonly needs: TaskNeeds;
  /** The home manager's own mandate, under the run's id. */
  readonly order: SignedOrder;
  readonly commissionPpm: number;
  /** Addresses of the home gateways from the border to where the data is. */
  readonly segments: readonly string[];
}

/** Content that the host moves between domains. */
export interface Crossing {
  readonly run: string;
  readonly contents: readonly ContentReference[];
  readonly segments: readonly string[];
  readonly peer: DomainId;
}

/** The name of a domain as one node and as one site in another's pool, and of its account. No name of a node has an @. */
export const foreignName = (domain: DomainId): NodeId => `@${domain}` as NodeId;

/** The connection of a peer, among those of agents. */
export const peerConnection = (domain: DomainId): string => `peer:${domain}`;

export interface Envelope {
  readonly from: DomainId;
  readonly to: DomainId;
  /** Microseconds of the sender's clock, raised so that it grows. */
  readonly at: Instant;
  readonly body: string;
  readonly signature: Signature;
}
