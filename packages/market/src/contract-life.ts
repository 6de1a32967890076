import {
  formatInstant,
  formatMoney,
  type Instant,
  type Machine,
  type Money,
  NEVER,
  ok,
  type Refusal,
  type Result,
  refuse,
  ZERO,
} from "@weft/kernel";
import type { ContractState, ContractTerms, ServiceLevel } from "./contract.ts";
import type { Hold, Transfer } from "./ledger.ts";
import { type Measurement, missedLevels, penaltyFor } from "./service-level.ts";
import { type FeePolicy, holdOf, refundTransfer, settlementTransfers } from "./settlement.ts";

/*
 * The life of one contract, as docs/spec/contract.md has it:
 *
 *   requested -> quoted -> accepted -> signed -> active -> fulfilled | breached -> settled
 *   any of the first five -> cancelled | expired                      (nothing to settle: the hold is released)
 *   fulfilled | breached | settled -> disputed -> resolved
 *
 *   K3.1  a state is left only along an arrow; anything else is refused and changes nothing
 *   K3.2  every close has exactly one typed reason
 *   K3.3  a hold is placed on acceptance and closed by the very step that ends the contract
 *   K3.4  a quote, an unsigned and an unstarted contract lapse by themselves at their deadlines
 *   K3.5  money moves once: on settlement, and by a resolution at most once more
 */

/** Who may act on a contract. */
export type ContractRole = "consumer" | "provider" | "manager";

/** Why a contract ended. */
export type CloseReason =
  | "completed"
  | "term_ended"
  | "completed_late"
  | "service_level_missed"
  | "node_silent"
  | "node_restarted"
  | "node_refused"
  | "node_failed"
  | "program_failed"
  | "usage_refused"
  | "no_funds"
  | "consumer_cancelled"
  | "provider_cancelled"
  | "manager_cancelled"
  | "quote_expired"
  | "never_signed"
  | "never_started"
  | "never_completed";

/** Of those, why it failed. */
export type FailReason = Extract<
  CloseReason,
  "node_silent" | "node_restarted" | "node_refused" | "node_failed" | "program_failed" | "usage_refused"
>;

export type ContractInput =
  | { readonly kind: "quote"; readonly expiresAt: Instant }
  | { readonly kind: "accept"; readonly signBy: Instant }
  | { readonly kind: "sign"; readonly role: "manager" | "provider" }
  | { readonly kind: "start" }
  | { readonly kind: "measured"; readonly measurement: Measurement }
  /**
   * The work is done (or a service's term is over): `charge` was rated from checked usage. `doneAt` where it was done
   * before anybody could hear of it.
   */
  | { readonly kind: "complete"; readonly charge: Money; readonly doneAt?: Instant }
  /** It will never be done; nothing is charged. */
  | {
      readonly kind: "fail";
      readonly because: FailReason;
    }
  | { readonly kind: "cancel"; readonly by: ContractRole | "funds" }
  | { readonly kind: "settle" }
  | { readonly kind: "dispute"; readonly by: ContractRole; readonly claim: string }
  /** The manager's ruling: `refund` goes back to the consumer, from the provider unless said otherwise; 0 lets it stand. */
  | { readonly kind: "resolve"; readonly refund: Money; readonly borneBy?: "provider" | "manager" };

/** What is to be done because of it: entries for the books, and the word to all parties. */
export type ContractDeed =
  | { readonly kind: "place-hold"; readonly hold: Hold }
  | { readonly kind: "release-hold"; readonly id: string }
  | { readonly kind: "transfer"; readonly transfer: Transfer }
  | { readonly kind: "became"; readonly state: ContractState; readonly because: CloseReason | null };

/** Everything a contract's life has come to: plain data, to be kept and gone on from. */
export interface ContractLifeState {
  readonly terms: ContractTerms;
  readonly state: ContractState;
  readonly signed: readonly ("manager" | "provider")[];
  /** When the present state lapses by itself. */
  readonly deadline: Instant;
  /** Nothing lapses before: whoever keeps the contract was away, and what was done meanwhile has yet to be told [K3.7]. */
  readonly patience?: Instant;
  readonly because: CloseReason | null;
  readonly charge: Money;
  readonly penalty: Money;
  readonly completedAt: Instant | null;
  readonly measurements: readonly Measurement[];
  readonly settled: boolean;
  readonly disputedFrom: "fulfilled" | "breached" | "settled" | null;
  readonly claim: string | null;
}

export type ContractLifeRefusal = Refusal<
  | "E_CONTRACT_STATE"
  | "E_CONTRACT_QUOTE_EXPIRED"
  | "E_CONTRACT_DEADLINE"
  | "E_CONTRACT_EARLY"
  | "E_CONTRACT_REFUND"
>;

