import type { NodeDescription, NodeId } from "@weft/infrastructure";
import {
  after,
  assert,
  type BitsPerSecond,
  type Bytes,
  type BytesPerSecond,
  type Instant,
  MINUTE,
  type Micros,
  type Money,
  money,
  type Refusal,
  refuse,
  SECOND,
  unreachable,
} from "@weft/kernel";
import {
  type Contract,
  type ContractTerms,
  expectedUsage,
  type PriceList,
  quote,
  signContract,
} from "@weft/market";
import type { Intention, Observation, RunLimits } from "@weft/orchestration";
import type { ClaimByName } from "@weft/pool";
import type { Decision, Placed, TaskNeeds } from "@weft/scheduling";
import { awaitQuote, barredFor, placedAbroad, quotedPrices } from "../federation/outward.ts";
import type { Launch } from "../protocol.ts";
import type { Timeline } from "../resources.ts";
import { hasEnded } from "../store.ts";
import { endPromise } from "./ahead.ts";
import { retryApplications, stepEnded } from "./applications/course.ts";
import { holdForGangs } from "./applications/holds.ts";
import { giveWay, withdrawRun } from "./closing.ts";
import { type Core, note, send, store, tell } from "./core.ts";
import { delaysFront, frontPlaced, frontRefused, lateOnPlace, tendFront } from "./front.ts";
import { listOf } from "./offers.ts";
import { makeRoom, rankOf } from "./preempting.ts";
import { placeOnSale } from "./selling.ts";
import { segmentsOf, waysOf, wishOf } from "./steps.ts";
import type { RunEntry, TaskEntry } from "./tasks.ts";
import { levelsFor, propose } from "./trading.ts";

/** How far above its quote a run may be charged, where the order allows more. */
const CEILING_OVER_QUOTE = 4n;
/** A run is stopped when it takes this many times longer than predicted, but never before `LEAST_WALL_TIME`. */
const WALL_TIME_OVER_PREDICTED = 20;
const LEAST_WALL_TIME = (30 * SECOND) as Micros;
/** The contract outlives the run's limit by what transfers may take. */
const CONTRACT_SLACK = (10 * MINUTE) as Micros;
const LEAST_MEMORY = (64 * 2 ** 20) as Bytes;
const LEAST_OUTPUT = 2 ** 20;
/** Explaining costs a walk over all nodes: done at every placement only where that is cheap. */
const EXPLAIN_UP_TO_NODES = 256;
const MOST_STICKY = 10_000;
/** So many places that would put off the task in front are passed over for others; then a task waits. */
const MOST_KEPT = 16;
/** Decisions remembered for `explain`, the oldest forgotten first. */
const MOST_DECIDED = 10_000;

/** Tells the orchestrator what was seen and carries out what it intends, until nothing follows. */
export function observe(core: Core, now: Instant, seen: Observation): void {
  if (seen.kind === "room") {
    holdForGangs(core); // theirs by right, before anybody else's turn
    tendFront(core, now);
    if (core.shares.refresh()) core.orchestrator.handle(now, { kind: "reweighed", consumer: null });
  }
  const intended = core.orchestrator.handle(now, seen);
  if (seen.kind === "ended" && !intended.some(({ task }) => task === seen.task)) waitsAgain(core, now, seen);
  carryOut(core, now, intended);
  if (seen.kind === "room") retryApplications(core, now);
}

/** A task whose run is lost waits in line until its turn comes. */
function waitsAgain(core: Core, now: Instant, { task, end }: Observation & { readonly kind: "ended" }): void {
  const entry = core.tasks.task(task);
  if (entry === undefined || end.kind === "finished" || hasEnded(entry.row.progress.phase)) return;
  const reason = refuse(end.because, end.detail).refusal;
  store(core, core.tasks.progress(entry, "pending", { reason }));
  tell(core, now, "waiting", "task", task);
}

