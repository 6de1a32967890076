import type { NodeId } from "@weft/infrastructure";
import {
  after,
  Deadlines,
  formatInstant,
  type Instant,
  type Micros,
  NEVER,
  ok,
  type Result,
  refuse,
  SECOND,
} from "@weft/kernel";
import type { AccountId } from "@weft/market";
import { type Claim, capacityOf, type Pool, RESOURCES } from "@weft/pool";
import {
  type Decision,
  type Offer,
  Offers,
  type Placed,
  type Refused,
  ReservationCalendar,
  Scheduler,
  type TaskNeeds,
} from "@weft/scheduling";
import { nodesAbroad } from "../federation/abroad.ts";
import type { StoreState } from "../store.ts";
import { type Core, store } from "./core.ts";
import { counted, countedEnd } from "./forecast.ts";
import { unsold } from "./offers.ts";
import { amountOf, amountOfClaim } from "./shares.ts";
import type { TaskEntry } from "./tasks.ts";
import { outranks } from "./turns.ts";

/*
 * Places promised for a later moment: a promise goes before what comes after it, never before what was there.
 *
 * [M.R1] What is promised of a node at any instant never exceeds what the node has.
 * [M.R2] A promise is kept in the store until its task has been placed or has ended.
 * [M.R3] It is made only for a moment from which on its node has room beside what runs there, each run counted for twice
 *        what is predicted. Of its consumer's own, tasks of lower priority are not counted: they give way (preempting.ts).
 * [M.R4] Nothing of others that was submitted before a promise was made is held back by it, or gives way to it.
 * [M.R5] What was submitted since begins on the node only if it is gone by the moment, counted twice, or fits beside;
 *        what stays longer all the same gives way then.
 */

const COLLECTION = "promises";
const NODES_TRIED = 64;

/** A place of a node's from one moment to another. */
interface Place {
  readonly node: NodeId;
  readonly from: Instant;
  readonly to: Instant;
  /** By `RESOURCES`. */
  readonly amount: readonly number[];
  /** How many lanes there are for it then, where these are fewer than it could use. */
  readonly lanes: number | null;
}

interface Promised extends Place {
  readonly task: string;
  /** When it was made. */
  readonly since: Instant;
}

/** What stands on a node until a moment. */
interface Standing {
  readonly from: Instant;
  readonly to: Instant;
  readonly amount: Float64Array;
}

/** Who asks for a place. */
export interface Asker {
  /** null: nobody in particular. */
  readonly consumer: AccountId | null;
  /** The task it was promised to already; null: a new one. */
  readonly task: string | null;
}

export class Ahead {
  /** When the tasks that wait for their moment are to be placed. */
  readonly due = new Deadlines<string>();
  readonly #promised = new Map<string, Promised>();
  readonly #on = new Map<NodeId, Map<string, Promised>>();

  constructor(state: StoreState) {
    for (const { collection, id, body, at } of state.documents) {
      if (collection === COLLECTION) this.add({ ...(body as Place), task: id, since: at });
    }
  }

  of(task: string): Promised | undefined {
    return this.#promised.get(task);
  }

  /** The promises on a node. */
  on(node: NodeId): Iterable<Promised> {
    return this.#on.get(node)?.values() ?? [];
  }

  /** Nodes of which something is promised. */
  get nodes(): Iterable<NodeId> {
    return this.#on.keys();
  }

  add(promised: Promised): void {
    const { task, node } = promised;
    this.#promised.set(task, promised);
    const there = this.#on.get(node);
    if (there === undefined) this.#on.set(node, new Map([[task, promised]]));
    else there.set(task, promised);
  }

  /** The promise is kept, or nobody's any more; false where there was none. */
  end(task: string): boolean {
    const promised = this.#promised.get(task);
    if (promised === undefined) return false;
    this.#promised.delete(task);
    const there = this.#on.get(promised.node);
    there?.delete(task);
    if (there?.size === 0) this.#on.delete(promised.node);
    return true;
  }
}

/** Whether a task is to start later than now. */
export const isLater = ({ startAt }: TaskNeeds, now: Instant): boolean =>
  startAt !== undefined && startAt > now;

