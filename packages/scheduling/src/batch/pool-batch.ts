import { COMPUTE_TYPES } from "@weft/infrastructure";
import { ACCELERATOR_KINDS, type Pool } from "@weft/pool";
import type { Decision, Placed } from "../placement/decision.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import type { BatchProblem } from "./batch-problem.ts";
import { BatchSearch } from "./batch-search.ts";
import { raiseBound } from "./lagrangian.ts";
import { type Offer, Offers } from "./offers.ts";

/** Tasks decided together on one pool. */
export interface BatchDecision {
  /** By task. The claims of all that are placed hold together: committed in any order they all fit. */
  readonly decisions: readonly Decision[];
  readonly placed: number;
  /** Sum of what the objectives make of the placed tasks, in `unit`. */
  readonly score: number;
  /**
   * What scores are summed in: that of the one objective all tasks have, or, where objectives differ, each task's score as
   * a multiple of the best it could have had alone.
   */
  readonly unit: "cost" | "time" | "energy" | "carbon" | "weighted" | "relative";
  /** What one at a time, in the given order, reaches on the same pool. */
  readonly alone: { readonly placed: number; readonly score: number };
  /** No plan places more tasks (proven). */
  readonly mostPlaced: number;
  /** No plan that places all these tasks scores less (proven); null where tasks are left out or scores unknown. */
  readonly bound: number | null;
  /** How far the score lies above the bound, as a share of it; 0 is proven best. */
  readonly gap: number | null;
}

export interface BatchOptions {
  readonly seed?: number;
  /** Moves of the search; by default 1,000 a task, at most 200,000. */
  readonly moves?: number;
  /** For each task the decision is explained where it is refused; costs a scan of the pool each. */
  readonly explain?: boolean;
}

/**
 * Decides many tasks at once on a pool as it is: as many as can be placed, then at the least sum of scores. Changes and
 * reserves nothing; commit the claims, in order.
 *
 * The tasks' offers (best nodes at full, half, quarter ... rate) make a batch problem over computing power, memory,
 * storage and accelerators, which is searched; its plan is then carried out task by task on a copy of the pool, where
 * links, single devices and service limits count too, and what does not fit there is placed anew. A plan that is worse
 * than one at a time is dropped for that one. The bound leaves links out and lets each task take the best score and the
 * least computing power of each step between two levels, so it holds whatever rates a plan chooses.
 */
export function planTogether(
  pool: Pool,
  tasks: readonly TaskNeeds[],
  options: BatchOptions = {},
): BatchDecision {
  const alone = placeInTurn(
    pool,
    tasks,
    tasks.map(() => null),
    options,
  );
  const offers = offersOf(pool.snapshot(), tasks);
  const worth = worthOf(tasks, offers);
  const rated = (decisions: readonly Decision[]) => ({
    decisions,
    placed: decisions.reduce((count, { outcome }) => count + (outcome === "placed" ? 1 : 0), 0),
    score: decisions.reduce((sum, d, t) => (d.outcome === "placed" ? sum + worth.of(t, d.score) : sum), 0),
  });
  const first = rated(alone);
  const problem = problemOf(pool, tasks, offers, worth, "levels");
  let best = first;
  if (problem.node.length > 0 && tasks.length > 1) {
    const search = new BatchSearch(problem, options.seed ?? 1);
    search.search(options.moves ?? Math.min(200_000, 1_000 * tasks.length));
    const together = rated(
      placeInTurn(pool, tasks, wishesOf(pool, problem, search.best.arc, offers), options),
    );
    if (isBetter(together, first)) best = together;
  }
  const proven = boundsOf(pool, tasks, offers, worth, best);
  return {
    ...best,
    unit: worth.unit,
    alone: { placed: first.placed, score: first.score },
    ...proven,
  };
}

interface Rated {
  readonly decisions: readonly Decision[];
  readonly placed: number;
  readonly score: number;
}

const isBetter = (a: Rated, b: Rated): boolean =>
  a.placed > b.placed || (a.placed === b.placed && a.score < b.score);

/** The node and lanes that a plan wants for a task; null: whatever is best when its turn comes. */
interface Wish {
  readonly node: Placed["node"];
  readonly lanes: number;
}

/**
 * Every task's decision on a copy of the pool in which the ones before it are reserved: those with a wish first, on their
 * node where it holds; then the others; then those that were given less than they could use take what is left.
 */
