import type { Architecture } from "@weft/announcement";
import type { DomainId, NodeDescription, NodeId, SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Bytes, Instant, Micros, PublicKey, Refusal, Signature } from "@weft/kernel";
import type { Contract, PriceList, SignedOffer, SignedUsage } from "@weft/market";
import type { Program, RunCounters, RunFailure, RunLimits } from "@weft/orchestration";
import type { ContentReference } from "./resources.ts";

/*
 * What an agent and its manager say to each other on the control channel (announcements have their own).
 *
 * [W1] Every message may be lost with its connection: on contact the agent says what it holds, the manager
 *      says what it should hold, and both repeat what is unsettled. Everything is idempotent by run id.
 * [W2] A node is its key: it proves it by signing the manager's challenge; a name belongs to the key that
 *      first took it with a join token.
 *      A knock asks beforehand whether it would be taken, so that nobody measures a machine for nothing.
 * [W3] The manager answers an outcome with `settled` only once it is durable; until then the agent keeps it.
 */

export const PROTOCOL_VERSION = 1;

/** The text an agent signs to prove its key. */
export const challengeText = (manager: PublicKey, nonce: string): string =>
  `weft/hello/1 ${manager} ${nonce}`;

export type ToAgent =
  | { readonly kind: "challenge"; readonly manager: PublicKey; readonly nonce: string }
  | {
      readonly kind: "welcome";
      /** The last usage record of this node that is durable; the next one counts on from it. */
      readonly recorded: number;
      /** What gateways of this network ask for before they move content. */
      readonly dataToken: string;
      readonly gateways: readonly GatewayAddress[];
      readonly announcement: AnnouncementTerms;
    }
  /** The answer to a knock: a hello would be taken, were it said now. */
  | { readonly kind: "admitted" }
  /** Refused for good: the agent stops and says why. */
  | { readonly kind: "rejected"; readonly refusal: Refusal }
  | { readonly kind: "gateways"; readonly gateways: readonly GatewayAddress[] }
  | ({ readonly kind: "neighbours" } & Neighbours)
  | { readonly kind: "launch"; readonly launch: Launch }
  /** What the node's provider set; null: its own list holds again. The agent heeds it where its owner signed it. */
  | { readonly kind: "offer"; readonly offer: SignedOffer | null }
  | { readonly kind: "cancel"; readonly run: string }
  /** The path changed: what the run has yet to fetch or give back goes this way. */
  | { readonly kind: "reroute"; readonly run: string; readonly segments: readonly SiteId[] }
  | { readonly kind: "settled"; readonly run: string };

/** How nodes of this domain announce themselves, and over which bus. */
export interface AnnouncementTerms {
  readonly architecture: Architecture;
  readonly domain: DomainId;
  /** `nats://...`; null: the bus embedded in the manager. */
  readonly bus: string | null;
  /** What the embedded bus asks for. */
  readonly busToken: string;
}

/** Whom a node talks to on the bus, and whose word it can check. */
export interface Neighbours {
  /** Members it has not been told of yet, with their keys. */
  readonly members: readonly { readonly node: NodeId; readonly key: PublicKey }[];
  /** All of its neighbours now. */
  readonly neighbours: readonly NodeId[];
}

/** Where data at a site can be put and fetched, and its links probed. */
export interface GatewayAddress {
  readonly site: SiteId;
  /** Base URL of its data plane. */
  readonly url: string;
  /** host:port of its UDP echo; null where it has none. */
  readonly echo: string | null;
}

export interface Launch {
  readonly run: string;
  readonly task: string;
  readonly contract: Contract;
  /** What the order's digest is of, canonical text: program and input are what it asks for, or the node does not sign. */
  readonly manifest: string;
  readonly program: Program;
  readonly input: ContentReference | null;
  /** What the program is made of: brought to the node once, the same way as the input. */
  readonly contents: readonly ContentReference[];
  /** Sites from the node's own neighbour on to where the data is; the result goes the same way back. */
  readonly segments: readonly SiteId[];
  readonly limits: RunLimits;
  /** Further input, appended in this order: each with the sites from the node's neighbour on to where it is. */
  readonly parts?: readonly { readonly content: ContentReference; readonly segments: readonly SiteId[] }[];
  /** The way of the result where it is not that of the input. */
  readonly deliver?: readonly SiteId[];
  /** What is reserved for it and metered by time. */
  readonly reserved: { readonly storageBytes: Bytes; readonly bandwidth: BitsPerSecond };
}

export type FromAgent =
  | {
      readonly kind: "hello";
      readonly protocol: number;
      /** What the node's clock says. */
      readonly at: Instant;
      readonly key: PublicKey;
      readonly proof: Signature;
      readonly joinToken: string | null;
      readonly description: NodeDescription;
      readonly prices: PriceList;
      readonly gateway: Omit<GatewayAddress, "site"> | null;
      /** Runs it has, whatever their state. */
      readonly holding: readonly string[];
    }
  /** Would this node be taken? Changes nothing. */
  | {
      readonly kind: "knock";
      readonly protocol: number;
      /** What the node's clock says. */
      readonly at: Instant;
      readonly key: PublicKey;
      readonly proof: Signature;
      readonly joinToken: string | null;
      readonly node: NodeId;
    }
  /** `floor` is the least it signs for; null: nothing below `prices`. */
  | { readonly kind: "prices"; readonly prices: PriceList; readonly floor: PriceList | null }
  | { readonly kind: "accepted"; readonly run: string; readonly signature: Signature }
  | { readonly kind: "declined"; readonly run: string; readonly refusal: Refusal }
  | { readonly kind: "state"; readonly run: string; readonly state: AgentRunState }
  | {
      readonly kind: "log";
      readonly run: string;
      readonly at: Instant;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
    }
  | { readonly kind: "outcome"; readonly run: string; readonly outcome: Outcome };

export type AgentRunState = "staging" | "fetching" | "running" | "returning";

export interface Outcome {
  readonly end:
    | { readonly kind: "finished"; readonly exitCode: number; readonly result: ContentReference | null }
    | { readonly kind: "failed"; readonly because: RunFailure | "transfer_failed"; readonly detail: string };
  readonly spent: {
    readonly staging: Micros;
    readonly transferIn: Micros;
    readonly compute: Micros;
    readonly transferOut: Micros;
  };
  readonly counters: RunCounters | null;
  /** The node's countersignature under the contract, repeated so that an outcome stands alone. */
  readonly signature: Signature;
  readonly usage: SignedUsage | null;
}