export function carryOut(core: Core, now: Instant, intended: readonly Intention[]): void {
  const intentions = [...intended];
  for (const intention of intentions) {
    const entry = core.tasks.task(intention.task);
    assert(entry !== undefined, "an intention is about a task that is known");
    switch (intention.kind) {
      case "place":
        // Whoever's turn it is next: in this loop, since there may be thousands.
        intentions.push(...place(core, now, entry, intention.attempt, intention.avoid));
        break;
      case "stop": {
        const run = core.tasks.run(intention.run);
        if (run !== undefined && run.live !== null) withdrawRun(core, now, run);
        core.orchestrator.handle(now, { kind: "reweighed", consumer: entry.row.consumer });
        break;
      }
      case "succeed": {
        const change = { finishedAt: now, ...entry.outcome };
        store(core, core.tasks.progress(entry, "succeeded", change));
        tell(core, now, "succeeded", "task", intention.task);
        stepEnded(core, now, entry);
        break;
      }
      case "fail":
        store(core, core.tasks.progress(entry, "failed", { reason: intention.refusal, finishedAt: now }));
        tell(core, now, "failed", "task", intention.task);
        endPromise(core, intention.task);
        stepEnded(core, now, entry);
        break;
      case "cancel":
        store(core, core.tasks.progress(entry, "cancelled", { finishedAt: now }));
        tell(core, now, "cancelled", "task", intention.task);
        endPromise(core, intention.task);
        stepEnded(core, now, entry);
        break;
      default:
        unreachable(intention);
    }
  }
}

