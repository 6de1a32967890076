import type { NodeId, SiteId } from "@weft/infrastructure";
import {
  Deadlines,
  earliest,
  type Instant,
  type Money,
  NEVER,
  ok,
  type Refusal,
  type Result,
  refuse,
} from "@weft/kernel";
import type { Claim, ReservationId } from "@weft/pool";
import { type ApplicationDecision, type ApplicationNeeds, planApplication } from "@weft/scheduling";
import type {
  ApplicationPhase,
  ApplicationPlanRequest,
  ApplicationPlanView,
  ApplicationSubmission,
  ApplicationView,
  Caller,
  ContentReference,
  PipelineRequest,
  StepRequest,
  StepView,
  TaskSubmission,
} from "../resources.ts";
import type { StoreState } from "../store.ts";
import { admitTask, objectionTo } from "./commands.ts";
import { type Core, store, tell } from "./core.ts";
import { type CutPlan, cutPlan } from "./pipelines.ts";
import { observe } from "./placing.ts";
import { amountOfClaim } from "./shares.ts";
import { onSale } from "./steps.ts";
import type { TaskEntry } from "./tasks.ts";

/*
 * Applications: steps joined by data, planned jointly and each run as a task under a contract of its own.
 *
 * [M.A1] A step becomes a task once every step it takes data from has succeeded, and exactly once.
 * [M.A2] What is kept of an application is one document, written with the changes of its tasks, so that after a
 *        restart it goes on where it was.
 * [M.A3] A step's node is the plan's as long as that can serve it. The rest is planned anew whenever a step ends.
 * [M.A4] Of a gang no step starts before all have a place; those that wait for data hold theirs until it is there.
 * [M.A5] A step that fails for good, or is cancelled, ends the application: its other steps are stopped.
 */

export type ApplicationsCommand =
  | {
      readonly kind: "submit-application";
      readonly caller: Caller;
      readonly submission: ApplicationSubmission;
    }
  | { readonly kind: "cancel-application"; readonly caller: Caller; readonly application: string };

const COLLECTION = "applications";
/** Ended applications kept to be shown; older ones are forgotten. */
const KEPT_ENDED = 1_000;

interface KeptStep {
  readonly task: string | null;
  readonly node: NodeId | null;
  readonly planned: StepView["planned"];
  /** How its task ended; null while it has not. */
  readonly ended: "succeeded" | "failed" | "cancelled" | null;
  readonly result: (ContentReference & { readonly at: SiteId }) | null;
  readonly charged: Money | null;
}

const NOT_BEGUN: KeptStep = {
  task: null,
  node: null,
  planned: null,
  ended: null,
  result: null,
  charged: null,
};

/** What is kept of an application. */
interface Kept {
  readonly id: string;
  readonly consumer: string;
  readonly submittedAt: Instant;
  readonly submission: ApplicationSubmission;
  readonly phase: ApplicationPhase;
  readonly reason: Refusal | null;
  readonly finishedAt: Instant | null;
  readonly plan: ApplicationPlanView | null;
  readonly steps: readonly KeptStep[];
}

interface Entry {
  kept: Kept;
  /** By step, what a gang's member holds until it starts. */
  readonly held: Map<number, ReservationId>;
}

/** Every application the manager still thinks about. */
export class Applications {
  readonly #entries = new Map<string, Entry>();
  readonly #byOrder = new Map<string, string>();
  readonly #ended: string[] = [];
  readonly #open = new Set<Entry>();
  /** When an application that has no plan yet gives up. */
  readonly deadlines = new Deadlines<string>();

  constructor(state: StoreState) {
    const rows = state.documents.filter((row) => row.collection === COLLECTION);
    const kept = rows.map((row) => row.body as Kept).sort((a, b) => a.submittedAt - b.submittedAt);
    for (const one of kept) this.enter(one);
  }

  get all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Those that have not ended: what every bit of room that comes free is offered to. */
  get open(): Iterable<Entry> {
    return this.#open;
  }

