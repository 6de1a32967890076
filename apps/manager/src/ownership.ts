import type { Caller, ContractRow, Manager, RunEntry, TaskEntry } from "@weft/service";
import type { EventView } from "@weft/service-http";

/*
 * What belongs to whom: a manager sees all, a consumer what it ordered, a provider what ran on its nodes. Whatever a
 * caller may not see is, for him, not there.
 */

type Core = Manager["core"];

const isProvider = (caller: Caller, run: RunEntry): boolean =>
  run.contract.contract.terms.provider.account === caller.account;

export function seesTask(caller: Caller, entry: TaskEntry): boolean {
  if (caller.role === "manager" || entry.row.consumer === caller.account) return true;
  return caller.role === "provider" && entry.runs.some((run) => isProvider(caller, run));
}

/** Runs in memory that the caller sees, newest first. */
export function runsSeenBy(core: Core, caller: Caller): readonly RunEntry[] {
  const runs: RunEntry[] = [];
  for (const entry of core.tasks.all) {
    for (const run of entry.runs) {
      const mine = caller.role === "manager" || entry.row.consumer === caller.account;
      if (mine || isProvider(caller, run)) runs.push(run);
    }
  }
  return runs.reverse();
}

/** A party of a contract reads it, and the manager any. */
export const mayRead = (caller: Caller, { contract: { terms } }: ContractRow): boolean =>
  caller.role === "manager" ||
  terms.consumer.account === caller.account ||
  terms.provider.account === caller.account;

export function mayHear(core: Core, caller: Caller, event: EventView): boolean {
  if (caller.role === "manager" || event.subject === "node" || event.subject === "link") return true;
  if (event.subject === "application") return event.object.consumer === caller.account;
  const entry = core.tasks.task(event.subject === "task" ? event.id : event.object.task);
  return entry !== undefined && seesTask(caller, entry);
}
