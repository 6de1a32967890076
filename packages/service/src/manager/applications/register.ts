import type { NodeId, SiteId } from "@weft/infrastructure";
import { Deadlines, earliest, type Instant, type Money, NEVER, type Refusal } from "@weft/kernel";
import type { ReservationId } from "@weft/pool";
import type {
  ApplicationPhase,
  ApplicationPlanView,
  ApplicationSubmission,
  ContentReference,
  StepRequest,
  StepView,
} from "../../resources.ts";
import type { StoreState } from "../../store.ts";
import { type Core, store } from "../core.ts";
import { stepsOfStream } from "./stream.ts";

/*
 * What is kept of applications: a document each and one for each of its steps, written with the changes of its tasks, so that
 * after a restart it goes on where it was [M.A2]. A step's changes alone are written: of many inputs there are many steps.
 */

const COLLECTION = "applications";
const STEPS = "application-steps";
/** Ended applications kept to be shown, and steps of them; older ones are forgotten. */
const KEPT_ENDED = 1_000;
const KEPT_ENDED_STEPS = 64_000;

export interface KeptStep {
  readonly task: string | null;
  readonly node: NodeId | null;
  readonly planned: StepView["planned"];
  /** How its task ended; null while it has not. */
  readonly ended: "succeeded" | "failed" | "cancelled" | null;
  readonly startedAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly result: (ContentReference & { readonly at: SiteId }) | null;
  readonly charged: Money | null;
}

export const NOT_BEGUN: KeptStep = {
  task: null,
  node: null,
  planned: null,
  ended: null,
  startedAt: null,
  endedAt: null,
  result: null,
  charged: null,
};

/** What is kept of an application. */
export interface Kept {
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

export interface Entry {
  kept: Kept;
  /** What it runs as: the submission's steps; of a pipeline with many inputs, its stages with each of them. */
  steps: readonly StepRequest[];
  /** Steps by name. */
  index: ReadonlyMap<string, number>;
  /** By step, what it holds until it starts. */
  readonly held: Map<number, ReservationId>;
}

function unfolded({ submission }: Pick<Kept, "submission">): Pick<Entry, "steps" | "index"> {
  const inputs = submission.pipeline?.inputs;
  const steps = inputs === undefined ? submission.steps : stepsOfStream(submission.steps, inputs);
  return { steps, index: new Map(steps.map(({ name }, s) => [name, s])) };
}

/** An application without what is kept step by step. */
type Head = Omit<Kept, "steps"> & { readonly steps?: readonly KeptStep[] };

function* readBack(documents: StoreState["documents"]): Iterable<Kept> {
  const stepsOf = new Map<string, KeptStep[]>();
  for (const { collection, id, body } of documents) {
    if (collection !== STEPS) continue;
    const [application, s] = id.split("/") as [string, string];
    const steps = stepsOf.get(application) ?? [];
    stepsOf.set(application, steps);
    steps[Number(s)] = body as KeptStep;
  }
  for (const { collection, body } of documents) {
    if (collection !== COLLECTION) continue;
    const { steps: within = [], ...head } = body as Head;
    const own = stepsOf.get(head.id) ?? [];
    const steps = unfolded(head).steps.map((_, s) =>
      own[s] === undefined && within[s] === undefined ? NOT_BEGUN : { ...NOT_BEGUN, ...within[s], ...own[s] },
    );
    yield { ...head, steps };
  }
}

/** Every application the manager still thinks about. */
export class Applications {
  readonly #entries = new Map<string, Entry>();
  readonly #byOrder = new Map<string, string>();
  readonly #ended: string[] = [];
  #endedSteps = 0;
  readonly #open = new Set<Entry>();
  /** When an application that has no plan yet gives up. */
  readonly deadlines = new Deadlines<string>();

  constructor(state: StoreState) {
    const kept = [...readBack(state.documents)].sort((a, b) => a.submittedAt - b.submittedAt);
    for (const one of kept) this.enter(one);
  }

  get all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Those that have not ended: what every bit of room that comes free is offered to. */
  get open(): Iterable<Entry> {
    return this.#open;
  }

  /** The places that gangs hold until their steps start. */
  get held(): readonly ReservationId[] {
    return [...this.#open].flatMap(({ held }) => [...held.values()]);
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

  /** Enters an application, or what it has become; returns those that are forgotten for it. */
  enter(kept: Kept): readonly Kept[] {
    const known = this.#entries.get(kept.id);
    const before = known?.kept.finishedAt ?? null;
    const entry = known ?? { kept, ...unfolded(kept), held: new Map() };
    if (kept.finishedAt === null) this.#open.add(entry);
    else this.#open.delete(entry);
    if (known === undefined) {
      this.#entries.set(kept.id, entry);
      this.#byOrder.set(kept.submission.orders[0]!.order.id, kept.id);
    } else {
      if (known.kept.submission !== kept.submission) Object.assign(known, unfolded(kept));
      known.kept = kept;
    }
    const waits = kept.phase === "pending";
    this.deadlines.clear(kept.id);
    if (waits) this.deadlines.set(kept.id, giveUpAt(kept.submission));
    if (kept.finishedAt === null || before !== null) return [];
    this.#ended.push(kept.id);
    this.#endedSteps += kept.steps.length;
    const forgotten: Kept[] = [];
    while (
      this.#ended.length > KEPT_ENDED ||
      (this.#endedSteps > KEPT_ENDED_STEPS && this.#ended.length > 1)
    ) {
      forgotten.push(this.#forget(this.#ended.shift() as string));
    }
    return forgotten;
  }

  #forget(id: string): Kept {
    const { kept } = this.#entries.get(id) as Entry;
    this.#byOrder.delete(kept.submission.orders[0]!.order.id);
    this.#entries.delete(id);
    this.#endedSteps -= kept.steps.length;
    return kept;
  }
}

const giveUpAt = ({ orders }: ApplicationSubmission): Instant =>
  orders.reduce<Instant>((at, { order }) => earliest(at, order.notAfter), NEVER);

export function keep(core: Core, now: Instant, kept: Kept): void {
  const before = core.applications.entry(kept.id)?.kept;
  const forgotten = core.applications.enter(kept);
  const { steps, ...head } = kept;
  if (before === undefined || HEAD.some((field) => before[field] !== kept[field])) {
    store(core, [
      { kind: "put-document", row: { collection: COLLECTION, id: kept.id, body: head, at: now } },
    ]);
  }
  for (const [s, step] of steps.entries()) {
    if (step === (before?.steps[s] ?? NOT_BEGUN)) continue;
    const id = `${kept.id}/${s}`;
    store(core, [{ kind: "put-document", row: { collection: STEPS, id, body: step, at: now } }]);
  }
  for (const { id, steps } of forgotten) {
    store(core, [{ kind: "remove-document", collection: COLLECTION, id }]);
    for (const s of steps.keys()) {
      store(core, [{ kind: "remove-document", collection: STEPS, id: `${id}/${s}` }]);
    }
  }
}

/** What of an application changes besides its steps. */
const HEAD = ["submission", "phase", "reason", "finishedAt", "plan"] as const;

export const withStep = (kept: Kept, s: number, change: Partial<KeptStep>): Kept => ({
  ...kept,
  steps: kept.steps.map((step, i) => (i === s ? { ...step, ...change } : step)),
});
