import type {
  Architecture,
  Collector,
  OriginView,
  Participant,
  ReportMessage,
  ResyncMessage,
  View,
} from "@weft/announcement";
import type { DomainId, LinkState, NodeId, SiteId } from "@weft/infrastructure";
import type {
  Cryptography,
  Currency,
  Deadlines,
  Digest,
  Instant,
  Micros,
  Money,
  PublicKey,
  Result,
  Signer,
} from "@weft/kernel";
import type { FeePolicy } from "@weft/market";
import type { Orchestrator } from "@weft/orchestration";
import type { Pool, ReservationId } from "@weft/pool";
import type { Decision, Placed, Scheduler } from "@weft/scheduling";
import type { Federation } from "../federation/federation.ts";
import type { Crossing, FederationOptions, PeerMessage } from "../federation/messages.ts";
import type { Predictor } from "../predictor.ts";
import type { FromAgent, GatewayAddress, ToAgent } from "../protocol.ts";
import type { Caller, Role, TaskSubmission } from "../resources.ts";
import type { KeyRow, StoreChange, TokenRow } from "../store.ts";
import type { Ahead } from "./ahead.ts";
import type { ApplicationsCommand } from "./applications/commands.ts";
import type { Applications } from "./applications/register.ts";
import type { Billing, BillingCommand, BillingPolicy } from "./billing.ts";
import type { Books } from "./books.ts";
import type { DisputeCommand } from "./disputes.ts";
import type { Fleet } from "./fleet.ts";
import type { Front } from "./front.ts";
import type { CosignCommand, ManagerLog } from "./log.ts";
import type { TaskListener } from "./observing.ts";
import type { Offers } from "./offers.ts";
import type { Organisations, OrganisationsCommand } from "./organisations.ts";
import type { Promises } from "./promises.ts";
import type { OffersCommand } from "./repricing.ts";
import type { ConsumerShares } from "./shares.ts";
import type { Tasks } from "./tasks.ts";

/** What makes one manager this manager. */
export interface ManagerOptions {
  readonly signer: Signer;
  readonly cryptography: Cryptography;
  /** The account that earns the fee. */
  readonly account: string;
  readonly currency: Currency;
  readonly fee: FeePolicy;
  /** What a late result costs its provider, in millionths of the charge. */
  readonly latePenaltyPpm?: number;
  /** How it bills and pays out; `PLAIN_BILLING` unless said otherwise. */
  readonly billing?: BillingPolicy;
  readonly site: SiteId;
  readonly domain: DomainId;
  /** The manager's own gateway: where consumers bring their data. */
  readonly gateway: GatewayAddress;
  /** What gateways of this network ask for before they move content. */
  readonly dataToken: string;
  /** A name nobody has had before, such as `task-7h3k...`. */
  readonly newId: (kind: "task" | "run" | "contract" | "application") => string;
  /** A node unheard for this long after its connection broke, or after a restart, has lost its runs. */
  readonly silence: Micros;
  /** Whether anybody may register an organisation; open unless said otherwise. */
  readonly registration?: "open" | "closed";
  /** Dealings with other domains; absent: none. */
  readonly federation?: FederationOptions;
  /** How nodes of this domain announce themselves; `centralised` unless said otherwise. */
  readonly announcement?: {
    readonly architecture: Architecture;
    readonly bus: string | null;
    readonly busToken: string;
  };
}

export type ManagerInput =
  /** Something an open envelope of another domain's manager said. */
  | { readonly kind: "peer"; readonly from: DomainId; readonly message: PeerMessage }
  /** Content of a run of another domain's came here, or was brought home; `failed` says why not. */
  | {
      readonly kind: "crossed";
      readonly run: string;
      readonly way: "in" | "out";
      readonly took: Micros;
      readonly failed: string | null;
    }
  | { readonly kind: "opened"; readonly connection: string; readonly nonce: string }
  | { readonly kind: "closed"; readonly connection: string }
  | { readonly kind: "control"; readonly connection: string; readonly message: FromAgent }
  | { readonly kind: "report"; readonly connection: string; readonly message: ReportMessage }
  /** A message on the domain's bus for the manager as a participant. */
  | { readonly kind: "announced"; readonly from: NodeId; readonly bytes: Uint8Array }
  /** What the manager's own site measured of its links. */
  | { readonly kind: "links"; readonly links: readonly LinkState[] }
  | { readonly kind: "command"; readonly ticket: number; readonly command: Command };

export type Command =
  | OffersCommand
  | CosignCommand
  | BillingCommand
  | DisputeCommand
  | OrganisationsCommand
  | { readonly kind: "submit"; readonly caller: Caller; readonly submission: TaskSubmission }
  | { readonly kind: "cancel"; readonly caller: Caller; readonly task: string }
  | ApplicationsCommand
  /** Decided together: none is placed worse for the others than one at a time. Answered with the ids, in order. */
  | {
      readonly kind: "submit-batch";
      readonly caller: Caller;
      readonly submissions: readonly TaskSubmission[];
    }
  | {
      readonly kind: "open-account";
      readonly id: string;
      readonly name: string;
      readonly role: Role | "system";
      /** How far below zero it may go; null: without end. */
      readonly limit: Money | null;
    }
  /** The same id again changes nothing. */
  | { readonly kind: "deposit"; readonly id: string; readonly account: string; readonly amount: Money }
  | {
      readonly kind: "add-key";
      readonly account: string;
      readonly key: PublicKey;
      readonly note: string;
      readonly person?: string;
    }
  | { readonly kind: "remove-key"; readonly caller: Caller; readonly key: PublicKey }
  | { readonly kind: "create-token"; readonly token: Omit<TokenRow, "createdAt"> }
  | { readonly kind: "revoke-token"; readonly caller: Caller; readonly id: string };

