import { type Instant, type Micros, type Money, money, type Result, Rng } from "@weft/kernel";
import { nodeCryptography, signerFromSeed } from "@weft/live";
import { type Command, type Manager, MemoryStore } from "@weft/service";
import { homeManager, manifestOf, orderOf, START, submissionOf } from "@weft/service/testing";
import { type ActorId, type Clock, inject, randomFaults, TRUE_CLOCK, World } from "@weft/sim";
import { AgentActor } from "./agent-actor.ts";
import { demandCalm, demandSound } from "./invariants.ts";
import { ManagerActor, type ManagerActorInput } from "./manager-actor.ts";
import { MANAGER_SITE, needsOf, nodeOf } from "./scenery.ts";

const SECOND = 1e6;
const at = (seconds: number): Instant => (START + seconds * SECOND) as Instant;
/** Faults end here; then the network has `RECOVERY` to be as it should. */
const HEALED = 40;
const RECOVERY = 60;
const CONSUMER = { account: "ann", role: "consumer" } as const;
/** Tickets of cancelling follow those of submitting. */
const CANCEL = 1_000_000;
const WIRE = { delay: 5000 as Micros, jitter: 500 as Micros };

/** How hard one run is hit. */
export interface FuzzOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly tasks?: number;
  readonly faults?: number;
  /** Share of tasks that their consumer takes back at a moment drawn from the whole run, or as soon as they can after it. */
  readonly cancels?: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly events: number;
  readonly digest: string;
  readonly tasks: number;
  /** Runs that were lost and placed again. */
  readonly lostRuns: number;
  readonly crashes: number;
  /** Tasks that ended because they were taken back. */
  readonly cancelled: number;
}

/**
 * A manager and its agents under random faults: messages lost, repeated, reordered and late, partitions, crashes and
 * restarts of either, pauses, slow nodes, clocks that are wrong for a while, of the manager's too, and nodes whose clock
 * stays wrong. Consumers submit and cancel meanwhile. The invariants are watched all the way; then everything but the
 * lastingly wrong clocks is healed and recovery is demanded. Throws a `SimulationFailure` with the replay command.
 */
export class FuzzedNetwork {
  readonly world: World;
  readonly store = new MemoryStore();
  readonly manager: ActorId;
  readonly agents: readonly ActorId[];
  /** What was submitted and acknowledged, by ticket. */
  readonly acknowledged = new Map<number, string>();
  /** Tasks whose cancelling was acknowledged. */
  readonly cancelled = new Set<string>();
  readonly #waiting = new Map<number, Command>();
  /** Nodes whose clock goes wrong once they have joined, and stays so. */
  readonly wrongClocks = new Map<ActorId, Clock>();
  readonly #options: Required<FuzzOptions>;
  readonly #rng: Rng;
  #ids = 0;
  #streams = 0;

  constructor(options: FuzzOptions) {
    this.#options = { nodes: 5, tasks: 40, faults: 30, cancels: 0.2, ...options };
    const { seed, nodes } = this.#options;
    this.world = new World({ seed, startAt: START, replay: `npm run fuzz -- --seed ${seed}`, trace: 40 });
    this.#rng = this.world.fork("fuzz");
    this.manager = this.#addManager();
    this.agents = Array.from({ length: nodes }, (_, i) => this.#addAgent(`n${i + 1}`, 1 + (i % 3)));
    for (const agent of this.agents) this.world.connect(agent, this.manager, WIRE);
  }

  run(): FuzzReport {
    const { world } = this;
    this.#found();
    this.#planTasks();
    this.#planFaults();
    world.every((250 * 1000) as Micros, () => demandSound(this));
    world.run(at(HEALED));
    this.#heal();
    world.run(at(HEALED + RECOVERY), 20_000_000);
    demandCalm(this);
    const state = this.store.state();
    return {
      seed: this.#options.seed,
      events: world.events,
      digest: world.digest,
      tasks: state.tasks.length,
      lostRuns: state.runs.filter(({ view }) => view.state === "lost").length,
      crashes: [this.manager, ...this.agents].reduce((sum, id) => sum + world.counters(id).crashes, 0),
      cancelled: state.tasks.filter(({ progress }) => progress.phase === "cancelled").length,
    };
  }

  /** The manager's core as it is; null while it is down. */
  get core(): Manager | null {
    return this.world.machine<ManagerActor>(this.manager)?.manager ?? null;
  }

  /** Commands without an answer so far. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  #signer(name: string) {
    const rng = new Rng(this.#options.seed).fork(`key/${name}`);
    return signerFromSeed(Uint8Array.from({ length: 32 }, () => rng.below(256)));
  }

  #addManager(): ActorId {
    const newId = (kind: string) => `${kind}-${++this.#ids}`;
    const options = homeManager(MANAGER_SITE, this.#signer("manager"), nodeCryptography, newId);
    return this.world.add({
      name: "manager",
      start: ({ now, rng }) => new ManagerActor(options, this.store, now, rng),
      receive: (message, from): ManagerActorInput => ({ kind: "frame", from, frame: message as never }),
      perform: (output, self) => {
        if (output.kind === "frame") self.send(output.to, output.frame);
        else this.#answered(output.ticket, output.result);
      },
    });
  }

  #addAgent(name: string, lanes: number): ActorId {
    const signer = this.#signer(name);
    const clock = this.#clockOf(name);
    const agent = this.world.add({
      name,
      start: ({ now, rng }) =>
        new AgentActor({
          description: nodeOf(name, lanes),
          signer,
          cryptography: nodeCryptography,
          rng,
          now,
          newStream: () => `${name}/${++this.#streams}`,
        }),
      receive: (message) => message as never,
      perform: (frame, self) => {
        self.send(this.manager, frame);
      },
    });
    if (clock !== TRUE_CLOCK) this.wrongClocks.set(agent, clock);
    return agent;
  }

  /** One node in three has a clock that is wrong by up to two minutes, and drifts. */
  #clockOf(name: string): Clock {
    const rng = new Rng(this.#options.seed).fork(`clock/${name}`);
    if (!rng.chance(1 / 3)) return TRUE_CLOCK;
    const skew = Math.round((rng.float() - 0.5) * 240 * SECOND) as Micros;
    return { skew, drift: (rng.float() - 0.5) * 4e-4 };
  }

  // ---- the consumer, who asks again until answered

  #ask(ticket: number, command: Command): void {
    this.#waiting.set(ticket, command);
    this.world.input<ManagerActorInput>(this.manager, { kind: "command", ticket, command });
    this.world.after((2 * SECOND) as Micros, () => {
      if (this.#waiting.has(ticket)) this.#ask(ticket, command);
    });
  }

  #answered(ticket: number, result: Result<string>): void {
    const command = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    if (!result.ok) this.world.fail(`${command?.kind} was refused: ${result.refusal.message}`);
    if (command?.kind === "cancel" && result.ok) this.cancelled.add(result.value);
    if (command?.kind !== "submit") return;
    const before = this.acknowledged.get(ticket);
    this.world.demand(before === undefined || before === result.value, "one order became two tasks");
    this.acknowledged.set(ticket, result.value);
  }

