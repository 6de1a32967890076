import type { Digest, PublicKey, Result } from "@weft/kernel";
import type { Transfer } from "@weft/market";
import type { Caller, LinkView, NodeView, TaskSubmission, TaskView } from "@weft/service";
import type { ApplicationsApi } from "./applications/api.ts";
import type {
  Awaitable,
  ContractQuery,
  LogReading,
  NewToken,
  Page,
  PageQuery,
  PlanRequest,
  Subscription,
  TaskQuery,
} from "./asked.ts";
import type { BillingApi } from "./billing/api.ts";
import type { LogApi } from "./log/api.ts";
import type { OffersApi } from "./offers/api.ts";
import type { OrganisationsApi } from "./organisations/api.ts";
import type { TmfApi } from "./tmforum/api.ts";
import type {
  AccountView,
  ContractView,
  DecisionView,
  DomainView,
  EventView,
  HealthView,
  KeyView,
  MetricView,
  NetworkView,
  OfferView,
  SiteView,
  TokenView,
  UsageView,
} from "./views.ts";

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