  entry(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  ofOrder(order: string): Entry | undefined {
    return this.#entries.get(this.#byOrder.get(order) ?? "");
  }

  /** By id, or the newest of that name: of one consumer's, or (null) of everybody's. */
  find(idOrName: string, consumer: string | null): Entry | undefined {
    const own = (entry: Entry): boolean => consumer === null || entry.kept.consumer === consumer;
    const byId = this.#entries.get(idOrName);
    if (byId !== undefined) return own(byId) ? byId : undefined;
    let newest: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.kept.submission.name === idOrName && own(entry)) newest = entry;
    }
    return newest;
  }

  /** Enters an application, or what it has become; returns one that is forgotten for it. */
  enter(kept: Kept): string | null {
    const known = this.#entries.get(kept.id);
    const before = known?.kept.finishedAt ?? null;
    const entry = known ?? { kept, held: new Map() };
    if (kept.finishedAt === null) this.#open.add(entry);
    else this.#open.delete(entry);
    if (known === undefined) {
      this.#entries.set(kept.id, entry);
      this.#byOrder.set(kept.submission.orders[0]!.order.id, kept.id);
    } else known.kept = kept;
    const waits = kept.phase === "pending";
    this.deadlines.clear(kept.id);
    if (waits) this.deadlines.set(kept.id, giveUpAt(kept.submission));
    if (kept.finishedAt === null || before !== null) return null;
    this.#ended.push(kept.id);
    return this.#ended.length > KEPT_ENDED ? this.#forget(this.#ended.shift() as string) : null;
  }

  #forget(id: string): string {
    const order = this.#entries.get(id)?.kept.submission.orders[0]?.order.id;
    if (order !== undefined) this.#byOrder.delete(order);
    this.#entries.delete(id);
    return id;
  }
}

const giveUpAt = ({ orders }: ApplicationSubmission): Instant =>
  orders.reduce<Instant>((at, { order }) => earliest(at, order.notAfter), NEVER);

/** What would be planned now. Changes nothing. */
export function applicationPlan(
  core: Core,
  request: ApplicationPlanRequest,
): Result<ApplicationDecision & Partial<Pick<CutPlan, "stages" | "bottleneck">>> {
  if (!isPipeline(request)) {
    return planApplication(
      core.pool,
      needsOf(core, request, () => undefined),
    );
  }
  const cut = cutPlan(core, request);
  return cut.ok ? ok({ ...cut.value, places: null }) : cut;
}

const isPipeline = (
  request: ApplicationPlanRequest,
): request is ApplicationPlanRequest & { readonly pipeline: PipelineRequest } =>
  request.pipeline !== undefined;

export function applicationsCommand(core: Core, now: Instant, asked: ApplicationsCommand): Result<string> {
  return asked.kind === "submit-application"
    ? submit(core, now, asked.caller, asked.submission)
    : cancel(core, now, asked.caller, asked.application);
}

function submit(core: Core, now: Instant, caller: Caller, given: ApplicationSubmission): Result<string> {
  const known = core.applications.ofOrder(given.orders[0]?.order.id ?? "");
  if (known !== undefined) {
    const same = known.kept.consumer === caller.account && known.kept.submission.manifest === given.manifest;
    if (same) return ok(known.kept.id); // the same orders are the same application
    return refuse("E_ORDER_REUSED", "this order's id already stands for another application", {
      path: "orders",
    });
  }
  const refusal = objection(core, now, caller, given);
  if (refusal !== null) return { ok: false, refusal };
  const id = core.options.newId("application");
  keep(core, now, {
    id,
    consumer: caller.account,
    submittedAt: now,
    submission: given,
    phase: "pending",
    reason: null,
    finishedAt: null,
    plan: null,
    steps: given.steps.map(() => NOT_BEGUN),
  });
  tell(core, now, "submitted", "application", id);
  begin(core, now, core.applications.entry(id) as Entry);
  return ok(id);
}

function objection(core: Core, now: Instant, caller: Caller, given: ApplicationSubmission): Refusal | null {
  // How many stages there will be is known once it is cut: there are orders for as many as it may have.
  const steps = isPipeline(given)
    ? given.orders.map((_, s) => ({ ...given.pipeline.whole, name: `stage-${s + 1}`, from: [] }))
    : given.steps;
  if (given.orders.length !== steps.length) {
    return refuse("E_ORDER_TASK", "one order a step", {
      path: "orders",
      found: String(given.orders.length),
      expected: String(steps.length),
    }).refusal;
  }
  const ids = new Set(given.orders.map(({ order }) => order.id));
  for (const [s, step] of steps.entries()) {
    const order = given.orders[s]!;
    const used = core.tasks.ofOrder(order.order.id) !== undefined || ids.size < given.orders.length;
    if (used) {
      return refuse("E_ORDER_REUSED", "this order's id already stands for another task", {
        path: `orders[${s}].order.id`,
      }).refusal;
    }
    const { manifest, contents } = given;
    const refusal = objectionTo(core, now, caller, { ...stepTask(given, step), manifest, contents, order });
    if (refusal !== null) return { ...refusal, path: `orders[${s}].${refusal.path ?? "order"}` };
  }
  return null;
}

