import { type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import {
  actsOf,
  type Caller,
  type Command,
  type History,
  highestPrice,
  type Manager,
  type ManagerEvent,
  type PlacePromised,
  type TaskEntry,
  type TaskSubmission,
  type TaskView,
  type TurnView,
  taskView,
  turnOf,
} from "@weft/service";
import {
  type ApplicationsApi,
  type BillingApi,
  type ContractQuery,
  type DecisionView,
  EventLog,
  type EventView,
  type HealthView,
  type KeyView,
  type LogReading,
  type ManagerApi,
  type MetricView,
  type NetworkView,
  type NewToken,
  type OffersApi,
  type OrganisationsApi,
  type Page,
  type PageQuery,
  type PlanRequest,
  type Subscription,
  selects,
  type TaskQuery,
  type TmfApi,
  type TokenView,
  tokenDigest,
} from "@weft/service-http";
import { liveApplications } from "./applications.ts";
import { liveBilling } from "./billing.ts";
import { domainViews } from "./domains.ts";
import { eventView } from "./event-view.ts";
import { type LiveLog, liveLog } from "./log.ts";
import { managerMetrics } from "./metrics.ts";
import { liveOffers, offerViews } from "./offers.ts";
import { liveOrganisations, tokenView } from "./organisations.ts";
import { mayHear, mayRead, runsSeenBy, seesTask } from "./ownership.ts";
import { page } from "./page.ts";
import type { TaskLogs } from "./task-logs.ts";
import { liveTmForum } from "./tmforum.ts";
import {
  accountView,
  contractRowView,
  contractView,
  decisionView,
  linkViews,
  nodeViews,
  siteViews,
  usageView,
} from "./views.ts";

export interface LiveManagerOptions {
  readonly manager: Manager;
  readonly network: Omit<NetworkView, "now" | "startedAt">;
  readonly clock: () => Instant;
  readonly logs: TaskLogs;
  /** Gives a command to the core; resolves once its effects are durable. */
  readonly command: (command: Command) => Promise<Result<string>>;
  readonly connected: () => number;
  /** What has been, beyond what the core keeps in memory. */
  readonly history: History;
}

const notFound = (what: string, found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", `no such ${what}`, { found, hint: `weft get ${what}s lists what there is` });

/** A manager's core behind the port that the HTTP server stands on. */
export class LiveManager implements ManagerApi {
  readonly #options: LiveManagerOptions;
  readonly #events = new EventLog();
  readonly #startedAt: Instant;
  #storeBroken: string | null = null;
  readonly tmForum: TmfApi;
  readonly selling: OffersApi;
  readonly organisations: OrganisationsApi;
  readonly applications: ApplicationsApi;
  readonly log: LiveLog;
  readonly billing: BillingApi;

  constructor(options: LiveManagerOptions) {
    this.#options = options;
    this.#startedAt = options.clock();
    this.tmForum = liveTmForum(
      () => this.#core,
      options.clock,
      () => this.billing,
    );
    this.selling = liveOffers(() => this.#core, options.clock, options.command);
    this.organisations = liveOrganisations(() => this.#core, options.command);
    this.applications = liveApplications(() => options.manager, options.clock, options.command);
    const { history, command } = options;
    const core = () => this.#core;
    this.log = liveLog(core, history, command);
    this.billing = liveBilling({ core, history, clock: options.clock, command });
  }

  get #core(): Manager["core"] {
    return this.#options.manager.core;
  }

  network(): NetworkView {
    return { ...this.#options.network, startedAt: this.#startedAt, now: this.#options.clock() };
  }

  authenticate(digest: string): Caller | null {
    const row = this.#core.tokensByDigest.get(digest);
    if (row === undefined || row.use !== "api") return null;
    if (row.expiresAt !== null && row.expiresAt < this.#options.clock()) return null;
    const acts = actsOf(this.#core, row);
    if (acts === null) return { account: row.account, role: row.role };
    return { account: row.account, role: row.role, person: row.person as string, acts };
  }

  /** Whether the bearer of an API token may put and fetch content at this manager's gateway. */
  mayMoveContent(token: string): boolean {
    const caller = this.authenticate(tokenDigest(token));
    return caller !== null && caller.role !== "provider";
  }

  /** Whether an address is one of the network's own gateways. */
  isGateway(address: string): boolean {
    const { fleet, options } = this.#core;
    return fleet.gateways(options.gateway).some((gateway) => new URL(gateway.url).host === address);
  }

  async submit(caller: Caller, submission: TaskSubmission): Promise<Result<TaskView>> {
    return this.#task(await this.#options.command({ kind: "submit", caller, submission }));
  }

  plan(caller: Caller, { needs }: PlanRequest): Result<DecisionView> {
    const refusal = this.#options.manager.unknownSite(needs);
    if (refusal !== null) return { ok: false, refusal };
    const now = this.#options.clock();
    const decision = this.#options.manager.plan(needs, now, { consumer: caller.account, task: null });
    return ok(decisionView(now, decision, highestPrice(this.#core, needs, decision, caller.account, now)));
  }

  task(caller: Caller, idOrName: string): Result<TaskView> {
    const entry = this.#find(caller, idOrName);
    return entry === null
      ? notFound("task", idOrName)
      : ok({ ...taskView(entry), ...this.#turn(caller, entry) });
  }

  tasks(caller: Caller, query: TaskQuery): Page<TaskView> {
    const wanted = (entry: TaskEntry): boolean => {
      const { submission, progress } = entry.row;
      return (
        seesTask(caller, entry) &&
        (query.name === undefined || submission.name === query.name) &&
        (query.phases === undefined || query.phases.includes(progress.phase)) &&
        (query.node === undefined || entry.runs.at(-1)?.view.node === query.node) &&
        (query.labels === undefined || selects(query.labels, submission.labels))
      );
    };
    const entries = [...this.#core.tasks.all].filter(wanted).reverse();
    const { items, next } = page(entries, (entry) => entry.row.id, query);
    return { items: items.map(taskView), next };
  }

  async cancel(caller: Caller, id: string): Promise<Result<TaskView>> {
    return this.#task(await this.#options.command({ kind: "cancel", caller, task: id }));
  }

  explain(caller: Caller, id: string) {
    const entry = this.#find(caller, id);
    if (entry === null) return notFound("task", id);
    const promise = this.#core.promises.told.get(entry.row.id);
    const kept = promise === undefined ? {} : { promise };
    return ok({ ...this.#decision(entry), ...this.#turn(caller, entry), ...kept, ...this.#reserved(entry) });
  }

  #reserved(entry: TaskEntry): { readonly reserved?: PlacePromised } {
    const promised = this.#core.ahead.of(entry.row.id);
    if (promised === undefined) return {};
    const { node, from, to, since } = promised;
    return { reserved: { node, from, to, since } };
  }

  #turn(caller: Caller, entry: TaskEntry): { readonly turn?: TurnView } {
    const turn = turnOf(this.#core, entry.row.id, caller.role === "manager", this.#options.clock());
    return turn === null ? {} : { turn };
  }

  #decision(entry: TaskEntry): DecisionView {
    const decided = this.#core.decided.get(entry.row.id);
    if (decided !== undefined) {
      const ceiling = entry.runs.at(-1)?.contract.contract.terms.ceiling ?? null;
      const { abroad } = decided;
      const view = decisionView(decided.at, decided.decision, ceiling);
      return abroad === undefined ? view : { ...view, abroad };
    }
    const { needs } = entry.row.submission;
    const now = this.#options.clock();
    const asker = { consumer: entry.row.consumer, task: entry.row.id };
    return decisionView(now, this.#options.manager.plan(needs, now, asker), needs.payAtMost);
  }

  async logs(caller: Caller, id: string, reading: LogReading): Promise<Result<Subscription>> {
    const entry = this.#find(caller, id);
    if (entry === null) return notFound("task", id);
    const ended = entry.row.progress.finishedAt !== null;
    return ok(await this.#options.logs.read(entry.row.id, ended, reading));
  }

  domains(caller: Caller) {
    return domainViews(this.#core, caller, this.#options.clock());
  }

  sites() {
    return siteViews(this.#core);
  }

  dataToken(): string {
    return this.#core.options.dataToken;
  }

  nodes() {
    return nodeViews(this.#core, this.#options.clock());
  }

  links() {
    return linkViews(this.#core, this.#options.clock());
  }

  offers() {
    return offerViews(this.#core, this.#options.clock());
  }

  contracts(caller: Caller, query: ContractQuery) {
    const runs = runsSeenBy(this.#core, caller).filter(
      (run) =>
        (query.task === undefined || run.task === query.task) &&
        (query.node === undefined || run.view.node === query.node),
    );
    const { items, next } = page(runs, (run) => run.contract.contract.terms.id, query);
    return { items: items.map((run) => contractView(run, false)), next };
  }

  async contract(caller: Caller, id: string) {
    const row = this.#core.tasks.runOfContract(id)?.contract ?? (await this.#options.history.contract(id));
    if (row === null || !mayRead(caller, row)) return notFound("contract", id);
    return ok(contractRowView(row, true));
  }

  usage(caller: Caller, query: PageQuery & { readonly task?: string }) {
    const views = runsSeenBy(this.#core, caller)
      .filter((run) => query.task === undefined || run.task === query.task)
      .map(usageView)
      .filter((view) => view !== null);
    return page(views, (view) => view.id, query);
  }

  accounts(caller: Caller) {
    const { accounts } = this.#core.books;
    return accounts
      .filter((account) => caller.role === "manager" || account.id === caller.account)
      .map((account) => accountView(this.#core, account.id, this.#options.clock()))
      .filter((view) => view !== undefined)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async transfers(caller: Caller, account: string, { limit, cursor }: PageQuery) {
    const known = this.#core.books.account(account) !== undefined;
    if (!known || (caller.role !== "manager" && account !== caller.account))
      return notFound("account", account);
    const after = cursor !== null && /^\d{1,18}$/.test(cursor) ? cursor : null;
    const { transfers, next } = await this.#options.history.transfersOf(account, limit, after);
    return ok({ items: transfers, next });
  }

  keys(caller: Caller): readonly KeyView[] {
    const rows = [...this.#core.keys.values()];
    return rows.filter((row) => caller.role === "manager" || row.account === caller.account);
  }

  async addKey(caller: Caller, key: string, note: string): Promise<Result<KeyView>> {
    const { account, person } = caller;
    const own = person === undefined ? {} : { person };
    const answer = await this.#options.command({ kind: "add-key", account, key, note, ...own });
    if (!answer.ok) return answer;
    const row = this.#core.keys.get(key);
    return row === undefined ? notFound("key", key) : ok(row);
  }

  async removeKey(caller: Caller, key: string): Promise<Result<KeyView>> {
    const row = this.#core.keys.get(key);
    const answer = await this.#options.command({ kind: "remove-key", caller, key });
    if (!answer.ok) return answer;
    return row === undefined ? notFound("key", key) : ok(row);
  }

  tokens(caller: Caller): readonly TokenView[] {
    const rows = [...this.#core.tokens.values()];
    return rows.filter((row) => caller.role === "manager" || row.account === caller.account).map(tokenView);
  }

  async createToken(caller: Caller, token: NewToken): Promise<Result<TokenView>> {
    if (caller.role !== "manager" && (token.account !== caller.account || token.role !== caller.role)) {
      return refuse("E_FORBIDDEN", "a token for another account or role is the manager's to make");
    }
    const answer = await this.#options.command({ kind: "create-token", token });
    if (!answer.ok) return answer;
    const row = this.#core.tokens.get(token.id);
    return row === undefined ? notFound("token", token.id) : ok(tokenView(row));
  }

  async revokeToken(caller: Caller, id: string): Promise<Result<TokenView>> {
    const row = this.#core.tokens.get(id);
    const answer = await this.#options.command({ kind: "revoke-token", caller, id });
    if (!answer.ok) return answer;
    return row === undefined ? notFound("token", id) : ok(tokenView(row));
  }

  events(caller: Caller, cursor: string | null, tell: (event: EventView) => void) {
    return this.#events.subscribe(cursor, (event) => {
      if (mayHear(this.#core, caller, event)) tell(event);
    });
  }

  /** Tells watchers what happened, with the thing as it is now. */
  publish(event: ManagerEvent): void {
    const told = eventView(this.#core, this.#options.clock(), event);
    if (told !== null) this.#events.publish(told);
    if (told?.subject === "task" && told.object.finishedAt !== null) this.#options.logs.end(told.id);
  }

  /** The store can keep nothing any more: the manager is not ready from now on. */
  storeFailed(why: string): void {
    this.#storeBroken = why;
  }

  health(): HealthView {
    const { books, view, log } = this.#core;
    const balanced = [...books.totals().values()].every((total) => total === 0n);
    const checks = [
      { name: "store", ok: this.#storeBroken === null, detail: this.#storeBroken ?? "commits" },
      { name: "books", ok: balanced, detail: balanced ? "sum to zero" : "do not sum to zero" },
      { name: "log", ok: log.damage === null, detail: log.damage ?? `${log.size} entries` },
      {
        name: "agents",
        ok: true,
        detail: `${this.#options.connected()} connected, ${view.size} known`,
      },
    ];
    return { ready: checks.every((check) => check.ok), checks };
  }

  metrics(): readonly MetricView[] {
    return managerMetrics(this.#core, this.#options.connected());
  }

  #task(answer: Result<string>): Result<TaskView> {
    if (!answer.ok) return answer;
    const entry = this.#core.tasks.task(answer.value);
    return entry === undefined ? notFound("task", answer.value) : ok(taskView(entry));
  }

  #find(caller: Caller, idOrName: string): TaskEntry | null {
    const entry = this.#core.tasks.find(idOrName, caller.role === "consumer" ? caller.account : null);
    return entry !== undefined && seesTask(caller, entry) ? entry : null;
  }
}
