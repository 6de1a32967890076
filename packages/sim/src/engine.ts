import { assert, type Instant, NEVER, Rng } from "@weft/kernel";
import { type Actor, type ActorId, type ActorSpec, ActorState } from "./actor.ts";
import { SimulationFailure, Trace } from "./failure.ts";
import { type LinkModel, LinkTable } from "./links.ts";
import { copyMessage, messageBytes } from "./message.ts";
import { DELIVER, EVENT_KINDS, PendingEvents, RESUME, WAKE } from "./pending-events.ts";
import { RunDigest } from "./run-digest.ts";

export interface WorldOptions {
  readonly seed: number;
  /** True time at the start; 2026-01-01T00:00:00Z where left out. */
  readonly startAt?: Instant;
  /** The command that runs this world again; printed with every failure. */
  readonly replay?: string;
  /** How many of the last events a failure shows; 20 where left out, 0 keeps none. */
  readonly trace?: number;
  /** Model of the link that a message between two unlinked actors makes, as over a routed network. null: no way. */
  readonly implicitLink?: (from: ActorId, to: ActorId) => LinkModel | null;
}

/**
 * What happens in a world: events come out in order, messages reach actors over links, machines are woken when they want
 * to be, and what they want done is done. The experiment's side of it is `World`.
 */
export class Engine {
  readonly seed: number;
  readonly startAt: Instant;
  readonly links: LinkTable;
  readonly rng: Rng;
  readonly actors: ActorState[] = [];
  readonly pending = new PendingEvents();
  readonly digest = new RunDigest();
  readonly #trace: Trace;
  readonly #replay: string;
  readonly #implicitLink: WorldOptions["implicitLink"];
  now: number;
  /** Events that have happened. */
  events = 0;
  // The message being sent: `LinkTable.transmit` calls back once a copy.
  #outgoing: unknown;
  #outgoingLink = 0;
  #outgoingBytes = 0;
  readonly #arrive = (at: number): void => {
    const to = this.links.to[this.#outgoingLink] as number;
    const message = copyMessage(this.#outgoing);
    this.pending.schedule(at, DELIVER, to, this.#outgoingLink, this.#outgoingBytes, message);
  };

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.startAt = options.startAt ?? (1_767_225_600_000_000 as Instant);
    this.now = this.startAt;
    this.rng = new Rng(options.seed);
    this.#replay = options.replay ?? `new World({ seed: ${options.seed} })`;
    this.#implicitLink = options.implicitLink;
    this.#trace = new Trace(options.trace ?? 20);
    this.links = new LinkTable((from, to) =>
      this.rng.fork(`link/${this.actor(from).spec.name}->${this.actor(to).spec.name}`),
    );
  }

  actor(id: number): ActorState {
    const state = this.actors[id];
    assert(state !== undefined, `no actor ${id}`);
    return state;
  }

  /** A new actor, not started yet. */
  add(spec: ActorSpec<unknown, unknown>): ActorState {
    const state = new ActorState(this.actors.length as ActorId, spec, this.rng);
    state.hands = this.#handsOf(state);
    this.actors.push(state);
    return state;
  }

  /** Lets one event happen; there must be one. */
  step(): void {
    const slot = this.pending.pop();
    this.now = this.pending.at;
    this.events++;
    const kind = this.pending.kind[slot] as number;
    const who = this.pending.who[slot] as number;
    const digest = this.digest;
    digest.add(this.now);
    digest.add((kind << 28) ^ who);
    this.#trace.event(this.now, EVENT_KINDS[kind] as string, who, this.pending.link[slot] as number);
    switch (kind) {
      case DELIVER:
        this.#deliver(slot, this.actors[who] as ActorState);
        return;
      case WAKE:
        this.pending.release(slot);
        this.#wake(this.actors[who] as ActorState);
        return;
      case RESUME:
        this.pending.release(slot);
        this.#resume(this.actors[who] as ActorState);
        return;
      default: {
        const action = this.pending.what[slot] as () => void;
        this.pending.release(slot);
        action();
      }
    }
  }

  /** Stops the run with what led to it and the command that runs it again. */
  fail(message: string, cause?: unknown): never {
    throw new SimulationFailure(
      message,
      {
        seed: this.seed,
        at: this.now as Instant,
        events: this.events,
        replay: this.#replay,
        last: this.#trace.lines(
          (actor) => (actor < 0 ? "world" : this.actor(actor).spec.name),
          this.links,
          this.startAt,
        ),
      },
      cause,
    );
  }

  /** Something the experiment did, for the digest and the trace. */
  note(what: string, subject: number): void {
    this.digest.add(this.now);
    this.digest.addText(what);
    this.digest.add(subject);
    this.#trace.note(this.now, what, subject);
  }

  // ---- an actor's life

