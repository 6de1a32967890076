import {
  DEFAULT_MESH_SETTINGS,
  DEFAULT_WORTH,
  REGION_SETTINGS,
  REGION_WORTH,
  Throttle,
  type ThrottleTimes,
  type WorthSettings,
  worthOf,
} from "@weft/announcement";
import type { Instant, Micros, Rng } from "@weft/kernel";

/** Where something is, in kilometres. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Microseconds one way: fibre at 200 km a millisecond along one and a half times the distance, at least 50 us. */
export const delayBetween = (a: Place, b: Place): number =>
  Math.max(50, Math.round(Math.hypot(a.x - b.x, a.y - b.y) * 7.5));

/** There and back. */
const away = (a: Place, b: Place): number => (a === b ? 0 : 2 * delayBetween(a, b));

/** No queue is shorter, so that one node with none is news everywhere. */
const LEAST_QUEUE = 200_000;
const MEAN_ABOVE = 400_000;

/** How members of a group of some kind tell their gateway: by what rule, and how often at most. */
export interface Telling {
  readonly worth: Omit<WorthSettings, "probes">;
  readonly throttle: ThrottleTimes;
  /** What was held back is told after so long. */
  readonly heartbeat: Micros;
}

export const NODES_TELL: Telling = {
  worth: DEFAULT_WORTH,
  throttle: DEFAULT_MESH_SETTINGS.publisher.throttle,
  heartbeat: (30 * 1_000_000) as Micros,
};
export const GROUPS_TELL: Telling = {
  worth: REGION_WORTH,
  throttle: REGION_SETTINGS.publisher.throttle,
  heartbeat: REGION_SETTINGS.publisher.heartbeat,
};

/** One node, and what is taken until a task has gone there, waited and come back: microseconds, the work left out. */
export interface Resolved {
  readonly node: object;
  readonly takes: number;
}

/**
 * A node, or a group of crowds behind a gateway, of which no message is simulated: who of a group lets the gateway know a
 * new queue, and when, follows the canopy's own rule; what the gateway says and chooses follows from what it knows.
 * All nodes of a crowd compute alike.
 */
export class Crowd {
  readonly place: Place;
  readonly #members: readonly Crowd[];
  readonly #telling: Telling | null;
  readonly #throttle: Throttle | null;
  /** A node's own queue. */
  #queue: number;
  /** The shortest queue as the gateway of the group that this is a member of knows it. */
  #told: number;
  #toldAt = 0;

  private constructor(place: Place, queue: number, members: readonly Crowd[], telling: Telling | null) {
    this.place = place;
    this.#members = members;
    this.#queue = queue;
    this.#telling = telling;
    this.#throttle = telling === null ? null : new Throttle(telling.throttle);
    this.#told = this.shortest;
  }

  /** A single node; `telling` how it is a member of a group, null where it is simulated itself. */
  static node(rng: Rng, place: Place, telling: Telling | null): Crowd {
    return new Crowd(place, LEAST_QUEUE + rng.exponential(MEAN_ABOVE), [], telling);
  }

  /** A group whose gateway stands at its first member's. */
  static group(members: readonly Crowd[], telling: Telling | null): Crowd {
    return new Crowd((members[0] as Crowd).place, 0, members, telling);
  }

  /** How many nodes it is. */
  get size(): number {
    return this.#members.reduce((sum, member) => sum + member.size, this.#members.length === 0 ? 1 : 0);
  }

  /** The shortest queue, as far as is known at the gateway. */
  get shortest(): number {
    return this.#members.reduce(
      (least, member) => Math.min(least, member.#told),
      this.#members.length === 0 ? this.#queue : Number.POSITIVE_INFINITY,
    );
  }

  /**
   * A share of all queues moves towards the mean, with steps of 100 ms, as tasks come and leave. `work` is what a short
   * task takes to compute, and `outside` what it takes elsewhere for whoever stands at the gateway.
   */
  wander(now: Instant, share: number, rng: Rng, work: number, outside: number): void {
    if (this.#members.length === 0) {
      if (share < 1 && rng.float() >= share) return;
      const above = this.#queue - LEAST_QUEUE;
      this.#queue =
        LEAST_QUEUE + Math.abs(above + 0.06 * (MEAN_ABOVE - above) + rng.normal(0, 0.25 * MEAN_ABOVE));
      return;
    }
    for (const member of this.#members) {
      const beside = member.#members.length === 0 ? outside : this.#rivalOf(member, work, outside);
      member.wander(now, share, rng, work, beside);
      this.#hear(now, member, work, outside);
    }
  }

  /** What else a task may take for whoever stands at a member's: at another member, or outside. */
  #rivalOf(member: Crowd, work: number, outside: number): number {
    let best = outside;
    for (const other of this.#members) {
      if (other === member || other.#told + work >= best) continue;
      best = Math.min(best, other.#told + work + away(member.place, other.place));
    }
    return best;
  }

  /** A member tells where some decision would lose by our not knowing, or after the silence of a heartbeat. */
  #hear(now: Instant, member: Crowd, work: number, outside: number): void {
    const [telling, throttle, told, truth] = [
      member.#telling,
      member.#throttle,
      member.#told,
      member.shortest,
    ];
    if (telling === null || throttle === null || told === truth) return;
    // Most lose against what is outside already: then the others here need not be looked at.
    const loses = Math.min(told, truth) + work >= outside * (1 + telling.worth.slack);
    const worth = loses
      ? "none"
      : worthOf(told + work, truth + work, this.#rivalOf(member, work, outside), telling.worth);
    if (worth === "none") throttle.withdraw();
    else throttle.ask(now, worth === "urgent");
    if (throttle.due > now && now - member.#toldAt < telling.heartbeat) return;
    throttle.passed(now);
    member.#told = truth;
    member.#toldAt = now;
  }

  fill(queue: number): void {
    this.#queue = queue;
    for (const member of this.#members) member.fill(queue);
  }

  /** The node that really has a task done first for whoever sends it from `from`. */
  bestFrom(from: Place): Resolved {
    if (this.#members.length === 0) return { node: this, takes: away(from, this.place) + this.#queue };
    return this.#members.map((member) => member.bestFrom(from)).reduce((a, b) => (b.takes < a.takes ? b : a));
  }

  /** The node that the gateway chooses, and in a group of groups that one's gateway in turn; the task passes by them. */
  resolve(): Resolved {
    let chosen: Crowd | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const member of this.#members) {
      const takes = member.#told + away(this.place, member.place);
      if (takes >= least) continue;
      least = takes;
      chosen = member;
    }
    if (chosen === null) return { node: this, takes: this.#queue };
    const { node, takes } = chosen.resolve();
    return { node, takes: away(this.place, chosen.place) + takes };
  }
}
