import type { NodeId, SiteId } from "@weft/infrastructure";
import type { Bytes, Micros } from "@weft/kernel";
import { type ClaimByName, KNOWN, type Pool, type ReservationId } from "@weft/pool";
import type { BatchProblem } from "../batch/batch-problem.ts";
import { type Offer, Offers } from "../batch/offers.ts";
import { capacityOf, demandOf } from "../batch/pool-batch.ts";
import type { Placed } from "../placement/decision.ts";
import { sending } from "../routing/way.ts";
import { Scheduler } from "../scheduler.ts";
import type { TaskNeeds } from "../task.ts";
import { replaceTasks } from "./replacement.ts";

/** A task that has its place, and what of it is still to come. */
export interface Standing {
  /** What it needs where it begins anew; `basic.deadline` is the time that is left for it from now on. */
  readonly needs: TaskNeeds;
  /** What it holds: its node, its path from the data, its bandwidth. */
  readonly claim: ClaimByName;
  readonly reservation: ReservationId | null;
  /** Still to be brought (null: all is there), to be computed (waiting for it included), to be brought back. */
  readonly left: { readonly input: Bytes | null; readonly compute: Micros; readonly result: Bytes };
  /** Whether it may begin anew on another node. */
  readonly mayMove: boolean;
}

/** A promise that a task's path, as it is, does not keep: figures in the unit of the need (micros, share, bits a second). */
export interface Broken {
  readonly constraint: "delay" | "jitter" | "loss" | "bitErrorRate" | "bandwidth" | "deadline";
  readonly limit: number;
  readonly found: number;
}

/** What becomes of one task: nothing; another path; another node; or nothing that would keep the promise. */
export type Upkeep =
  | { readonly kind: "stands" }
  | { readonly kind: "reroute"; readonly broken: Broken; readonly path: readonly SiteId[] }
  | { readonly kind: "move"; readonly broken: Broken; readonly to: Placed }
  | { readonly kind: "stay"; readonly broken: Broken };

export interface UpkeepPlan {
  /** By task. */
  readonly upkeep: readonly Upkeep[];
  /** No plan that keeps as many promises moves fewer tasks to other nodes. */
  readonly proven: boolean;
}

/**
 * Which standing tasks' promises the network, as it is now, does not keep any more: delay, jitter, loss, bit errors and
 * bandwidth of their own path, and the deadline over it. Where a link has become too narrow for all that is stated over it,
 * the widest lose: so the fewest do. By task; null: kept.
 */
export function brokenPromises(pool: Pool, standing: readonly Standing[]): readonly (Broken | null)[] {
  return judge(pool.snapshot(), standing);
}

/**
 * The links under standing tasks have changed: the fewest moves to other nodes by which as many promises as can be hold
 * again. Who can keep its node on another path keeps it; only tasks whose promise is broken are touched at all.
 * Every path and place of the answer holds together with the others on the pool as it is. Changes nothing.
 */
export function keepPromises(pool: Pool, standing: readonly Standing[], seed = 1): UpkeepPlan {
  const draft = pool.snapshot();
  const verdicts = judge(draft, standing);
  const upset = standing.flatMap((one, t) => {
    const broken = verdicts[t];
    return broken == null ? [] : [{ t, one, broken }];
  });
  const upkeep: Upkeep[] = standing.map(() => ({ kind: "stands" }));
  if (upset.length === 0) return { upkeep, proven: true };
  const scheduler = new Scheduler(draft);
  const ways = upset.map(({ one }) => wayFor(draft, scheduler, one));
  const { problem, current, to } = problemOf(draft, upset, ways);
  const plan = replaceTasks(problem, current, seed);
  const moving: number[] = [];
  // Those that stay whatever happens first: what they hold is not there for others to be led over.
  for (const { one } of upset.filter((_, i) => plan.arc[i]! < 0)) hold(draft, one.claim);
  upset.forEach(({ t, one, broken }, i) => {
    const arc = plan.arc[i]!;
    upkeep[t] = { kind: "stay", broken };
    if (arc < 0) return;
    if (arc !== current[i]) {
      moving.push(i);
      return;
    }
    // Others may have taken the way that it had found.
    const path = wayFor(draft, scheduler, one);
    if (path !== null) upkeep[t] = { kind: "reroute", broken, path };
    hold(draft, { ...one.claim, path: path ?? one.claim.path });
  });
  for (const i of moving) {
    const { t, one, broken } = upset[i]!;
    const placed = scheduler.place(anew(one), { sticky: to[plan.arc[i]!]!, margin: 1 });
    if (placed.outcome === "refused") {
      hold(draft, one.claim);
      continue;
    }
    draft.reserve(placed.claim);
    const basedOn = pool.version;
    upkeep[t] = { kind: "move", broken, to: { ...placed, basedOn, claim: { ...placed.claim, basedOn } } };
  }
  return { upkeep: whatHolds(pool, standing, upkeep), proven: plan.proven };
}

