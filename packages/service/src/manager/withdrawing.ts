import type { NodeId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import type { ContractInput } from "@weft/market";
import type { Observation } from "@weft/orchestration";
import type { RunView } from "../resources.ts";
import type { TaskRow } from "../store.ts";
import { type Core, note, send, store } from "./core.ts";
import { seal } from "./log.ts";
import type { RunEntry } from "./tasks.ts";
import { close } from "./trading.ts";

/*
 * Runs taken from their nodes before they are done: the place is free, the contract ends, nothing is charged. Where the
 * task goes on, what is to be observed of that is returned.
 */

/** The manager itself takes a run away from its node, since its task was cancelled. */
export function withdrawRun(core: Core, now: Instant, run: RunEntry): void {
  free(core, run);
  recall(core, run);
  const by = core.tasks.task(run.task)?.cancelledBy ?? "manager";
  closeUnpaid(core, now, run, { kind: "cancel", by }, { state: "failed", because: "cancelled" });
}

/** A run leaves its place to a task of higher priority: nothing is charged, and its own task waits for another place. */
export function giveWay(
  core: Core,
  now: Instant,
  run: RunEntry,
  { consumer, submission }: TaskRow,
): Observation {
  const own = core.tasks.task(run.task)?.row.consumer === consumer;
  const to = own ? submission.name : "a task of another consumer";
  return leavePlace(core, now, run, "preempted", `gave way to ${to}`);
}

/** A run leaves its place for a better one of its own: nothing is charged for what was done in vain. */
export function moveRun(core: Core, now: Instant, run: RunEntry, detail: string): Observation {
  return leavePlace(core, now, run, "moved", detail);
}

function leavePlace(
  core: Core,
  now: Instant,
  run: RunEntry,
  because: "preempted" | "moved",
  detail: string,
): Observation {
  free(core, run);
  recall(core, run);
  closeUnpaid(core, now, run, { kind: "cancel", by: "manager" }, { state: "lost", because });
  note(core, now, run.task, run.view.id, detail);
  return { kind: "ended", task: run.task, run: run.view.id, end: { kind: "lost", because, detail } };
}

/** Tells the node to stop the run. */
export function recall(core: Core, run: RunEntry): void {
  send(core, core.fleet.member(run.contract.contract.terms.node.id as NodeId)?.connection ?? null, {
    kind: "cancel",
    run: run.view.id,
  });
}

/** The run has ended, and its contract with it, without a charge. */
export function closeUnpaid(
  core: Core,
  now: Instant,
  run: RunEntry,
  end: ContractInput & { kind: "fail" | "cancel" },
  view: Partial<RunView>,
): void {
  close(core, now, run, end);
  seal(core, now, run);
  store(core, core.tasks.close(run, view, now));
}

/** Gives back what was reserved for the run. */
export function free(core: Core, run: RunEntry): void {
  const reserved = core.reservations.get(run.view.id);
  if (reserved !== undefined) core.pool.release(reserved);
  core.reservations.delete(run.view.id);
}
