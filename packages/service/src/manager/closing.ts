import { COMPUTE_TYPES, type NodeId } from "@weft/infrastructure";
import { between, type Instant, type Micros, type Money, type Refusal, refuse } from "@weft/kernel";
import {
  checkUsage,
  type FailReason,
  type MeterBounds,
  rate,
  type SignedUsage,
  verifyUsage,
} from "@weft/market";
import type { RunEnd } from "@weft/orchestration";
import { type TaskNeeds, workClass } from "@weft/scheduling";
import type { Tried } from "../predictor.ts";
import type { Outcome } from "../protocol.ts";
import type { RunView, Timeline } from "../resources.ts";
import { warnOfLowBalance } from "./billing.ts";
import { type Core, note, send, store } from "./core.ts";
import type { Member } from "./fleet.ts";
import { seal } from "./log.ts";
import { observe } from "./observing.ts";
import type { RunEntry } from "./tasks.ts";
import { complete, countersign, failReason, lapsed } from "./trading.ts";
import { setAside } from "./willing.ts";
import { closeUnpaid, free, recall } from "./withdrawing.ts";

/** What a node says came of a run. Every answer to it is `settled`, released once it is durable [W3]. */
export function outcome(core: Core, now: Instant, member: Member, id: string, said: Outcome): void {
  const run = core.tasks.run(id);
  send(core, member.connection, { kind: "settled", run: id });
  if (run === undefined || run.live === null || run.view.node !== member.row.id) return; // late: never billed
  const unsigned = countersign(core, now, run, said.signature);
  if (unsigned !== null) return breach(core, now, run, unsigned, "node_refused");
  if (said.end.kind === "failed") {
    const because = said.end.because === "transfer_failed" ? "runtime_failed" : said.end.because;
    return endRun(
      core,
      now,
      run,
      { kind: "failed", because, detail: said.end.detail },
      timeline(now, run, said),
    );
  }
  if (said.usage === null) {
    const refusal = refuse("E_USAGE_FORM", "a finished run without a usage record").refusal;
    return breach(core, now, run, refusal);
  }
  const refusal = objectionTo(core, member, run, said.usage);
  if (refusal !== null) return breach(core, now, run, refusal);
  settle(core, now, member, run, said, said.usage);
}

/** The node says that it has the run, and countersigns. */
export function signed(core: Core, now: Instant, run: RunEntry, signature: string): void {
  run.accepted = true;
  const refusal = countersign(core, now, run, signature);
  if (refusal === null) return;
  recall(core, run);
  breach(core, now, run, refusal, "node_refused");
}

/** A node lost a run, or declined it: nothing is charged and the task is placed again. */
export function loseRun(
  core: Core,
  now: Instant,
  run: RunEntry,
  because: Extract<RunEnd, { kind: "lost" }>["because"],
  detail: string,
): void {
  endRun(core, now, run, { kind: "lost", because, detail }, null);
}

/** Contracts that have lapsed: their runs are lost with them. */
export function endLapsed(core: Core, now: Instant): void {
  for (const run of lapsed(core, now)) {
    recall(core, run);
    loseRun(core, now, run, "node_refused", `the contract lapsed: ${run.contract.because}`);
  }
}

function settle(
  core: Core,
  now: Instant,
  member: Member,
  run: RunEntry,
  said: Outcome,
  usage: SignedUsage,
): void {
  const { terms } = run.contract.contract;
  const entry = core.tasks.task(run.task);
  if (entry === undefined || said.end.kind !== "finished") return;
  const charge = rate(usage.record, terms);
  const before = core.out.length;
  const refusal = complete(core, now, run, charge.total, doneAt(core, now, run, usage));
  if (refusal !== null) return breach(core, now, run, refusal);
  const actual = timeline(now, run, said);
  const delivered = run.live?.launch.deliver?.at(-1);
  member.recorded = Math.max(member.recorded, usage.record.sequence);
  store(core, [core.tasks.usage(run, { usage, task: run.task, charge, receivedAt: now })]);
  store(core, [core.fleet.earn(member, earnedSince(core, before, terms.provider.account))]);
  free(core, run);
  seal(core, now, run);
  store(core, core.tasks.close(run, { state: "finished", actual, counters: said.counters }, now));
  warnOfLowBalance(core, now, run);
  const { result } = said.end;
  const at = delivered ?? entry.row.submission.needs.basic.dataAt;
  const charged = (charge.total - (run.contract.penalty ?? 0n)) as Money;
  entry.outcome = { result: result && { ...result, at }, charged };
  learn(core, now, run, entry.row.submission.needs, actual);
  observe(core, now, { kind: "ended", task: run.task, run: run.view.id, end: { kind: "finished" } });
  observe(core, now, { kind: "room" });
}