/** Leaves where it is whatever cannot be led or moved beside what, at last, stayed and holds what it has. */
function whatHolds(pool: Pool, standing: readonly Standing[], given: readonly Upkeep[]): readonly Upkeep[] {
  const upkeep = [...given];
  for (;;) {
    const draft = pool.snapshot();
    standing.forEach(({ reservation }, t) => {
      const { kind } = upkeep[t]!;
      if (reservation !== null && (kind === "reroute" || kind === "move")) draft.release(reservation);
    });
    const failed = standing.findIndex((one, t) => {
      const deed = upkeep[t]!;
      if (deed.kind === "reroute") {
        if (brokenOn(draft, one, deed.path) !== null) return true;
        hold(draft, { ...one.claim, path: deed.path });
      }
      return deed.kind === "move" && !draft.reserve({ ...deed.to.claim, basedOn: draft.version }).ok;
    });
    if (failed < 0) return upkeep;
    const deed = upkeep[failed]!;
    if ("broken" in deed) upkeep[failed] = { kind: "stay", broken: deed.broken };
  }
}

/** Takes what is broken off the draft, and leaves the rest on it. */
function judge(draft: Pool, standing: readonly Standing[]): readonly (Broken | null)[] {
  for (const { reservation } of standing) if (reservation !== null) draft.release(reservation);
  const verdicts = standing.map((): Broken | null => null);
  const narrowFirst = [...standing.keys()].sort(
    (s, t) => standing[s]!.needs.network.bandwidth - standing[t]!.needs.network.bandwidth || s - t,
  );
  for (const t of narrowFirst) {
    const one = standing[t]!;
    verdicts[t] = brokenOn(draft, one, one.claim.path);
    if (verdicts[t] === null) hold(draft, one.claim);
  }
  return verdicts;
}

/** Reserves what a task holds; where its path has no room for it any more, all but the bandwidth. */
function hold(draft: Pool, claim: ClaimByName): void {
  for (const path of [claim.path, claim.path.slice(-1)]) {
    const again = draft.claim({ ...claim, path });
    if (again.ok && draft.reserve(again.value).ok) return;
  }
}

/** The promise that a path does not keep, the first of them; null where it keeps all, or where a hop is not there at all. */
function brokenOn({ links }: Pool, { needs, left }: Standing, path: readonly SiteId[]): Broken | null {
  let [delayIn, delayOut, jitter, loss, bitErrors] = [0, 0, 0, 0, 0];
  let [rateIn, rateOut] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let known = ALL_KNOWN;
  for (let i = 1; i < path.length; i++) {
    const there = links.between(path[i - 1]!, path[i]!);
    const back = links.between(path[i]!, path[i - 1]!);
    if (there < 0 || back < 0 || links.up[there] !== 1 || links.up[back] !== 1) return null;
    delayIn += links.delay[there]!;
    delayOut += links.delay[back]!;
    // Of each hop the worse direction counts, as where paths are found.
    jitter += Math.max(links.jitter[there]!, links.jitter[back]!);
    loss += Math.max(links.loss[there]!, links.loss[back]!);
    bitErrors += Math.max(links.bitErrors[there]!, links.bitErrors[back]!);
    rateIn = Math.min(rateIn, links.residual[there]!);
    rateOut = Math.min(rateOut, links.residual[back]!);
    known &= links.known[there]! & links.known[back]!;
  }
  const { network, basic } = needs;
  const over = (
    constraint: Broken["constraint"],
    limit: number | null,
    found: number,
    figure: number,
  ): Broken | null =>
    limit !== null && (known & figure) === figure && found > limit * SLACK
      ? { constraint, limit, found }
      : null;
  const least = Math.min(rateIn, rateOut);
  const narrow =
    network.bandwidth > 0 && (known & KNOWN.capacity) !== 0 && least < network.bandwidth / SLACK
      ? ({ constraint: "bandwidth", limit: network.bandwidth, found: least } as const)
      : null;
  const transferIn = left.input === null ? 0 : delayIn + sending(left.input, rateIn);
  const total = transferIn + left.compute + delayOut + sending(left.result, rateOut);
  return (
    over("delay", network.delay, Math.max(delayIn, delayOut), KNOWN.delay) ??
    over("jitter", network.jitter, jitter, KNOWN.jitter) ??
    over("loss", network.loss, -Math.expm1(-loss), KNOWN.loss) ??
    over("bitErrorRate", network.bitErrorRate, -Math.expm1(-bitErrors), KNOWN.bitErrorRate) ??
    narrow ??
    over("deadline", basic.deadline, total, 0)
  );
}

