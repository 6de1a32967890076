import { Collector, MANAGER_PARTICIPANT, takePart } from "@weft/announcement";
import type { NodeId } from "@weft/infrastructure";
import {
  after,
  Deadlines,
  earliest,
  type Instant,
  type Machine,
  MINUTE,
  type Micros,
  NEVER,
  type Refusal,
  Rng,
  unreachable,
  ZERO,
} from "@weft/kernel";
import { Orchestrator } from "@weft/orchestration";
import { Pool } from "@weft/pool";
import { type BatchDecision, type Decision, planTogether, Scheduler, type TaskNeeds } from "@weft/scheduling";
import { delivered } from "../federation/concluding.ts";
import { beginDealing, deal, hearPeer, wakeDealing } from "../federation/dealing.ts";
import { Federation } from "../federation/federation.ts";
import { brought } from "../federation/inward.ts";
import { peerConnection } from "../federation/messages.ts";
import { Predictor, UNTRIED } from "../predictor.ts";
import type { FromAgent } from "../protocol.ts";
import type { ApplicationPlanRequest } from "../resources.ts";
import { hasEnded, type StoreState } from "../store.ts";
import { Ahead, type Asker, isLater, planAhead } from "./ahead.ts";
import { giveUpApplications, steps } from "./applications/course.ts";
import { applicationPlan } from "./applications/plan.ts";
import { Applications } from "./applications/register.ts";
import { Billing, PLAIN_BILLING, TAX } from "./billing.ts";
import { Books, WORLD } from "./books.ts";
import { endLapsed, learnAgain, loseRun, outcome, signed } from "./closing.ts";
import { command } from "./commands.ts";
import { lostContact, madeContact } from "./contact.ts";
import {
  type Core,
  type ManagerInput,
  type ManagerOptions,
  type ManagerOutput,
  send,
  store,
  tell,
} from "./core.ts";
import { Fleet } from "./fleet.ts";
import { Front } from "./front.ts";
import { closed, hello, knock, opened, pricesObjection, silent } from "./joining.ts";
import { ManagerLog } from "./log.ts";
import { carryOut, observe } from "./observing.ts";
import { Offers, onSale, priceNode } from "./offers.ts";
import { Organisations } from "./organisations.ts";
import { perceive, setLinks } from "./perceiving.ts";
import { Promises, restorePromises } from "./promises.ts";
import { reprice } from "./repricing.ts";
import { placeOnSale } from "./selling.ts";
import { amountOf, ConsumerShares } from "./shares.ts";
import { beginPromised, unknownSite } from "./submitting.ts";
import { Tasks } from "./tasks.ts";
import { begin, reopen } from "./trading.ts";
import { shapeOf, turnFor } from "./turns.ts";
import { setAside, tryAgain } from "./willing.ts";

/** What lapsed while no manager was there may still be told for so long after a start. */
const RETURN_WITHIN = (2 * MINUTE) as Micros;

/*
 * The manager's core: one machine over all floors. It decides in memory and at once; what must outlive it goes
 * out as store changes, before the messages that stand on them (ARCHITECTURE.md, "Effects after durability").
 *
 * [M.1] Money reserved, capacity reserved and contract signed come before a launch is said to a node.
 * [M.2] A run is billed at most once, and a task by at most one of its runs.
 * [M.3] After a restart from the store every task, contract and amount is where it was.
 * [M.4] A node that does not speak for `silence` has lost its runs; whatever it says of them later is refused.
 */
export class Manager implements Machine<ManagerInput, ManagerOutput> {
  readonly #core: Core;

  /** Rebuilds a manager from what the store keeps; `EMPTY_STORE` for a new one. */
  constructor(options: ManagerOptions, state: StoreState, now: Instant) {
    const pool = new Pool();
    const shares = new ConsumerShares(pool);
    const fleet = new Fleet(state.nodes);
    const { signer, cryptography } = options;
    const keyOf = (node: NodeId) => fleet.keyOf(node);
    const collector = new Collector(cryptography, keyOf);
    const participant = takePart(
      options.announcement?.architecture ?? "centralised",
      MANAGER_PARTICIPANT,
      signer,
      cryptography,
      (node) => (node === MANAGER_PARTICIPANT ? signer.publicKey : keyOf(node)),
      new Rng(Number.parseInt(signer.publicKey.slice(0, 8), 16)),
    );
    const core: Core = {
      options,
      books: new Books(state),
      fleet,
      tasks: new Tasks(
        state,
        (row) => reopen(options.fee, row, after(now, RETURN_WITHIN)),
        (consumer, claim, sign) => shares.charge(consumer, amountOf(claim), sign),
      ),
      pool,
      scheduler: new Scheduler(pool),
      orchestrator: new Orchestrator((consumer) => shares.of(consumer)),
      shares,
      predictor: new Predictor(),
      offers: new Offers(state),
      organisations: new Organisations(state),
      collector,
      participant,
      view: participant?.view ?? collector.view,
      neighbours: new Map(),
      log: new ManagerLog(options.cryptography, state, now),
      billing: new Billing(options.billing ?? PLAIN_BILLING, options.currency, state),
      federation:
        options.federation === undefined
          ? null
          : new Federation(options.federation, options.domain, signer, cryptography, state, now),
      tokens: new Map(state.tokens.map((row) => [row.id, row])),
      tokensByDigest: new Map(state.tokens.map((row) => [row.digest, row])),
      nonces: new Map(),
      keys: new Map(state.keys.map((row) => [row.key, row])),
      reservations: new Map(),
      applications: new Applications(state),
      listener: steps,
      ahead: new Ahead(state),
      promises: new Promises(),
      front: new Front(),
      planned: new Map(),
      decided: new Map(),
      sticky: new Map(),
      linksOf: new Map(),
      silences: new Deadlines(),
      sweepAt: NEVER,
      startedAt: now,
      setAside: new Deadlines(),
      out: [],
    };
    this.#core = core;
    for (const [workClass, factor] of UNTRIED) pool.setCorrectionElsewhere(workClass, factor);
    this.#restore(state, now);
    if (core.federation !== null) beginDealing(core, now, core.federation);
  }

