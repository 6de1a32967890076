import type { NodeId } from "@weft/infrastructure";
import { after, assert, type Instant, type Refusal, refuse } from "@weft/kernel";
import type { Intention } from "@weft/orchestration";
import type { Decision, Placed, TaskNeeds } from "@weft/scheduling";
import { awaitQuote, barredFor, placedAbroad } from "../federation/abroad.ts";
import { delaysPromise, endPromise, onLanes } from "./ahead.ts";
import { type Core, note, send, store, tell } from "./core.ts";
import { draft } from "./drafting.ts";
import { delaysFront, frontPlaced, frontRefused, lateOnPlace } from "./front.ts";
import { unsold } from "./offers.ts";
import { makeRoom } from "./preempting.ts";
import { placeOnSale } from "./selling.ts";
import type { RunEntry, TaskEntry } from "./tasks.ts";
import { propose } from "./trading.ts";
import { rankOf } from "./turns.ts";
import { heldAway, needsInPlace } from "./ways.ts";

/*
 * One task finds its place: on sale, in its turn, under a contract, and launched there [M.1].
 */

/** Explaining costs a walk over all nodes: done at every placement only where that is cheap. */
const EXPLAIN_UP_TO_NODES = 256;
const MOST_STICKY = 10_000;
/** So many places that would put off the task in front or a promise are passed over for others; then a task waits. */
const MOST_KEPT = 16;
/** Decisions remembered for `explain`, the oldest forgotten first. */
const MOST_DECIDED = 10_000;

/** What came of seeking a place. */
export interface Sought {
  /** What is intended next. */
  readonly next: readonly Intention[];
  /** Runs that have yet to be told that they gave way. */
  readonly victims: readonly RunEntry[];
}

/** Seeks a place for a task and launches it there. */
export function place(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  attempt: number,
  avoid: readonly NodeId[],
): Sought {
  const task = entry.row.id;
  const away = heldAway(core, entry.row.submission);
  if (away !== null) return wait(core, now, entry, away, "line");
  let decision = decide(core, now, entry, avoid);
  // Every other node is worse than one that failed once: a network of one node must heal too.
  if (decision.outcome === "refused" && avoid.length > 0) decision = decide(core, now, entry, []);
  const room =
    decision.outcome === "refused" ? makeRoom(core, now, entry, avoid, lateOnPlace(core, now, task)) : null;
  if (room !== null) decision = room.decision;
  core.decided.set(task, { at: now, decision });
  if (core.decided.size > MOST_DECIDED) core.decided.delete(core.decided.keys().next().value as string);
  if (decision.outcome === "refused") {
    frontRefused(core, now, task);
    return wait(core, now, entry, decision.refusal, isOwnAlone(core, now, entry) ? "line" : "shape");
  }
  const abroad = core.federation?.peerAt(decision.node);
  const awaited = abroad === undefined ? null : awaitQuote(core, now, entry, abroad);
  if (awaited !== null) return wait(core, now, entry, awaited, "line");
  const drafted = draft(core, now, entry, attempt, decision);
  const proposed = propose(core, now, drafted.contract);
  if (!proposed.ok) {
    room?.undo();
    frontRefused(core, now, task);
    return wait(core, now, entry, proposed.refusal, "line");
  }
  const { life, ...contract } = proposed.value;
  const run: RunEntry = { ...drafted, contract, life };
  const { committed, stale } = core.pool.commit([decision.claim]);
  const reservation = committed[0];
  assert(reservation !== undefined, `what was just found free is free: ${stale[0]?.because}`);
  core.reservations.set(run.view.id, reservation.id);
  store(core, core.tasks.addRun(run));
  store(core, core.tasks.progress(entry, "launched"));
  remember(core, now, entry.row.submission.needs, decision.node);
  if (abroad !== undefined) placedAbroad(core, now, entry, abroad);
  tell(core, now, "accepted", "contract", contract.contract.terms.id);
  tell(core, now, "placed", "task", task);
  note(core, now, task, run.view.id, `placed on ${run.view.node}, path ${run.view.path.join(" > ")}`);
  if (run.live !== null) {
    const connection = core.fleet.member(decision.node)?.connection ?? null;
    send(core, connection, { kind: "launch", launch: run.live.launch });
  }
  frontPlaced(core, now, task);
  // What was held back for it may begin.
  if (endPromise(core, task)) core.orchestrator.handle(now, { kind: "room" });
  const next = core.orchestrator.handle(now, { kind: "placed", task, run: run.view.id, node: decision.node });
  return { next, victims: room?.victims ?? [] };
}

