import type { ComputingPower, DomainId, NodeId, ProgramKind, SiteId, Tier } from "@weft/infrastructure";
import type {
  Currency,
  Digest,
  GramsCo2,
  Instant,
  Joules,
  Micros,
  Money,
  PublicKey,
  Refusal,
  Result,
} from "@weft/kernel";
import type {
  AccountId,
  Balance,
  Charge,
  Contract,
  ContractState,
  OrganisationAct,
  PriceList,
  SignedMeasurement,
  SignedUsage,
  Transfer,
} from "@weft/market";
import type { Program } from "@weft/orchestration";
import type { Explanation, TaskNeeds } from "@weft/scheduling";
import type {
  ApplicationView,
  Caller,
  ContentReference,
  DisputeRow,
  KeptPromise,
  LinkView,
  NodeView,
  Role,
  TaskPhase,
  TaskSubmission,
  TaskView,
  Timeline,
  TurnView,
} from "@weft/service";
import type { ApplicationsApi } from "./applications/api.ts";
import type { BillingApi } from "./billing/api.ts";
import type { LogApi } from "./log/api.ts";
import type { OfferConditions, OffersApi } from "./offers/api.ts";
import type { OrganisationsApi } from "./organisations/api.ts";
import type { TmfApi } from "./tmforum/api.ts";

/*
 * The port the HTTP server stands on: everything it may ask of a manager, whoever is behind it.
 *
 * - A command resolves once its effects are durable; until then nobody may be told that it happened.
 * - Who may call what by role is the server's business (server/access.ts). What belongs to whom is the
 *   manager's: every read takes the caller and leaves out what is not his, and a thing that is not his is
 *   refused in the same words as one that does not exist.
 * - An API token never passes this port: it is known here by its SHA-256 alone.
 * - An unknown figure is null, never zero.
 */
export interface ManagerApi {
  network(): NetworkView;
  /** Who holds the token with this digest; null when nobody does, or it was revoked or has expired. */
  authenticate(tokenDigest: Digest): Awaitable<Caller | null>;

  /**
   * The same order submitted again gives the task it made the first time, so a retry is safe. The server has read
   * needs, program and input from the manifest itself; the order (digest, signature, bound, account) is the
   * manager's to check.
   */
  submit(caller: Caller, submission: TaskSubmission): Promise<Result<TaskView>>;
  /** What would happen if the task were submitted now. Commits and reserves nothing. */
  plan(caller: Caller, request: PlanRequest): Awaitable<Result<DecisionView>>;
  /** By id, or by name: then the newest task of that name. */
  task(caller: Caller, idOrName: string): Awaitable<Result<TaskView>>;
  tasks(caller: Caller, query: TaskQuery): Awaitable<Page<TaskView>>;
  /** Stops a task at once; a task that has ended stays as it is. */
  cancel(caller: Caller, id: string): Promise<Result<TaskView>>;
  /** Why the task is where it is, as found when it was last placed (or last could not be). */
  explain(caller: Caller, id: string): Awaitable<Result<DecisionView>>;
  /**
   * The lines after serial `after` (0: from the first kept), then, with `follow`, every further one as it comes.
   * `end` is called once: when there is nothing more to come, at once without `follow`.
   */
  logs(caller: Caller, id: string, reading: LogReading): Awaitable<Result<Subscription>>;

  sites(): readonly SiteView[];
  /** This domain first, then the others it knows of. */
  domains(caller: Caller): readonly DomainView[];
  /** What gateways ask of the caller before they take or give content. */
  dataToken(caller: Caller): string;
  nodes(caller: Caller): readonly NodeView[];
  links(caller: Caller): readonly LinkView[];

  offers(caller: Caller): Awaitable<readonly OfferView[]>;
  contracts(caller: Caller, query: ContractQuery): Awaitable<Page<ContractView>>;
  contract(caller: Caller, id: string): Awaitable<Result<ContractView>>;
  usage(caller: Caller, query: PageQuery & { readonly task?: string }): Awaitable<Page<UsageView>>;
  accounts(caller: Caller): Awaitable<readonly AccountView[]>;
  /** What moved on one account, newest first. */
  transfers(caller: Caller, account: string, query: PageQuery): Awaitable<Result<Page<Transfer>>>;

  /** Public keys that speak for the caller's account; of all accounts for a manager. */
  keys(caller: Caller): Awaitable<readonly KeyView[]>;
  /** Lets a key speak for the caller's account. The server has checked that the caller holds its private half. */
  addKey(caller: Caller, key: PublicKey, note: string): Promise<Result<KeyView>>;
  removeKey(caller: Caller, key: PublicKey): Promise<Result<KeyView>>;

  readonly tmForum: TmfApi;
  readonly selling: OffersApi;
  readonly organisations: OrganisationsApi;
  readonly applications: ApplicationsApi;
  readonly log: LogApi;
  readonly billing: BillingApi;

