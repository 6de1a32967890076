import {
  after,
  assert,
  type Instant,
  type Micros,
  NEVER,
  type Refusal,
  type Result,
  refuse,
  SECOND,
} from "@weft/kernel";
import {
  type ContractDeed,
  type ContractInput,
  ContractLife,
  type ContractLifeState,
  type ContractTerms,
  contractText,
  type FailReason,
  type FeePolicy,
  type Measurement,
  type ServiceLevel,
  signMeasurement,
} from "@weft/market";
import type { RunEnd } from "@weft/orchestration";
import type { ContractRow } from "../store.ts";
import { type Core, store, tell } from "./core.ts";
import type { RunEntry } from "./tasks.ts";

/*
 * Every contract of the manager lives by the market's state machine (docs/spec/contract.md, K3). The order is the
 * consumer's standing acceptance, so a contract is asked for, quoted, accepted and signed by the manager in one step,
 * and is first kept in that state; what follows until it ends is seen but not kept, since its node tells it again.
 */

/** A node that does not countersign within this has let the contract lapse. */
const SIGN_WITHIN = (60 * SECOND) as Micros;
/** How often contracts are looked through for such as have lapsed. */
const SWEEP_EVERY = (5 * SECOND) as Micros;

/** What being late costs a provider, in millionths of the charge, where the manager's options say nothing else. */
const LATE_PENALTY_PPM = 100_000;

/** The promises of a contract whose task has a deadline; none without. */
export function levelsFor(
  core: Core,
  completeBy: Instant | null,
): { readonly levels?: readonly ServiceLevel[] } {
  const penaltyPpm = core.options.latePenaltyPpm ?? LATE_PENALTY_PPM;
  if (completeBy === null || penaltyPpm === 0) return {};
  return { levels: [{ kind: "completion", by: completeBy, penaltyPpm }] };
}

/** Brings a contract from request to the manager's signature, its ceiling set aside; refused where that is not available. */
export function propose(core: Core, now: Instant, row: ContractRow): Result<RunEntry["contract"] & Begun> {
  const { terms } = row.contract;
  const life = ContractLife.request(terms, core.options.fee);
  life.handle(now, { kind: "quote", expiresAt: terms.validUntil });
  for (const deed of life.handle(now, { kind: "accept", signBy: after(now, SIGN_WITHIN) })) {
    if (deed.kind !== "place-hold") continue;
    const held = core.books.place(deed.hold);
    if (!held.ok) return held;
    store(core, held.value);
  }
  life.handle(now, { kind: "sign", role: "manager" });
  if (core.sweepAt === NEVER) core.sweepAt = after(now, SWEEP_EVERY);
  return { ok: true, value: { ...row, state: "accepted", steps: [["accepted", now]], life } };
}
interface Begun {
  readonly life: ContractLife;
}

/** A contract with what drives it: a run's, or one read back from the store. */
export type Traded = Pick<RunEntry, "contract" | "life" | "settlement">;

/** A contract as it was kept, to be gone on from; nothing of it lapses before `patience`. */
export function reopen(fee: FeePolicy, row: ContractRow, patience?: Instant): ContractLife {
  const { contract, charged, penalty, dispute } = row;
  const state: ContractLifeState = {
    terms: contract.terms,
    state: row.state,
    signed: contract.provider === null ? ["manager"] : ["manager", "provider"],
    deadline: row.closedAt === null ? contract.terms.validUntil : NEVER,
    ...(patience === undefined ? {} : { patience }),
    because: row.because,
    charge: charged ?? (0n as never),
    penalty: penalty ?? (0n as never),
    completedAt: row.closedAt,
    measurements: (row.measurements ?? []).map(({ measurement }) => measurement),
    settled: row.closedAt !== null,
    disputedFrom: dispute?.from ?? null,
    claim: dispute?.claim ?? null,
  };
  return new ContractLife(state, fee);
}

/**
 * Takes one input of a contract's life, and what follows into the books and the row; null, or why it is refused: then
 * nothing has changed. `closes`: a hold that its transfer uses up.
 */
export function advance(
  core: Core,
  now: Instant,
  run: Traded,
  input: ContractInput,
  closes: string | null = null,
): Refusal | null {
  const before = run.life.life;
  const taken = run.life.offer(now, input);
  if (!taken.ok) return taken.refusal;
  const refusal = carry(core, now, run, taken.value, closes);
  if (refusal !== null) run.life = new ContractLife(before, core.options.fee);
  return refusal;
}

