import { assert, type Instant, type Micros, money, refuse } from "@weft/kernel";
import { signUsage, type Transfer } from "@weft/market";
import type { RunFailure } from "@weft/orchestration";
import { type Core, store } from "../manager/core.ts";
import type { RunEntry, TaskEntry } from "../manager/tasks.ts";
import type { Outcome } from "../protocol.ts";
import type { ContentReference } from "../resources.ts";
import type { Federation, Inward, Peer } from "./federation.ts";
import { crossing, decline, forget, keep, repeat } from "./held.ts";
import { foreignName } from "./messages.ts";

/*
 * The end of another domain's task here: its result goes home, its outcome is told until it is booked there, and our books
 * then say what theirs say [P5].
 */

/** Runs whose home never booked them cost us what we had charged for them. */
export const LOSSES = "losses";

/** A task here that stands for another domain's has ended. */
export function ended(
  core: Core,
  now: Instant,
  federation: Federation,
  held: Inward,
  entry: TaskEntry,
): void {
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
export function adjust(core: Core, now: Instant, held: Inward, owed: bigint): void {
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
