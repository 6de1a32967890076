import type { NodeId } from "@weft/infrastructure";
import { after, type Instant, type Micros, NEVER, SECOND } from "@weft/kernel";
import type { Stuck } from "@weft/orchestration";
import {
  fitsWithout,
  freeAt,
  type KeptPlace,
  keepPlace,
  type Leaving,
  leavesPlace,
  type Occupancy,
  type Placed,
  type TaskNeeds,
} from "@weft/scheduling";
import { nodesAbroad } from "../federation/abroad.ts";
import type { PlaceAwaited, TaskSubmission } from "../resources.ts";
import { type Core, tell } from "./core.ts";
import { counted, expectedEnd } from "./forecast.ts";
import { onSale } from "./offers.ts";
import type { RunEntry, TaskEntry } from "./tasks.ts";
import { rankOf } from "./turns.ts";
import { needsInPlace } from "./ways.ts";

/*
 * Nobody waits for ever: what others keep passing over is kept a place (backfilling with one reservation).
 *
 * [M.Q1] Of the lines of waiting tasks nothing of which has begun for `PATIENCE`, one at a time has a place kept: a
 *        consumer's own by rank and age, consumers by turns. It is tried before all others, wherever there is room.
 * [M.Q2] Nothing of others begins on the place kept unless it is gone by the moment promised, counted with twice what
 *        is predicted for it, or fits beside.
 * [M.Q3] What began there since and stays longer gives way at that moment. So only what stood there when the place was
 *        kept can put the moment off, at most until its contract lapses.
 */

export const PATIENCE = (30 * SECOND) as Micros;
/** A place is looked for at most so often a thousand nodes, for so many lines: each costs a look at every node. */
const EVERY = SECOND as Micros;
const MOST_TRIED = 2;
/** Reasons to wait that room would end; others (money, a quote) no place helps against. */
const FOR_ROOM = new Set(["no_capacity", "no_path", "deadline_unreachable", "price_above_limit"]);

interface Kept {
  readonly task: string;
  readonly consumer: string;
  readonly since: Instant;
  readonly place: KeptPlace;
  /** What stood there then (where it states a bandwidth: anywhere), and when it was expected to end. */
  readonly ends: ReadonlyMap<string, Instant>;
}

/** The task in front and the place kept for it. */
export class Front {
  kept: Kept | null = null;
  /** The moment promised, until it has come. */
  wakeAt: Instant = NEVER;
  nextTry: Instant = 0 as Instant;
  /** When the place kept is next held against others, once it is overdue. */
  reviewAt: Instant = 0 as Instant;
  /** When a consumer's task last had a place kept. */
  readonly served = new Map<string, Instant>();
  /** Tasks no place can be kept for, until they are looked at again. */
  readonly hopeless = new Map<string, Instant>();
}

/** There is room: sees to it that whoever waits too long has a place kept. */
export function tendFront(core: Core, now: Instant): void {
  const { front } = core;
  if (front.kept !== null && !serves(core, front.kept)) letGo(core, now);
  if (front.kept !== null) review(core, now, front.kept);
  if (front.kept !== null || now < front.nextTry) return;
  front.nextTry = after(now, (EVERY * Math.max(1, core.pool.nodes.slots.bound / 1000)) as Micros);
  const stuck = core.orchestrator.stuckSince((now - PATIENCE) as Instant);
  for (const [task, until] of front.hopeless) if (until <= now) front.hopeless.delete(task);
  for (const { task, consumer } of inTurn(core, stuck).slice(0, MOST_TRIED)) {
    if (keepFor(core, now, task, consumer)) return;
    noPlaceFor(core, now, task);
  }
}

/** Of each consumer the line of highest rank that stands still longest; consumers by how long they have waited since served. */
function inTurn({ front, tasks }: Core, stuck: readonly Stuck[]): readonly Stuck[] {
  const first = new Map<string, Stuck>();
  for (const one of stuck) {
    const reason = tasks.task(one.task)?.row.progress.reason ?? null;
    if (front.hopeless.has(one.task) || (reason !== null && !FOR_ROOM.has(reason.code))) continue;
    const best = first.get(one.consumer);
    const ahead =
      best === undefined || one.rank > best.rank || (one.rank === best.rank && one.since < best.since);
    if (ahead) first.set(one.consumer, one);
  }
  const waits = ({ consumer, since }: Stuck): number => Math.max(since, front.served.get(consumer) ?? 0);
  return [...first.values()].sort((a, b) => waits(a) - waits(b));
}