const stepTask = (given: ApplicationPlanRequest, step: StepRequest) => ({
  name: `${given.name}.${step.name}`,
  labels: given.labels,
  needs: step.needs,
  program: step.program,
  input: step.input,
});

function cancel(core: Core, now: Instant, caller: Caller, id: string): Result<string> {
  const entry = core.applications.find(id, caller.role === "manager" ? null : caller.account);
  if (entry === undefined) return refuse("E_NOT_FOUND", "no such application", { found: id });
  if (entry.kept.finishedAt === null) end(core, now, entry, "cancelled", null);
  return ok(entry.kept.id);
}

function keep(core: Core, now: Instant, kept: Kept): void {
  const forgotten = core.applications.enter(kept);
  store(core, [{ kind: "put-document", row: { collection: COLLECTION, id: kept.id, body: kept, at: now } }]);
  if (forgotten !== null) store(core, [{ kind: "remove-document", collection: COLLECTION, id: forgotten }]);
}

/** What the rest of an application needs: steps that have started stand where they are. */
function needsOf(
  core: Pick<Core, "offers">,
  { at, objective, deadline, gang, steps }: ApplicationPlanRequest,
  settled: (step: number) => SiteId | undefined,
): ApplicationNeeds {
  const index = new Map(steps.map(({ name }, s) => [name, s]));
  return {
    at,
    objective,
    deadline,
    gang,
    steps: steps.map(({ needs, from }, s) => {
      const where = settled(s);
      return {
        needs: onSale(core, needs),
        from: from.map(({ step, bytes }) => ({ step: index.get(step)!, bytes })),
        ...(where === undefined ? {} : { settled: where }),
      };
    }),
  };
}

/** Plans an application that has not begun, and starts what may start; else says why it waits. */
function begin(core: Core, now: Instant, entry: Entry): void {
  if (isPipeline(entry.kept.submission)) return beginPipeline(core, now, entry, entry.kept.submission);
  const { kept } = entry;
  const plan = planApplication(
    core.pool,
    needsOf(core, kept.submission, () => undefined),
  );
  const refusal = !plan.ok ? plan.refusal : tooDear(kept.submission, plan.value.cost);
  if (refusal !== null || !plan.ok) return waits(core, now, entry, refusal);
  if (plan.value.places !== null) {
    const { committed } = core.pool.commit(
      plan.value.places.map(({ claim }) => claim),
      { allOrNothing: true },
    );
    committed.forEach(({ id }, s) => {
      hold(core, entry, s, id);
    });
  }
  keep(core, now, { ...planned(kept, plan.value), phase: "running", reason: null });
  tell(core, now, "planned", "application", kept.id);
  advance(core, now, entry);
}

function waits(core: Core, now: Instant, { kept }: Entry, refusal: Refusal | null): void {
  if (kept.reason?.code === refusal?.code) return;
  keep(core, now, { ...kept, reason: refusal });
  tell(core, now, "waiting", "application", kept.id);
}

/** Cuts a pipeline that has not begun into the steps that it runs as, and starts the first; else says why it waits. */
function beginPipeline(
  core: Core,
  now: Instant,
  entry: Entry,
  submission: ApplicationSubmission & { readonly pipeline: PipelineRequest },
): void {
  const cut = cutPlan(core, submission, submission.orders.length);
  const refusal = cut.ok ? tooDear(submission, cut.value.cost) : cut.refusal;
  if (refusal !== null || !cut.ok) return waits(core, now, entry, refusal);
  const { makespan, cost, bound, proven, bottleneck, stages, steps } = cut.value;
  keep(core, now, {
    ...entry.kept,
    submission: { ...submission, steps: stages },
    phase: "running",
    reason: null,
    plan: { makespan, cost, bound, proven, bottleneck },
    steps: steps.map(({ node, start, finish }) => ({ ...NOT_BEGUN, node, planned: { start, finish } })),
  });
  tell(core, now, "planned", "application", entry.kept.id);
  advance(core, now, entry);
}

const tooDear = ({ payAtMost }: ApplicationSubmission, cost: number): Refusal | null =>
  payAtMost !== null && Math.ceil(cost) > payAtMost
    ? refuse("price_above_limit", "the cheapest plan costs more than the application may", {
        path: "spec.pay.atMost",
        found: String(Math.ceil(cost)),
      }).refusal
    : null;

