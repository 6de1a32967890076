import { assert, type Instant, type Micros, NEVER, Rng } from "@weft/kernel";
import {
  type Actor,
  type ActorCounters,
  type ActorId,
  type ActorSpec,
  ActorState,
  type Clock,
} from "./actor.ts";
import { EventHeap } from "./event-heap.ts";
import { SimulationFailure, Trace } from "./failure.ts";
import { type LinkModel, LinkTable } from "./links.ts";
import { copyMessage, messageBytes } from "./message.ts";
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

const DELIVER = 0;
const WAKE = 1;
const RESUME = 2;
const SCRIPT = 3;
const KIND_NAMES = ["deliver", "wake", "resume", "script"] as const;

/**
 * Machines under virtual time: the one clock of a simulation. Events happen in the order of (time, serial); each
 * actor and each link draws from a stream of its own; every message is copied, so that actors share nothing.
 * Equal seeds and equal calls give equal runs, to the byte: `digest` tells.
 */
export class World {
  readonly seed: number;
  readonly startAt: Instant;
  readonly links: LinkTable;
  readonly #rng: Rng;
  readonly #replay: string;
  readonly #implicitLink: WorldOptions["implicitLink"];
  readonly #actors: ActorState[] = [];
  readonly #byName = new Map<string, ActorId>();
  readonly #heap = new EventHeap();
  readonly #digest = new RunDigest();
  readonly #trace: Trace;
  #now: number;
  #events = 0;
  // Columns of pending events; a slot is free once its event happened.
  #kind = new Uint8Array(1024);
  #who = new Int32Array(1024);
  #link = new Int32Array(1024);
  #size = new Float64Array(1024);
  readonly #what: unknown[] = [];
  readonly #free: number[] = [];
  #slots = 0;
  // The message being sent: `LinkTable.transmit` calls back once a copy.
  #outgoing: unknown;
  #outgoingLink = 0;
  #outgoingBytes = 0;
  readonly #arrive = (at: number): void => {
    const to = this.links.to[this.#outgoingLink] as number;
    this.#schedule(at, DELIVER, to, this.#outgoingLink, this.#outgoingBytes, copyMessage(this.#outgoing));
  };

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.startAt = options.startAt ?? (1_767_225_600_000_000 as Instant);
    this.#now = this.startAt;
    this.#rng = new Rng(options.seed);
    this.#replay = options.replay ?? `new World({ seed: ${options.seed} })`;
    this.#implicitLink = options.implicitLink;
    this.#trace = new Trace(options.trace ?? 20);
    this.links = new LinkTable((from, to) => this.#rng.fork(`link/${this.name(from)}->${this.name(to)}`));
  }

  /** True time. Only the world and its observer know it; actors see their own clocks. */
  get now(): Instant {
    return this.#now as Instant;
  }

  /** Events that have happened. */
  get events(): number {
    return this.#events;
  }

  get actorCount(): number {
    return this.#actors.length;
  }

  /** A stream of chance for a part of the experiment, such as its workload. */
  fork(label: string): Rng {
    return this.#rng.fork(label);
  }

  /** Fingerprint of all that happened so far: time, kind, actor, link and size of every event. */
  get digest(): string {
    return this.#digest.toString();
  }

  // ---- actors and links

