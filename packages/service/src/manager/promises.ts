import { type LinkId, linkId, type NodeId, type SiteId } from "@weft/infrastructure";
import { after, type Bytes, Deadlines, type Instant, type Micros, SECOND } from "@weft/kernel";
import { type Broken, brokenPromises, keepPromises, type Standing, type Upkeep } from "@weft/scheduling";
import type { KeptPromise } from "../resources.ts";
import { type Core, note, tell } from "./core.ts";
import { observe } from "./observing.ts";
import { leadBy } from "./rerouting.ts";
import type { RunEntry } from "./tasks.ts";
import { needsInPlace } from "./ways.ts";
import { moveRun } from "./withdrawing.ts";

/*
 * Links that are still there but serve worse than they did: what was promised over them is kept where it can be.
 *
 * [M.K1] A task whose delay, jitter, loss, bit errors, bandwidth or deadline its path does not keep any more is led another
 *        way to its node; where none keeps it, it begins anew on another node if that keeps the deadline still; else it stays.
 *        Together the fewest move that can.
 * [M.K2] Nothing is done for what lasts less than `SETTLES`, and to one task at most once in `CALM`.
 * [M.K3] A task that moved has the deadline that it had, and pays nothing for what was done in vain.
 */

/** A broken promise must be seen broken for so long: what comes and goes moves nothing. */
const SETTLES = (2 * SECOND) as Micros;
/** Between two deeds for one task. */
const CALM = (30 * SECOND) as Micros;
/** A figure that moved by less than this share, or by less than that much, is what it was. */
const MATERIAL = 0.1;
const NOTICED = { micros: 200, lost: 1e-3 };
/** Of an input that should have come by now, so much is taken to be on its way. */
const LEAST_LEFT = 0.1;
/** Deeds remembered for `explain`, the oldest forgotten first. */
const MOST_TOLD = 10_000;

/** What is watched of links and of the promises that stand on them. */
export class Promises {
  /** Runs whose promise was seen broken, and when they are looked at again. */
  readonly upset = new Deadlines<string>();
  /** Runs whose promise nothing could restore. */
  readonly given: Set<string> = new Set();
  /** What was done for a task last. */
  readonly told = new Map<string, KeptPromise>();
  readonly #figures = new Map<LinkId, readonly number[]>();

  /** Whether a link's figures (delay, jitter, loss, bit errors, capacity) have moved since this last said so. */
  moved(link: LinkId, figures: readonly number[]): boolean {
    const before = this.#figures.get(link);
    const floors = [NOTICED.micros, NOTICED.micros, NOTICED.lost, 0, 0];
    const same = before?.every(
      (old, k) => Math.abs(figures[k]! - old) <= Math.max(MATERIAL * Math.abs(old), floors[k]!),
    );
    if (same === true) return false;
    this.#figures.set(link, figures);
    return true;
  }

  tell(task: string, told: KeptPromise): void {
    this.told.delete(task);
    this.told.set(task, told);
    if (this.told.size > MOST_TOLD) this.told.delete(this.told.keys().next().value as string);
  }
}

/** Links were measured again: looks at the promises of the runs whose paths lead over them. */
export function watchPromises(core: Core, now: Instant, measured: Iterable<LinkId>): void {
  const { links } = core.pool;
  const changed = new Set<LinkId>();
  for (const id of measured) {
    const at = links.slots.find(id);
    if (at < 0) continue;
    const { delay, jitter, loss, bitErrors, capacity } = links;
    const figures = [delay[at]!, jitter[at]!, loss[at]!, bitErrors[at]!, capacity[at]!];
    if (core.promises.moved(id, figures)) changed.add(id);
  }
  if (changed.size === 0) return;
  const runs = [...core.tasks.live].filter(
    (run) =>
      hasPromise(core, run) &&
      (core.promises.given.has(run.view.id) || leadsOver(run.view.path as readonly SiteId[], changed)),
  );
  if (runs.length === 0) return;
  const verdicts = brokenPromises(
    core.pool,
    runs.map((run) => standingOf(core, now, run)),
  );
  runs.forEach((run, i) => {
    const { upset, given } = core.promises;
    const broken = verdicts[i] ?? null;
    if (broken === null) {
      upset.clear(run.view.id);
      if (given.delete(run.view.id)) say(core, now, run, "kept", null, "its promises are kept again");
    } else if (!upset.has(run.view.id)) upset.set(run.view.id, lookAgainAt(core, now, run));
  });
}

function lookAgainAt(core: Core, now: Instant, run: RunEntry): Instant {
  const settled = after(now, SETTLES);
  const last = core.promises.told.get(run.task);
  const calm = last === undefined ? settled : after(last.at, CALM);
  return Math.max(calm, settled) as Instant;
}

