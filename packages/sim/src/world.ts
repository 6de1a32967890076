import { assert, type Instant, type Micros, NEVER, type Rng } from "@weft/kernel";
import type { ActorCounters, ActorId, ActorSpec, Clock } from "./actor.ts";
import { Engine, type WorldOptions } from "./engine.ts";
import type { LinkModel, LinkTable } from "./links.ts";
import { copyMessage } from "./message.ts";
import { SCRIPT } from "./pending-events.ts";

/**
 * Machines under virtual time: the one clock of a simulation. Events happen in the order of (time, serial); each
 * actor and each link draws from a stream of its own; every message is copied, so that actors share nothing.
 * Equal seeds and equal calls give equal runs, to the byte: `digest` tells.
 */
export class World {
  readonly #engine: Engine;
  readonly #byName = new Map<string, ActorId>();

  constructor(options: WorldOptions) {
    this.#engine = new Engine(options);
  }

  get seed(): number {
    return this.#engine.seed;
  }

  get startAt(): Instant {
    return this.#engine.startAt;
  }

  get links(): LinkTable {
    return this.#engine.links;
  }

  /** True time. Only the world and its observer know it; actors see their own clocks. */
  get now(): Instant {
    return this.#engine.now as Instant;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#engine.events;
  }

  get actorCount(): number {
    return this.#engine.actors.length;
  }

  /** A stream of chance for a part of the experiment, such as its workload. */
  fork(label: string): Rng {
    return this.#engine.rng.fork(label);
  }

  /** Fingerprint of all that happened so far: time, kind, actor, link and size of every event. */
  get digest(): string {
    return this.#engine.digest.toString();
  }

  // ---- actors and links