function carry(
  core: Core,
  now: Instant,
  run: Traded,
  deeds: readonly ContractDeed[],
  closes: string | null = null,
): Refusal | null {
  for (const deed of deeds) {
    switch (deed.kind) {
      case "place-hold":
        break; // done when it was proposed
      case "release-hold":
        store(core, core.books.release(deed.id));
        break;
      case "transfer": {
        const entered = core.books.enter(closes === null ? deed.transfer : { ...deed.transfer, closes });
        if (!entered.ok) return entered.refusal;
        store(core, entered.value);
        core.billing.spent(deed.transfer);
        run.settlement = [...(run.settlement ?? []), deed.transfer];
        break;
      }
      case "became": {
        const { state, because } = deed;
        run.contract = {
          ...run.contract,
          state,
          because,
          steps: [...(run.contract.steps ?? []), [state, now]],
        };
        tell(core, now, state, "contract", run.contract.contract.terms.id);
      }
    }
  }
  return null;
}

/** The node's countersignature; verified once, whenever it is first told. null, or why it is none. */
export function countersign(core: Core, now: Instant, run: RunEntry, signature: string): Refusal | null {
  const { contract } = run.contract;
  if (contract.provider === signature) return null;
  const { terms } = contract;
  if (!core.options.cryptography.verify(terms.provider.key, contractText(terms), signature)) {
    return refuse("E_CONTRACT_SIGNATURE", "the node did not sign the contract").refusal;
  }
  run.contract = { ...run.contract, contract: { ...contract, provider: signature } };
  advance(core, now, run, { kind: "sign", role: "provider" });
  return null;
}

/** The node has begun. */
export function begin(core: Core, now: Instant, run: RunEntry): void {
  if (run.life.life.state === "signed") advance(core, now, run, { kind: "start" });
}

/**
 * The work is done and its charge rated: fulfilled, or breached where a promise was missed, and settled either way. What
 * was missed is measured and signed, for whoever doubts the penalty [K5.1].
 */
export function complete(
  core: Core,
  now: Instant,
  run: RunEntry,
  charge: bigint,
  doneAt: Instant,
): Refusal | null {
  const { life } = run;
  const before = { life: life.life, contract: run.contract };
  begin(core, now, run);
  const { terms } = run.contract.contract;
  if (terms.completeBy !== null && doneAt > terms.completeBy) {
    const measured = signMeasurement(lateness(terms, doneAt), core.options.signer);
    advance(core, now, run, { kind: "measured", measurement: measured.measurement });
    run.contract = { ...run.contract, measurements: [measured] };
  }
  const mark = core.out.length;
  const refusal =
    advance(core, now, run, { kind: "complete", charge: charge as never, doneAt }) ??
    advance(core, now, run, { kind: "settle" });
  const { penalty } = run.life.life;
  if (refusal === null) {
    run.contract = { ...run.contract, charged: charge as never, penalty };
    return null;
  }
  core.out.length = mark;
  delete run.settlement;
  run.contract = before.contract;
  run.life = new ContractLife(before.life, core.options.fee);
  return refusal;
}

const lateness = (terms: ContractTerms, doneAt: Instant): Measurement => ({
  contract: terms.id,
  observer: terms.manager.account,
  from: terms.validFrom,
  to: doneAt,
  up: 0 as Micros,
  deliveries: 1,
  withinDelay: 0,
});

/** Ends a contract with nothing to pay. */
export function close(
  core: Core,
  now: Instant,
  run: RunEntry,
  input: ContractInput & { kind: "fail" | "cancel" },
): void {
  if (advance(core, now, run, input) !== null) carry(core, now, run, run.life.wake(now));
}

/** What a run's end means for its contract. */
export function failReason(end: Exclude<RunEnd, { kind: "finished" }>): FailReason {
  assert(
    end.because !== "preempted" && end.because !== "moved",
    "a contract whose run left its place is cancelled, not failed",
  );
  if (end.kind === "lost") return end.because;
  return end.because === "runtime_failed" ? "node_failed" : "program_failed";
}

/** Contracts that have lapsed since last time, closed; their runs are for the caller to end [K3.4]. */
export function lapsed(core: Core, now: Instant): readonly RunEntry[] {
  const found: RunEntry[] = [];
  let open = false;
  for (const run of core.tasks.live) {
    if (run.life.wakeAt > now) open = true;
    else {
      carry(core, now, run, run.life.wake(now));
      found.push(run);
    }
  }
  core.sweepAt = open ? after(now, SWEEP_EVERY) : NEVER;
  return found;
}
