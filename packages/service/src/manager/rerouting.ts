import type { NodeId, SiteId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { type Core, note, send, store, tell } from "./core.ts";
import type { RunEntry } from "./tasks.ts";
import { segmentsOf } from "./ways.ts";

/*
 * Links that went away: every run whose path led over one is led round it, on the node where it is. No run moves for
 * a link: one that no way reaches is placed anew only once a transfer of it has failed.
 */

/** Leads runs round the hops (`from>to`, either direction) that have just gone down. */
export function reroute(core: Core, now: Instant, gone: ReadonlySet<string>): void {
  if (gone.size === 0) return;
  for (const run of [...core.tasks.live]) if (leadsOver(run.view.path, gone)) rerouteRun(core, now, run);
}

function leadsOver(path: readonly SiteId[], gone: ReadonlySet<string>): boolean {
  for (let i = 1; i < path.length; i++) {
    if (gone.has(`${path[i - 1]}>${path[i]}`) || gone.has(`${path[i]}>${path[i - 1]}`)) return true;
  }
  return false;
}

function rerouteRun(core: Core, now: Instant, run: RunEntry): void {
  const task = core.tasks.task(run.task);
  if (task === undefined || run.live === null) return;
  const [from, to] = [run.view.path[0] as SiteId, run.view.path.at(-1) as SiteId];
  const path = core.scheduler.route(task.row.submission.needs, from, to);
  if (path === null) return; // it may come back; a transfer that fails meanwhile has the task placed anew
  leadBy(core, run, path);
  tell(core, now, "rerouted", "task", run.task);
  note(core, now, run.task, run.view.id, `rerouted: ${path.join(" > ")}`);
}

/** What a run has yet to fetch or give back takes this path from now on. */
export function leadBy(core: Core, run: RunEntry, path: readonly SiteId[]): void {
  if (run.live === null) return;
  reserveAgain(core, run, path);
  const segments = segmentsOf(path);
  const launch = { ...run.live.launch, segments };
  store(core, core.tasks.move(run, { path }, { launch, claim: { ...run.live.claim, path } }));
  const connection = core.fleet.member(run.view.node as NodeId)?.connection ?? null;
  send(core, connection, { kind: "reroute", run: run.view.id, segments });
}

/** Bandwidth on the new path in the place of the old; where that is taken the run keeps its node and shares the way. */
function reserveAgain(core: Core, run: RunEntry, path: readonly SiteId[]): void {
  const before = core.reservations.get(run.view.id);
  if (before === undefined || run.live === null) return;
  core.pool.release(before);
  core.reservations.delete(run.view.id);
  for (const way of [path, path.slice(-1)]) {
    const claim = core.pool.claim({ ...run.live.claim, path: way });
    const reserved = claim.ok ? core.pool.reserve(claim.value) : null;
    if (!reserved?.ok) continue;
    core.reservations.set(run.view.id, reserved.value);
    return;
  }
}