function keepFor(core: Core, now: Instant, task: string, consumer: string): boolean {
  const entry = core.tasks.task(task);
  if (entry === undefined) return false;
  const place = keepPlace(core.pool, needsOf(core, entry.row.submission), occupancy(core, now), now);
  if (place === null) return false;
  take(core, now, task, consumer, place);
  core.front.served.set(consumer, now);
  core.orchestrator.handle(now, { kind: "favoured", task });
  return true;
}

function take(core: Core, now: Instant, task: string, consumer: string, place: KeptPlace): void {
  const { node, bandwidthIn, bandwidthOut } = place.claim;
  const there = bandwidthIn + bandwidthOut > 0 ? [...core.tasks.live] : core.tasks.liveOn(node);
  const ends = new Map(there.map((run) => [run.view.id, expectedEnd(run, now)]));
  core.front.kept = { task, consumer, since: now, place, ends };
  core.front.wakeAt = place.at;
  tell(core, now, "place-kept", "task", task);
}

/**
 * A place that is overdue by as long as it was to take is held against all others: where another is expected sooner now,
 * that is kept in its stead. Every time takes twice as long as the one before, so what was kept once is not given up for ever.
 */
function review(core: Core, now: Instant, { task, consumer, since, place }: Kept): void {
  const overdue = now - place.at;
  if (overdue <= Math.max(EVERY, place.at - since) || now < core.front.reviewAt) return;
  core.front.reviewAt = after(now, overdue as Micros);
  const entry = core.tasks.task(task);
  if (entry === undefined) return;
  const standing = occupancy(core, now);
  const expected = freeAt(core.pool, place.claim, standing, now) ?? NEVER;
  const other = keepPlace(core.pool, needsOf(core, entry.row.submission), standing, now);
  if (other !== null && other.at < expected) take(core, now, task, consumer, other);
  else if (expected === NEVER) noPlaceFor(core, now, task);
}

function needsOf(core: Core, submission: TaskSubmission): TaskNeeds {
  const needs = needsInPlace(submission);
  return onSale(core, {
    ...needs,
    where: { ...needs.where, avoid: [...needs.where.avoid, ...nodesAbroad(core)] },
  });
}

/** All that stands: runs, each until it is expected to end, or `until` says; and places that gangs hold. */
function occupancy(
  { tasks, reservations, applications }: Pick<Core, "tasks" | "reservations" | "applications">,
  now: Instant,
  until: (run: RunEntry) => Instant = (run) => expectedEnd(run, now),
): Occupancy {
  const leaving = (runs: Iterable<RunEntry>): Leaving[] =>
    [...runs].flatMap((run) => {
      const reservation = reservations.get(run.view.id);
      return reservation === undefined ? [] : [{ reservation, until: until(run) }];
    });
  return {
    all: () => leaving(tasks.live),
    on: (node) => leaving(tasks.liveOn(node)),
    staying: applications.held,
  };
}

/** Whether the task still waits and its place can still become free. */
function serves(core: Core, { task, place }: Kept): boolean {
  const { pool, offers } = core;
  if (core.orchestrator.stillSince(task) === null || offers.closed.includes(place.claim.node)) return false;
  const claim = pool.claim(place.claim);
  if (!claim.ok) return false;
  const stale = pool.check({ ...claim.value, basedOn: pool.version });
  return stale !== "not_accepting" && stale !== "link_changed";
}

/** No place can be kept for a task now: others come before it for a while. */
function noPlaceFor(core: Core, now: Instant, task: string): void {
  if (core.front.kept?.task === task) letGo(core, now);
  core.front.hopeless.set(task, after(now, PATIENCE));
}

/** Nobody is in front any more. */
function letGo(core: Core, now: Instant): void {
  core.front.kept = null;
  core.front.wakeAt = NEVER;
  core.orchestrator.handle(now, { kind: "favoured", task: null });
}

