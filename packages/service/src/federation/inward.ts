import type { NodeId } from "@weft/infrastructure";
import {
  assert,
  type Instant,
  type Micros,
  type Money,
  money,
  type Refusal,
  refuse,
  SECOND,
  type Signature,
} from "@weft/kernel";
import { type PriceList, signContract, signUsage, type Transfer } from "@weft/market";
import type { RunFailure } from "@weft/orchestration";
import type { TaskNeeds } from "@weft/scheduling";
import { objection } from "../agent/objection.ts";
import { command } from "../manager/commands.ts";
import { type Core, store } from "../manager/core.ts";
import { listOf } from "../manager/offers.ts";
import { observe } from "../manager/placing.ts";
import { placeOnSale } from "../manager/selling.ts";
import type { RunEntry, TaskEntry } from "../manager/tasks.ts";
import type { FromAgent, Outcome } from "../protocol.ts";
import type { ContentReference } from "../resources.ts";
import { hasEnded, type StoreState } from "../store.ts";
import type { Federation, Peer } from "./federation.ts";
import { type Ask, type Crossing, type Forward, foreignName, type Quote } from "./messages.ts";
import { grossed, marked, onOffer, within } from "./offering.ts";

/*
 * The foreign side: a task of another domain runs here under an ordinary contract, whose consumer is that domain. Its
 * data is fetched from the home gateway first and the result is brought back there before the outcome is told.
 */

/** A run of another domain's task here. */
export interface Inward {
  readonly domain: string;
  readonly forward: Forward;
  /** Our countersignature under the home contract. */
  readonly signature: Signature;
  /** The task here that stands for it; null until its data is here. */
  task: string | null;
  /** Time its data took, both ways. */
  broughtIn: Micros;
  broughtOut: Micros;
  /** What it was charged here. */
  charged: Money | null;
  /** Since when it waits to be placed here again; null: it does not. */
  waiting: Instant | null;
  /** Told until it is booked at home. */
  outcome: Outcome | null;
}

const COLLECTION = "inward";
const WAITS_HERE = (15 * SECOND) as Micros;
/** Runs whose home never booked them cost us what we had charged for them. */
export const LOSSES = "losses";

export function restoreInward(state: StoreState): Map<string, Inward> {
  const inward = new Map<string, Inward>();
  for (const { collection, id, body } of state.documents) {
    if (collection === COLLECTION) inward.set(id, { ...(body as Inward) });
  }
  return inward;
}

function keep(core: Core, now: Instant, held: Inward): void {
  const id = held.forward.launch.run;
  store(core, [{ kind: "put-document", row: { collection: COLLECTION, id, body: { ...held }, at: now } }]);
}

const say = (core: Core, held: Inward, message: FromAgent): void => {
  const peer = core.federation?.peers.get(held.domain as never);
  if (peer !== undefined) {
    core.out.push({ kind: "to-peer", domain: peer.options.domain, message: { kind: "agent", message } });
  }
};

/** A foreign task's needs as they stand here: its data at our border, and nowhere further on. */
export function needsHere(core: Core, needs: TaskNeeds): TaskNeeds {
  const { site, domain } = core.options;
  return {
    ...needs,
    basic: { ...needs.basic, dataAt: site, mayLeaveTo: null },
    where: { ...needs.where, domain, avoid: [] },
    payAtMost: null,
  };
}

/** Nodes that may not run a task of another domain: not on offer, or dearer than what was quoted [P4]. */
export function barredHere(
  core: Core,
  now: Instant,
  federation: Federation,
  domain: string,
  prices: PriceList | null,
  ppm: number,
): NodeId[] {
  const { offer } = federation.options;
  const barred: NodeId[] = [];
  for (const { row } of core.fleet.members) {
    if (federation.peerAt(row.id) !== undefined || !onOffer(row.description, offer)) barred.push(row.id);
    else if (prices !== null) {
      const asked = grossed(marked(listOf(core, row, foreignName(domain as never), now), offer), ppm);
      if (!within(asked, prices)) barred.push(row.id);
    }
  }
  return barred;
}