  #found(): void {
    const digest = nodeCryptography.digest("join-secret");
    const commands: readonly Command[] = [
      { kind: "open-account", id: "ann", name: "Ann", role: "consumer", limit: 0n as Money },
      { kind: "open-account", id: "pat", name: "Pat", role: "provider", limit: 0n as Money },
      { kind: "deposit", id: "first", account: "ann", amount: money(100_000_000n) },
      { kind: "add-key", account: "ann", key: this.#signer("ann").publicKey, note: "" },
      {
        kind: "create-token",
        token: { id: "j", digest, use: "join", account: "pat", role: "provider", note: "", expiresAt: null },
      },
    ];
    commands.forEach((command, i) => {
      this.#ask(-1 - i, command);
    });
    this.world.runFor((50 * 1000) as Micros);
    // A clock is never set back under a running machine: these nodes come back from a restart with a wrong one.
    for (const [agent, clock] of this.wrongClocks) {
      this.world.crash(agent);
      this.world.setClock(agent, clock);
      this.world.restart(agent);
    }
  }

  #planTasks(): void {
    const desktop = { signer: this.#signer("ann"), cryptography: nodeCryptography, now: START };
    for (let ticket = 1; ticket <= this.#options.tasks; ticket++) {
      const work = 1e7 + this.#rng.below(2e8);
      const name = `t${ticket}`;
      const order = orderOf(desktop, `order-${name}`, manifestOf(name), money(1_000_000n));
      const submission = submissionOf(name, needsOf(work), order);
      const when = at(1 + this.#rng.float() * (HEALED - 5));
      this.world.at(when, () => this.#ask(ticket, { kind: "submit", caller: CONSUMER, submission }));
    }
    this.#planCancels();
  }

  #planCancels(): void {
    const rng = this.world.fork("cancels");
    for (let ticket = 1; ticket <= this.#options.tasks; ticket++) {
      if (!rng.chance(this.#options.cancels)) continue;
      this.world.at(at(1 + rng.float() * (HEALED - 1)), () => this.#cancel(ticket, rng));
    }
  }

  /** Takes a task back once its submission was answered: nobody can name it sooner. */
  #cancel(ticket: number, rng: Rng): void {
    const task = this.acknowledged.get(ticket);
    if (task !== undefined) this.#ask(CANCEL + ticket, { kind: "cancel", caller: CONSUMER, task });
    else this.world.after((1 + rng.below(6 * SECOND)) as Micros, () => this.#cancel(ticket, rng));
  }

  #planFaults(): void {
    const rng = this.world.fork("faults");
    const links = this.agents.map((agent) => ({ between: [agent, this.manager] as const, model: WIRE }));
    const window = { from: at(2), until: at(HEALED), longest: (12 * SECOND) as Micros };
    const faults = randomFaults(rng, { ...window, actors: this.agents, links, count: this.#options.faults });
    const own = randomFaults(rng, {
      ...window,
      actors: [this.manager],
      links: [],
      count: 1 + rng.below(4),
      longest: (4 * SECOND) as Micros,
      kinds: ["crash", "pause", "clock"],
    });
    // A clock that is wrong for good is not put right by the end of a fault.
    const possible = faults.filter((fault) => fault.kind !== "clock" || !this.wrongClocks.has(fault.actor));
    inject(this.world, [...possible, ...own]);
  }

  /** Whatever overlapping faults left behind is put right: from here on there is no excuse. */
  #heal(): void {
    const { world } = this;
    world.heal();
    for (const agent of this.agents) {
      world.connect(agent, this.manager, WIRE);
      world.setUp(agent, this.manager, true);
      if (!this.wrongClocks.has(agent)) world.setClock(agent, TRUE_CLOCK);
      world.restart(agent);
    }
    world.setClock(this.manager, TRUE_CLOCK);
    world.restart(this.manager);
  }
}