export type ManagerOutput =
  | { readonly kind: "to-peer"; readonly domain: DomainId; readonly message: PeerMessage }
  /** Where a peer's data plane is now: its link can be probed. */
  | {
      readonly kind: "peer-gateway";
      readonly domain: DomainId;
      readonly gateway: { readonly url: string; readonly echo: string | null };
    }
  /** Fetch what a run needs from its home domain; take its result home. Answered by `crossed`. */
  | { readonly kind: "bring" | "deliver"; readonly crossing: Crossing }
  | { readonly kind: "store"; readonly change: StoreChange }
  | { readonly kind: "send"; readonly connection: string; readonly message: ToAgent }
  | { readonly kind: "resync"; readonly connection: string; readonly message: ResyncMessage }
  /** What the manager as a participant says to another, over the bus. */
  | { readonly kind: "announce"; readonly to: NodeId; readonly bytes: Uint8Array }
  | { readonly kind: "hang-up"; readonly connection: string }
  /** The id of what the command made or changed, or why it was refused. */
  | { readonly kind: "answer"; readonly ticket: number; readonly result: Result<string> }
  | { readonly kind: "event"; readonly event: ManagerEvent }
  /** The log's head of this size may be shown. */
  | { readonly kind: "head"; readonly size: number }
  | {
      readonly kind: "log";
      readonly task: string;
      readonly run: string;
      readonly at: Instant;
      readonly stream: "stdout" | "stderr" | "weft";
      readonly text: string;
    };

/** Something a watcher may want to know; the thing itself is read when the event is told. */
export interface ManagerEvent {
  readonly at: Instant;
  readonly what: string;
  readonly subject: "task" | "node" | "link" | "contract" | "application";
  readonly id: string;
}

/** What the scheduler last said of a task. */
export interface Decided {
  readonly at: Instant;
  readonly decision: Decision;
  /** The quote it went abroad by. */
  readonly abroad?: { readonly domain: DomainId; readonly price: Money; readonly takes: Micros };
}

/** The parts of a manager, shared by the modules that carry out its steps. Outputs gather in `out`, in order. */
export interface Core {
  readonly options: ManagerOptions;
  readonly books: Books;
  readonly fleet: Fleet;
  readonly tasks: Tasks;
  readonly pool: Pool;
  readonly scheduler: Scheduler;
  readonly orchestrator: Orchestrator;
  readonly shares: ConsumerShares;
  readonly predictor: Predictor;
  readonly collector: Collector;
  readonly offers: Offers;
  readonly organisations: Organisations;
  /** The manager's own part in its domain's announcement; null where nodes report to the collector. */
  readonly participant: Participant | null;
  /** What is known of the domain's nodes, by whichever way: the participant's view, or the collector's. */
  readonly view: View;
  /** What each connected node was told of its neighbours last. */
  readonly neighbours: Map<NodeId, ReadonlySet<NodeId>>;
  readonly log: ManagerLog;
  readonly billing: Billing;
  /** null: a domain on its own. */
  readonly federation: Federation | null;
  readonly tokens: Map<string, TokenRow>;
  readonly tokensByDigest: Map<Digest, TokenRow>;
  /** Connections that have not proved their key yet, and the challenge each was given. */
  readonly nonces: Map<string, string>;
  /** Which account a consumer's key speaks for. */
  readonly keys: Map<PublicKey, KeyRow>;
  readonly reservations: Map<string, ReservationId>;
  readonly applications: Applications;
  /** Who is told by the loop what became of tasks. */
  readonly listener: TaskListener;
  readonly ahead: Ahead;
  readonly promises: Promises;
  /** The waiting task that has a place kept. */
  readonly front: Front;
  /** Places that were decided for tasks together, until each is placed. */
  readonly planned: Map<string, Placed>;
  readonly decided: Map<string, Decided>;
  /** Where the tasks of a sticky key went last, oldest first. */
  readonly sticky: Map<string, { readonly node: NodeId; readonly until: Instant }>;
  /** Links by the node (or the manager itself, "") that measured them. */
  readonly linksOf: Map<NodeId | "", { readonly site: SiteId; readonly links: readonly LinkState[] }>;
  /** When a node that has runs and does not speak has lost them. */
  readonly silences: Deadlines<NodeId>;
  /** When contracts are next looked through for such as have lapsed. */
  sweepAt: Instant;
  /** When this manager began: what was launched before may have been done while none was there. */
  readonly startedAt: Instant;
  /** Nodes that declined a task because of their clock, and when they get the next one. */
  readonly setAside: Deadlines<NodeId>;
  out: ManagerOutput[];
}

/** What is known of a node: of our own, or of a foreign domain as one. */
export const seenOf = (core: Pick<Core, "view" | "federation">, node: NodeId): OriginView | undefined =>
  core.view.get(node) ?? core.federation?.view.get(node);

export const store = (core: Core, changes: readonly StoreChange[]): void => {
  for (const change of changes) {
    core.out.push({ kind: "store", change });
    if (change.kind !== "transfer") continue;
    for (const entry of core.log.transfer(change.transfer)) core.out.push({ kind: "store", change: entry });
  }
};

export const send = (core: Core, connection: string | null, message: ToAgent): void => {
  if (connection !== null) core.out.push({ kind: "send", connection, message });
};

export const tell = (
  core: Core,
  at: Instant,
  what: string,
  subject: ManagerEvent["subject"],
  id: string,
): void => {
  core.out.push({ kind: "event", event: { at, what, subject, id } });
};

export const note = (core: Core, at: Instant, task: string, run: string, text: string): void => {
  core.out.push({ kind: "log", task, run, at, stream: "weft", text });
};
