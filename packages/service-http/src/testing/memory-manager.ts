import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import { type Instant, type Micros, type Money, ok, type PublicKey, type Result, refuse } from "@weft/kernel";
import type { OrganisationAct } from "@weft/market";
import type { Caller, LinkView, NodeView, Role, TaskSubmission, TaskView } from "@weft/service";
import type { LogReading, NewToken, Page, PageQuery, PlanRequest, TaskQuery } from "../asked.ts";
import type { ManagerApi } from "../manager-api.ts";
import type { OffersApi } from "../offers/api.ts";
import { selects } from "../selector.ts";
import { newSecret, tokenDigest } from "../server/access.ts";
import { EventLog } from "../server/event-log.ts";
import type { TmfApi, TmfList } from "../tmforum/api.ts";
import type {
  AccountView,
  ContractView,
  DecisionView,
  DomainView,
  EventView,
  KeyView,
  LogLine,
  OfferView,
  SiteView,
  TokenView,
  UsageView,
} from "../views.ts";
import { memoryApplications } from "./memory-applications.ts";
import { memoryBilling } from "./memory-billing.ts";
import { memoryLog } from "./memory-log.ts";
import { memoryOrganisations } from "./memory-organisations.ts";
import { SAMPLE_DECISION, SAMPLE_NOW, sampleLink, sampleNode, sampleTimeline } from "./sample.ts";

/**
 * A manager in memory that places everything on one node, for tests of the API's edges: wire, access, streams,
 * formatting. It schedules, meters and bills nothing.
 */
const none = (): TmfList<never> => ({
  length: 0,
  at: () => {
    throw new Error("there is nothing");
  },
  find: () => undefined,
});

export class MemoryManager implements ManagerApi {
  readonly eventLog = new EventLog(100);
  readonly submissions: TaskSubmission[] = [];
  nodeViews: NodeView[] = [
    sampleNode("sunny", "cloud", "hangzhou", 1),
    sampleNode("corner", "edge", "ningbo", 0.5),
    sampleNode("pocket", "end", "you", 0.125, false),
  ];
  linkViews: LinkView[] = [sampleLink("you", "ningbo", 4200), sampleLink("ningbo", "hangzhou", null)];
  gateway: string | null = null;
  ready = true;
  fits = true;
  readonly #tokens = new Map<string, TokenView & { readonly caller: Caller }>();
  readonly #tasks = new Map<string, TaskView>();
  readonly #byOrder = new Map<string, string>();
  readonly #lines = new Map<string, LogLine[]>();
  readonly #followers = new Map<string, Set<LogReading>>();
  readonly #keys = new Map<PublicKey, KeyView>();
  #clock = SAMPLE_NOW as number;

  /** A token that opens the API in a role. */
  issue(role: Role, account: string, acts?: readonly OrganisationAct[]): string {
    const secret = newSecret("api");
    const digest = tokenDigest(secret);
    const member = acts === undefined ? {} : { person: "someone", acts };
    const token = { id: digest.slice(0, 8), digest, use: "api", account, role, note: "" } as const;
    this.#keep({ ...token, expiresAt: null, ...member });
    return secret;
  }

  network() {
    return {
      name: "test",
      version: "0.1.0",
      currency: "CNY",
      managerKey: "ab".repeat(32),
      defaultSite: "you" as SiteId,
      domain: "home" as DomainId,
      announcement: "centralised",
      bus: "embedded",
      startedAt: SAMPLE_NOW,
      now: this.#now(),
    };
  }

  authenticate(digest: string): Caller | null {
    return this.#tokens.get(digest)?.caller ?? null;
  }

  async submit(caller: Caller, submission: TaskSubmission): Promise<Result<TaskView>> {
    const known = this.#byOrder.get(submission.order.order.id);
    if (known !== undefined) return this.task(caller, known);
    this.submissions.push(submission);
    const id = `task-${this.submissions.length}`;
    this.#byOrder.set(submission.order.order.id, id);
    const task: TaskView = {
      id,
      name: submission.name,
      labels: submission.labels,
      consumer: caller.account,
      phase: "pending",
      reason: null,
      needs: submission.needs,
      submittedAt: this.#now(),
      finishedAt: null,
      runs: [],
      result: null,
      charged: null,
    };
    this.change(task, "submitted");
    return ok(task);
  }