/** Restores what is broken still, for the runs whose moment has come. */
export function restorePromises(core: Core, now: Instant): void {
  const runs = core.promises.upset.due(now).flatMap((id) => {
    const run = core.tasks.run(id);
    return run?.live == null ? [] : [run];
  });
  if (runs.length === 0) return;
  const { upkeep } = keepPromises(
    core.pool,
    runs.map((run) => standingOf(core, now, run)),
  );
  const moves: [RunEntry, Upkeep & { readonly kind: "move" }][] = [];
  runs.forEach((run, i) => {
    const deed = upkeep[i]!;
    if (deed.kind === "move") moves.push([run, deed]);
    else if (deed.kind === "reroute") {
      leadBy(core, run, deed.path);
      say(core, now, run, "rerouted", deed.broken, `led by ${deed.path.join(" > ")}`);
    } else if (deed.kind === "stay" && !core.promises.given.has(run.view.id)) {
      core.promises.given.add(run.view.id);
      say(core, now, run, "broken", deed.broken, "no way and no other node would keep it; it stays");
    }
  });
  // What they leave is there for each other, before anybody else's turn.
  for (const [run] of moves) core.pool.release(core.reservations.get(run.view.id)!);
  for (const [run, { to, broken }] of moves) {
    core.planned.set(run.task, to);
    say(core, now, run, "moved", broken, `begins anew on ${to.node}`);
    observe(core, now, moveRun(core, now, run, `${text(broken)}: begins anew on ${to.node}`));
  }
  if (moves.length > 0) observe(core, now, { kind: "room" });
}

function say(
  core: Core,
  at: Instant,
  run: RunEntry,
  what: KeptPromise["what"],
  broken: Broken | null,
  does: string,
): void {
  core.promises.tell(run.task, { at, what, broken, node: run.view.node });
  tell(core, at, what === "rerouted" ? "rerouted" : `promise-${what}`, "task", run.task);
  note(core, at, run.task, run.view.id, broken === null ? does : `${text(broken)}: ${does}`);
}

const text = ({ constraint }: Broken): string => `a link got worse, ${constraint} is not kept`;

function leadsOver(path: readonly SiteId[], links: ReadonlySet<LinkId>): boolean {
  for (let i = 1; i < path.length; i++) {
    const [from, to] = [path[i - 1]!, path[i]!];
    if (links.has(linkId(from, to)) || links.has(linkId(to, from))) return true;
  }
  return false;
}

/** What is abroad is its own manager's to look after. */
function hasPromise(core: Core, run: RunEntry): boolean {
  const needs = core.tasks.task(run.task)?.row.submission.needs;
  if (needs === undefined || run.live === null || run.view.path.length < 2) return false;
  if (core.federation?.peerAt(run.view.node as NodeId) !== undefined) return false;
  const { delay, jitter, loss, bitErrorRate, bandwidth } = needs.network;
  const stated = delay ?? jitter ?? loss ?? bitErrorRate;
  return stated !== null || bandwidth > 0 || run.contract.contract.terms.completeBy !== null;
}

/** A run and what of it is still to come, as far as it has said. */
function standingOf(core: Core, now: Instant, run: RunEntry): Standing {
  const { submission } = core.tasks.task(run.task)!.row;
  const { step } = submission;
  const needs = needsInPlace(submission);
  const { completeBy } = run.contract.contract.terms;
  const { state, predicted } = run.view;
  const startedAt = run.contract.steps?.find(([reached]) => reached === "active")?.[1] ?? now;
  const computes = state === "running" || state === "returning";
  const fetched = predicted.transferIn > 0 ? (now - run.launchedAt) / predicted.transferIn : 0;
  const input = Math.ceil(needs.basic.inputBytes * Math.max(LEAST_LEFT, 1 - fetched));
  const compute =
    state === "returning"
      ? 0
      : state === "running"
        ? Math.max(0, predicted.compute - (now - startedAt))
        : predicted.queue + predicted.compute;
  const gang = step !== undefined && core.applications.entry(step.application)?.kept.submission.gang === true;
  return {
    needs: {
      ...needs,
      basic: {
        ...needs.basic,
        deadline: completeBy === null ? null : (Math.max(1, completeBy - now) as Micros),
      },
    },
    claim: run.live!.claim,
    reservation: core.reservations.get(run.view.id) ?? null,
    left: {
      input: computes ? null : (input as Bytes),
      compute: compute as Micros,
      result: needs.basic.resultBytes,
    },
    mayMove: state !== "returning" && !gang,
  };
}