/** An application with a plan for those of its steps that had not started. */
const planned = (kept: Kept, { steps, makespan, cost, bound, proven }: ApplicationDecision): Kept => ({
  ...kept,
  plan: kept.plan ?? { makespan, cost, bound, proven },
  steps: kept.steps.map((step, s) => {
    const now = steps[s];
    return now == null
      ? step
      : { ...step, node: now.node, planned: { start: now.start, finish: now.finish } };
  }),
});

/** Starts every step whose inputs are there. */
function advance(core: Core, now: Instant, entry: Entry): void {
  const { submission } = entry.kept;
  const stepOf = new Map(submission.steps.map(({ name }, s) => [name, s]));
  for (const [s, { from }] of submission.steps.entries()) {
    if (entry.kept.phase !== "running") return;
    if (entry.kept.steps[s]!.task !== null) continue;
    const sources = from.map(({ step }) => entry.kept.steps[stepOf.get(step)!]!);
    if (!sources.every((source) => source.ended === "succeeded")) continue;
    start(core, now, entry, s, sources);
  }
}

/** Makes a step a task: its input is what its sources gave, where they left it. */
function start(core: Core, now: Instant, entry: Entry, s: number, sources: readonly KeptStep[]): void {
  const { kept } = entry;
  const { submission } = kept;
  const step = submission.steps[s]!;
  const { at } = submission;
  const own = step.input === null ? [] : [{ ...step.input, at }];
  const parts = [...own, ...sources.flatMap(({ result }) => (result === null ? [] : [result]))];
  const largest = parts.reduce((most, part) => (part.size > most.size ? part : most), {
    size: 0,
    at: sources.find(({ result }) => result !== null)?.result?.at ?? at,
  });
  const inner = submission.steps.some(({ from }) => from.some((flow) => flow.step === step.name));
  const inputBytes = parts.reduce((sum, { size }) => sum + size, 0) as ContentReference["size"];
  const needs = { ...step.needs, basic: { ...step.needs.basic, dataAt: largest.at, inputBytes } };
  const task: TaskSubmission = {
    ...stepTask(submission, step),
    needs,
    input: null,
    manifest: submission.manifest,
    contents: contentsOf(submission, step),
    order: submission.orders[s]!,
    step: {
      application: kept.id,
      name: step.name,
      home: at,
      node: kept.steps[s]!.node,
      parts,
      inner,
    },
  };
  letGo(core, entry, s); // taken again at once, by the step's own run
  const id = core.options.newId("task");
  keep(core, now, withStep(kept, s, { task: id }));
  admitTask(core, now, id, kept.consumer, task);
}

/** Of all that the application is made of, what a step runs: only that is brought to its node. */
function contentsOf(
  { contents }: ApplicationSubmission,
  { program }: StepRequest,
): readonly ContentReference[] {
  const own = program.kind === "model" ? program.networks : program.kind === "wasm" ? [program.module] : [];
  return contents.filter(({ digest }) => own.includes(digest));
}

const withStep = (kept: Kept, s: number, change: Partial<KeptStep>): Kept => ({
  ...kept,
  steps: kept.steps.map((step, i) => (i === s ? { ...step, ...change } : step)),
});

/** A task has ended: where it was a step, its application goes on, or ends with it. */
export function stepEnded(core: Core, now: Instant, task: TaskEntry): void {
  const { step } = task.row.submission;
  const entry = step === undefined ? undefined : core.applications.entry(step.application);
  if (entry === undefined) return;
  const s = entry.kept.submission.steps.findIndex(({ name }) => name === step?.name);
  const { phase, reason, result, charged } = task.row.progress;
  if (phase !== "succeeded" && phase !== "failed" && phase !== "cancelled") return;
  const node = (task.runs.at(-1)?.view.node ?? null) as NodeId | null;
  keep(
    core,
    now,
    withStep(entry.kept, s, { ended: phase, result: result as KeptStep["result"], charged, node }),
  );
  if (entry.kept.finishedAt !== null) return;
  if (phase !== "succeeded") {
    const why = reason === null ? null : { ...reason, message: `${step?.name}: ${reason.message}` };
    end(core, now, entry, phase, why);
  } else if (entry.kept.steps.every(({ ended }) => ended === "succeeded")) {
    end(core, now, entry, "succeeded", null);
  } else {
    planRest(core, now, entry);
    advance(core, now, entry);
  }
}

