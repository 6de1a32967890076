import type { Claim, Pool, ReservationId, StaleCode } from "@weft/pool";
import type { Decision, Placed } from "../placement/decision.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";

/** What became of one task of an optimistic round trip. `conflicts`: why each plan before the last did not hold. */
export type OptimisticOutcome =
  | {
      readonly state: "committed";
      readonly decision: Placed;
      readonly id: ReservationId;
      readonly conflicts: readonly StaleCode[];
    }
  | { readonly state: "refused"; readonly decision: Decision; readonly conflicts: readonly StaleCode[] }
  | { readonly state: "conflicting"; readonly conflicts: readonly StaleCode[] };

/**
 * Plans tasks on a view that may be old, commits against the live pool what still holds, and plans the rest again on
 * what is then known, up to `rounds` times. Tasks are planned in order, each on what the ones before it leave. No
 * reservation ever exceeds what the live pool has, however old the view: the commit decides. A task that meets a
 * conflict in every round stays `conflicting`.
 *
 * `view` is a snapshot of `live` (older or not); it is not changed. `later` gives a newer one for the next round; by
 * default the live pool itself. A task that an old view refuses is looked at again on a newer one before it is refused.
 */
export function placeOptimistically(
  live: Pool,
  view: Pool,
  tasks: readonly TaskNeeds[],
  options: { readonly rounds?: number; readonly later?: () => Pool } = {},
): readonly OptimisticOutcome[] {
  const outcomes: OptimisticOutcome[] = tasks.map(() => ({ state: "conflicting", conflicts: [] }));
  let open = [...tasks.keys()];
  let seen = view;
  for (let round = 0; round < (options.rounds ?? 3) && open.length > 0; round++) {
    if (round > 0) seen = options.later?.() ?? live;
    const old = seen.version < live.version;
    const plans = planInTurn(seen, tasks, open);
    const claims = plans.flatMap(({ decision }) => (decision.outcome === "placed" ? [decision.claim] : []));
    const { committed, stale } = live.commit(claims);
    const ids = new Map<Claim, ReservationId>(committed.map(({ claim, id }) => [claim, id]));
    const because = new Map<Claim, StaleCode>(stale.map(({ claim, because }) => [claim, because]));
    open = [];
    for (const { task, decision } of plans) {
      const { conflicts } = outcomes[task]!;
      if (decision.outcome === "refused") {
        outcomes[task] = { state: "refused", decision, conflicts };
        if (old) open.push(task);
        continue;
      }
      const id = ids.get(decision.claim);
      if (id !== undefined) {
        outcomes[task] = { state: "committed", decision, id, conflicts };
        continue;
      }
      outcomes[task] = { state: "conflicting", conflicts: [...conflicts, because.get(decision.claim)!] };
      open.push(task);
    }
  }
  return outcomes;
}

/** Each task's decision on a copy of the view in which the ones before it are reserved. */
function planInTurn(
  view: Pool,
  tasks: readonly TaskNeeds[],
  open: readonly number[],
): { readonly task: number; readonly decision: Decision }[] {
  const draft = view.snapshot();
  const scheduler = new Scheduler(draft);
  return open.map((task) => {
    const decision = scheduler.place(tasks[task]!);
    if (decision.outcome === "refused") return { task, decision };
    draft.reserve(decision.claim);
    return { task, decision: { ...decision, claim: { ...decision.claim, basedOn: view.version } } };
  });
}
