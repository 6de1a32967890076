import { type Instant, type Micros, refuse, SECOND } from "@weft/kernel";
import { signContract } from "@weft/market";
import { command } from "../manager/commands.ts";
import type { Core } from "../manager/core.ts";
import { observe } from "../manager/observing.ts";
import { hasEnded } from "../store.ts";
import { adjust, ended } from "./concluding.ts";
import type { Federation, Inward, Peer } from "./federation.ts";
import { crossing, decline, forget, keep, repeat, say } from "./held.ts";
import { type Forward, foreignName } from "./messages.ts";
import { needsHere, objectionTo } from "./quoting.ts";

/*
 * The foreign side: a task of another domain runs here under an ordinary contract, whose consumer is that domain. Its
 * data is fetched from the home gateway first and the result is brought back there before the outcome is told.
 */

const WAITS_HERE = (15 * SECOND) as Micros;

/** A task is forwarded to us; the same run again is answered as before [P3]. */
export function taken(core: Core, now: Instant, peer: Peer, forward: Forward): void {
  const { federation } = core;
  const { launch } = forward;
  const { run } = launch;
  if (federation === null) return;
  const held = federation.inward.get(run);
  if (held !== undefined) return repeat(core, held);
  const refusal = objectionTo(core, now, federation, peer, forward);
  if (refusal !== null) {
    const message = { kind: "declined", run, refusal } as const;
    core.out.push({ kind: "to-peer", domain: peer.options.domain, message: { kind: "agent", message } });
    return;
  }
  const fresh: Inward = {
    domain: peer.options.domain,
    forward,
    signature: signContract(launch.contract.terms, core.options.signer),
    task: null,
    broughtIn: 0 as Micros,
    broughtOut: 0 as Micros,
    charged: null,
    waiting: null,
    outcome: null,
  };
  federation.inward.set(run, fresh);
  keep(core, now, fresh);
  repeat(core, fresh);
  bring(core, fresh);
}

/** The data that a run needs is asked of its home. */
function bring(core: Core, held: Inward): void {
  const { contents, input } = held.forward.launch;
  const all = input === null ? contents : [...contents, input];
  core.out.push({ kind: "bring", crossing: crossing(held, all) });
}

/** After a restart: what was under way between domains goes on. */
export function resume(core: Core, now: Instant, federation: Federation): void {
  for (const held of federation.inward.values()) {
    if (held.outcome !== null) continue;
    const { launch } = held.forward;
    const entry = held.task === null ? core.tasks.ofOrder(launch.run) : core.tasks.task(held.task);
    if (entry === undefined) {
      bring(core, held);
      continue;
    }
    held.task = entry.row.id;
    federation.inwardByTask.set(entry.row.id, held);
    if (hasEnded(entry.row.progress.phase)) ended(core, now, federation, held, entry);
  }
}

/** The data of a run is here, or cannot be had. */
export function brought(core: Core, now: Instant, run: string, took: Micros, failed: string | null): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  if (federation === null || held === undefined || held.outcome !== null || held.task !== null) return;
  if (failed !== null) return decline(core, now, federation, held, refuse("transfer_failed", failed).refusal);
  held.broughtIn = took;
  const { launch, name, order, needs } = held.forward;
  const submitted = command(core, now, {
    kind: "submit",
    caller: { account: foreignName(held.domain as never), role: "consumer" },
    submission: {
      name: `${held.domain}/${name}`,
      labels: { "weft.dev/home": held.domain },
      manifest: launch.manifest,
      needs: { ...needsHere(core, needs), payAtMost: order.order.payAtMost },
      program: launch.program,
      input: launch.input,
      contents: launch.contents,
      order,
    },
  });
  if (!submitted.ok) return decline(core, now, federation, held, submitted.refusal);
  held.task = submitted.value;
  federation.inwardByTask.set(submitted.value, held);
  const entry = core.tasks.task(submitted.value);
  if (entry?.row.progress.phase === "pending") follow(core, now, "waiting", submitted.value);
}

/** Something happened to a task here that stands for another domain's. */
export function follow(core: Core, now: Instant, what: string, task: string): void {
  const { federation } = core;
  const held = federation?.inwardByTask.get(task);
  const entry = core.tasks.task(task);
  if (federation === null || held === undefined || entry === undefined) return;
  const { run } = held.forward.launch;
  if (what === "running") say(core, held, { kind: "state", run, state: "running" });
  if (what === "running" || what === "placed") held.waiting = null;
  else if (what === "waiting" && entry.runs.length > 0) held.waiting ??= now;
  else if (what === "waiting") {
    // A place was quoted, not kept: better told at once than waited for here.
    const reason = entry.row.progress.reason ?? refuse("no_capacity", "nothing is free now").refusal;
    decline(core, now, federation, held, reason);
  } else if (hasEnded(entry.row.progress.phase)) ended(core, now, federation, held, entry);
}

/** A run that was lost here and finds no other place in a while goes back to its home. */
export function giveBack(core: Core, now: Instant, federation: Federation, held: Inward): void {
  if (held.waiting === null || now - held.waiting < WAITS_HERE) return;
  decline(
    core,
    now,
    federation,
    held,
    refuse("no_capacity", "its node here was lost, and no other is free").refusal,
  );
}

/** The home manager takes a run back. */
export function recalled(core: Core, now: Instant, peer: Peer, run: string): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  if (federation === null || held === undefined || held.domain !== peer.options.domain) return;
  if (held.charged !== null) adjust(core, now, held, 0n);
  forget(core, federation, held);
  if (held.task !== null) observe(core, now, { kind: "cancelled", task: held.task });
}
