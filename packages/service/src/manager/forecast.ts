import { after, type Instant, type Micros } from "@weft/kernel";
import type { RunEntry } from "./tasks.ts";

/*
 * When what runs is expected to have left: never later than its contract allows.
 */

/** Predictions are sometimes too good: where another's place depends on one it is counted so many times. */
const OVER_PREDICTED = 2;

/** What is predicted to last so long, as far as the places of others depend on it. */
export const counted = (predicted: Micros): Micros => (predicted * OVER_PREDICTED) as Micros;

/** Predictions that did not hold are taken to fail by as much again; the contract's end is the last there is. */
export function expectedEnd(run: RunEntry, now: Instant): Instant {
  const predicted = after(run.launchedAt, run.view.predicted.total);
  const end = predicted > now ? predicted : now + (now - run.launchedAt);
  return Math.min(end, run.contract.contract.terms.validUntil) as Instant;
}

/** Until when a run is counted as there: as long again as it was predicted to take, or has taken where that is more. */
export function countedEnd(run: RunEntry, now: Instant): Instant {
  const lasting = Math.max(run.view.predicted.total, now - run.launchedAt) as Micros;
  return Math.min(after(run.launchedAt, counted(lasting)), run.contract.contract.terms.validUntil) as Instant;
}
