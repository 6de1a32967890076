import type { Claim, ReservationId } from "@weft/pool";
import type { Core } from "../core.ts";
import { onSale } from "../offers.ts";
import { amountOfClaim } from "../shares.ts";
import type { Entry } from "./register.ts";

/*
 * The places that steps hold until each of them starts: all of a gang [M.A4], of a stream each stage's next [M.S2].
 */

/** A step's place is its own until it starts, and counts as its consumer's. */
export function hold(core: Core, entry: Entry, s: number, id: ReservationId): void {
  entry.held.set(s, id);
  core.shares.charge(entry.kept.consumer, amountOfClaim(core.pool.reservation(id) as Claim), 1);
}

export function letGo(core: Core, entry: Entry, s: number): void {
  const id = entry.held.get(s);
  if (id === undefined) return;
  core.shares.charge(entry.kept.consumer, amountOfClaim(core.pool.reservation(id) as Claim), -1);
  core.pool.release(id);
  entry.held.delete(s);
}

/** Gangs and streams take back what a restart let go, or what they had no room for. */
export function holdForAll(core: Core): void {
  for (const entry of core.applications.open) {
    const { phase, submission } = entry.kept;
    const holds = submission.gang || submission.pipeline?.inputs !== undefined;
    if (holds && phase === "running") holdPlaces(core, entry);
  }
}

/** A step that waits holds a place before anybody else's turn: any of a gang, of a stream that which is its stage's next. */
export function holdPlaces(core: Core, entry: Entry): void {
  const { kept, steps } = entry;
  const isNext = (s: number): boolean =>
    steps[s]!.of?.input === 0 || (steps[s]!.of !== undefined && kept.steps[s - 1]!.ended !== null);
  kept.steps.forEach(({ task, node }, s) => {
    if (task !== null || node === null || entry.held.has(s)) return;
    if (!kept.submission.gang && !isNext(s)) return;
    const { needs } = steps[s]!;
    const decision = core.scheduler.place(onSale(core, needs), { sticky: node, margin: 1 });
    if (decision.outcome === "refused") return;
    const reserved = core.pool.reserve(decision.claim);
    if (reserved.ok) hold(core, entry, s, reserved.value);
  });
}