/** Whether that nothing fits says nothing of like tasks of others: its own might give way to it, or domains are barred. */
const isOwnAlone = (core: Core, now: Instant, entry: TaskEntry): boolean =>
  rankOf(entry.row.submission.needs) > 0 ||
  entry.row.submission.step !== undefined ||
  (core.federation !== null && barredFor(core, now, entry).length > 0);

interface Wish {
  /** As the scheduler is to see it: what only other steps want goes nowhere. */
  readonly needs: TaskNeeds;
  /** Where it is kept as long as it can be; null: wherever is best. */
  readonly node: NodeId | null;
  /** The very place that was decided for it, where that still holds. */
  readonly placed: Placed | null;
}

/** What was decided of a task beforehand, with others, and what a step differs in from a task by itself. */
function wishOf(core: Core, now: Instant, entry: TaskEntry, avoid: readonly NodeId[]): Wish {
  const { submission } = entry.row;
  const planned = core.planned.get(entry.row.id);
  core.planned.delete(entry.row.id);
  const holds =
    planned !== undefined &&
    !avoid.includes(planned.node) &&
    core.pool.check(planned.claim) === null &&
    unsold(core, planned.node, planned.timeline.compute, now) === null;
  const promised = core.ahead.of(entry.row.id);
  const node = submission.step?.node ?? promised?.node ?? null;
  return {
    needs: onLanes(needsInPlace(submission), promised),
    node: node !== null && !avoid.includes(node) ? node : null,
    placed: holds ? planned : null,
  };
}

function decide(core: Core, now: Instant, entry: TaskEntry, avoid: readonly NodeId[]): Decision {
  const wish = wishOf(core, now, entry, avoid);
  if (wish.placed !== null && !putsOff(core, now, entry, wish.placed)) return wish.placed;
  const { needs } = wish;
  const explain = core.pool.nodes.slots.bound <= EXPLAIN_UP_TO_NODES;
  const exclude = core.federation === null ? [...avoid] : [...avoid, ...barredFor(core, now, entry)];
  for (let tries = 0; ; tries++) {
    const decision = placeOnSale(core, now, needs, {
      sticky: wish.node ?? formerOf(core, now, needs),
      ...(wish.node === null ? {} : { margin: 1 }),
      excludeNodes: exclude,
      explain,
    });
    if (decision.outcome === "refused") return tries === 0 ? decision : heldBack(decision);
    if (!putsOff(core, now, entry, decision)) return decision;
    if (tries === MOST_KEPT) return heldBack(decision);
    exclude.push(decision.node, ...(tries === MOST_KEPT - 1 ? core.ahead.nodes : []));
  }
}

/** Whether a placement would put off one that was there before: who waits in front, or was promised its place. */
const putsOff = (core: Core, now: Instant, entry: TaskEntry, placed: Placed): boolean =>
  delaysFront(core, now, entry, placed) || delaysPromise(core, now, entry, placed);

/** What is free is not for this task. */
const heldBack = ({ basedOn }: Decision): Decision => ({
  outcome: "refused",
  code: "no_capacity",
  refusal: refuse("no_capacity", "what is free is kept for tasks that came before", {
    hint: "it is tried again whenever there is more room",
  }).refusal,
  basedOn,
  // What was passed over is no want of the nodes'.
  explanation: null,
});

function wait(core: Core, now: Instant, entry: TaskEntry, refusal: Refusal, what: "shape" | "line"): Sought {
  const before = entry.row.progress;
  if (before.phase !== "pending" || before.reason?.code !== refusal.code) {
    store(core, core.tasks.progress(entry, "pending", { reason: refusal }));
    tell(core, now, "waiting", "task", entry.row.id);
  }
  const next = core.orchestrator.handle(now, { kind: "unplaced", task: entry.row.id, refusal, what });
  return { next, victims: [] };
}

function formerOf(core: Core, now: Instant, needs: TaskNeeds): NodeId | null {
  const kept = needs.basic.sticky === null ? undefined : core.sticky.get(needs.basic.sticky.key);
  return kept === undefined || kept.until < now ? null : kept.node;
}

function remember(core: Core, now: Instant, needs: TaskNeeds, node: NodeId): void {
  const { sticky } = needs.basic;
  if (sticky === null) return;
  core.sticky.delete(sticky.key); // to the end: the oldest key is forgotten first
  core.sticky.set(sticky.key, { node, until: after(now, sticky.keepFor) });
  if (core.sticky.size > MOST_STICKY) core.sticky.delete(core.sticky.keys().next().value as string);
}
