import { COMPUTE_TYPES, type NodeId } from "@weft/infrastructure";
import { after, Deadlines, type Instant, type Micros, type Refusal, refuse } from "@weft/kernel";
import { Offers, ReservationCalendar, type TaskNeeds } from "@weft/scheduling";
import type { StoreState } from "../store.ts";
import { type Core, store } from "./core.ts";
import { onSale } from "./offers.ts";
import { rankOf } from "./turns.ts";

/*
 * Places promised for a later moment. A calendar a node says what of it is promised when, so that no two promises ever
 * exceed it; tasks without a promise may use the node meanwhile, and give way at that moment (preempting.ts).
 *
 * [M.R1] What is promised of a node at any instant never exceeds what the node has.
 * [M.R2] A promise is kept in the store until its task has been placed or has ended.
 */

const COLLECTION = "promises";
/** What a promise lasts: predictions are sometimes too good. */
const OVER_PREDICTED = 2;
const NODES_TRIED = 64;

interface Promised {
  readonly task: string;
  readonly node: NodeId;
  readonly from: Instant;
  readonly to: Instant;
  /** Operations a second by type, then memory. */
  readonly amount: readonly number[];
}

export class Ahead {
  /** When the tasks that wait for their moment are to be placed. */
  readonly due = new Deadlines<string>();
  readonly #promised = new Map<string, Promised>();
  readonly #calendars = new Map<NodeId, ReservationCalendar>();

  constructor(state: StoreState) {
    const rows = state.documents.filter((row) => row.collection === COLLECTION);
    for (const row of rows) this.#promised.set(row.id, row.body as Promised);
  }

  nodeOf(task: string): NodeId | null {
    return this.#promised.get(task)?.node ?? null;
  }

  /** Promises a node where that leaves no other promise short; false where it would. */
  promise(capacity: Float64Array, promised: Promised): boolean {
    const { node, from, to, amount, task } = promised;
    let calendar = this.#calendars.get(node);
    if (calendar === undefined) {
      calendar = new ReservationCalendar(capacity);
      this.#calendars.set(node, calendar);
      for (const one of this.#promised.values()) {
        if (one.node === node) calendar.reserve(one.from, one.to, Float64Array.from(one.amount));
      }
    }
    if (!calendar.reserve(from, to, Float64Array.from(amount)).ok) return false;
    this.#promised.set(task, promised);
    return true;
  }

  /** The promise is kept, or nobody's any more; false where there was none. */
  end(task: string): boolean {
    const promised = this.#promised.get(task);
    if (promised === undefined) return false;
    this.#promised.delete(task);
    const { node, from, to, amount } = promised;
    this.#calendars.get(node)?.release(from, to, Float64Array.from(amount));
    return true;
  }
}

/** Whether a task is to start later than now. */
export const isLater = ({ startAt }: TaskNeeds, now: Instant): boolean =>
  startAt !== undefined && startAt > now;

/** Promises a task its place for when it starts; or says why none can be promised. */
export function promiseAhead(core: Core, now: Instant, task: string, given: TaskNeeds): Refusal | null {
  const needs = onSale(core, given);
  const from = given.startAt as Instant;
  // By then everything may have ended or given way that has no promise itself.
  const emptied = core.pool.snapshot();
  for (const run of core.tasks.live) {
    const other = core.tasks.task(run.task)?.row.submission.needs;
    const reserved = core.reservations.get(run.view.id);
    if (other !== undefined && reserved !== undefined && rankOf(other) < rankOf(given))
      emptied.release(reserved);
  }
  const type = COMPUTE_TYPES.indexOf(given.compute.type);
  for (const { node, levels } of new Offers(emptied).of(needs, NODES_TRIED)) {
    const { rate, total } = levels[0]!;
    const id = core.pool.nodes.slots.idOf(node);
    const description = core.pool.nodes.descriptions[node]!;
    const amount = [0, 0, 0, Math.ceil(given.algorithm.space)];
    amount[type] = rate;
    const capacity = Float64Array.of(
      ...COMPUTE_TYPES.map((t) => description.power[t]),
      description.memoryBytes,
    );
    const to = after(from, (total * OVER_PREDICTED) as Micros);
    const promised = { task, node: id, from, to, amount };
    if (!core.ahead.promise(capacity, promised)) continue;
    store(core, [
      { kind: "put-document", row: { collection: COLLECTION, id: task, body: promised, at: now } },
    ]);
    core.ahead.due.set(task, from);
    return null;
  }
  return refuse("no_capacity", "no node has that much left to promise for then", {
    path: "spec.startAt",
    hint: "ask for another moment, or leave startAt out and take what is free",
  }).refusal;
}

/** A task was placed, or has ended: what was promised it is given back. */
export function endPromise(core: Core, task: string): void {
  core.ahead.due.clear(task);
  if (core.ahead.end(task)) {
    store(core, [{ kind: "remove-document", collection: COLLECTION, id: task }]);
  }
}
