import type { Brand, Instant, Machine, Micros, Rng } from "@weft/kernel";

/** An actor's index in its world. */
export type ActorId = Brand<number, "ActorId">;

/** What a machine is given when it starts, and again each time it restarts after a crash. */
export interface Birth {
  readonly id: ActorId;
  readonly name: string;
  /** What the actor's own clock shows. */
  readonly now: Instant;
  /** 0 at first, one more after each crash. */
  readonly incarnation: number;
  /** The actor's own stream of chance, a new one each incarnation. */
  readonly rng: Rng;
}

/** How one machine is joined to the simulated world. What must survive a crash lives outside `start`. */
export interface ActorSpec<In, Out> {
  readonly name: string;
  start(birth: Birth): Machine<In, Out>;
  /** Turns what arrived into an input; undefined ignores it. The message is this actor's own copy. */
  receive(message: unknown, from: ActorId, self: Actor): In | undefined;
  /** Carries out one effect: sends, records. */
  perform(effect: Out, self: Actor): void;
  /** Turns a link of its own going up or down into an input; left out where the machine has to notice by itself. */
  linkChanged?(peer: ActorId, up: boolean, self: Actor): In | undefined;
  readonly clock?: Clock;
}

/** How far an actor's clock is off: `shown = true + skew + drift * (true - start)`. It never runs backwards. */
export interface Clock {
  readonly skew: Micros;
  /** Seconds gained a second: 50e-6 is a cheap quartz. */
  readonly drift: number;
}

export const TRUE_CLOCK: Clock = { skew: 0 as Micros, drift: 0 };

/** The hands of an actor: what `perform` acts through. */
export interface Actor {
  readonly id: ActorId;
  readonly name: string;
  /** What its own clock shows. */
  readonly now: Instant;
  readonly rng: Rng;
  /**
   * Sends a copy of `message` over the link to `to`. `bytes` is its size on the wire, by default the length of a
   * byte array and about the length of the JSON text of anything else. False where there is no link.
   */
  send(to: ActorId, message: unknown, bytes?: number): boolean;
  /** The other ends of its links, in the order in which they were made, whether up or down. */
  readonly neighbours: readonly ActorId[];
}

/** What one actor did. */
export interface ActorCounters {
  readonly sent: number;
  readonly sentBytes: number;
  readonly received: number;
  readonly receivedBytes: number;
  readonly wakes: number;
  readonly crashes: number;
}

/** The world's own record of an actor; mutable, never handed out. */
export class ActorState {
  readonly id: ActorId;
  readonly spec: ActorSpec<unknown, unknown>;
  machine: Machine<unknown, unknown> | null = null;
  hands: Actor | undefined;
  rng: Rng;
  incarnation = 0;
  /** True time of the wake-up that is scheduled; Infinity where there is none. */
  wakeScheduled = Number.POSITIVE_INFINITY;
  clock: Clock;
  lastShown = Number.NEGATIVE_INFINITY;
  /** Busy or paused until then: what arrives meanwhile waits in `inbox`. */
  busyUntil = Number.NEGATIVE_INFINITY;
  /** Time each input takes on a slow node. */
  inputTime = 0;
  readonly inbox: number[] = [];
  resumeScheduled = false;
  /** Partition it is in; actors of different ones do not reach each other. */
  island = 0;
  sent = 0;
  sentBytes = 0;
  received = 0;
  receivedBytes = 0;
  wakes = 0;
  crashes = 0;

  constructor(id: ActorId, spec: ActorSpec<unknown, unknown>, rng: Rng) {
    this.id = id;
    this.spec = spec;
    this.rng = rng;
    this.clock = spec.clock ?? TRUE_CLOCK;
  }

  /** What the actor's clock shows at true time `now`. */
  shown(now: number, start: number): Instant {
    const { skew, drift } = this.clock;
    if (skew === 0 && drift === 0 && this.lastShown <= now) return (this.lastShown = now) as Instant;
    const shown = Math.floor(now + skew + (now - start) * drift);
    return (this.lastShown = Math.max(shown, this.lastShown)) as Instant;
  }

  /** The first whole true time at which its clock shows `deadline` or later. */
  trueTime(deadline: number, now: number, start: number): number {
    const { skew, drift } = this.clock;
    if (skew === 0 && drift === 0) return Math.max(deadline, now);
    let at = Math.max(now, Math.ceil(start + (deadline - start - skew) / (1 + drift)));
    while (Math.floor(at + skew + (at - start) * drift) < deadline && deadline > this.lastShown) at++;
    return at;
  }
}