/** What a task of another domain would cost here, and how long it would take. */
export function quoteFor(
  core: Core,
  now: Instant,
  federation: Federation,
  peer: Peer,
  ask: Ask,
): Quote | Refusal {
  if (!peer.options.take) return refuse("E_PEER_POLICY", "this domain takes none of your tasks").refusal;
  const needs = needsHere(core, ask.needs);
  const decision = placeOnSale(core, now, needs, {
    excludeNodes: barredHere(core, now, federation, peer.options.domain, null, ask.commissionPpm),
    explain: false,
  });
  if (decision.outcome === "refused") return decision.refusal;
  const row = core.fleet.member(decision.node)?.row;
  if (row === undefined) return refuse("no_capacity", "the node has just left").refusal;
  const list = listOf(core, row, peer.node, now);
  const prices = grossed(marked(list, federation.options.offer), ask.commissionPpm);
  const ratio =
    Number(prices.petaOperation[needs.compute.type]) /
    Math.max(1, Number(list.petaOperation[needs.compute.type]));
  const price = money(BigInt(Math.ceil(Number(decision.charge) * Math.max(1, ratio))));
  return { prices, price, takes: decision.timeline.total };
}

/** A task is forwarded to us; the same run again is answered as before [P3]. */
export function taken(core: Core, now: Instant, peer: Peer, forward: Forward): void {
  const { federation } = core;
  const { launch } = forward;
  const { run } = launch;
  if (federation === null) return;
  const held = federation.inward.get(run);
  if (held !== undefined) return repeat(core, held);
  const refusal = objectionTo(core, now, federation, peer, forward);
  if (refusal !== null) {
    const message = { kind: "declined", run, refusal } as const;
    core.out.push({ kind: "to-peer", domain: peer.options.domain, message: { kind: "agent", message } });
    return;
  }
  const fresh: Inward = {
    domain: peer.options.domain,
    forward,
    signature: signContract(launch.contract.terms, core.options.signer),
    task: null,
    broughtIn: 0 as Micros,
    broughtOut: 0 as Micros,
    charged: null,
    waiting: null,
    outcome: null,
  };
  federation.inward.set(run, fresh);
  keep(core, now, fresh);
  repeat(core, fresh);
  core.out.push({
    kind: "bring",
    crossing: crossing(fresh, launch.input === null ? launch.contents : [...launch.contents, launch.input]),
  });
}

/** Says again what was said of a run, and goes on with it after a restart. */
export function repeat(core: Core, held: Inward): void {
  const { run } = held.forward.launch;
  if (held.outcome !== null) return say(core, held, { kind: "outcome", run, outcome: held.outcome });
  say(core, held, { kind: "accepted", run, signature: held.signature });
}

const crossing = (held: Inward, contents: Crossing["contents"]): Crossing => ({
  run: held.forward.launch.run,
  contents,
  segments: held.forward.segments,
  peer: held.domain as Crossing["peer"],
});

/** After a restart: what was under way between domains goes on. */
export function resume(core: Core, now: Instant, federation: Federation): void {
  for (const held of federation.inward.values()) {
    if (held.outcome !== null) continue;
    const { launch } = held.forward;
    const entry = held.task === null ? core.tasks.ofOrder(launch.run) : core.tasks.task(held.task);
    if (entry === undefined) {
      const contents = launch.input === null ? launch.contents : [...launch.contents, launch.input];
      core.out.push({ kind: "bring", crossing: crossing(held, contents) });
      continue;
    }
    held.task = entry.row.id;
    federation.inwardByTask.set(entry.row.id, held);
    if (hasEnded(entry.row.progress.phase)) ended(core, now, federation, held, entry);
  }
}

function objectionTo(
  core: Core,
  now: Instant,
  federation: Federation,
  peer: Peer,
  { launch, commissionPpm, order, manifest }: Forward,
): Refusal | null {
  const { terms } = launch.contract;
  const { cryptography, signer, domain } = core.options;
  if (!peer.options.take) return refuse("E_PEER_POLICY", "this domain takes none of your tasks").refusal;
  if (terms.manager.key !== peer.options.key || order.order.consumer !== peer.options.key) {
    return refuse("E_CONTRACT_PARTY", "the contract is another manager's", { path: "manager" }).refusal;
  }
  if (order.order.id !== launch.run || order.order.taskDigest !== cryptography.digest(manifest)) {
    return refuse("E_ORDER_TASK", "the mandate is for another task", { path: "order" }).refusal;
  }
  if (terms.currency !== core.options.currency) {
    return refuse("E_CURRENCY", "the domains keep their books in different currencies", {
      found: terms.currency,
      expected: core.options.currency,
    }).refusal;
  }
  const barred = new Set(barredHere(core, now, federation, peer.options.domain, terms.prices, commissionPpm));
  if (![...core.fleet.members].some(({ row, connection }) => connection !== null && !barred.has(row.id))) {
    return refuse("price_changed", "no node here works for the contract's prices", { path: "prices" })
      .refusal;
  }
  const whole = { id: foreignName(domain), runs: ["wasm", "model", "process"] } as unknown as Parameters<
    typeof objection
  >[1];
  return objection(launch, whole, terms.prices, signer.publicKey, now, cryptography);
}