/** What the entries made since then brought an account. */
function earnedSince(core: Core, from: number, account: string): Money {
  let earned = 0n;
  for (let i = from; i < core.out.length; i++) {
    const output = core.out[i];
    if (output?.kind !== "store" || output.change.kind !== "transfer") continue;
    for (const posting of output.change.transfer.postings) {
      if (posting.account === account) earned += posting.amount;
    }
  }
  return earned as Money;
}

/** When work counts as done: when it is heard of, unless the manager was away meanwhile [K5.3]. */
const doneAt = (core: Core, now: Instant, run: RunEntry, { record }: SignedUsage): Instant =>
  run.launchedAt < core.startedAt && record.endedAt < now ? record.endedAt : now;

function endRun(
  core: Core,
  now: Instant,
  run: RunEntry,
  end: RunEnd,
  actual: Timeline | null,
  reason?: FailReason,
): void {
  if (end.kind === "finished") return;
  free(core, run);
  const because = end.because;
  const state = end.kind === "lost" ? "lost" : "failed";
  closeUnpaid(
    core,
    now,
    run,
    { kind: "fail", because: reason ?? failReason(end) },
    { state, because, actual },
  );
  note(core, now, run.task, run.view.id, `${because}: ${end.detail}`);
  observe(core, now, { kind: "ended", task: run.task, run: run.view.id, end });
  observe(core, now, { kind: "room" });
}

/** The node broke the contract's rules: flagged, not paid, and the task is placed elsewhere. */
function breach(
  core: Core,
  now: Instant,
  run: RunEntry,
  refusal: Refusal,
  reason: FailReason = "usage_refused",
): void {
  const detail = `${refusal.code}: ${refusal.message}${refusal.path === undefined ? "" : ` (${refusal.path})`}`;
  if (refusal.code === "E_USAGE_TIME") setAside(core, now, run.view.node as NodeId);
  endRun(core, now, run, { kind: "lost", because: "node_refused", detail }, null, reason);
}

/** Why a usage record is not believed; null: it is. */
function objectionTo(core: Core, member: Member, run: RunEntry, usage: SignedUsage): Refusal | null {
  const { terms } = run.contract.contract;
  const { description } = member.row;
  const launch = run.live?.launch;
  const lanes = Math.max(
    ...COMPUTE_TYPES.map((type) =>
      description.laneRate[type] > 0 ? Math.ceil(description.power[type] / description.laneRate[type]) : 1,
    ),
  );
  const bounds: MeterBounds = {
    lanes,
    rate: description.power[terms.compute],
    memoryBytes: description.memoryBytes,
    storageBytes: description.storage.capacityBytes,
    movedBytes: null,
    reservedBps: launch?.reserved.bandwidth ?? 0,
  };
  if (usage.record.id !== run.view.id) {
    return refuse("E_USAGE_CONTRACT", "the record is about another run", { path: "id" }).refusal;
  }
  return verifyUsage(usage, terms, core.options.cryptography) ?? checkUsage(usage.record, terms, bounds);
}

function timeline(now: Instant, run: RunEntry, said: Outcome): Timeline {
  const { staging, transferIn, compute, transferOut } = said.spent;
  const total = (between(run.launchedAt, now) - staging) as Micros;
  const queue = Math.max(0, total - transferIn - compute - transferOut) as Micros;
  return { staging, transferIn, queue, compute, transferOut, total };
}

/** What the run shows about the function and its node goes into the next prediction (C1). */
function learn(core: Core, now: Instant, run: RunEntry, needs: TaskNeeds, actual: Timeline): void {
  const tried = triedOf(run.view, needs, actual);
  const { here, elsewhere, ofClass } = core.predictor.learn(tried);
  core.pool.setCorrection(tried.algorithm, tried.node, here);
  core.pool.setCorrectionElsewhere(tried.algorithm, elsewhere);
  if (ofClass !== null) core.pool.setCorrectionElsewhere(tried.workClass, ofClass);
  core.pool.setHandling(tried.node, core.predictor.learnHandling(tried.node, actual.queue, now));
}

const triedOf = (view: RunView, needs: TaskNeeds, actual: Timeline): Tried => ({
  algorithm: needs.algorithm.function,
  workClass: workClass(needs),
  node: view.node as NodeId,
  promised: (view.predicted.compute * view.correction) as Micros,
  actual: actual.compute,
});

/** What a run that finished before a restart showed. */
export function learnAgain(core: Core, needs: TaskNeeds, view: RunView): void {
  if (view.actual === null || view.state !== "finished") return;
  const tried = triedOf(view, needs, view.actual);
  const { elsewhere, ofClass } = core.predictor.learn(tried); // of its node: once that has joined again
  core.pool.setCorrectionElsewhere(tried.algorithm, elsewhere);
  if (ofClass !== null) core.pool.setCorrectionElsewhere(tried.workClass, ofClass);
}