const ALL_KNOWN = KNOWN.delay | KNOWN.jitter | KNOWN.loss | KNOWN.bitErrorRate | KNOWN.capacity;
/** What rounding may add. */
const SLACK = 1 + 1e-9;

/** Another path to the node where a task is that keeps its promises; null where there is none. */
function wayFor(draft: Pool, scheduler: Scheduler, one: Standing): readonly SiteId[] | null {
  const { needs, claim, left } = one;
  const basic = { ...needs.basic, inputBytes: left.input ?? (0 as Bytes), resultBytes: left.result };
  const path = scheduler.route({ ...needs, basic }, claim.path[0]!, claim.path.at(-1)!);
  return path !== null && brokenOn(draft, one, path) === null ? path : null;
}

/** What a task needs on any other node than its own. */
const anew = ({ needs, claim }: Standing): TaskNeeds => ({
  ...needs,
  where: { ...needs.where, avoid: [...needs.where.avoid, claim.node] },
});

interface Upset {
  readonly one: Standing;
}

/** By task its own node, where a path leads there still, then the nodes it could move to; arcs to nodes in `to`. */
function problemOf(
  draft: Pool,
  upset: readonly Upset[],
  ways: readonly (readonly SiteId[] | null)[],
): { readonly problem: BatchProblem; readonly current: Int32Array; readonly to: readonly NodeId[] } {
  const lister = new Offers(draft);
  const index = new Map<number, number>();
  const [node, cost, demand]: number[][] = [[], [], []];
  const to: NodeId[] = [];
  const current = new Int32Array(upset.length).fill(-1);
  const start = new Int32Array(upset.length + 1);
  const add = (n: number, value: number, needs: TaskNeeds, rate: number): void => {
    if (!index.has(n)) index.set(n, index.size);
    node!.push(index.get(n)!);
    cost!.push(value);
    demand!.push(...demandOf(needs, rate));
    to.push(draft.nodes.slots.idOf(n));
  };
  upset.forEach(({ one }, i) => {
    const own = draft.nodes.slots.find(one.claim.node);
    if (ways[i] !== null && own >= 0) {
      current[i] = node!.length;
      add(own, 0, one.needs, one.claim.rate);
    }
    const offers: readonly Offer[] = one.mayMove ? lister.of(anew(one), upset.length) : [];
    for (const offer of offers) {
      for (const { rate, score } of offer.levels) add(offer.node, Math.min(score, MOST), one.needs, rate);
    }
    start[i + 1] = node!.length;
  });
  const resources = demandOf(upset[0]!.one.needs, 0).length;
  const capacity = Float64Array.from([...index.keys()].flatMap((n) => capacityOf(draft, n)));
  // What stands on a node by right goes on standing there, whatever else has been measured of it since.
  const standing = new Float64Array(capacity.length);
  for (const a of current) {
    for (let k = 0; a >= 0 && k < resources; k++)
      standing[node![a]! * resources + k]! += demand![a * resources + k]!;
  }
  return {
    problem: {
      tasks: upset.length,
      nodes: index.size,
      resources,
      start,
      node: Int32Array.from(node!),
      cost: Float64Array.from(cost!),
      demand: Float64Array.from(demand!),
      capacity: capacity.map((free, k) => Math.max(free, standing[k]!)),
      leaveOut: 1,
    },
    current,
    to,
  };
}
/** Scores that are not known. */
const MOST = 1e300;
