import type { NodeDescription } from "@weft/infrastructure";
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
  SECOND,
} from "@weft/kernel";
import {
  type Contract,
  type ContractTerms,
  expectedUsage,
  type PriceList,
  quote,
  signContract,
} from "@weft/market";
import type { RunLimits } from "@weft/orchestration";
import type { ClaimByName } from "@weft/pool";
import type { Decision, Placed, TaskNeeds } from "@weft/scheduling";
import { quotedPrices } from "../federation/abroad.ts";
import type { Launch } from "../protocol.ts";
import type { Timeline } from "../resources.ts";
import type { Core } from "./core.ts";
import { listOf } from "./offers.ts";
import type { RunEntry, TaskEntry } from "./tasks.ts";
import { levelsFor } from "./trading.ts";
import { segmentsOf, waysOf } from "./ways.ts";

/*
 * A run as it is drawn up for a place that was found: its contract, the limits it is held to, and what it is launched with.
 */

/** How far above its quote a run may be charged, where the order allows more. */
const CEILING_OVER_QUOTE = 4n;
/** A run is stopped when it takes this many times longer than predicted, but never before `LEAST_WALL_TIME`. */
const WALL_TIME_OVER_PREDICTED = 20;
const LEAST_WALL_TIME = (30 * SECOND) as Micros;
/** The contract outlives the run's limit by what transfers may take. */
const CONTRACT_SLACK = (10 * MINUTE) as Micros;
const LEAST_MEMORY = (64 * 2 ** 20) as Bytes;
const LEAST_OUTPUT = 2 ** 20;

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
export function draft(
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
    manifest: submission.manifest,
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