/** From which states each input is heard [K3.1]. */
export const HEARD_IN: { readonly [kind in ContractInput["kind"]]: readonly ContractState[] } = {
  quote: ["requested"],
  accept: ["quoted"],
  sign: ["accepted"],
  start: ["signed"],
  measured: ["active"],
  complete: ["active"],
  fail: ["accepted", "signed", "active"],
  cancel: ["requested", "quoted", "accepted", "signed", "active"],
  settle: ["fulfilled", "breached"],
  dispute: ["fulfilled", "breached", "settled"],
  resolve: ["disputed"],
};

const CANCELLED_BY = {
  consumer: "consumer_cancelled",
  provider: "provider_cancelled",
  manager: "manager_cancelled",
  funds: "no_funds",
} as const;

/** What a state that lapses ends as [K3.4]. A contract still running at its end has failed its consumer. */
const LAPSES: { readonly [state in ContractState]?: readonly ["expired" | "breached", CloseReason] } = {
  quoted: ["expired", "quote_expired"],
  accepted: ["expired", "never_signed"],
  signed: ["expired", "never_started"],
  active: ["breached", "never_completed"],
};

export class ContractLife implements Machine<ContractInput, ContractDeed> {
  #life: ContractLifeState;
  readonly #fee: FeePolicy;

  constructor(life: ContractLifeState, fee: FeePolicy) {
    this.#life = life;
    this.#fee = fee;
  }

  /** A contract as its consumer asked for it. */
  static request(terms: ContractTerms, fee: FeePolicy): ContractLife {
    const life: ContractLifeState = {
      terms,
      state: "requested",
      signed: [],
      deadline: terms.validUntil,
      because: null,
      charge: ZERO,
      penalty: ZERO,
      completedAt: null,
      measurements: [],
      settled: false,
      disputedFrom: null,
      claim: null,
    };
    return new ContractLife(life, fee);
  }

  get life(): ContractLifeState {
    return this.#life;
  }

  get wakeAt(): Instant {
    const { state, deadline, patience } = this.#life;
    if (LAPSES[state] === undefined) return NEVER;
    return patience !== undefined && patience > deadline ? patience : deadline;
  }