function placeInTurn(
  pool: Pool,
  tasks: readonly TaskNeeds[],
  wishes: readonly (Wish | null)[],
  options: BatchOptions,
): readonly Decision[] {
  const draft = pool.snapshot();
  const scheduler = new Scheduler(draft, { stickyMargin: 1 });
  const decisions: (Decision | null)[] = tasks.map(() => null);
  const reserved = new Map<number, ReturnType<Pool["reserve"]>>();
  const take = (t: number, decision: Decision): void => {
    decisions[t] = decision;
    if (decision.outcome === "placed") reserved.set(t, draft.reserve(decision.claim));
  };
  for (let t = 0; t < tasks.length; t++) {
    const wish = wishes[t];
    if (wish == null) continue;
    const needs = withLanes(tasks[t]!, wish.lanes);
    const decision = scheduler.place(needs, { sticky: wish.node });
    if (decision.outcome === "placed" && decision.node === wish.node) take(t, decision);
  }
  for (let t = 0; t < tasks.length; t++) {
    if (decisions[t] !== null) continue;
    const explain = options.explain === true;
    take(t, scheduler.place(tasks[t]!, { explain }));
  }
  for (let t = 0; t < tasks.length; t++) {
    const [wish, decision, held] = [wishes[t], decisions[t]!, reserved.get(t)];
    if (wish == null || decision.outcome !== "placed" || held?.ok !== true) continue;
    draft.release(held.value);
    const again = scheduler.place(tasks[t]!, { sticky: decision.node });
    const gains = again.outcome === "placed" && again.node === decision.node && again.score <= decision.score;
    take(t, gains ? again : decision);
  }
  return decisions.map((decision) => rebased(decision!, pool.version));
}

const withLanes = (needs: TaskNeeds, lanes: number): TaskNeeds => ({
  ...needs,
  compute: { ...needs.compute, lanes: Math.min(lanes, needs.compute.lanes) },
});

const rebased = (decision: Decision, basedOn: number): Decision =>
  decision.outcome === "placed"
    ? { ...decision, basedOn, claim: { ...decision.claim, basedOn } }
    : { ...decision, basedOn };

/**
 * By task its offers: with as many nodes as tasks, none better is missed. If some plan puts a task on a node beyond
 * its best so many, one of these is free of all other tasks, and serves it no worse.
 */
function offersOf(pool: Pool, tasks: readonly TaskNeeds[]): readonly (readonly Offer[])[] {
  const lister = new Offers(pool);
  const known = new Map<string, readonly Offer[]>();
  return tasks.map((needs) => {
    const shape = JSON.stringify(needs, (_, value) => (typeof value === "bigint" ? `${value}` : value));
    // Infinity is null in JSON: lanes are named beside it.
    const key = `${needs.compute.lanes} ${shape}`;
    let offers = known.get(key);
    if (offers === undefined) known.set(key, (offers = lister.of(needs, tasks.length)));
    return offers;
  });
}

interface Worth {
  readonly unit: BatchDecision["unit"];
  /** What a score counts in the sum. */
  readonly of: (task: number, score: number) => number;
}

function worthOf(tasks: readonly TaskNeeds[], offers: readonly (readonly Offer[])[]): Worth {
  const kinds = new Set(tasks.map(({ objective }) => JSON.stringify(objective)));
  // An unknown score is no number to add up: it counts as worse than all that are known.
  let greatest = 1;
  for (const list of offers)
    for (const { levels } of list)
      for (const { score } of levels)
        if (score < Number.POSITIVE_INFINITY) greatest = Math.max(greatest, score);
  const known = (score: number): number => (score < Number.POSITIVE_INFINITY ? score : 10 * greatest);
  if (kinds.size <= 1) {
    return { unit: tasks[0]?.objective.kind ?? "cost", of: (_, score) => known(score) };
  }
  const least = offers.map((list) => known(list[0]?.levels[0]?.score ?? 0));
  return { unit: "relative", of: (t, score) => known(score) / (least[t]! > 0 ? least[t]! : 1) };
}

/** Computing power by type, memory, storage, throughput, accelerator memory by kind. */
const RESOURCES = COMPUTE_TYPES.length + 3 + ACCELERATOR_KINDS.length;

/**
 * The batch problem of some tasks' offers. `levels`: what a plan may choose. `bound`: every arc has the score of its level
 * and the rate of the next one below, so that no real placement takes more or scores less than some arc.
 */
