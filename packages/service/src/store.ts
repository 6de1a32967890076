import type { NodeDescription, NodeId } from "@weft/infrastructure";
import type { Digest, Instant, Money, PublicKey, Refusal } from "@weft/kernel";
import type {
  AccountId,
  Charge,
  CloseReason,
  Contract,
  ContractState,
  Hold,
  LedgerAccount,
  OrganisationAct,
  PriceList,
  SignedMeasurement,
  SignedUsage,
  Transfer,
} from "@weft/market";
import type { ClaimByName } from "@weft/pool";
import type { Launch } from "./protocol.ts";
import type { ContentReference, Role, RunView, TaskPhase, TaskSubmission } from "./resources.ts";

/*
 * The store as a port. The core decides everything in memory and hands on what changed, as data and in order;
 * the store keeps it. After kill -9 the core is rebuilt from `load()` alone.
 *
 *   S1  `commit` resolves once all of its changes are durable, or none is and it rejects
 *   S2  the same changes committed again change nothing: rows are replaced whole, transfers are known by id
 *   S3  what `load` gives back equals what the changes, in order, would have built in memory
 *   S4  one store is open by one manager at a time
 */

export interface Store {
  /** Everything needed to rebuild the core. Of tasks that have ended, only the latest `ended` (default 10,000). */
  load(options?: { readonly ended?: number }): Promise<StoreState>;
  /** One transaction for the whole batch [S1]. Called again only after it has resolved. */
  commit(changes: readonly StoreChange[]): Promise<void>;
  /** Lets go of it. What was committed stays. */
  close(): Promise<void>;
}

/** A page of transfers, newest first; `next` goes on from where it ends, null at the end. */
export interface TransferPage {
  readonly transfers: readonly Transfer[];
  readonly next: string | null;
}

/** A history over a connection of its own. */
export interface OpenedHistory extends History {
  close(): Promise<void>;
}

/** What an account was charged under one contract, penalties and refunds taken off. */
export interface ContractCharge {
  readonly contract: string;
  readonly task: string;
  readonly at: Instant;
  readonly amount: Money;
}

/** What has been, however long ago: the core keeps only the latest. Reading never holds up a commit. */
export interface History {
  /** An account's transfers, newest first, `limit` at a time; `after` is the former page's `next`. */
  transfersOf(account: AccountId, limit: number, after: string | null): Promise<TransferPage>;
  /** Everything an account moved from `from` until before `to`, oldest first. */
  transfersWithin(account: AccountId, from: Instant, to: Instant): Promise<readonly Transfer[]>;
  /** What an account had at an instant. */
  balanceAt(account: AccountId, at: Instant): Promise<Money>;
  /** What an account was charged for contracts settled from `from` until before `to`, oldest first. */
  chargesWithin(account: AccountId, from: Instant, to: Instant): Promise<readonly ContractCharge[]>;
  /** The log's entries in order, from `first`, at most `limit`. */
  logEntries(first: number, limit: number): Promise<readonly LogEntryRow[]>;
  /** A contract, however old. */
  contract(id: string): Promise<ContractRow | null>;
}

export interface AccountRow extends LedgerAccount {
  readonly name: string;
  readonly role: Role | "system";
  readonly createdAt: Instant;
  /** IANA name of the clock that its papers are read by; UTC where absent. */
  readonly timeZone?: string;
}

/** A token's SHA-256 and what it opens; the token itself is known to its holder alone. */
export interface TokenRow {
  readonly id: string;
  readonly digest: Digest;
  readonly use: "api" | "join";
  readonly account: AccountId;
  readonly role: Role;
  readonly note: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  /** The member it was made for; absent: the account's own. */
  readonly person?: string;
  /** The most its bearer may do; absent: all that the account's role may. */
  readonly acts?: readonly OrganisationAct[];
}

/** A public key that speaks for an account. */
export interface KeyRow {
  readonly key: PublicKey;
  readonly account: AccountId;
  readonly note: string;
  readonly addedAt: Instant;
  /** The member who brought it; absent: the account's own. */
  readonly person?: string;
}

export interface NodeRow {
  readonly id: NodeId;
  readonly provider: AccountId;
  readonly key: PublicKey;
  readonly description: NodeDescription;
  readonly prices: PriceList;
  /** The least the node signs for; absent or null: nothing below `prices`. */
  readonly floor?: PriceList | null;
  readonly joinedAt: Instant;
  readonly earned: Money;
}

/** What of a task changes; its submission never does. */
export interface TaskProgress {
  readonly phase: TaskPhase;
  readonly reason: Refusal | null;
  readonly finishedAt: Instant | null;
  readonly result: TaskResult | null;
  readonly charged: Money | null;
}
export type TaskResult = ContentReference & { readonly at: string };

export interface TaskRow {
  readonly id: string;
  readonly consumer: AccountId;
  readonly submittedAt: Instant;
  readonly submission: TaskSubmission;
  readonly progress: TaskProgress;
}