  tokens(caller: Caller): Awaitable<readonly TokenView[]>;
  createToken(caller: Caller, token: NewToken): Promise<Result<TokenView>>;
  revokeToken(caller: Caller, id: string): Promise<Result<TokenView>>;

  /**
   * Every event after `cursor` (null: from now on) that the caller may see, in order, until closed. Refused with
   * `E_EVENTS_GONE` when the events after `cursor` are no longer kept: the asker lists again and starts from now.
   */
  events(
    caller: Caller,
    cursor: string | null,
    tell: (event: EventView) => void,
  ): Awaitable<Result<Subscription>>;

  health(): HealthView;
  /** Read whenever somebody scrapes; cheap. */
  metrics(): readonly MetricView[];
}

export type Awaitable<T> = T | Promise<T>;

export interface Subscription {
  close(): void;
}

/** A page of a list in a stable order; `next` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface PageQuery {
  /** At most this many items; the server bounds it before asking. */
  readonly limit: number;
  /** `next` of the page before; null: from the start. */
  readonly cursor: string | null;
}

/** Newest first; every member given must hold. */
export interface TaskQuery extends PageQuery {
  readonly name?: string;
  readonly phases?: readonly TaskPhase[];
  readonly node?: string;
  readonly labels?: LabelSelector;
}

export interface ContractQuery extends PageQuery {
  readonly task?: string;
  readonly node?: string;
}

/** All must hold, as in `team=bookkeeping,tier!=cloud,gpu`. */
export type LabelSelector = readonly LabelRequirement[];
export type LabelRequirement =
  | { readonly key: string; readonly is: "equal" | "unequal"; readonly value: string }
  | { readonly key: string; readonly is: "present" | "absent" };

export interface NetworkView {
  readonly name: string;
  readonly version: string;
  readonly currency: Currency;
  readonly managerKey: PublicKey;
  /** The site where data enters when the consumer names no other. */
  readonly defaultSite: SiteId;
  readonly domain: DomainId;
  /** How its nodes announce themselves, and over which bus. */
  readonly announcement: string;
  readonly bus: string;
  readonly startedAt: Instant;
  readonly now: Instant;
}

/** One domain as this manager knows it: its own, or another that it deals with. */
export interface DomainView {
  readonly id: DomainId;
  /** Its name as one node and one site of this domain's pool; null for this domain itself. */
  readonly node: NodeId | null;
  readonly state: "own" | "up" | "silent" | "withdrawn" | "unknown";
  readonly key: PublicKey;
  readonly relation: "customer" | "peer" | "provider" | null;
  /** Domains on the way there, the last one itself; null where no route is known. */
  readonly path: readonly string[] | null;
  /** Nodes that it offers now; null: unknown. */
  readonly nodes: number | null;
  /** The best node of each type; null: unknown. */
  readonly power: ComputingPower | null;
  /** Its cheapest prices, as a consumer of this domain would pay them; null: unknown. */
  readonly prices: PriceList | null;
  /** How old what is known of its load is; null: unknown. */
  readonly age: Micros | null;
  /** What this domain owes it (below zero: what it owes this one), and how much it may owe; shown to managers only. */
  readonly owed: Money | null;
  readonly credit: Money | null;
  /** Tasks of this domain that run there now, and of it that run here. */
  readonly sent: number;
  readonly taken: number;
}

export interface SiteView {
  readonly id: SiteId;
  readonly domain: DomainId;
  /** Where data at this site can be put and fetched, an http or https URL; null where no gateway listens. */
  readonly gateway: string | null;
  readonly nodes: readonly NodeId[];
}

export interface PlanRequest {
  readonly name: string;
  readonly needs: TaskNeeds;
  readonly program: Program;
  readonly contents: readonly ContentReference[];
}

/** What became, or would become, of a task at the scheduler's: a placement or a refusal, and why. */
export interface DecisionView {
  readonly at: Instant;
  readonly placement: PlacementView | null;
  /** Why there is no placement; null where there is one. */
  readonly refusal: Refusal | null;
  /** null where the reasons were not kept. */
  readonly explanation: Explanation | null;
  /** The quote of the other domain's manager, where the task went abroad. */
  readonly abroad?: { readonly domain: DomainId; readonly price: Money; readonly takes: Micros };
  /** Whose turn comes first, while the task waits for room. */
  readonly turn?: TurnView;
  /** What was done for it last because a link got worse. */
  readonly promise?: KeptPromise;
}

export interface PlacementView {
  readonly node: NodeId;
  readonly site: SiteId;
  /** Sites from the data to the node, both included. */
  readonly path: readonly SiteId[];
  readonly predicted: Timeline;
  /** What it is expected to cost. */
  readonly price: Money;
  /** What the contract would allow at most; null when the consumer set no bound. */
  readonly priceAtMost: Money | null;
  /** It stays on the node of its key although a better one was found: the gain is within the margin. */
  readonly kept: boolean;
  readonly energy: Joules | null;
  readonly carbon: GramsCo2 | null;
}

