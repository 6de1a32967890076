import type { NodeId } from "@weft/infrastructure";
import { type Instant, SECOND } from "@weft/kernel";
import { choosePreemption, Offers, type Placed, type TaskNeeds } from "@weft/scheduling";
import type { TaskRow } from "../store.ts";
import { delaysPromise, onLanes } from "./ahead.ts";
import type { Core } from "./core.ts";
import { onSale } from "./offers.ts";
import type { RunEntry, TaskEntry } from "./tasks.ts";
import { outranks, rankOf } from "./turns.ts";

/*
 * Room for a task of priority where nothing fits: running tasks of lower rank give way, the set that costs least.
 *
 * [M.P1] To a consumer's task of higher priority only tasks of its own give way, to a place promised ahead what came to
 *        its node since, to one kept for who waits too long what began there since: nobody names himself above others.
 *        And only where the task then really fits: tried on a copy first.
 * [M.P2] Whoever gave way pays nothing for what was done, is not held to have failed, and goes first among its like.
 */

/** More nodes than this need not be weighed: the best for the task come first. */
const NODES_WEIGHED = 256;
/** A choice that turns out not to do (links, single devices) is ruled out, and the next tried, so many times. */
const CHOICES = 8;

/** Running tasks that give way to one: its consumer's own that it outranks, and what came to its promised place since [M.R4]. */
function outranked(core: Core, { id, consumer, submission: { needs } }: TaskRow): readonly RunEntry[] {
  const promised = core.ahead.of(id);
  if (promised === undefined && rankOf(needs) === 0) return [];
  return [...core.tasks.live].filter((run) => {
    const row = core.tasks.task(run.task)?.row;
    if (row === undefined || !core.reservations.has(run.view.id)) return false;
    const other = row.submission.needs;
    if (row.consumer === consumer && outranks(needs, other)) return true;
    const unpromised = other.startAt === undefined;
    return unpromised && run.view.node === promised?.node && row.submittedAt > promised.since;
  });
}

/** Of those that may be asked, whom to ask to give way, and the place that this makes; null where that helps nothing. */
function roomBelow(
  core: Core,
  now: Instant,
  below: readonly RunEntry[],
  given: TaskNeeds,
  avoid: readonly NodeId[],
): { readonly victims: readonly RunEntry[]; readonly node: NodeId } | null {
  if (below.length === 0) return null;
  const needs = onSale(core, {
    ...given,
    where: { ...given.where, avoid: [...given.where.avoid, ...avoid] },
  });
  const emptied = core.pool.snapshot();
  for (const run of below) emptied.release(core.reservations.get(run.view.id)!);
  const offers = new Offers(emptied).of(needs, NODES_WEIGHED);
  const ruledOut = new Set<number>();
  for (let i = 0; i < Math.min(CHOICES, offers.length); i++) {
    const chosen = choosePreemption(problemOf(core, now, needs, below, offers, ruledOut));
    if (!chosen.ok) return null;
    const victims = chosen.value.victims.map((v) => below[v]!);
    const node = offers[chosen.value.node]!.node;
    const draft = core.pool.snapshot();
    for (const run of victims) draft.release(core.reservations.get(run.view.id)!);
    if (new Offers(draft).of(needs, Number.POSITIVE_INFINITY).some((offer) => offer.node === node)) {
      return { victims, node: core.pool.nodes.slots.idOf(node) };
    }
    ruledOut.add(chosen.value.node);
  }
  return null;
}

/** Share of the wanted rate, memory, storage, throughput, accelerator memory: what the task needs of one node. */
const RESOURCES = 5;