/** Promises a task its place for when it starts; or says why none can be promised, and from when on one could be. */
export function promiseAhead(
  core: Core,
  now: Instant,
  task: string,
  consumer: AccountId,
  needs: TaskNeeds,
): Result<void> {
  const found = findPlace(core, now, { consumer, task: null }, needs, emptied(core));
  if (!found.ok) return found;
  core.ahead.add({ ...found.value, task, since: now });
  store(core, [
    { kind: "put-document", row: { collection: COLLECTION, id: task, body: found.value, at: now } },
  ]);
  core.ahead.due.set(task, found.value.from);
  return ok(undefined);
}

/** A task was placed, or has ended: what was promised it is given back. False where nothing was. */
export function endPromise(core: Core, task: string): boolean {
  core.ahead.due.clear(task);
  if (!core.ahead.end(task)) return false;
  store(core, [{ kind: "remove-document", collection: COLLECTION, id: task }]);
  return true;
}

/** What would be promised a task that is to start later, or was. Changes nothing. */
export function planAhead(core: Core, now: Instant, asker: Asker, needs: TaskNeeds): Decision {
  const pool = emptied(core);
  const found = findPlace(core, now, asker, needs, pool);
  if (!found.ok) {
    const { refusal } = found;
    return { outcome: "refused", code: refusal.code, refusal, basedOn: pool.version, explanation: null };
  }
  const { node } = found.value;
  const options = { sticky: node, margin: 1, excludeNodes: nodesAbroad(core), explain: true };
  return new Scheduler(pool).place(onLanes(needs, found.value), options);
}

/** Needs as a promised place meets them. */
export const onLanes = (needs: TaskNeeds, place: Pick<Place, "lanes"> | undefined): TaskNeeds =>
  place?.lanes == null ? needs : { ...needs, compute: { ...needs.compute, lanes: place.lanes } };

/**
 * Whether a placement would put off a promise that was made before its task came [M.R5]. What is promised to the task
 * itself, on that node, is its own.
 */
export function delaysPromise(core: Core, now: Instant, { row }: TaskEntry, placed: Placed): boolean {
  const { node } = placed;
  const until = after(now, counted(placed.timeline.total));
  if (core.ahead.of(row.id)?.node === node) return false;
  const before = [...core.ahead.on(node)].filter(
    (one) => one.since < row.submittedAt && Math.max(one.from, now) < until,
  );
  if (before.length === 0) return false;
  const from = Math.max(now, Math.min(...before.map((one) => one.from))) as Instant;
  const standing = core.tasks.liveOn(node).flatMap((run) => {
    const claim = held(core, run.view.id);
    return claim === undefined ? [] : standingFor(now, countedEnd(run, now), amountOfClaim(claim));
  });
  const axis = axisOf(core, now, node, before, standing);
  return axis.earliestFit(from, (until - from) as Micros, amountOfClaim(placed.claim), from) === null;
}

/** The pool as if nothing ran. */
const emptied = (core: Core): Pool => core.pool.vacated(core.applications.held);

/** The best node that has room at the moment asked for; of all, with as many lanes as can be. Other domains promise nothing. */
function findPlace(
  core: Core,
  now: Instant,
  asker: Asker,
  given: TaskNeeds,
  pool: Pool,
): Result<Place, Refused["refusal"]> {
  const own = asker.task === null ? undefined : core.ahead.of(asker.task);
  if (own !== undefined) return ok(own);
  const from = given.startAt as Instant;
  const needs = { ...given, where: { ...given.where, avoid: [...given.where.avoid, ...nodesAbroad(core)] } };
  const offers = new Offers(pool).of(needs, NODES_TRIED);
  if (offers.length === 0) {
    const decision = new Scheduler(pool).place(given, { excludeNodes: nodesAbroad(core), explain: true });
    if (decision.outcome === "refused") return { ok: false, refusal: decision.refusal };
  }
  const nodes = offers.map(({ node }) => core.pool.nodes.slots.idOf(node));
  const standing = standingBeside(core, now, asker.consumer, given, nodes);
  const axes = nodes.map((id) => axisOf(core, now, id, core.ahead.on(id), standing.get(id) ?? []));
  let soonest = NEVER;
  for (let level = 0; offers.some(({ levels }) => level < levels.length); level++) {
    for (const [j, offer] of offers.entries()) {
      const place = placeOn(core, needs, offer, level, axes[j]!);
      if (place?.from === from) return ok(place);
      if (place !== null && place.from < soonest) soonest = place.from;
    }
  }
  return notThen(from, soonest);
}