export interface LogReading {
  readonly after: number;
  readonly follow: boolean;
  readonly tell: (line: LogLine) => void;
  readonly end: () => void;
}

export interface LogLine {
  /** Grows by one from line to line of a task. */
  readonly serial: number;
  readonly run: string;
  readonly at: Instant;
  readonly stream: "stdout" | "stderr" | "weft";
  readonly text: string;
}

/** What a node's owner asks for. */
export interface OfferView {
  readonly node: NodeId;
  readonly provider: AccountId;
  /** In force now. */
  readonly prices: PriceList;
  readonly tier: Tier;
  readonly runs: readonly ProgramKind[];
  /** The node takes new tasks now. */
  readonly accepting: boolean;
  /** Its site. */
  readonly region: string;
  readonly grade: string;
  /** Share of its provider's contracts that were kept, lately; 0.8 for a stranger. */
  readonly reputation: number;
  /** Hours, limits and how its list moves; null: it always sells at its list. */
  readonly conditions: OfferConditions | null;
}

export interface ContractView {
  readonly id: string;
  readonly task: string;
  readonly run: string;
  readonly node: NodeId;
  readonly consumer: AccountId;
  readonly provider: AccountId;
  readonly state: ContractState;
  readonly ceiling: Money;
  readonly charged: Money | null;
  readonly openedAt: Instant;
  readonly closedAt: Instant | null;
  /** Why it was closed; null while it is open. */
  readonly closedBecause: string | null;
  /** When the result is promised; null: no promise. */
  readonly completeBy: Instant | null;
  /** What of the charge was given back for missed promises. */
  readonly penalty: Money | null;
  /** Its states so far, in order. */
  readonly steps: readonly { readonly state: ContractState; readonly at: Instant }[];
  readonly dispute: DisputeView | null;
  /** What was measured of missed promises, signed. */
  readonly measurements: readonly SignedMeasurement[];
  /** The contract itself, enough to check it offline; null in lists. */
  readonly document: Contract | null;
}

/** A party's objection to how a contract ended, and the manager's ruling once there is one. */
export type DisputeView = Omit<DisputeRow, "from">;

export interface UsageView {
  readonly id: string;
  readonly task: string;
  readonly usage: SignedUsage;
  readonly charge: Charge;
  readonly receivedAt: Instant;
}

export interface AccountView {
  readonly id: AccountId;
  readonly name: string;
  readonly role: Role | "system";
  readonly currency: Currency;
  readonly balance: Balance;
  /** How long what is available lasts at the rate of the last hour; null where nothing is being spent. */
  readonly runway: Micros | null;
  /** IANA name of the clock that its papers are read by. */
  readonly timeZone: string;
}

/** A public key that speaks for an account. */
export interface KeyView {
  readonly key: PublicKey;
  readonly account: AccountId;
  readonly note: string;
  readonly addedAt: Instant;
  /** The member who brought it; absent: it is the account's own. */
  readonly person?: string | undefined;
}

/** What a token opens: the API in a role, or the joining of a node. */
export type TokenUse = "api" | "join";

export interface NewToken {
  readonly id: string;
  readonly digest: Digest;
  readonly use: TokenUse;
  readonly account: string;
  readonly role: Role;
  readonly note: string;
  readonly expiresAt: Instant | null;
  readonly person?: string;
  readonly acts?: readonly OrganisationAct[];
}

export interface TokenView {
  readonly id: string;
  readonly use: TokenUse;
  readonly account: string;
  readonly role: Role;
  readonly note: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  /** The member who bears it; absent: it is the account's own. */
  readonly person?: string | undefined;
  /** The most it opens; absent: all that the account's role may. */
  readonly acts?: readonly OrganisationAct[] | undefined;
}

/** One change that somebody may watch. `object` is the thing as it is after it. */
export type EventView = {
  /** Opaque; resuming after it misses nothing. */
  readonly cursor: string;
  readonly at: Instant;
  /** What happened, such as `placed`, `running`, `lost`, `joined`. */
  readonly what: string;
} & EventSubject;

export type EventSubject =
  | { readonly subject: "task"; readonly id: string; readonly object: TaskView }
  | { readonly subject: "node"; readonly id: string; readonly object: NodeView }
  | { readonly subject: "link"; readonly id: string; readonly object: LinkView }
  | { readonly subject: "contract"; readonly id: string; readonly object: ContractView }
  | { readonly subject: "application"; readonly id: string; readonly object: ApplicationView };

export interface HealthView {
  /** Ready to take commands: the store answers and the state is loaded. */
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
}

/** One family of samples in Prometheus's terms; base units, seconds for time. */
export interface MetricView {
  readonly name: string;
  readonly help: string;
  readonly kind: "gauge" | "counter";
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}