/** Plans the steps to come from where the others really are [M.A3]; keeps the former plan where there is no new one. */
function planRest(core: Core, now: Instant, entry: Entry): void {
  const { kept } = entry;
  if (kept.submission.gang || isPipeline(kept.submission) || kept.steps.every(({ task }) => task !== null))
    return;
  const plan = planApplication(
    core.pool,
    needsOf(core, { ...kept.submission, deadline: null }, (s) => {
      const { result, task, node } = kept.steps[s]!;
      if (task === null) return undefined;
      const site = node === null ? undefined : core.fleet.member(node)?.row.description.site;
      return result?.at ?? site ?? kept.submission.at;
    }),
  );
  if (!plan.ok) return;
  const before = kept.steps.map(({ node }) => node);
  const next = planned(kept, plan.value);
  if (next.steps.some(({ node }, s) => node !== before[s])) keep(core, now, next);
}

function end(
  core: Core,
  now: Instant,
  entry: Entry,
  phase: "succeeded" | "failed" | "cancelled",
  reason: Refusal | null,
): void {
  for (const s of [...entry.held.keys()]) letGo(core, entry, s);
  keep(core, now, { ...entry.kept, phase, reason, finishedAt: now });
  tell(core, now, phase, "application", entry.kept.id);
  for (const { task, ended } of entry.kept.steps) {
    if (task !== null && ended === null) observe(core, now, { kind: "cancelled", task });
  }
  if (phase !== "succeeded") observe(core, now, { kind: "room" });
}

/** Something may fit now: applications that wait for a plan are tried. */
export function retryApplications(core: Core, now: Instant): void {
  const waiting = [...core.applications.open].filter(({ kept }) => kept.phase === "pending");
  const share = ({ kept }: Entry): number => core.shares.of(kept.consumer);
  for (const entry of waiting.sort((a, b) => share(a) - share(b))) begin(core, now, entry);
}

/** Gangs take back what a restart let go. */
export function holdForGangs(core: Core): void {
  for (const entry of core.applications.open) {
    if (entry.kept.phase === "running" && entry.kept.submission.gang) holdAgain(core, entry);
  }
}

/** A step's place is its own until it starts, and counts as its consumer's. */
function hold(core: Core, entry: Entry, s: number, id: ReservationId): void {
  entry.held.set(s, id);
  core.shares.charge(entry.kept.consumer, amountOfClaim(core.pool.reservation(id) as Claim), 1);
}

function letGo(core: Core, entry: Entry, s: number): void {
  const id = entry.held.get(s);
  if (id === undefined) return;
  core.shares.charge(entry.kept.consumer, amountOfClaim(core.pool.reservation(id) as Claim), -1);
  core.pool.release(id);
  entry.held.delete(s);
}

function holdAgain(core: Core, entry: Entry): void {
  entry.kept.steps.forEach(({ task, node }, s) => {
    if (task !== null || node === null || entry.held.has(s)) return;
    const { needs } = entry.kept.submission.steps[s]!;
    const decision = core.scheduler.place(onSale(core, needs), { sticky: node, margin: 1 });
    if (decision.outcome === "refused") return;
    const reserved = core.pool.reserve(decision.claim);
    if (reserved.ok) hold(core, entry, s, reserved.value);
  });
}

/** Applications whose orders ended before there was a plan fail with the last reason. */
export function giveUpApplications(core: Core, now: Instant): void {
  for (const id of core.applications.deadlines.due(now)) {
    const entry = core.applications.entry(id);
    if (entry?.kept.phase !== "pending") continue;
    const expired = refuse(
      "order_expired",
      "the orders ended before the application could be planned",
    ).refusal;
    end(core, now, entry, "failed", entry.kept.reason ?? expired);
  }
}

/** An application as the outside sees it. */
export function applicationView(core: Pick<Core, "tasks">, { kept }: Entry): ApplicationView {
  const { submission, id, consumer, phase, reason, submittedAt, finishedAt, plan } = kept;
  const { name, labels, objective, deadline, gang } = submission;
  const steps = submission.steps.map((step, s): StepView => {
    const known = kept.steps[s]!;
    const task = known.task === null ? undefined : core.tasks.task(known.task);
    return {
      name: step.name,
      from: step.from.map((flow) => flow.step),
      phase: known.ended ?? (known.task === null ? "waiting" : (task?.row.progress.phase ?? "pending")),
      task: known.task,
      node: task?.runs.at(-1)?.view.node ?? known.node,
      planned: known.planned,
      result: known.result,
      charged: known.charged,
      ...(step.layers === undefined ? {} : { layers: step.layers }),
    };
  });
  const charged = steps.reduce((sum, step) => sum + (step.charged ?? 0n), 0n) as Money;
  return {
    ...{ id, name, labels, consumer, phase, reason, objective, deadline, gang },
    ...{ submittedAt, finishedAt, plan, steps, charged },
  };
}