/** When a node has room first for one level of computing power; null: never, or it is not for sale then. */
function placeOn(
  core: Core,
  needs: TaskNeeds,
  { node, levels }: Offer,
  level: number,
  axis: ReservationCalendar,
): Place | null {
  const offered = levels[level];
  if (offered === undefined) return null;
  const { rate, total, compute, lanes } = offered;
  const amount = amountOf({
    type: needs.compute.type,
    rate,
    memory: needs.algorithm.space,
    storage: needs.storage.capacity,
    throughput: needs.storage.throughput,
    accelerator: needs.compute.accelerator,
  });
  const lasting = Math.ceil(counted(total as Micros)) as Micros;
  const from = axis.earliestFit(needs.startAt as Instant, lasting, amount);
  const id = core.pool.nodes.slots.idOf(node);
  if (from === null || unsold(core, id, compute as Micros, from) !== null) return null;
  return { node: id, from, to: after(from, lasting), amount: [...amount], lanes: level === 0 ? null : lanes };
}

/** Refuses a moment, and names the first that would do. */
function notThen(from: Instant, soonest: Instant): Result<never, Refused["refusal"]> {
  // To the next whole second: a moment to be written down.
  const possible = Math.ceil(soonest / SECOND) * SECOND;
  return refuse("no_capacity", "no node has room to promise for then beside what runs and is promised", {
    path: "spec.startAt",
    found: formatInstant(from),
    ...(soonest === NEVER
      ? { hint: "leave startAt out and take what is free" }
      : {
          expected: `${formatInstant(possible as Instant)} or later`,
          hint: "ask for that moment, or leave startAt out and take what is free",
        }),
  });
}

/** What stands on these nodes and does not give way to a task that is to start later, by node. */
function standingBeside(
  core: Core,
  now: Instant,
  consumer: AccountId | null,
  needs: TaskNeeds,
  nodes: readonly NodeId[],
): ReadonlyMap<NodeId, readonly Standing[]> {
  const standing = new Map(nodes.map((node): [NodeId, Standing[]] => [node, []]));
  const add = (node: NodeId, there: readonly Standing[]): void => {
    standing.get(node)?.push(...there);
  };
  for (const run of [...standing.keys()].flatMap((node) => core.tasks.liveOn(node))) {
    const row = core.tasks.task(run.task)?.row;
    const claim = held(core, run.view.id);
    if (row === undefined || claim === undefined) continue;
    if (row.consumer === consumer && outranks(needs, row.submission.needs)) continue;
    add(run.view.node as NodeId, standingFor(now, countedEnd(run, now), amountOfClaim(claim)));
  }
  for (const id of core.applications.held) {
    const claim = core.pool.reservation(id);
    if (claim === undefined) continue;
    add(core.pool.nodes.slots.idOf(claim.node), standingFor(now, NEVER, amountOfClaim(claim)));
  }
  const { kept } = core.front;
  const front = kept === null ? undefined : core.tasks.task(kept.task)?.row;
  if (kept !== null && front !== undefined) {
    const { claim, at } = kept.place;
    const lasting = (front.submission.needs.compute.work / Math.max(1, claim.rate)) * SECOND;
    const to = after(at, Math.ceil(counted(lasting as Micros)) as Micros);
    add(claim.node, standingFor(at, to, amountOf(claim)));
  }
  return standing;
}

const standingFor = (from: Instant, to: Instant, amount: Float64Array): readonly Standing[] =>
  from < to ? [{ from, to, amount }] : [];

/** What a run holds in the pool; undefined once it was given back. */
function held(core: Core, run: string): Claim | undefined {
  const reservation = core.reservations.get(run);
  return reservation === undefined ? undefined : core.pool.reservation(reservation);
}

/** What is taken of a node when. A promise whose moment has come is from now on, as long as it is not kept. */
function axisOf(
  core: Core,
  now: Instant,
  node: NodeId,
  promises: Iterable<Promised>,
  standing: Iterable<Standing>,
): ReservationCalendar {
  const has = capacityOf(core.pool.nodes.descriptions[core.pool.nodes.slots.find(node)]!);
  const axis = new ReservationCalendar(Float64Array.from(RESOURCES, (name) => has[name]));
  for (const { from, to, amount } of promises) {
    const late = Math.max(0, now - from) as Micros;
    axis.occupy(
      after(from, late),
      after(to, late),
      Float64Array.from(RESOURCES, (_, k) => amount[k] ?? 0),
    );
  }
  for (const { from, to, amount } of standing) axis.occupy(from, to, amount);
  return axis;
}
