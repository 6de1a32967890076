import type { NodeId, SiteId } from "@weft/infrastructure";
import { Deadlines, earliest, type Instant, type Money, NEVER, type Refusal } from "@weft/kernel";
import type { ReservationId } from "@weft/pool";
import type {
  ApplicationPhase,
  ApplicationPlanView,
  ApplicationSubmission,
  ContentReference,
  StepView,
} from "../../resources.ts";
import type { StoreState } from "../../store.ts";
import { type Core, store } from "../core.ts";

/*
 * What is kept of applications: one document each, written with the changes of its tasks, so that after a restart it goes
 * on where it was [M.A2].
 */

const COLLECTION = "applications";
/** Ended applications kept to be shown; older ones are forgotten. */
const KEPT_ENDED = 1_000;

export interface KeptStep {
  readonly task: string | null;
  readonly node: NodeId | null;
  readonly planned: StepView["planned"];
  /** How its task ended; null while it has not. */
  readonly ended: "succeeded" | "failed" | "cancelled" | null;
  readonly result: (ContentReference & { readonly at: SiteId }) | null;
  readonly charged: Money | null;
}

export const NOT_BEGUN: KeptStep = {
  task: null,
  node: null,
  planned: null,
  ended: null,
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

export function keep(core: Core, now: Instant, kept: Kept): void {
  const forgotten = core.applications.enter(kept);
  store(core, [{ kind: "put-document", row: { collection: COLLECTION, id: kept.id, body: kept, at: now } }]);
  if (forgotten !== null) store(core, [{ kind: "remove-document", collection: COLLECTION, id: forgotten }]);
}

export const withStep = (kept: Kept, s: number, change: Partial<KeptStep>): Kept => ({
  ...kept,
  steps: kept.steps.map((step, i) => (i === s ? { ...step, ...change } : step)),
});
