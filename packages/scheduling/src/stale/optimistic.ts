import { COMPUTE_TYPES, type NodeId } from "@weft/infrastructure";
import { type Micros, Rng } from "@weft/kernel";
import type { Claim, Pool, ReservationId, StaleCode } from "@weft/pool";
import { type Offer, Offers } from "../batch/offers.ts";
import type { Decision, Placed } from "../placement/decision.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { type ChoiceRule, choiceForAge, chooseByRule } from "./choice.ts";

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
 * default the live pool itself; what is planned again is planned on news, and takes the best. A task that an old view refuses is looked at again on a newer one before it is refused.
 */
export function placeOptimistically(
  live: Pool,
  view: Pool,
  tasks: readonly TaskNeeds[],
  options: {
    readonly rounds?: number;
    readonly later?: () => Pool;
    /** How old the view is, where others may have placed on the same news: chooses by `choiceForAge`. 0: exactly the best. */
    readonly age?: Micros;
    /** Of the chance in such a choice; schedulers that share a view need seeds of their own. */
    readonly seed?: number;
  } = {},
): readonly OptimisticOutcome[] {
  const outcomes: OptimisticOutcome[] = tasks.map(() => ({ state: "conflicting", conflicts: [] }));
  const rng = new Rng(options.seed ?? 1);
  let open = [...tasks.keys()];
  let seen = view;
  for (let round = 0; round < (options.rounds ?? 3) && open.length > 0; round++) {
    if (round > 0) seen = options.later?.() ?? live;
    const old = seen.version < live.version;
    const rule = round === 0 ? choiceForAge(options.age ?? (0 as Micros)) : BEST;
    const plans = planInTurn(seen, tasks, open, rule, rng);
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
  rule: ChoiceRule,
  rng: Rng,
): { readonly task: number; readonly decision: Decision }[] {
  const draft = view.snapshot();
  const scheduler = new Scheduler(draft, { stickyMargin: 1 });
  const offers = rule.kind === "best" ? null : new Offers(draft);
  return open.map((task) => {
    const needs = tasks[task]!;
    const sticky = offers === null ? null : chosenBy(rule, draft, offers.of(needs, OFFERS), needs, rng);
    const decision = scheduler.place(needs, { sticky });
    if (decision.outcome === "refused") return { task, decision };
    draft.reserve(decision.claim);
    return { task, decision: { ...decision, claim: { ...decision.claim, basedOn: view.version } } };
  });
}

/** Nodes that a rule chooses among: beyond the best so many none is ever likely. */
const OFFERS = 256;
const BEST: ChoiceRule = { kind: "best" };

/** The node that a rule takes of those on offer; null where there is none. */
function chosenBy(
  rule: ChoiceRule,
  { nodes }: Pool,
  offers: readonly Offer[],
  needs: TaskNeeds,
  rng: Rng,
): NodeId | null {
  const power = nodes.power[COMPUTE_TYPES.indexOf(needs.compute.type) as 0 | 1 | 2];
  const score = Float64Array.from(offers, ({ levels }) => levels[0]!.score);
  const strength = Float64Array.from(offers, ({ node }) => power[node]!);
  const chosen = chooseByRule(rule, score, strength, rng);
  return chosen < 0 ? null : nodes.slots.idOf(offers[chosen]!.node);
}