/** The task in front was placed, wherever: what was held back may begin. */
export function frontPlaced(core: Core, now: Instant, task: string): void {
  if (core.front.kept?.task !== task) return;
  letGo(core, now);
  core.orchestrator.handle(now, { kind: "room" });
}

/** The task in front was refused: where its place is free that is for another reason, and others come before it. */
export function frontRefused(core: Core, now: Instant, task: string): void {
  const { kept } = core.front;
  if (kept?.task !== task) return;
  const claim = core.pool.claim(kept.place.claim);
  const free = claim.ok && core.pool.check({ ...claim.value, basedOn: core.pool.version }) === null;
  if (free) noPlaceFor(core, now, task);
}

/** Whether a placement would put off the task in front [M.Q2]. */
export function delaysFront(core: Core, now: Instant, entry: TaskEntry, placed: Placed): boolean {
  const { kept } = core.front;
  // What moves to keep its own promise has left its place for it already.
  if (kept === null || !isBehind(kept, core, entry) || entry.runs.at(-1)?.view.because === "moved")
    return false;
  const until = after(now, counted(placed.timeline.total));
  return !leavesPlace(core.pool, kept.place, stood(core, kept), placed.claim, until);
}

/** What stood when a place was kept and stands still, until it was expected to end then. */
function* stood({ reservations }: Core, { ends }: Kept): Iterable<Leaving> {
  for (const [run, until] of ends) {
    const reservation = reservations.get(run);
    if (reservation !== undefined) yield { reservation, until };
  }
}

/** What was promised its place before the front came, and a consumer's own of higher rank, go before it. */
function isBehind(kept: Kept, core: Core, { row }: TaskEntry): boolean {
  const front = core.tasks.task(kept.task)?.row;
  if (front === undefined || row.id === kept.task) return false;
  const { needs } = row.submission;
  if (needs.startAt !== undefined && row.submittedAt < front.submittedAt) return false;
  return row.consumer !== kept.consumer || rankOf(needs) <= rankOf(front.submission.needs);
}

/** What began on the place kept for a task since, and is there still when its moment has come [M.Q3]. */
export function lateOnPlace(core: Core, now: Instant, task: string): readonly RunEntry[] {
  const { kept } = core.front;
  if (kept?.task !== task || now < kept.place.at) return [];
  const late = core.tasks.liveOn(kept.place.claim.node).filter((run) => {
    const entry = core.tasks.task(run.task);
    return (
      core.reservations.has(run.view.id) &&
      !kept.ends.has(run.view.id) &&
      entry !== undefined &&
      isBehind(kept, core, entry)
    );
  });
  const held = late.map((run) => core.reservations.get(run.view.id)!);
  return late.length > 0 && fitsWithout(core.pool, kept.place.claim, held) ? late : [];
}

/** The place kept for a task, and when it is expected to begin there; null where none is kept for it. */
export function placeAwaited(
  core: Pick<Core, "front" | "tasks" | "pool" | "reservations" | "applications">,
  task: string,
  now: Instant,
): PlaceAwaited | null {
  const { kept } = core.front;
  if (kept?.task !== task) return null;
  const { node } = kept.place.claim;
  const before = core.tasks.liveOn(node).filter((run) => kept.ends.has(run.view.id));
  // What began since gives way at the moment promised.
  const standing = occupancy(core, now, (run) =>
    kept.ends.has(run.view.id) ? expectedEnd(run, now) : kept.place.at,
  );
  const lapses = before.map((run) => run.contract.contract.terms.validUntil);
  return {
    node: node as NodeId,
    keptSince: kept.since,
    promised: kept.place.at,
    expected: freeAt(core.pool, kept.place.claim, standing, now),
    latest: Math.max(kept.place.at, ...lapses) as Instant,
    waitsFor: before.length,
  };
}

/** From when on a place may be kept for a task that waits; null where it does not. */
export function placeKeptFrom({ orchestrator }: Pick<Core, "orchestrator">, task: string): Instant | null {
  const since = orchestrator.stillSince(task);
  return since === null ? null : after(since, PATIENCE);
}