  #handsOf(state: ActorState): Actor {
    const world = this;
    return {
      id: state.id,
      name: state.spec.name,
      get now() {
        return state.shown(world.now, world.startAt);
      },
      get rng() {
        return state.rng;
      },
      send: (to, message, bytes) => world.#send(state, to, message, bytes ?? messageBytes(message)),
      get neighbours() {
        return world.links.leaving(state.id).map((link) => world.links.to[link] as ActorId);
      },
    };
  }

  start(state: ActorState): void {
    const { id, spec, incarnation } = state;
    state.lastShown = Number.NEGATIVE_INFINITY; // a new process believes the clock as it finds it
    state.rng = this.rng.fork(`actor/${spec.name}/${incarnation}`);
    const now = state.shown(this.now, this.startAt);
    state.machine = this.#guard(state, () =>
      spec.start({ id, name: spec.name, now, incarnation, rng: state.rng }),
    );
    this.rearm(state);
  }

  /** Puts the machine's next deadline among the events, unless an event at least as early is there. */
  rearm(state: ActorState): void {
    const machine = state.machine;
    if (machine === null) return;
    const deadline = machine.wakeAt;
    if (deadline >= NEVER) return;
    const at = state.trueTime(deadline, this.now, this.startAt);
    if (at >= state.wakeScheduled) return;
    state.wakeScheduled = at;
    this.pending.schedule(at, WAKE, state.id, -1, 0, undefined);
  }

  /** Runs an actor's own code; what it throws stops the run with the actor's name and the replay command. */
  #guard<T>(state: ActorState, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (error instanceof SimulationFailure) throw error;
      this.fail(`${state.spec.name}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  }

  // ---- what reaches it

  #send(from: ActorState, to: ActorId, message: unknown, bytes: number): boolean {
    let link = this.links.between(from.id, to);
    if (link < 0) {
      const model = this.#implicitLink?.(from.id, to) ?? null;
      if (model === null) return false;
      link = this.links.set(from.id, to, model);
    }
    from.sent++;
    from.sentBytes += bytes;
    this.#outgoing = message;
    this.#outgoingLink = link;
    this.#outgoingBytes = bytes;
    this.links.transmit(link, this.now, bytes, this.#arrive);
    return true;
  }

  #deliver(slot: number, state: ActorState): void {
    const link = this.pending.link[slot] as number;
    const from = this.links.from[link] as ActorId;
    this.digest.add(link);
    this.digest.add(this.pending.size[slot] as number);
    const reached =
      state.machine !== null &&
      this.links.isUp(link) &&
      (this.actors[from] as ActorState).island === state.island;
    if (!reached) {
      this.lose(slot);
      return;
    }
    if (state.busyUntil > this.now || state.inbox.length > 0) {
      state.inbox.push(slot);
      this.#scheduleResume(state);
      return;
    }
    this.#receive(slot, state);
  }

  #receive(slot: number, state: ActorState): void {
    const from = this.links.from[this.pending.link[slot] as number] as ActorId;
    const message = this.pending.what[slot];
    state.received++;
    state.receivedBytes += this.pending.size[slot] as number;
    this.pending.release(slot);
    const hands = state.hands as Actor;
    const input = this.#guard(state, () => state.spec.receive(message, from, hands));
    if (input !== undefined) this.handle(state, input);
    if (state.inputTime > 0) state.busyUntil = Math.max(state.busyUntil, this.now + state.inputTime);
  }

  /** Tells an actor that a link of its own went up or down. */
  tell(actor: ActorId, peer: ActorId, up: boolean): void {
    const state = this.actor(actor);
    if (state.machine === null) return;
    const input = state.spec.linkChanged?.(peer, up, state.hands as Actor);
    if (input !== undefined) this.handle(state, input);
  }

  /** Gives a running actor's machine an input. */
  handle(state: ActorState, input: unknown): void {
    const machine = state.machine as NonNullable<ActorState["machine"]>;
    const now = state.shown(this.now, this.startAt);
    this.#perform(state, () => machine.handle(now, input));
  }

  /** A message on its way to nobody. */
  lose(slot: number): void {
    this.links.drop(this.pending.link[slot] as number);
    this.pending.release(slot);
  }

  #perform(state: ActorState, act: () => readonly unknown[]): void {
    const hands = state.hands as Actor;
    this.#guard(state, () => {
      const effects = act();
      for (let i = 0; i < effects.length; i++) state.spec.perform(effects[i], hands);
    });
    this.rearm(state);
  }

  // ---- when it is due

  #wake(state: ActorState): void {
    if (state.machine === null || state.wakeScheduled > this.now) return;
    state.wakeScheduled = Number.POSITIVE_INFINITY;
    if (state.busyUntil > this.now) {
      this.#scheduleResume(state);
      return;
    }
    this.#wakeIfDue(state);
  }

  #wakeIfDue(state: ActorState): void {
    const machine = state.machine;
    if (machine === null) return;
    const now = state.shown(this.now, this.startAt);
    if (machine.wakeAt > now) {
      this.rearm(state);
      return;
    }
    state.wakes++;
    this.#perform(state, () => machine.wake(now));
    const still = state.machine;
    if (still !== null && still.wakeAt <= now) {
      this.fail(`${state.spec.name} was woken at ${now} and wants to be woken at ${still.wakeAt}, not later`);
    }
  }

  #scheduleResume(state: ActorState): void {
    if (state.resumeScheduled) return;
    state.resumeScheduled = true;
    this.pending.schedule(Math.max(state.busyUntil, this.now), RESUME, state.id, -1, 0, undefined);
  }

  #resume(state: ActorState): void {
    state.resumeScheduled = false;
    if (state.machine === null) return;
    if (state.busyUntil > this.now) {
      // Paused anew meanwhile: a wake-up may be waiting even where no message is.
      this.#scheduleResume(state);
      return;
    }
    this.#wakeIfDue(state);
    const slot = state.inbox.shift();
    if (slot !== undefined) this.#receive(slot, state);
    if (state.inbox.length > 0) this.#scheduleResume(state);
  }
}