  wake(now: Instant): readonly ContractDeed[] {
    const lapse = LAPSES[this.#life.state];
    if (lapse === undefined || now < this.wakeAt) return [];
    return this.#close(lapse[0], lapse[1]);
  }

  /** What is due, then the input; one that is not heard in this state does nothing. Use `offer` to learn why. */
  handle(now: Instant, input: ContractInput): readonly ContractDeed[] {
    const due = this.wake(now);
    const outcome = this.offer(now, input);
    return outcome.ok ? [...due, ...outcome.value] : due;
  }

  /** Takes an input, or refuses it and changes nothing [K3.1]. What has lapsed hears nothing more: wake it. */
  offer(now: Instant, input: ContractInput): Result<readonly ContractDeed[], ContractLifeRefusal> {
    const { state } = this.#life;
    if (!HEARD_IN[input.kind].includes(state)) {
      return refuse("E_CONTRACT_STATE", `a contract that is ${state} does not hear this`, {
        found: input.kind,
        expected: HEARD_IN[input.kind].join(", "),
        hint: "weft describe contract tells its states so far",
      });
    }
    if (now >= this.wakeAt) {
      return state === "quoted"
        ? refuse("E_CONTRACT_QUOTE_EXPIRED", "the quote has expired", {
            found: input.kind,
            hint: "ask for another quote",
          })
        : refuse("E_CONTRACT_STATE", "the contract has lapsed", {
            found: input.kind,
            expected: `before ${formatInstant(this.wakeAt)}`,
          });
    }
    const deadline =
      input.kind === "quote" ? input.expiresAt : input.kind === "accept" ? input.signBy : NEVER;
    if (deadline <= now) {
      return refuse("E_CONTRACT_DEADLINE", "the deadline lies in the past", {
        path: input.kind === "quote" ? "expiresAt" : "signBy",
        found: formatInstant(deadline),
        expected: `later than ${formatInstant(now)}`,
        hint: "name a later moment, or compare your clock with the manager's",
      });
    }
    return this.#take(now, input);
  }

  #take(now: Instant, input: ContractInput): Result<readonly ContractDeed[], ContractLifeRefusal> {
    const { terms } = this.#life;
    switch (input.kind) {
      case "quote":
        return ok(this.#become("quoted", { deadline: input.expiresAt }));
      case "accept":
        return ok([
          { kind: "place-hold", hold: this.#hold(now) },
          ...this.#become("accepted", { deadline: input.signBy }),
        ]);
      case "sign": {
        const signed = [...new Set([...this.#life.signed, input.role])];
        if (signed.length < 2) {
          this.#life = { ...this.#life, signed };
          return ok([]);
        }
        return ok(this.#become("signed", { signed, deadline: terms.validUntil }));
      }
      case "start":
        if (now < terms.validFrom) {
          return refuse("E_CONTRACT_EARLY", "a reservation is not used before its time", {
            path: "validFrom",
            found: formatInstant(now),
            expected: `${formatInstant(terms.validFrom)} or later`,
          });
        }
        return ok(this.#become("active", { deadline: terms.validUntil }));
      case "measured": {
        this.#life = { ...this.#life, measurements: [...this.#life.measurements, input.measurement] };
        return ok([]);
      }
      case "complete":
        return ok(this.#complete(input.doneAt ?? now, input.charge));
      case "fail":
        return ok(this.#close("breached", input.because));
      case "cancel":
        return ok(this.#close("cancelled", CANCELLED_BY[input.by]));
      default:
        return this.#afterwards(now, input);
    }
  }

  #afterwards(
    now: Instant,
    input: ContractInput & { kind: "settle" | "dispute" | "resolve" },
  ): Result<readonly ContractDeed[], ContractLifeRefusal> {
    if (input.kind === "settle") return ok(this.#settle(now));
    if (input.kind === "dispute") {
      const disputedFrom = this.#life.state as "fulfilled" | "breached" | "settled";
      return ok(this.#become("disputed", { disputedFrom, claim: input.claim }));
    }
    const due = this.#life.charge - this.#life.penalty;
    if (input.refund < 0n || input.refund > due) {
      return refuse("E_CONTRACT_REFUND", "a ruling gives back between nothing and all that was due", {
        path: "refund",
        found: formatMoney(input.refund),
        hint: "what was given back for missed promises is no longer due",
        expected: `0 to ${formatMoney(due as Money)}`,
      });
    }
    return ok(this.#resolve(now, input.refund, input.borneBy ?? "provider"));
  }

  /** Done: on time or late, with every promise kept or not. What was missed lowers what is due [K5.2]. */
  #complete(doneAt: Instant, charge: Money): readonly ContractDeed[] {
    const { terms, measurements } = this.#life;
    const missed = missedLevels(levelsOf(terms), doneAt, measurements);
    const late = missed.some((level) => level.kind === "completion");
    const because: CloseReason =
      missed.length === 0 ? "completed" : late ? "completed_late" : "service_level_missed";
    const penalty = penaltyFor(missed, charge);
    return this.#become(missed.length === 0 ? "fulfilled" : "breached", {
      because,
      charge,
      penalty,
      completedAt: doneAt,
      deadline: NEVER,
    });
  }

  /** Ends it with nothing to pay; the hold, if there is one, is free at once [K3.3]. */
  #close(state: "breached" | "cancelled" | "expired", because: CloseReason): readonly ContractDeed[] {
    const held = HEARD_IN.fail.includes(this.#life.state);
    const release: ContractDeed[] = held ? [{ kind: "release-hold", id: holdOf(this.#life.terms) }] : [];
    // with nothing due there is nothing to settle: a breach without charge is settled as it is
    return [...release, ...this.#become(state, { because, deadline: NEVER, settled: true })];
  }

  #settle(now: Instant): readonly ContractDeed[] {
    if (this.#life.settled) return this.#become("settled", {});
    const { terms, charge, penalty } = this.#life;
    return [
      ...this.#transfers(settlementTransfers(terms, charge, penalty, this.#fee, now)),
      ...this.#become("settled", { settled: true }),
    ];
  }

  #transfers(transfers: readonly Transfer[]): readonly ContractDeed[] {
    return transfers.map((transfer): ContractDeed => ({ kind: "transfer", transfer }));
  }

  /** Before settlement a ruling lowers what is due; after it the difference goes back [K3.5]. */
  #resolve(now: Instant, refund: Money, borneBy: "provider" | "manager"): readonly ContractDeed[] {
    const { terms, charge, penalty, settled } = this.#life;
    if (!settled) {
      const transfers = settlementTransfers(terms, (charge - refund) as Money, penalty, this.#fee, now);
      return [...this.#transfers(transfers), ...this.#become("resolved", { settled: true })];
    }
    if (refund === 0n) return this.#become("resolved", {});
    const due = (charge - penalty) as Money;
    const given = refundTransfer(terms, due, refund, borneBy, this.#fee, now);
    return [...this.#transfers([given]), ...this.#become("resolved", {})];
  }

  #hold(now: Instant): Hold {
    const { terms } = this.#life;
    const { account } = terms.consumer;
    return { id: holdOf(terms), account, amount: terms.ceiling, at: now, reference: terms.id };
  }

  #become(state: ContractState, change: Partial<ContractLifeState>): readonly ContractDeed[] {
    this.#life = { ...this.#life, ...change, state };
    return [{ kind: "became", state, because: this.#life.because }];
  }
}

/** The promises of a contract: those it lists, and its promised completion as one without penalty. */
function levelsOf(terms: ContractTerms): readonly ServiceLevel[] {
  const levels = terms.levels ?? [];
  if (terms.completeBy === null || levels.some((level) => level.kind === "completion")) return levels;
  return [...levels, { kind: "completion", by: terms.completeBy, penaltyPpm: 0 }];
}