function problemOf(
  pool: Pool,
  tasks: readonly TaskNeeds[],
  offers: readonly (readonly Offer[])[],
  worth: Worth,
  kind: "levels" | "bound" | "count",
): BatchProblem & { readonly level: Int32Array; readonly offer: Int32Array } {
  const asked = askedFor(tasks);
  const resources = asked.length;
  const index = new Map<number, number>();
  const start = new Int32Array(tasks.length + 1);
  offers.forEach((list, t) => {
    start[t + 1] = start[t]! + list.reduce((arcs, { levels }) => arcs + levels.length, 0);
  });
  const arcs = start[tasks.length]!;
  const [node, level, which] = [new Int32Array(arcs), new Int32Array(arcs), new Int32Array(arcs)];
  const cost = new Float64Array(arcs);
  const demand = new Float64Array(arcs * resources);
  let highest = 0;
  let a = 0;
  offers.forEach((list, t) => {
    const held = demandOf(tasks[t]!, 0);
    const type = asked.indexOf(COMPUTE_TYPES.indexOf(tasks[t]!.compute.type));
    list.forEach((offer, o) => {
      if (!index.has(offer.node)) index.set(offer.node, index.size);
      offer.levels.forEach(({ rate, score, total }, l) => {
        const below =
          kind === "levels" ? rate : (offer.levels[l + 1]?.rate ?? Math.min(rate, offer.leastRate));
        // Where scores are equal the sooner counts, as one at a time.
        const value = kind === "count" ? 0 : worth.of(t, score) + (kind === "levels" ? total * SOONER : 0);
        highest = Math.max(highest, value);
        node[a] = index.get(offer.node)!;
        cost[a] = value;
        for (let k = 0; k < resources; k++) demand[a * resources + k] = held[asked[k]!]!;
        demand[a * resources + type] = below;
        level[a] = l;
        which[a++] = o;
      });
    });
  });
  return {
    tasks: tasks.length,
    nodes: index.size,
    resources,
    start,
    node,
    cost,
    demand,
    capacity: Float64Array.from(
      [...index.keys()].flatMap((n) => {
        const all = capacityOf(pool, n);
        return asked.map((k) => all[k]!);
      }),
    ),
    leaveOut: kind === "count" ? 1 : kind === "bound" ? 2 * highest + 1 : (highest + 1) * (tasks.length + 1),
    level,
    offer: which,
  };
}

/** The resources that some task takes any of: none else can be short, however little of it there is. */
function askedFor(tasks: readonly TaskNeeds[]): readonly number[] {
  const asked = new Set<number>();
  for (const needs of tasks) {
    demandOf(needs, 1).forEach((amount, k) => {
      if (amount > 0) asked.add(k);
    });
  }
  return [...asked].sort((a, b) => a - b);
}

/** What a micro more counts among equal scores: nothing a score would notice. */
const SOONER = 1e-9;

export function demandOf({ compute, algorithm, storage }: TaskNeeds, rate: number): number[] {
  const demand = new Array<number>(RESOURCES).fill(0);
  const types = COMPUTE_TYPES.length;
  demand[COMPUTE_TYPES.indexOf(compute.type)] = rate;
  demand[types] = Math.ceil(algorithm.space);
  demand[types + 1] = Math.ceil(storage.capacity);
  demand[types + 2] = Math.ceil(storage.throughput);
  if (compute.accelerator !== null) {
    const { kind, memoryBytes, count = 1 } = compute.accelerator;
    demand[types + 3 + ACCELERATOR_KINDS.indexOf(kind)] = Math.ceil(memoryBytes) * count;
  }
  return demand;
}

export function capacityOf({ nodes }: Pool, n: number): number[] {
  const devices = ACCELERATOR_KINDS.map((_, kind) =>
    (nodes.devices[n] ?? []).reduce((sum, device) => (device.kind === kind ? sum + device.free : sum), 0),
  );
  const free = nodes.free.map((column) => column[n]!);
  const rest = [...free, nodes.freeMemory[n]!, nodes.freeStorage[n]!, nodes.freeThroughput[n]!, ...devices];
  return rest.map((left) => Math.max(0, left));
}

function wishesOf(
  pool: Pool,
  problem: ReturnType<typeof problemOf>,
  arc: Int32Array,
  offers: readonly (readonly Offer[])[],
): readonly (Wish | null)[] {
  return Array.from(arc, (a, t) => {
    if (a < 0) return null;
    const offer = offers[t]![problem.offer[a]!]!;
    return { node: pool.nodes.slots.idOf(offer.node), lanes: offer.levels[problem.level[a]!]!.lanes };
  });
}

/** Rounds of ascent on the bounds. */
const ROUNDS = 400;

function boundsOf(
  pool: Pool,
  tasks: readonly TaskNeeds[],
  offers: readonly (readonly Offer[])[],
  worth: Worth,
  best: Rated,
): Pick<BatchDecision, "mostPlaced" | "bound" | "gap"> {
  if (best.placed < tasks.length) {
    const left = tasks.length - best.placed;
    const count = problemOf(pool, tasks, offers, worth, "count");
    const least = raiseBound(count, left, ROUNDS).bound;
    return { mostPlaced: tasks.length - Math.min(left, Math.ceil(least - 1e-6)), bound: null, gap: null };
  }
  if (tasks.length === 0) return { mostPlaced: 0, bound: 0, gap: 0 };
  const { bound: proven } = raiseBound(problemOf(pool, tasks, offers, worth, "bound"), best.score, ROUNDS);
  const bound = Math.min(proven, best.score);
  const above = best.score - bound;
  const gap = above <= Math.abs(bound) * 1e-9 ? 0 : above / Math.max(Math.abs(bound), 1e-300);
  return { mostPlaced: tasks.length, bound, gap };
}