/** The data of a run is here, or cannot be had. */
export function brought(core: Core, now: Instant, run: string, took: Micros, failed: string | null): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  if (federation === null || held === undefined || held.outcome !== null || held.task !== null) return;
  if (failed !== null) return decline(core, now, federation, held, refuse("transfer_failed", failed).refusal);
  held.broughtIn = took;
  const { launch, name, manifest, order, needs } = held.forward;
  const submitted = command(core, now, {
    kind: "submit",
    caller: { account: foreignName(held.domain as never), role: "consumer" },
    submission: {
      name: `${held.domain}/${name}`,
      labels: { "weft.dev/home": held.domain },
      manifest,
      needs: { ...needsHere(core, needs), payAtMost: order.order.payAtMost },
      program: launch.program,
      input: launch.input,
      contents: launch.contents,
      order,
    },
  });
  if (!submitted.ok) return decline(core, now, federation, held, submitted.refusal);
  held.task = submitted.value;
  federation.inwardByTask.set(submitted.value, held);
  const entry = core.tasks.task(submitted.value);
  if (entry?.row.progress.phase === "pending") follow(core, now, "waiting", submitted.value);
}

/** We do not run it after all: the home manager places it elsewhere. */
function decline(core: Core, now: Instant, federation: Federation, held: Inward, refusal: Refusal): void {
  say(core, held, { kind: "declined", run: held.forward.launch.run, refusal });
  forget(core, federation, held);
  if (held.task !== null) observe(core, now, { kind: "cancelled", task: held.task });
}

function forget(core: Core, federation: Federation, held: Inward): void {
  const id = held.forward.launch.run;
  federation.inward.delete(id);
  if (held.task !== null) federation.inwardByTask.delete(held.task);
  store(core, [{ kind: "remove-document", collection: COLLECTION, id }]);
}

/** Something happened to a task here that stands for another domain's. */
export function follow(core: Core, now: Instant, what: string, task: string): void {
  const { federation } = core;
  const held = federation?.inwardByTask.get(task);
  const entry = core.tasks.task(task);
  if (federation === null || held === undefined || entry === undefined) return;
  const { run } = held.forward.launch;
  if (what === "running") say(core, held, { kind: "state", run, state: "running" });
  if (what === "running" || what === "placed") held.waiting = null;
  else if (what === "waiting" && entry.runs.length > 0) held.waiting ??= now;
  else if (what === "waiting") {
    // A place was quoted, not kept: better told at once than waited for here.
    const reason = entry.row.progress.reason ?? refuse("no_capacity", "nothing is free now").refusal;
    decline(core, now, federation, held, reason);
  } else if (hasEnded(entry.row.progress.phase)) ended(core, now, federation, held, entry);
}

/** A run that was lost here and finds no other place in a while goes back to its home. */
export function giveBack(core: Core, now: Instant, federation: Federation, held: Inward): void {
  if (held.waiting === null || now - held.waiting < WAITS_HERE) return;
  decline(
    core,
    now,
    federation,
    held,
    refuse("no_capacity", "its node here was lost, and no other is free").refusal,
  );
}

function ended(core: Core, now: Instant, federation: Federation, held: Inward, entry: TaskEntry): void {
  const { phase, reason, result, charged } = entry.row.progress;
  const last = entry.runs.at(-1);
  if (phase === "succeeded" && last?.usage != null) {
    held.charged = charged;
    if (result === null) conclude(core, now, held, last, null);
    else
      core.out.push({
        kind: "deliver",
        crossing: crossing(held, [{ digest: result.digest, size: result.size }]),
      });
    return;
  }
  const because = last?.view.because;
  if (phase === "failed" && because != null && FAILURES.has(because)) {
    tellFailure(core, now, held, last, because as RunFailure, reason?.message ?? because);
    return;
  }
  decline(core, now, federation, held, reason ?? refuse("cancelled", "it was stopped here").refusal);
}