  /** Sets a task's view and tells the watchers. */
  change(task: TaskView, what: string): void {
    this.#tasks.set(task.id, task);
    this.eventLog.publish({ at: this.#now(), what, subject: "task", id: task.id, object: task });
  }

  /** Takes a task through running to its end. */
  finish(id: string, phase: "succeeded" | "failed" = "succeeded"): void {
    const task = this.#tasks.get(id)!;
    const run = {
      id: `${id}-1`,
      node: "corner",
      path: ["you", "ningbo"] as SiteId[],
      contract: `c-${id}`,
      state: "running" as const,
      because: null,
      predicted: sampleTimeline(141_000),
      correction: 1,
      actual: null,
      counters: null,
    };
    this.change({ ...task, phase: "running", runs: [run] }, "running");
    const ended = phase === "succeeded" ? ("finished" as const) : ("failed" as const);
    this.change(
      {
        ...task,
        phase,
        reason: phase === "failed" ? { code: "program_failed", message: "exit code 3" } : null,
        finishedAt: this.#now(),
        runs: [{ ...run, state: ended, actual: phase === "succeeded" ? sampleTimeline(138_000) : null }],
        charged: phase === "succeeded" ? (410n as Money) : null,
      },
      phase,
    );
    for (const reading of this.#followers.get(id) ?? []) reading.end();
  }

  /** What a task prints. */
  print(id: string, text: string): void {
    const lines = this.#lines.get(id) ?? [];
    this.#lines.set(id, lines);
    const line: LogLine = {
      serial: lines.length + 1,
      run: `${id}-1`,
      at: this.#now(),
      stream: "stdout",
      text,
    };
    lines.push(line);
    for (const reading of this.#followers.get(id) ?? []) reading.tell(line);
  }

  plan(_: Caller, __: PlanRequest): Result<DecisionView> {
    if (this.fits) return ok(SAMPLE_DECISION);
    const refusal = {
      code: "deadline_unreachable",
      message: "no node within reach can be done before the deadline",
    };
    return ok({ ...SAMPLE_DECISION, placement: null, refusal });
  }

  task(caller: Caller, idOrName: string): Result<TaskView> {
    const own = this.#visible(caller);
    const task = own.find((one) => one.id === idOrName) ?? own.find((one) => one.name === idOrName);
    return task === undefined ? refuse("E_NOT_FOUND", `no task "${idOrName}"`) : ok(task);
  }

  tasks(caller: Caller, { limit, cursor, name, phases, node, labels }: TaskQuery): Page<TaskView> {
    const wanted = this.#visible(caller)
      .filter((task) => name === undefined || task.name === name)
      .filter((task) => phases === undefined || phases.includes(task.phase))
      .filter((task) => node === undefined || task.runs.at(-1)?.node === node)
      .filter((task) => selects(labels ?? [], task.labels));
    const from = Number(cursor ?? 0);
    const end = from + limit;
    return { items: wanted.slice(from, end), next: end < wanted.length ? String(end) : null };
  }

  async cancel(caller: Caller, id: string): Promise<Result<TaskView>> {
    const task = this.task(caller, id);
    if (!task.ok || task.value.finishedAt !== null) return task;
    const cancelled: TaskView = { ...task.value, phase: "cancelled", finishedAt: this.#now() };
    this.change(cancelled, "cancelled");
    for (const reading of this.#followers.get(id) ?? []) reading.end();
    return ok(cancelled);
  }

  explain(caller: Caller, id: string): Result<DecisionView> {
    const task = this.task(caller, id);
    return task.ok ? ok(SAMPLE_DECISION) : task;
  }

  logs(caller: Caller, id: string, reading: LogReading) {
    const task = this.task(caller, id);
    if (!task.ok) return task;
    for (const line of this.#lines.get(id) ?? []) if (line.serial > reading.after) reading.tell(line);
    if (!reading.follow || task.value.finishedAt !== null) {
      reading.end();
      return ok({ close: () => {} });
    }
    const followers = this.#followers.get(id) ?? new Set();
    this.#followers.set(id, followers.add(reading));
    return ok({ close: () => void followers.delete(reading) });
  }

  domains(): readonly DomainView[] {
    const { domain, managerKey } = this.network();
    return [
      {
        id: domain,
        node: null,
        state: "own",
        key: managerKey,
        relation: null,
        path: null,
        nodes: this.nodeViews.length,
        power: null,
        prices: null,
        age: null,
        owed: null,
        credit: null,
        sent: 0,
        taken: 0,
      },
    ];
  }

  sites(): readonly SiteView[] {
    return this.nodeViews.map(({ description: { id, site, domain } }) => ({
      id: site,
      domain,
      gateway: site === "you" ? this.gateway : null,
      nodes: [id as NodeId],
    }));
  }
  dataToken(): string {
    return "data-token";
  }
  nodes(): readonly NodeView[] {
    return this.nodeViews;
  }
  links(): readonly LinkView[] {
    return this.linkViews;
  }

  offers(): readonly OfferView[] {
    return [];
  }
  contracts(): Page<ContractView> {
    return { items: [], next: null };
  }
  contract(_: Caller, id: string): Result<ContractView> {
    return refuse("E_NOT_FOUND", `no contract "${id}"`);
  }
  usage(): Page<UsageView> {
    return { items: [], next: null };
  }
  accounts(caller: Caller): readonly AccountView[] {
    const balance = { posted: 5_000_000n as Money, held: 1000n as Money, available: 4_999_000n as Money };
    return [
      {
        id: caller.account,
        name: caller.account,
        role: caller.role,
        currency: "CNY",
        balance,
        runway: 7_200_000_000 as Micros,
        timeZone: "UTC",
      },
    ];
  }
  transfers(_: Caller, account: string, __: PageQuery) {
    void account;
    return ok({ items: [], next: null });
  }

  keys(caller: Caller): readonly KeyView[] {
    return [...this.#keys.values()].filter((key) => key.account === caller.account);
  }
  async addKey(caller: Caller, key: PublicKey, note: string): Promise<Result<KeyView>> {
    const view = { key, account: caller.account, note, addedAt: this.#now() };
    this.#keys.set(key, view);
    return ok(view);
  }
  async removeKey(_: Caller, key: PublicKey): Promise<Result<KeyView>> {
    const view = this.#keys.get(key);
    this.#keys.delete(key);
    return view === undefined ? refuse("E_NOT_FOUND", "no such key") : ok(view);
  }

  readonly tmForum: TmfApi = {
    usage: none,
    bills: none,
    rates: none,
    orders: none,
    offerings: none,
    prices: none,
  };
  readonly selling: OffersApi = {
    set: async (_, { offer }) => refuse("E_NOT_FOUND", "no such node of yours", { found: offer.node }),
    remove: async (_, node) => refuse("E_NOT_FOUND", "no such node of yours", { found: node }),
    quotes: () => ok({ at: SAMPLE_NOW, quotes: [], rest: SAMPLE_DECISION }),
  };
  readonly organisations = memoryOrganisations();
  readonly applications = memoryApplications(
    (caller, submission) => this.submit(caller, submission),
    () => this.#now(),
  );
  readonly billing = memoryBilling();
  log: ManagerApi["log"] = memoryLog(["a", "b", "c"]);

  tokens(caller: Caller): readonly TokenView[] {
    const all = [...this.#tokens.values()].map(({ caller: _, ...view }) => view);
    return caller.role === "manager" ? all : all.filter((token) => token.account === caller.account);
  }
  async createToken(_: Caller, token: NewToken): Promise<Result<TokenView>> {
    return ok(this.#keep(token));
  }
  async revokeToken(caller: Caller, id: string): Promise<Result<TokenView>> {
    const found = [...this.#tokens].find(([, token]) => token.id === id);
    if (found === undefined) return refuse("E_NOT_FOUND", `no token "${id}"`);
    void caller;
    this.#tokens.delete(found[0]);
    const { caller: _, ...view } = found[1];
    return ok(view);
  }

  events(caller: Caller, cursor: string | null, tell: (event: EventView) => void) {
    return this.eventLog.subscribe(cursor, (event) => {
      const foreign =
        event.subject === "task" && caller.role === "consumer" && event.object.consumer !== caller.account;
      if (!foreign) tell(event);
    });
  }

  health() {
    return {
      ready: this.ready,
      checks: [{ name: "store", ok: this.ready, detail: this.ready ? "answers" : "down" }],
    };
  }
  metrics() {
    const samples = [{ labels: { tier: 'a "b"\n' }, value: 3 }];
    return [{ name: "weft_nodes", help: "Nodes by tier", kind: "gauge" as const, samples }];
  }

  #visible(caller: Caller): readonly TaskView[] {
    const newestFirst = [...this.#tasks.values()].reverse();
    return caller.role === "consumer"
      ? newestFirst.filter((task) => task.consumer === caller.account)
      : newestFirst;
  }
  #keep({ digest, ...token }: NewToken): TokenView {
    const view: TokenView = { ...token, createdAt: this.#now() };
    const { account, role, person, acts } = token;
    const caller: Caller =
      person === undefined ? { account, role } : { account, role, person, acts: acts ?? [] };
    if (token.use === "api") this.#tokens.set(digest, { ...view, caller });
    return view;
  }
  #now(): Instant {
    return (this.#clock += 1000) as Instant;
  }
}
