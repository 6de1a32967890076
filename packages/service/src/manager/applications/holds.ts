import type { Claim, ReservationId } from "@weft/pool";
import type { Core } from "../core.ts";
import { onSale } from "../offers.ts";
import { amountOfClaim } from "../shares.ts";
import type { Entry } from "./register.ts";

/*
 * The places that a gang's steps hold until each of them starts [M.A4].
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

/** Gangs take back what a restart let go. */
export function holdForGangs(core: Core): void {
  for (const entry of core.applications.open) {
    if (entry.kept.phase === "running" && entry.kept.submission.gang) holdAgain(core, entry);
  }
}

function holdAgain(core: Core, entry: Entry): void {
  entry.kept.steps.forEach(({ task, node }, s) => {
    if (task !== null || node === null || entry.held.has(s)) return;
    const { needs } = entry.kept.submission.steps[s]!;
    const decision = core.scheduler.place(onSale(core, needs), { sticky: node, margin: 1 });
    if (decision.outcome === "refused") return;
    const reserved = core.pool.reserve(decision.claim);
    if (reserved.ok) hold(core, entry, s, reserved.value);
  });
}