export interface RunRow {
  readonly task: string;
  readonly attempt: number;
  readonly view: RunView;
  /** What was said to the node besides the contract, and what was reserved for it; null once the run has ended. */
  readonly live: {
    readonly launch: Omit<Launch, "contract" | "manifest">;
    readonly claim: ClaimByName;
  } | null;
}

export interface ContractRow {
  readonly contract: Contract;
  readonly run: string;
  readonly state: ContractState;
  readonly openedAt: Instant;
  readonly closedAt: Instant | null;
  /** Why it was closed; null while it is open. */
  readonly because: CloseReason | null;
  readonly charged: Money | null;
  /** What of the charge was given back for missed promises. */
  readonly penalty?: Money | null;
  /** When it came to each state, in order. */
  readonly steps?: readonly (readonly [state: ContractState, at: Instant])[];
  /** What was measured of promises that were missed. */
  readonly measurements?: readonly SignedMeasurement[];
  readonly dispute?: DisputeRow;
  /** Where it stands in the log, once it has ended. */
  readonly entry?: number;
}

/** A party's objection to how a contract ended, and what became of it. */
export interface DisputeRow {
  readonly by: AccountId;
  readonly claim: string;
  readonly at: Instant;
  readonly from: "fulfilled" | "breached" | "settled";
  readonly ruling: {
    readonly at: Instant;
    readonly refund: Money;
    readonly borneBy: "provider" | "manager";
    readonly note: string;
  } | null;
}

export interface UsageRow {
  readonly usage: SignedUsage;
  readonly task: string;
  readonly charge: Charge;
  readonly receivedAt: Instant;
}

/** Anything kept whole under a name, for what changes seldom: an invoice, an organisation, an offer. */
export interface DocumentRow {
  readonly collection: string;
  readonly id: string;
  /** Plain data; bigint allowed. */
  readonly body: unknown;
  readonly at: Instant;
}

/** One leaf of the manager's log, in order from 0. */
export interface LogEntryRow {
  readonly index: number;
  readonly leaf: Digest;
  readonly body: string;
}

/** One change, as the core decided it. `put` replaces the row of that id whole. */
export type StoreChange =
  | { readonly kind: "put-account"; readonly row: AccountRow }
  | { readonly kind: "put-token"; readonly row: TokenRow }
  | { readonly kind: "remove-token"; readonly id: string }
  | { readonly kind: "put-key"; readonly row: KeyRow }
  | { readonly kind: "remove-key"; readonly id: PublicKey }
  | { readonly kind: "put-node"; readonly row: NodeRow }
  | { readonly kind: "remove-node"; readonly id: NodeId }
  | { readonly kind: "put-task"; readonly row: TaskRow }
  /** The task was put before: with the store or in this batch. */
  | { readonly kind: "progress-task"; readonly id: string; readonly progress: TaskProgress }
  | { readonly kind: "put-run"; readonly row: RunRow }
  | { readonly kind: "put-contract"; readonly row: ContractRow }
  | { readonly kind: "put-usage"; readonly row: UsageRow }
  | { readonly kind: "put-document"; readonly row: DocumentRow }
  | { readonly kind: "remove-document"; readonly collection: string; readonly id: string }
  | { readonly kind: "place-hold"; readonly hold: Hold }
  | { readonly kind: "release-hold"; readonly id: string }
  /** Moves the balances of its accounts, and closes the hold it names. */
  | { readonly kind: "transfer"; readonly transfer: Transfer }
  | { readonly kind: "append-log"; readonly row: LogEntryRow };

export interface StoreState {
  readonly accounts: readonly AccountRow[];
  readonly tokens: readonly TokenRow[];
  readonly keys: readonly KeyRow[];
  readonly nodes: readonly NodeRow[];
  /** Oldest first; runs, contracts, usage and transfers are those of these tasks and of nothing older. */
  readonly tasks: readonly TaskRow[];
  /** By task, then attempt. */
  readonly runs: readonly RunRow[];
  readonly contracts: readonly ContractRow[];
  readonly usage: readonly UsageRow[];
  readonly documents: readonly DocumentRow[];
  readonly balances: readonly { readonly account: AccountId; readonly posted: Money }[];
  /** Open ones only. */
  readonly holds: readonly Hold[];
  /** The latest transfers, oldest first: as many as tasks that have ended were asked for, at least. */
  readonly transfers: readonly Transfer[];
  /** Leaves of the log in order; bodies stay in the store. */
  readonly logLeaves: readonly Digest[];
}

export const EMPTY_STORE: StoreState = {
  accounts: [],
  tokens: [],
  keys: [],
  nodes: [],
  tasks: [],
  runs: [],
  contracts: [],
  usage: [],
  documents: [],
  balances: [],
  holds: [],
  transfers: [],
  logLeaves: [],
};

export const hasEnded = (phase: TaskPhase): boolean =>
  phase === "succeeded" || phase === "failed" || phase === "cancelled";