  /** Adds an actor and starts it. Names are unique: they name its stream of chance. */
  add<In, Out>(spec: ActorSpec<In, Out>): ActorId {
    assert(!this.#byName.has(spec.name), `two actors named ${spec.name}`);
    const id = this.#actors.length as ActorId;
    const state = new ActorState(id, spec as ActorSpec<unknown, unknown>, this.#rng);
    state.hands = this.#handsOf(state);
    this.#actors.push(state);
    this.#byName.set(spec.name, id);
    this.#start(state);
    return id;
  }

  name(actor: number): string {
    return this.#actor(actor).spec.name;
  }

  /** The actor of that name. */
  id(name: string): ActorId {
    const id = this.#byName.get(name);
    assert(id !== undefined, `no actor named ${name}`);
    return id;
  }

  /** The machine of an actor as it is now; null while it is down. For observers: the world does not know its type. */
  machine<M>(actor: ActorId): M | null {
    return this.#actor(actor).machine as M | null;
  }

  isRunning(actor: ActorId): boolean {
    return this.#actor(actor).machine !== null;
  }

  /** A link in one direction. Changes its model where there is one. */
  link(from: ActorId, to: ActorId, model: LinkModel): void {
    this.links.set(from, to, model);
  }

  /** Links in both directions. */
  connect(a: ActorId, b: ActorId, model: LinkModel): void {
    this.links.set(a, b, model);
    this.links.set(b, a, model);
  }

  counters(actor: ActorId): ActorCounters {
    const { sent, sentBytes, received, receivedBytes, wakes, crashes } = this.#actor(actor);
    return { sent, sentBytes, received, receivedBytes, wakes, crashes };
  }

  /** Forgets what actors and links have counted so far: for measuring after a warm-up. */
  resetCounters(): void {
    this.links.resetCounters();
    for (const state of this.#actors) {
      state.sent = state.sentBytes = state.received = state.receivedBytes = state.wakes = state.crashes = 0;
    }
  }

  // ---- what the experiment does to the world

  /** Gives an actor an input of its own now, as its user or its sensors would. Ignored while it is down. */
  input<In>(actor: ActorId, input: In): void {
    const state = this.#actor(actor);
    if (state.machine !== null) this.#handle(state, copyMessage(input));
  }

  /** Calls `action` at `at`, in order with all other events. */
  at(at: Instant, action: () => void): void {
    assert(at >= this.#now, "the past cannot be scheduled");
    // Machines are promised whole microseconds.
    this.#schedule(Math.ceil(at), SCRIPT, -1, -1, 0, action);
  }

  /** Calls `action` after `length`. */
  after(length: Micros, action: () => void): void {
    this.at((this.#now + length) as Instant, action);
  }

  /** Calls `action` every `period` from now on, until it returns false. */
  every(period: Micros, action: () => unknown): void {
    this.after(period, () => {
      if (action() !== false) this.every(period, action);
    });
  }

  /** The actor stops where it stands and forgets what it did not keep outside its machine. */
  crash(actor: ActorId): void {
    const state = this.#actor(actor);
    if (state.machine === null) return;
    state.machine = null;
    state.wakeScheduled = Number.POSITIVE_INFINITY;
    state.busyUntil = Number.NEGATIVE_INFINITY;
    state.crashes++;
    for (const slot of state.inbox) this.#lose(slot);
    state.inbox.length = 0;
    this.#note("crash", actor);
  }

  /** Starts a crashed actor again. Harmless where it runs. */
  restart(actor: ActorId): void {
    const state = this.#actor(actor);
    if (state.machine !== null) return;
    state.incarnation++;
    this.#note("restart", actor);
    this.#start(state);
  }

  /** Nothing happens at the actor for `length`; what arrives waits. */
  pause(actor: ActorId, length: Micros): void {
    const state = this.#actor(actor);
    state.busyUntil = Math.max(state.busyUntil, this.#now + length);
    this.#note("pause", actor);
  }

  /** From now on each input takes `inputTime` at the actor; 0 heals it. */
  slow(actor: ActorId, inputTime: Micros): void {
    this.#actor(actor).inputTime = inputTime;
    this.#note("slow", actor);
  }

  /** Sets an actor's clock. In one life it never runs backwards: set back, it stands until time has caught up. */
  setClock(actor: ActorId, clock: Clock): void {
    const state = this.#actor(actor);
    state.clock = clock;
    this.#note("clock", actor);
    this.#rearm(state);
  }

  /** Takes both directions between two actors down or up, and tells the actors that listen for it. */
  setUp(a: ActorId, b: ActorId, up: boolean): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const link = this.links.between(from, to);
      if (link >= 0 && this.links.isUp(link) !== up) {
        this.links.setUp(link, up);
        this.#tell(from, to, up);
      }
    }
    this.#note(up ? "up" : "down", a);
  }

  /**
   * Splits the world: actors reach only those of their own group; whoever is in no group is in one of its own
   * with all the others left out. What is on its way across is lost. Nobody is told: they have to notice.
   */
  partition(groups: readonly (readonly ActorId[])[]): void {
    for (const state of this.#actors) state.island = 0;
    groups.forEach((group, i) => {
      for (const actor of group) this.#actor(actor).island = i + 1;
    });
    this.#note("partition", groups.length);
  }

  /** Ends every partition. */
  heal(): void {
    this.partition([]);
  }

  // ---- time

  /** Lets everything up to and including `until` happen, and leaves `now` there. Returns how many events did. */
  run(until: Instant, maxEvents = Number.POSITIVE_INFINITY): number {
    const before = this.#events;
    const limit = before + maxEvents;
    while (this.#heap.nextAt <= until) {
      if (this.#events >= limit) this.fail(`more than ${maxEvents} events before ${until}`);
      this.step();
    }
    if (until < NEVER) this.#now = Math.max(this.#now, until);
    return this.#events - before;
  }

  /** Lets `length` pass. */
  runFor(length: Micros): number {
    return this.run((this.#now + length) as Instant);
  }

  /** True time of the next event; NEVER where nothing is pending. */
  get nextAt(): Instant {
    return this.#heap.size === 0 ? NEVER : (this.#heap.nextAt as Instant);
  }

  /** Lets one event happen; there must be one. */
  step(): void {
    const slot = this.#heap.pop();
    this.#now = this.#heap.at;
    this.#events++;
    const kind = this.#kind[slot] as number;
    const who = this.#who[slot] as number;
    const digest = this.#digest;
    digest.add(this.#now);
    digest.add((kind << 28) ^ who);
    this.#trace.event(this.#now, KIND_NAMES[kind] as string, who, this.#link[slot] as number);
    switch (kind) {
      case DELIVER:
        this.#deliver(slot, this.#actors[who] as ActorState);
        return;
      case WAKE:
        this.#release(slot);
        this.#wake(this.#actors[who] as ActorState);
        return;
      case RESUME:
        this.#release(slot);
        this.#resume(this.#actors[who] as ActorState);
        return;
      default: {
        const action = this.#what[slot] as () => void;
        this.#release(slot);
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
        at: this.#now as Instant,
        events: this.#events,
        replay: this.#replay,
        last: this.#trace.lines(
          (actor) => (actor < 0 ? "world" : this.name(actor)),
          this.links,
          this.startAt,
        ),
      },
      cause,
    );
  }

  /** Stops the run unless `condition` holds: for invariants that an experiment watches. */
  demand(condition: unknown, message: string): asserts condition {
    if (!condition) this.fail(message);
  }

  // ---- inside

  #actor(id: number): ActorState {
    const state = this.#actors[id];
    assert(state !== undefined, `no actor ${id}`);
    return state;
  }

  #handsOf(state: ActorState): Actor {
    const world = this;
    return {
      id: state.id,
      name: state.spec.name,
      get now() {
        return state.shown(world.#now, world.startAt);
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

  #start(state: ActorState): void {
    const { id, spec, incarnation } = state;
    state.lastShown = Number.NEGATIVE_INFINITY; // a new process believes the clock as it finds it
    state.rng = this.#rng.fork(`actor/${spec.name}/${incarnation}`);
    const now = state.shown(this.#now, this.startAt);
    state.machine = this.#guard(state, () =>
      spec.start({ id, name: spec.name, now, incarnation, rng: state.rng }),
    );
    this.#rearm(state);
  }

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
    this.links.transmit(link, this.#now, bytes, this.#arrive);
    return true;
  }

  #deliver(slot: number, state: ActorState): void {
    const link = this.#link[slot] as number;
    const from = this.links.from[link] as ActorId;
    this.#digest.add(link);
    this.#digest.add(this.#size[slot] as number);
    const reached =
      state.machine !== null &&
      this.links.isUp(link) &&
      (this.#actors[from] as ActorState).island === state.island;
    if (!reached) {
      this.#lose(slot);
      return;
    }
    if (state.busyUntil > this.#now || state.inbox.length > 0) {
      state.inbox.push(slot);
      this.#scheduleResume(state);
      return;
    }
    this.#receive(slot, state);
  }

  #receive(slot: number, state: ActorState): void {
    const from = this.links.from[this.#link[slot] as number] as ActorId;
    const message = this.#what[slot];
    state.received++;
    state.receivedBytes += this.#size[slot] as number;
    this.#release(slot);
    const hands = state.hands as Actor;
    const input = this.#guard(state, () => state.spec.receive(message, from, hands));
    if (input !== undefined) this.#handle(state, input);
    if (state.inputTime > 0) state.busyUntil = Math.max(state.busyUntil, this.#now + state.inputTime);
  }

  #handle(state: ActorState, input: unknown): void {
    const machine = state.machine as NonNullable<ActorState["machine"]>;
    const now = state.shown(this.#now, this.startAt);
    this.#perform(state, () => machine.handle(now, input));
  }

  #wake(state: ActorState): void {
    if (state.machine === null || state.wakeScheduled > this.#now) return;
    state.wakeScheduled = Number.POSITIVE_INFINITY;
    if (state.busyUntil > this.#now) {
      this.#scheduleResume(state);
      return;
    }
    this.#wakeIfDue(state);
  }

  #wakeIfDue(state: ActorState): void {
    const machine = state.machine;
    if (machine === null) return;
    const now = state.shown(this.#now, this.startAt);
    if (machine.wakeAt > now) {
      this.#rearm(state);
      return;
    }
    state.wakes++;
    this.#perform(state, () => machine.wake(now));
    const still = state.machine;
    if (still !== null && still.wakeAt <= now) {
      this.fail(`${state.spec.name} was woken at ${now} and wants to be woken at ${still.wakeAt}, not later`);
    }
  }

  #perform(state: ActorState, act: () => readonly unknown[]): void {
    const hands = state.hands as Actor;
    this.#guard(state, () => {
      const effects = act();
      for (let i = 0; i < effects.length; i++) state.spec.perform(effects[i], hands);
    });
    this.#rearm(state);
  }

  /** Puts the machine's next deadline among the events, unless an event at least as early is there. */
  #rearm(state: ActorState): void {
    const machine = state.machine;
    if (machine === null) return;
    const deadline = machine.wakeAt;
    if (deadline >= NEVER) return;
    const at = state.trueTime(deadline, this.#now, this.startAt);
    if (at >= state.wakeScheduled) return;
    state.wakeScheduled = at;
    this.#schedule(at, WAKE, state.id, -1, 0, undefined);
  }

  #scheduleResume(state: ActorState): void {
    if (state.resumeScheduled) return;
    state.resumeScheduled = true;
    this.#schedule(Math.max(state.busyUntil, this.#now), RESUME, state.id, -1, 0, undefined);
  }

  #resume(state: ActorState): void {
    state.resumeScheduled = false;
    if (state.machine === null) return;
    if (state.busyUntil > this.#now) {
      // Paused anew meanwhile: a wake-up may be waiting even where no message is.
      this.#scheduleResume(state);
      return;
    }
    this.#wakeIfDue(state);
    const slot = state.inbox.shift();
    if (slot !== undefined) this.#receive(slot, state);
    if (state.inbox.length > 0) this.#scheduleResume(state);
  }

  #tell(actor: ActorId, peer: ActorId, up: boolean): void {
    const state = this.#actor(actor);
    if (state.machine === null) return;
    const input = state.spec.linkChanged?.(peer, up, state.hands as Actor);
    if (input !== undefined) this.#handle(state, input);
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

  #note(what: string, subject: number): void {
    this.#digest.add(this.#now);
    this.#digest.addText(what);
    this.#digest.add(subject);
    this.#trace.note(this.#now, what, subject);
  }

  #schedule(at: number, kind: number, who: number, link: number, size: number, what: unknown): void {
    const slot = this.#free.pop() ?? this.#newSlot();
    this.#kind[slot] = kind;
    this.#who[slot] = who;
    this.#link[slot] = link;
    this.#size[slot] = size;
    this.#what[slot] = what;
    this.#heap.push(at, slot);
  }

  #lose(slot: number): void {
    this.links.drop(this.#link[slot] as number);
    this.#release(slot);
  }

  #release(slot: number): void {
    this.#what[slot] = undefined;
    this.#free.push(slot);
  }

  #newSlot(): number {
    if (this.#slots === this.#kind.length) this.#growSlots();
    return this.#slots++;
  }

  #growSlots(): void {
    const capacity = this.#slots * 2;
    const kind = new Uint8Array(capacity);
    kind.set(this.#kind);
    this.#kind = kind;
    const who = new Int32Array(capacity);
    who.set(this.#who);
    this.#who = who;
    const link = new Int32Array(capacity);
    link.set(this.#link);
    this.#link = link;
    const size = new Float64Array(capacity);
    size.set(this.#size);
    this.#size = size;
  }
}