  /** The floors below, to be read by whoever answers questions; only `handle` and `wake` change them. */
  get core(): Omit<Core, "out"> {
    return this.#core;
  }

  get wakeAt(): Instant {
    const {
      orchestrator,
      participant,
      collector,
      silences,
      sweepAt,
      offers,
      setAside: aside,
      log,
    } = this.#core;
    const announced = (participant ?? collector).wakeAt;
    const soonest = earliest(earliest(orchestrator.wakeAt, sweepAt), earliest(announced, silences.next));
    const kept = earliest(log.headAt, this.#core.applications.deadlines.next);
    const dealing = this.#core.federation?.wakeAt ?? NEVER;
    const moments = earliest(this.#core.ahead.due.next, this.#core.front.wakeAt);
    const promised = earliest(earliest(dealing, moments), this.#core.promises.upset.next);
    return earliest(earliest(soonest, earliest(kept, promised)), earliest(aside.next, offers.wakeAt));
  }

  wake(now: Instant): readonly ManagerOutput[] {
    const core = this.#core;
    for (const node of core.silences.due(now)) silent(core, now, node);
    const announced = core.participant ?? core.collector;
    if (announced.wakeAt <= now) perceive(core, now, announced.wake(now));
    if (core.offers.wakeAt <= now) reprice(core, now);
    if (core.sweepAt <= now) endLapsed(core, now);
    if (core.log.headAt <= now) core.log.sign(core, now);
    if (core.promises.upset.next <= now) restorePromises(core, now);
    if (core.setAside.next <= now) {
      tryAgain(core, now);
      observe(core, now, { kind: "room" });
    }
    if (core.front.wakeAt <= now) {
      core.front.wakeAt = NEVER;
      observe(core, now, { kind: "room" });
    }
    giveUpApplications(core, now);
    wakeDealing(core, now);
    beginPromised(core, now);
    if (core.orchestrator.wakeAt <= now) carryOut(core, now, core.orchestrator.wake(now));
    return this.#take(now);
  }

  handle(now: Instant, input: ManagerInput): readonly ManagerOutput[] {
    const core = this.#core;
    switch (input.kind) {
      case "peer": {
        const said = hearPeer(core, now, input.from, input.message);
        if (said !== null) this.#control(now, peerConnection(input.from), said);
        break;
      }
      case "crossed":
        if (input.way === "in") brought(core, now, input.run, input.took, input.failed);
        else delivered(core, now, input.run, input.took, input.failed);
        break;
      case "opened":
        opened(core, input.connection, input.nonce);
        break;
      case "closed": {
        const member = core.fleet.speaking(input.connection);
        closed(core, now, input.connection);
        if (member !== undefined) {
          lostContact(core, now, member.row.id);
        }
        break;
      }
      case "control":
        this.#control(now, input.connection, input.message);
        break;
      case "report": {
        const from = core.fleet.speaking(input.connection)?.row.id;
        if (from !== undefined) {
          perceive(core, now, core.collector.handle(now, { kind: "message", from, message: input.message }));
        }
        break;
      }
      case "announced": {
        const { from, bytes } = input;
        if (core.participant !== null) {
          perceive(core, now, core.participant.handle(now, { kind: "message", from, bytes }));
        }
        break;
      }
      case "links":
        setLinks(core, now, "", input.links);
        break;
      case "command":
        core.out.push({ kind: "answer", ticket: input.ticket, result: command(core, now, input.command) });
        break;
      default:
        unreachable(input);
    }
    return this.#take(now);
  }

  /** Why a task is not even planned: its data is at no site of the network. null: nothing speaks against it. */
  unknownSite(needs: TaskNeeds): Refusal | null {
    return unknownSite(this.#core, needs);
  }

  /** What would be decided about a task now, with reasons. Changes nothing. */
  plan(needs: TaskNeeds, now?: Instant, asker: Asker = { consumer: null, task: null }): Decision {
    const options = { explain: true };
    if (now === undefined) return this.#core.scheduler.place(needs, options);
    if (isLater(needs, now)) return planAhead(this.#core, now, asker, needs);
    return placeOnSale(this.#core, now, needs, options);
  }

  /** What would be planned for an application now. Changes nothing. */
  planApplication(request: ApplicationPlanRequest) {
    return applicationPlan(this.#core, request);
  }

  /** What would be decided about tasks together now. Changes nothing. */
  planBatch(needs: readonly TaskNeeds[]): BatchDecision {
    return planTogether(
      this.#core.pool,
      needs.map((one) => onSale(this.#core, one)),
      { explain: true },
    );
  }

  #take(now: Instant): readonly ManagerOutput[] {
    deal(this.#core, now);
    const { out } = this.#core;
    this.#core.out = [];
    return out;
  }

  #control(now: Instant, connection: string, message: FromAgent): void {
    const core = this.#core;
    if (message.kind === "knock") {
      knock(core, now, connection, message);
      return;
    }
    if (message.kind === "hello") {
      hello(core, now, connection, message);
      const joined = core.fleet.speaking(connection);
      if (joined !== undefined) {
        madeContact(core, now, joined.row.id);
      }
      return;
    }
    const member = core.fleet.speaking(connection);
    if (member === undefined) {
      core.out.push({ kind: "hang-up", connection });
      return;
    }
    const run = "run" in message ? core.tasks.run(message.run) : undefined;
    const live = run?.live != null && run.view.node === member.row.id ? run : undefined;
    switch (message.kind) {
      case "prices": {
        const { description, provider, key } = member.row;
        const refusal = pricesObjection(message);
        if (refusal !== null) {
          send(core, connection, { kind: "rejected", refusal });
          core.out.push({ kind: "hang-up", connection });
          break;
        }
        const entered = core.fleet.enter(description, message.prices, provider, key, now, message.floor);
        store(core, entered.changes);
        priceNode(core, member.row, now);
        break;
      }
      case "accepted":
        if (live !== undefined) signed(core, now, live, message.signature);
        break;
      case "declined":
        if (message.refusal.code === "E_CONTRACT_TIME") setAside(core, now, member.row.id);
        if (live !== undefined) loseRun(core, now, live, "node_refused", detail(message.refusal));
        break;
      case "state":
        if (live !== undefined) {
          live.accepted = true;
          core.tasks.note(live, { state: message.state });
          if (message.state === "running") begin(core, now, live);
          if (message.state === "running") this.#running(now, live.task);
        }
        break;
      case "log":
        if (live !== undefined) {
          const { run: id, at, stream, text } = message;
          core.out.push({ kind: "log", task: live.task, run: id, at, stream, text });
        }
        break;
      case "outcome":
        outcome(core, now, member, message.run, message.outcome);
        break;
      default:
        unreachable(message);
    }
  }

  /** Running is seen, not kept: after a restart the node says it again. */
  #running(now: Instant, task: string): void {
    const entry = this.#core.tasks.task(task);
    if (entry === undefined || hasEnded(entry.row.progress.phase)) return;
    entry.row = { ...entry.row, progress: { ...entry.row.progress, phase: "running" } };
    tell(this.#core, now, "running", "task", task);
  }

  #restore(state: StoreState, now: Instant): void {
    const core = this.#core;
    const { options } = core;
    for (const id of [WORLD, TAX, options.account]) {
      if (core.books.account(id) !== undefined) continue;
      const limit = id === WORLD ? null : ZERO;
      const role = id === options.account ? "manager" : "system";
      store(core, core.books.open({ id, name: id, role, limit, currency: options.currency, createdAt: now }));
    }
    for (const usage of state.usage) {
      const member = core.fleet.member(usage.usage.record.node as NodeId);
      if (member !== undefined) member.recorded = Math.max(member.recorded, usage.usage.record.sequence);
    }
    for (const entry of core.tasks.all) {
      const { id, submission, progress } = entry.row;
      for (const run of entry.runs) learnAgain(core, submission.needs, run.view);
      if (hasEnded(progress.phase)) continue;
      const live = entry.runs.find((run) => run.live !== null);
      if (live === undefined && entry.runs.length === 0 && isLater(submission.needs, now)) {
        core.ahead.due.set(id, submission.needs.startAt as Instant);
        continue;
      }
      const { notAfter } = submission.order.order;
      core.orchestrator.restore(
        id,
        turnFor(entry.row),
        shapeOf(submission.needs),
        entry.row.submittedAt,
        notAfter,
        entry.runs.length,
        live === undefined ? null : { run: live.view.id, node: live.view.node as NodeId },
        entry.runs.filter(({ view }) => view.because === "preempted" || view.because === "moved").length,
      );
      if (live === undefined) continue;
      core.silences.set(live.view.node as NodeId, after(now, options.silence));
      core.sweepAt = after(now, RETURN_WITHIN);
    }
  }
}

const detail = ({ message, hint }: Refusal): string => (hint === undefined ? message : `${message}: ${hint}`);