  /** Adds an actor and starts it. Names are unique: they name its stream of chance. */
  add<In, Out>(spec: ActorSpec<In, Out>): ActorId {
    assert(!this.#byName.has(spec.name), `two actors named ${spec.name}`);
    const state = this.#engine.add(spec as ActorSpec<unknown, unknown>);
    this.#byName.set(spec.name, state.id);
    this.#engine.start(state);
    return state.id;
  }

  name(actor: number): string {
    return this.#engine.actor(actor).spec.name;
  }

  /** The actor of that name. */
  id(name: string): ActorId {
    const id = this.#byName.get(name);
    assert(id !== undefined, `no actor named ${name}`);
    return id;
  }

  /** The machine of an actor as it is now; null while it is down. For observers: the world does not know its type. */
  machine<M>(actor: ActorId): M | null {
    return this.#engine.actor(actor).machine as M | null;
  }

  isRunning(actor: ActorId): boolean {
    return this.#engine.actor(actor).machine !== null;
  }

  /** A link in one direction. Changes its model where there is one. */
  link(from: ActorId, to: ActorId, model: LinkModel): void {
    this.#engine.links.set(from, to, model);
  }

  /** Links in both directions. */
  connect(a: ActorId, b: ActorId, model: LinkModel): void {
    this.#engine.links.set(a, b, model);
    this.#engine.links.set(b, a, model);
  }

  counters(actor: ActorId): ActorCounters {
    const { sent, sentBytes, received, receivedBytes, wakes, crashes } = this.#engine.actor(actor);
    return { sent, sentBytes, received, receivedBytes, wakes, crashes };
  }

  /** Forgets what actors and links have counted so far: for measuring after a warm-up. */
  resetCounters(): void {
    this.#engine.links.resetCounters();
    for (const state of this.#engine.actors) {
      state.sent = state.sentBytes = state.received = state.receivedBytes = state.wakes = state.crashes = 0;
    }
  }

  // ---- what the experiment does to the world

  /** Gives an actor an input of its own now, as its user or its sensors would. Ignored while it is down. */
  input<In>(actor: ActorId, input: In): void {
    const state = this.#engine.actor(actor);
    if (state.machine !== null) this.#engine.handle(state, copyMessage(input));
  }

  /** Calls `action` at `at`, in order with all other events. */
  at(at: Instant, action: () => void): void {
    assert(at >= this.#engine.now, "the past cannot be scheduled");
    // Machines are promised whole microseconds.
    this.#engine.pending.schedule(Math.ceil(at), SCRIPT, -1, -1, 0, action);
  }

  /** Calls `action` after `length`. */
  after(length: Micros, action: () => void): void {
    this.at((this.#engine.now + length) as Instant, action);
  }

  /** Calls `action` every `period` from now on, until it returns false. */
  every(period: Micros, action: () => unknown): void {
    this.after(period, () => {
      if (action() !== false) this.every(period, action);
    });
  }

  /** The actor stops where it stands and forgets what it did not keep outside its machine. */
  crash(actor: ActorId): void {
    const state = this.#engine.actor(actor);
    if (state.machine === null) return;
    state.machine = null;
    state.wakeScheduled = Number.POSITIVE_INFINITY;
    state.busyUntil = Number.NEGATIVE_INFINITY;
    state.crashes++;
    for (const slot of state.inbox) this.#engine.lose(slot);
    state.inbox.length = 0;
    this.#engine.note("crash", actor);
  }

  /** Starts a crashed actor again. Harmless where it runs. */
  restart(actor: ActorId): void {
    const state = this.#engine.actor(actor);
    if (state.machine !== null) return;
    state.incarnation++;
    this.#engine.note("restart", actor);
    this.#engine.start(state);
  }

  /** Nothing happens at the actor for `length`; what arrives waits. */
  pause(actor: ActorId, length: Micros): void {
    const state = this.#engine.actor(actor);
    state.busyUntil = Math.max(state.busyUntil, this.#engine.now + length);
    this.#engine.note("pause", actor);
  }

  /** From now on each input takes `inputTime` at the actor; 0 heals it. */
  slow(actor: ActorId, inputTime: Micros): void {
    this.#engine.actor(actor).inputTime = inputTime;
    this.#engine.note("slow", actor);
  }

  /** Sets an actor's clock. In one life it never runs backwards: set back, it stands until time has caught up. */
  setClock(actor: ActorId, clock: Clock): void {
    const state = this.#engine.actor(actor);
    state.clock = clock;
    this.#engine.note("clock", actor);
    this.#engine.rearm(state);
  }

  /** Takes both directions between two actors down or up, and tells the actors that listen for it. */
  setUp(a: ActorId, b: ActorId, up: boolean): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const link = this.#engine.links.between(from, to);
      if (link >= 0 && this.#engine.links.isUp(link) !== up) {
        this.#engine.links.setUp(link, up);
        this.#engine.tell(from, to, up);
      }
    }
    this.#engine.note(up ? "up" : "down", a);
  }

  /**
   * Splits the world: actors reach only those of their own group; whoever is in no group is in one of its own
   * with all the others left out. What is on its way across is lost. Nobody is told: they have to notice.
   */
  partition(groups: readonly (readonly ActorId[])[]): void {
    for (const state of this.#engine.actors) state.island = 0;
    groups.forEach((group, i) => {
      for (const actor of group) this.#engine.actor(actor).island = i + 1;
    });
    this.#engine.note("partition", groups.length);
  }

  /** Ends every partition. */
  heal(): void {
    this.partition([]);
  }

  // ---- time

  /** Lets everything up to and including `until` happen, and leaves `now` there. Returns how many events did. */
  run(until: Instant, maxEvents = Number.POSITIVE_INFINITY): number {
    const before = this.#engine.events;
    const limit = before + maxEvents;
    while (this.#engine.pending.nextAt <= until) {
      if (this.#engine.events >= limit) this.fail(`more than ${maxEvents} events before ${until}`);
      this.step();
    }
    if (until < NEVER) this.#engine.now = Math.max(this.#engine.now, until);
    return this.#engine.events - before;
  }

  /** Lets `length` pass. */
  runFor(length: Micros): number {
    return this.run((this.#engine.now + length) as Instant);
  }

  /** True time of the next event; NEVER where nothing is pending. */
  get nextAt(): Instant {
    return Math.min(this.#engine.pending.nextAt, NEVER) as Instant;
  }

  /** Lets one event happen; there must be one. */
  step(): void {
    this.#engine.step();
  }

  /** Stops the run with what led to it and the command that runs it again. */
  fail(message: string, cause?: unknown): never {
    this.#engine.fail(message, cause);
  }

  /** Stops the run unless `condition` holds: for invariants that an experiment watches. */
  demand(condition: unknown, message: string): asserts condition {
    if (!condition) this.fail(message);
  }
}