/** Tasks of one shape fit the same places; only the size of their input and work may differ a little. */
export function shapeOf(needs: TaskNeeds): string {
  return JSON.stringify(needs, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
}

/** Seeks a place for a task and launches it there; returns what is intended next. */
function place(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  attempt: number,
  avoid: readonly NodeId[],
): readonly Intention[] {
  const task = entry.row.id;
  let decision = decide(core, now, entry, avoid);
  // Every other node is worse than one that failed once: a network of one node must heal too.
  if (decision.outcome === "refused" && avoid.length > 0) decision = decide(core, now, entry, []);
  const room =
    decision.outcome === "refused" ? makeRoom(core, now, entry, avoid, lateOnPlace(core, now, task)) : null;
  if (room !== null) decision = room.decision;
  core.decided.set(task, { at: now, decision });
  if (core.decided.size > MOST_DECIDED) core.decided.delete(core.decided.keys().next().value as string);
  if (decision.outcome === "refused") {
    frontRefused(core, now, task);
    return wait(core, now, entry, decision.refusal, isOwnAlone(core, now, entry) ? "line" : "shape");
  }
  const abroad = core.federation?.peerAt(decision.node);
  const awaited = abroad === undefined ? null : awaitQuote(core, now, entry, abroad);
  if (awaited !== null) return wait(core, now, entry, awaited, "line");
  const drafted = draft(core, now, entry, attempt, decision);
  const proposed = propose(core, now, drafted.contract);
  if (!proposed.ok) {
    room?.undo();
    frontRefused(core, now, task);
    return wait(core, now, entry, proposed.refusal, "line");
  }
  const { life, ...contract } = proposed.value;
  const run: RunEntry = { ...drafted, contract, life };
  const { committed, stale } = core.pool.commit([decision.claim]);
  const reservation = committed[0];
  assert(reservation !== undefined, `what was just found free is free: ${stale[0]?.because}`);
  core.reservations.set(run.view.id, reservation.id);
  store(core, core.tasks.addRun(run));
  store(core, core.tasks.progress(entry, "launched"));
  remember(core, now, entry.row.submission.needs, decision.node);
  if (abroad !== undefined) placedAbroad(core, now, entry, abroad);
  tell(core, now, "accepted", "contract", contract.contract.terms.id);
  tell(core, now, "placed", "task", task);
  note(core, now, task, run.view.id, `placed on ${run.view.node}, path ${run.view.path.join(" > ")}`);
  if (run.live !== null) {
    const connection = core.fleet.member(decision.node)?.connection ?? null;
    send(core, connection, { kind: "launch", launch: run.live.launch });
  }
  frontPlaced(core, now, task);
  const next = core.orchestrator.handle(now, { kind: "placed", task, run: run.view.id, node: decision.node });
  endPromise(core, task);
  for (const victim of room?.victims ?? []) giveWay(core, now, victim, entry.row);
  return next;
}

/** Whether that nothing fits says nothing of like tasks of others: its own might give way to it, or domains are barred. */
const isOwnAlone = (core: Core, now: Instant, entry: TaskEntry): boolean =>
  rankOf(entry.row.submission.needs) > 0 ||
  entry.row.submission.step !== undefined ||
  (core.federation !== null && barredFor(core, now, entry).length > 0);

function decide(core: Core, now: Instant, entry: TaskEntry, avoid: readonly NodeId[]): Decision {
  const wish = wishOf(core, now, entry, avoid);
  if (wish.placed !== null && !delaysFront(core, now, entry, wish.placed)) return wish.placed;
  const { needs } = wish;
  const explain = core.pool.nodes.slots.bound <= EXPLAIN_UP_TO_NODES;
  const exclude = core.federation === null ? [...avoid] : [...avoid, ...barredFor(core, now, entry)];
  for (let tries = 0; ; tries++) {
    const decision = placeOnSale(core, now, needs, {
      sticky: wish.node ?? formerOf(core, now, needs),
      ...(wish.node === null ? {} : { margin: 1 }),
      excludeNodes: exclude,
      explain,
    });
    if (decision.outcome === "refused") return tries === 0 ? decision : heldBack(decision);
    if (!delaysFront(core, now, entry, decision)) return decision;
    if (tries === MOST_KEPT) return heldBack(decision);
    exclude.push(decision.node);
  }
}

/** What is free is not for this task: it would put off one that waits longer. */
const heldBack = ({ basedOn, explanation }: Decision): Decision => ({
  outcome: "refused",
  code: "no_capacity",
  refusal: refuse("no_capacity", "what is free is kept for a task that has waited longer", {
    hint: "it is tried again whenever there is more room",
  }).refusal,
  basedOn,
  explanation,
});

function wait(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  refusal: Refusal,
  what: "shape" | "line",
): readonly Intention[] {
  const before = entry.row.progress;
  if (before.phase !== "pending" || before.reason?.code !== refusal.code) {
    store(core, core.tasks.progress(entry, "pending", { reason: refusal }));
    tell(core, now, "waiting", "task", entry.row.id);
  }
  return core.orchestrator.handle(now, { kind: "unplaced", task: entry.row.id, refusal, what });
}

function formerOf(core: Core, now: Instant, needs: TaskNeeds): NodeId | null {
  const kept = needs.basic.sticky === null ? undefined : core.sticky.get(needs.basic.sticky.key);
  return kept === undefined || kept.until < now ? null : kept.node;
}

function remember(core: Core, now: Instant, needs: TaskNeeds, node: NodeId): void {
  const { sticky } = needs.basic;
  if (sticky === null) return;
  core.sticky.delete(sticky.key); // to the end: the oldest key is forgotten first
  core.sticky.set(sticky.key, { node, until: after(now, sticky.keepFor) });
  if (core.sticky.size > MOST_STICKY) core.sticky.delete(core.sticky.keys().next().value as string);
}

/** The most that a contract of this placement would let a run be charged, where the order allows as much. */
function ceilingOf(prices: PriceList, needs: TaskNeeds, placed: Placed, limits: RunLimits): Money {
  const expected = expectedUsage({
    operations: (placed.rate * placed.timeline.compute) / 1e6,
    memoryBytes: limits.memoryBytes,
    storageBytes: needs.storage.capacity,
    movedBytes: needs.basic.inputBytes + needs.basic.resultBytes,
    reservedBps: placed.claim.bandwidthIn + placed.claim.bandwidthOut,
    lasting: placed.timeline.compute,
  });
  return money(quote(prices, needs.compute.type, expected) * CEILING_OVER_QUOTE);
}

/**
 * The highest price of a placement, as a contract made now would state it: what the task pays at most, or four times
 * the quote where that is less or nothing is said. An order without a price of its own is signed for it.
 */
export function highestPrice(
  core: Omit<Core, "out">,
  needs: TaskNeeds,
  decision: Decision,
  consumer: string,
  now: Instant,
): Money | null {
  const row = decision.outcome === "placed" ? core.fleet.member(decision.node)?.row : undefined;
  if (decision.outcome !== "placed" || row === undefined) return needs.payAtMost;
  const limits = limitsOf(needs, decision, row.description);
  const ceiling = ceilingOf(listOf(core, row, consumer, now), needs, decision, limits);
  return needs.payAtMost === null ? ceiling : least(needs.payAtMost, ceiling);
}

/** A run of a task on the node found for it, under a contract that the manager has signed. */
function draft(
  core: Core,
  now: Instant,
  entry: TaskEntry,
  attempt: number,
  placed: Placed,
): Omit<RunEntry, "life"> {
  const { options } = core;
  const { submission, id: task } = entry.row;
  const { needs, program } = submission;
  const row = core.fleet.member(placed.node)?.row;
  assert(row !== undefined, "what is in the pool has joined");
  const limits = limitsOf(needs, placed, row.description);
  const prices = quotedPrices(core, task, placed.node) ?? listOf(core, row, entry.row.consumer, now);
  const { order } = submission.order;
  const former = entry.runs.at(-1);
  const completeBy =
    former?.view.because === "moved"
      ? former.contract.contract.terms.completeBy
      : needs.basic.deadline === null
        ? null
        : after(now, needs.basic.deadline);
  const terms: ContractTerms = {
    id: options.newId("contract"),
    order: submission.order,
    task,
    attempt,
    consumer: { account: entry.row.consumer, key: order.consumer },
    provider: { account: row.provider, key: row.key },
    manager: { account: options.account, key: options.signer.publicKey },
    node: { id: row.id, key: row.key },
    compute: needs.compute.type,
    currency: options.currency,
    prices,
    ceiling: least(order.payAtMost, ceilingOf(prices, needs, placed, limits)),
    completeBy,
    ...levelsFor(core, completeBy),
    validFrom: now,
    validUntil: after(after(now, limits.wallTime), CONTRACT_SLACK),
  };
  const contract: Contract = { terms, manager: signContract(terms, options.signer), provider: null };
  const run = options.newId("run");
  const bandwidth = (placed.claim.bandwidthIn + placed.claim.bandwidthOut) as BitsPerSecond;
  const launch: Launch = {
    run,
    task,
    contract,
    program,
    input: submission.input,
    contents: submission.contents,
    segments: segmentsOf(placed.path),
    ...waysOf(core, submission, placed),
    limits,
    reserved: { storageBytes: needs.storage.capacity, bandwidth },
  };
  const predicted: Timeline = { staging: 0 as Micros, ...placed.timeline };
  return {
    task,
    attempt,
    view: {
      id: run,
      node: placed.node,
      path: placed.path,
      contract: terms.id,
      state: "launched",
      because: null,
      predicted,
      correction: placed.rate > 0 ? placed.effectiveRate / placed.rate : 1,
      actual: null,
      counters: null,
    },
    contract: {
      contract,
      run,
      state: "requested",
      openedAt: now,
      closedAt: null,
      because: null,
      charged: null,
    },
    usage: null,
    live: { launch, claim: namedClaim(needs, placed) },
    accepted: false,
    launchedAt: now,
  };
}

/** What is reserved, in names that outlive the pool's indexes. */
const namedClaim = (needs: TaskNeeds, { node, path, rate, claim }: Placed): ClaimByName => ({
  node,
  type: needs.compute.type,
  rate,
  memory: claim.memory as Bytes,
  storage: claim.storage as Bytes,
  throughput: claim.throughput as BytesPerSecond,
  accelerator: needs.compute.accelerator,
  service: claim.service,
  path,
  bandwidthIn: claim.bandwidthIn as BitsPerSecond,
  bandwidthOut: claim.bandwidthOut as BitsPerSecond,
});

const least = (a: Money, b: Money): Money => (a < b ? a : b);

function limitsOf(needs: TaskNeeds, placed: Placed, node: NodeDescription): RunLimits {
  const { type, lanes } = needs.compute;
  const laneRate = node.laneRate[type];
  const available = laneRate > 0 ? Math.max(1, Math.ceil(node.power[type] / laneRate)) : 1;
  const patience = placed.timeline.compute * WALL_TIME_OVER_PREDICTED;
  return {
    memoryBytes: Math.max(needs.algorithm.space, LEAST_MEMORY) as Bytes,
    wallTime: Math.max(patience, LEAST_WALL_TIME) as Micros,
    outputBytes: Math.max(needs.basic.resultBytes * 4, LEAST_OUTPUT) as Bytes,
    lanes: Math.min(Math.ceil(lanes), available),
  };
}
