import {
  DEFAULT_PATH_VECTOR_SETTINGS,
  PathVector,
  REGION_SETTINGS,
  type View,
  valleyFree,
} from "@weft/announcement";
import type { DomainId, NodeId } from "@weft/infrastructure";
import {
  type Cryptography,
  Deadlines,
  type Instant,
  type Micros,
  type Money,
  micros,
  NEVER,
  type PublicKey,
  Rng,
  SECOND,
  type Signature,
  type Signer,
} from "@weft/kernel";
import type { Outcome } from "../protocol.ts";
import type { StoreState } from "../store.ts";
import {
  type FederationOptions,
  type Forward,
  foreignName,
  type PeerOptions,
  type Quote,
} from "./messages.ts";

/** Another domain's manager, as we know it now. */
export interface Peer {
  readonly options: PeerOptions;
  /** Its name as one node of our pool, and as an account of our books. */
  readonly node: NodeId;
  /** It was heard lately. */
  present: boolean;
  heardAt: Instant;
  gateway: { readonly url: string; readonly echo: string | null } | null;
}

/** What we know of the price of one task in one foreign domain. */
export type Quoted =
  | { readonly state: "asked"; readonly domain: DomainId; readonly until: Instant }
  | { readonly state: "quoted"; readonly domain: DomainId; readonly quote: Quote; readonly until: Instant }
  | {
      readonly state: "refused";
      readonly domain: DomainId;
      readonly because: string;
      readonly until: Instant;
    };

/** A run of another domain's task here. */
export interface Inward {
  readonly domain: string;
  readonly forward: Forward;
  /** Our countersignature under the home contract. */
  readonly signature: Signature;
  /** The task here that stands for it; null until its data is here. */
  task: string | null;
  /** Time its data took, both ways. */
  broughtIn: Micros;
  broughtOut: Micros;
  /** What it was charged here. */
  charged: Money | null;
  /** Since when it waits to be placed here again; null: it does not. */
  waiting: Instant | null;
  /** Told until it is booked at home. */
  outcome: Outcome | null;
}

/** Where they are kept. */
export const INWARD = "inward";

function restoreInward(state: StoreState): Map<string, Inward> {
  const inward = new Map<string, Inward>();
  for (const { collection, id, body } of state.documents) {
    if (collection === INWARD) inward.set(id, { ...(body as Inward) });
  }
  return inward;
}

/** The state of a manager's dealings with other domains; the modules beside it carry them out. */
export class Federation {
  readonly options: FederationOptions;
  readonly domain: DomainId;
  /** Our part in the path-vector protocol between domains. */
  readonly outer: PathVector;
  readonly peers: ReadonlyMap<DomainId, Peer>;
  readonly byNode: ReadonlyMap<NodeId, Peer>;
  /** Runs of other domains' tasks here, by the home domain's run id. */
  readonly inward: Map<string, Inward>;
  /** By the id of the task here that stands for it. */
  readonly inwardByTask = new Map<string, Inward>();
  /** By task, then by foreign domain. */
  readonly quotes = new Map<string, Map<DomainId, Quoted>>();
  /** When a quote, a question or a refusal is no longer good. */
  readonly lapses = new Deadlines<string>();
  /** When to greet, to look after the peers, to repeat what is unsettled. */
  beatAt: Instant = NEVER;
  /** When to tell what we offer anew. */
  tellAt: Instant = NEVER;
  toldAt = Number.NEGATIVE_INFINITY as Instant;
  /** Whether we have something on offer now. */
  offering = false;

  constructor(
    options: FederationOptions,
    domain: DomainId,
    signer: Signer,
    cryptography: Cryptography,
    state: StoreState,
    now: Instant,
  ) {
    this.options = options;
    this.domain = domain;
    const peers = options.peers.map(
      (peer): Peer => ({
        options: peer,
        node: foreignName(peer.domain),
        present: false,
        heardAt: now,
        gateway: null,
      }),
    );
    this.peers = new Map(peers.map((peer) => [peer.options.domain, peer]));
    this.byNode = new Map(peers.map((peer) => [peer.node, peer]));
    const self = foreignName(domain);
    const keyOf = (node: NodeId): PublicKey | null =>
      node === self ? signer.publicKey : (this.byNode.get(node)?.options.key ?? null);
    this.outer = new PathVector(
      self,
      signer,
      cryptography,
      keyOf,
      valleyFree((node) => this.byNode.get(node)?.options.relation ?? "peer"),
      {
        ...DEFAULT_PATH_VECTOR_SETTINGS,
        publisher: { ...REGION_SETTINGS.publisher, heartbeat: micros(4 * SECOND) },
      },
      new Rng(Number.parseInt(signer.publicKey.slice(8, 16), 16)),
    );
    this.inward = restoreInward(state);
  }

  get view(): View {
    return this.outer.view;
  }

  get wakeAt(): Instant {
    return Math.min(this.beatAt, this.tellAt, this.outer.wakeAt, this.lapses.next) as Instant;
  }

  peerAt(node: NodeId | string): Peer | undefined {
    return this.byNode.get(node as NodeId);
  }

  quotedFor(task: string, domain: DomainId): Quoted | undefined {
    return this.quotes.get(task)?.get(domain);
  }
  /** A domain was asked about a task, or has answered. */
  keepQuote(task: string, quoted: Quoted): void {
    const quotes = this.quotes.get(task) ?? new Map<DomainId, Quoted>();
    quotes.set(quoted.domain, quoted);
    this.quotes.set(task, quotes);
    this.lapses.set(`${task}\n${quoted.domain}`, quoted.until);
  }
}