const FAILURES: ReadonlySet<string> = new Set([
  "memory_exceeded",
  "time_exceeded",
  "output_exceeded",
  "bad_program",
  "program_failed",
]);

/** The result is at home, or cannot be brought there. */
export function delivered(core: Core, now: Instant, run: string, took: Micros, failed: string | null): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  const entry = held?.task == null ? undefined : core.tasks.task(held.task);
  const last = entry?.runs.at(-1);
  if (federation === null || held === undefined || held.outcome !== null || last === undefined) return;
  held.broughtOut = took;
  const result = entry?.row.progress.result ?? null;
  if (failed === null)
    return conclude(core, now, held, last, result && { digest: result.digest, size: result.size });
  tellFailure(core, now, held, last, "transfer_failed", failed);
}

function conclude(
  core: Core,
  now: Instant,
  held: Inward,
  last: RunEntry,
  result: ContentReference | null,
): void {
  assert(last.usage !== null, "what has ended well was metered");
  const { record } = last.usage.usage;
  const { launch } = held.forward;
  const reserved = (BigInt(Math.round(launch.reserved.bandwidth)) * BigInt(record.wallTime)) / 1_000_000n;
  const usage = signUsage(
    {
      ...record,
      id: launch.run,
      contract: launch.contract.terms.id,
      node: launch.contract.terms.node.id,
      sequence: now,
      // What of the path was kept for it is the home domain's affair up to our border.
      reservedBits: reserved,
    },
    core.options.signer,
  );
  tellOutcome(core, now, held, {
    end: { kind: "finished", exitCode: 0, result },
    spent: spent(held, last),
    counters: last.view.counters,
    signature: held.signature,
    usage,
  });
}

function spent(held: Inward, last: RunEntry | undefined): Outcome["spent"] {
  const actual = last?.view.actual;
  const plus = (a: Micros, b: Micros | undefined): Micros => (a + (b ?? 0)) as Micros;
  return {
    staging: actual?.staging ?? (0 as Micros),
    transferIn: plus(held.broughtIn, actual?.transferIn),
    compute: actual?.compute ?? (0 as Micros),
    transferOut: plus(held.broughtOut, actual?.transferOut),
  };
}

/** It failed, by the program's own fault or on its way home: nothing is metered. */
function tellFailure(
  core: Core,
  now: Instant,
  held: Inward,
  last: RunEntry | undefined,
  because: RunFailure | "transfer_failed",
  detail: string,
): void {
  tellOutcome(core, now, held, {
    end: { kind: "failed", because, detail },
    spent: spent(held, last),
    counters: null,
    signature: held.signature,
    usage: null,
  });
}

function tellOutcome(core: Core, now: Instant, held: Inward, outcome: Outcome): void {
  held.outcome = outcome;
  keep(core, now, held);
  repeat(core, held);
}

/** The home manager takes a run back. */
export function recalled(core: Core, now: Instant, peer: Peer, run: string): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  if (federation === null || held === undefined || held.domain !== peer.options.domain) return;
  if (held.charged !== null) adjust(core, now, held, 0n);
  forget(core, federation, held);
  if (held.task !== null) observe(core, now, { kind: "cancelled", task: held.task });
}

/** The home manager has booked the outcome: our books say the same from now on [P5]. */
export function booked(core: Core, now: Instant, peer: Peer, run: string, owed: bigint): void {
  const { federation } = core;
  const held = federation?.inward.get(run);
  if (federation === null || held === undefined || held.domain !== peer.options.domain) return;
  if (held.outcome === null) return;
  if (held.charged !== null) adjust(core, now, held, owed);
  forget(core, federation, held);
}

/** What the home pays beyond what we charged it here is our margin; what it does not pay is our loss. */
function adjust(core: Core, now: Instant, held: Inward, owed: bigint): void {
  const margin = owed - (held.charged ?? 0n);
  if (margin === 0n) return;
  const { run } = held.forward.launch;
  const transfer: Transfer = {
    id: `peer/${run}`,
    at: now,
    kind: "adjustment",
    reference: run,
    postings: [
      { account: foreignName(held.domain as never), amount: money(-margin) },
      { account: margin > 0n ? core.options.account : LOSSES, amount: money(margin) },
    ],
    closes: null,
  };
  const entered = core.books.enter(transfer);
  if (entered.ok) store(core, entered.value);
}