function problemOf(
  core: Core,
  now: Instant,
  needs: TaskNeeds,
  below: readonly RunEntry[],
  offers: ReturnType<Offers["of"]>,
  ruledOut: ReadonlySet<number>,
): Parameters<typeof choosePreemption>[0] {
  const { nodes } = core.pool;
  const index = new Map(offers.map(({ node }, j) => [node, j]));
  const type = ["logical", "parallel", "neural"].indexOf(needs.compute.type) as 0 | 1 | 2;
  const { accelerator } = needs.compute;
  const kind = accelerator === null ? -1 : ["gpu", "npu"].indexOf(accelerator.kind);
  // A lane's share of what it could have at best is enough to begin with.
  const wanted = offers.map(({ levels, leastRate }) => Math.max(leastRate, levels.at(-1)?.rate ?? 0, 1));
  const free = offers.flatMap(({ node }, j) => [
    needs.compute.work === 0 ? 1 : nodes.free[type][node]! / wanted[j]!,
    nodes.freeMemory[node]!,
    nodes.freeStorage[node]!,
    nodes.freeThroughput[node]!,
    (nodes.devices[node] ?? []).reduce((sum, one) => (one.kind === kind ? sum + one.free : sum), 0),
  ]);
  const claims = below.map((run) => core.pool.reservation(core.reservations.get(run.view.id)!));
  const standing = claims.map((claim) => (claim === undefined ? -1 : (index.get(claim.node) ?? -1)));
  return {
    resources: RESOURCES,
    need: Float64Array.of(
      needs.compute.work === 0 ? 0 : 1 - 1e-9,
      needs.algorithm.space,
      needs.storage.capacity,
      needs.storage.throughput,
      accelerator === null ? 0 : accelerator.memoryBytes * (accelerator.count ?? 1),
    ),
    priority: 1,
    nodes: offers.length,
    free: Float64Array.from(free),
    admissible: Uint8Array.from(offers, (_, j) => (ruledOut.has(j) ? 0 : 1)),
    // What stands on a node that would not do is nobody's victim.
    runningOn: Int32Array.from(standing, (j) => Math.max(0, j)),
    runningPriority: Float64Array.from(standing, (j) => (j < 0 ? Number.POSITIVE_INFINITY : 0)),
    held: Float64Array.from(
      claims.flatMap((claim, v) => {
        const j = standing[v]!;
        if (claim === undefined || j < 0) return [0, 0, 0, 0, 0];
        const device = claim.deviceKind === kind ? claim.deviceMemory * claim.deviceCount : 0;
        const rate = claim.type === type ? claim.rate / wanted[j]! : 0;
        return [rate, claim.memory, claim.storage, claim.throughput, device];
      }),
    ),
    // The move itself, and the time that was spent in vain.
    cost: Float64Array.from(below, (run) => (SECOND + Math.max(0, now - run.launchedAt)) / SECOND),
  };
}

/** A place that others gave way for. Their runs still have to be told; `undo` gives them their places back. */
export interface Room {
  readonly decision: Placed;
  readonly victims: readonly RunEntry[];
  readonly undo: () => void;
}

/**
 * Makes room for a task that nothing has room for, where some of lower priority, or `late` ones that stay too long on a
 * place kept for it, can give way; null where none can.
 */
export function makeRoom(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  avoid: readonly NodeId[],
  late: readonly RunEntry[],
): Room | null {
  const { row } = entry;
  const needs = onLanes(row.submission.needs, core.ahead.of(row.id));
  const asked = new Set([...outranked(core, row), ...late]);
  const below = roomBelow(core, now, [...asked], needs, avoid);
  if (below === null) return null;
  const held = below.victims.map((run) => {
    const id = core.reservations.get(run.view.id)!;
    return { run, claim: core.pool.reservation(id)!, id };
  });
  for (const { id } of held) core.pool.release(id);
  const undo = (): void => {
    for (const { run, claim } of held) {
      const again = core.pool.reserve({ ...claim, basedOn: core.pool.version });
      if (again.ok) core.reservations.set(run.view.id, again.value);
    }
  };
  const options = { sticky: below.node, margin: 1, excludeNodes: avoid };
  const decision = core.scheduler.place(onSale(core, needs), options);
  const made = decision.outcome === "placed" && !delaysPromise(core, now, entry, decision);
  if (made) return { decision, victims: below.victims, undo };
  undo();
  return null;
}
