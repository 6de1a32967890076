import { assert, type Instant, refuse, unreachable } from "@weft/kernel";
import type { Intention, Observation } from "@weft/orchestration";
import { hasEnded } from "../store.ts";
import { endPromise } from "./ahead.ts";
import { holdForAll } from "./applications/holds.ts";
import { type Core, store, tell } from "./core.ts";
import { tendFront } from "./front.ts";
import { place } from "./placing.ts";
import type { TaskEntry } from "./tasks.ts";
import { giveWay, withdrawRun } from "./withdrawing.ts";

/*
 * The loop of every task: what was seen goes to the orchestrator, what it intends is carried out, and what that shows is
 * seen in turn. Use cases stand above it and tell it what they saw; what it calls knows nothing of it.
 */

/** What is built of tasks, and hears of them: it stands above the loop and is wired to it in manager.ts. */
export interface TaskListener {
  /** A task has succeeded, failed or been cancelled. */
  ended(core: Core, now: Instant, task: TaskEntry): void;
  /** There is room, and every task that waits has had its turn at it. */
  roomLeft(core: Core, now: Instant): void;
}

/** Tells the orchestrator what was seen and carries out what it intends, until nothing follows. */
export function observe(core: Core, now: Instant, seen: Observation): void {
  if (seen.kind === "room") {
    holdForAll(core); // theirs by right, before anybody else's turn
    tendFront(core, now);
    if (core.shares.refresh()) core.orchestrator.handle(now, { kind: "reweighed", consumer: null });
  }
  const intended = core.orchestrator.handle(now, seen);
  if (seen.kind === "ended" && !intended.some(({ task }) => task === seen.task)) waitsAgain(core, now, seen);
  carryOut(core, now, intended);
  if (seen.kind === "room") core.listener.roomLeft(core, now);
}

/** A task whose run is lost waits in line until its turn comes. */
function waitsAgain(core: Core, now: Instant, { task, end }: Observation & { readonly kind: "ended" }): void {
  const entry = core.tasks.task(task);
  if (entry === undefined || end.kind === "finished" || hasEnded(entry.row.progress.phase)) return;
  const reason = refuse(end.because, end.detail).refusal;
  store(core, core.tasks.progress(entry, "pending", { reason }));
  tell(core, now, "waiting", "task", task);
}

/** Carries out what the orchestrator intends, and what comes to be intended meanwhile. */
export function carryOut(core: Core, now: Instant, intended: readonly Intention[]): void {
  const intentions = [...intended];
  for (const intention of intentions) {
    const entry = core.tasks.task(intention.task);
    assert(entry !== undefined, "an intention is about a task that is known");
    switch (intention.kind) {
      case "place":
        intentions.push(...seekPlace(core, now, entry, intention)); // in this loop, since there may be thousands
        break;
      case "stop": {
        const run = core.tasks.run(intention.run);
        if (run !== undefined && run.live !== null) withdrawRun(core, now, run);
        core.orchestrator.handle(now, { kind: "reweighed", consumer: entry.row.consumer });
        break;
      }
      case "succeed": {
        const change = { finishedAt: now, ...entry.outcome };
        store(core, core.tasks.progress(entry, "succeeded", change));
        tell(core, now, "succeeded", "task", intention.task);
        core.listener.ended(core, now, entry);
        break;
      }
      case "fail":
        store(core, core.tasks.progress(entry, "failed", { reason: intention.refusal, finishedAt: now }));
        tell(core, now, "failed", "task", intention.task);
        endPromise(core, intention.task);
        core.listener.ended(core, now, entry);
        break;
      case "cancel":
        store(core, core.tasks.progress(entry, "cancelled", { finishedAt: now }));
        tell(core, now, "cancelled", "task", intention.task);
        endPromise(core, intention.task);
        core.listener.ended(core, now, entry);
        break;
      default:
        unreachable(intention);
    }
  }
}

/** Seeks a place for a task, for which others may have to give way; returns whose turn it is next. */
function seekPlace(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  { attempt, avoid }: Intention & { readonly kind: "place" },
): readonly Intention[] {
  const { next, victims } = place(core, now, entry, attempt, avoid);
  for (const victim of victims) observe(core, now, giveWay(core, now, victim, entry.row));
  return next;
}
