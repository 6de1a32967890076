import type { ComputingPower, DomainId, NodeId, ProgramKind, SiteId, Tier } from "@weft/infrastructure";
import type { Currency, GramsCo2, Instant, Joules, Micros, Money, PublicKey, Refusal } from "@weft/kernel";
import type {
  AccountId,
  Balance,
  Charge,
  Contract,
  ContractState,
  OfferWindow,
  OrganisationAct,
  PriceList,
  PricingPolicy,
  SignedMeasurement,
  SignedUsage,
  StandingOffer,
} from "@weft/market";
import type { Explanation } from "@weft/scheduling";
import type {
  ApplicationView,
  DisputeRow,
  KeptPromise,
  LinkView,
  NodeView,
  PlacePromised,
  Role,
  TaskView,
  Timeline,
  TurnView,
} from "@weft/service";

/*
 * What a manager shows of itself to the outside. An unknown figure is null, never zero.
 */

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
  /** The place promised it for its moment, until it has begun. */
  readonly reserved?: PlacePromised;
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

export interface LogLine {
  /** Grows by one from line to line of a task. */
  readonly serial: number;
  readonly run: string;
  readonly at: Instant;
  readonly stream: "stdout" | "stderr" | "weft";
  readonly text: string;
}

/** What a node's provider set beside its list; null members: nothing was set. */
export interface OfferConditions {
  /** What the multiplier and the discounts begin from. */
  readonly list: PriceList;
  readonly pricing: PricingPolicy;
  /** Whether the node knows its owner's signature under it; if not, it sells no lower than at its own list. */
  readonly heeded: boolean;
  /** Millionths of the list at which it sells now. */
  readonly ppm: number;
  readonly reserve: PriceList | null;
  readonly discounts: StandingOffer["discounts"];
  /** Minutes of the UTC day; empty: always open. */
  readonly windows: readonly OfferWindow[];
  /** How long it stays open from now on without a break, at most a week; 0: closed. */
  readonly openFor: Micros;
  readonly shortest: Micros;
  readonly longest: Micros | null;
  readonly validUntil: Instant | null;
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
