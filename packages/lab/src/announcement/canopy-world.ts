import {
  canopy,
  completion,
  DEFAULT_MESH_SETTINGS,
  DEFAULT_WORTH,
  Gateway,
  type GatewayOptions,
  type Mesh,
  type MeshSettings,
  type Participant,
  REGION_SETTINGS,
  REGION_WORTH,
  type SharedParticipant,
} from "@weft/announcement";
import type { DomainId, NodeId, SiteId } from "@weft/infrastructure";
import { type Micros, micros, type Operations, Rng, SECOND } from "@weft/kernel";
import {
  Crowd,
  delayBetween,
  GROUPS_TELL,
  NODES_TELL,
  type Place,
  type Resolved,
  type Telling,
} from "./canopy-crowd.ts";
import { rateOf } from "./propagation.ts";
import type { AnnouncementScenario } from "./scenario.ts";
import {
  anyKey,
  descriptionOf,
  FREE,
  FREE_SIGNER,
  idOf,
  loadOf,
  Simulation,
  type Way,
} from "./simulation.ts";

const S = 1_000_000;
/** Sides of the squares in which regions, the groups of one and the nodes of one group lie. */
const TOP_KM = 4000;
const MIDDLE_KM = 500;
const LOWEST_KM = 50;
/** In one group, but for the line that makes it whole. */
const MOST_NEIGHBOURS = 6;
/** A little slower than by default: among a hundred thousand nodes a sign of life twice a minute is enough. */
const MEMBER_SETTINGS: MeshSettings = {
  ...DEFAULT_MESH_SETTINGS,
  publisher: { ...DEFAULT_MESH_SETTINGS.publisher, heartbeat: micros(30 * SECOND) },
  view: { ...DEFAULT_MESH_SETTINGS.view, suspectAfter: micros(70 * SECOND), downAfter: micros(100 * SECOND) },
};

/** One simulated node: where it is, and which top, middle and lowest place it has. */
interface Seat extends Place {
  readonly top: number;
  readonly middle: number;
  readonly lowest: number;
}

type Level = 0 | 1 | 2;
type Task = AnnouncementScenario["task"];

/** What a view says that a task takes at an origin, and which simulated node speaks for that one. */
export interface Belief {
  readonly speaker: number;
  readonly takes: number;
}

/**
 * `side`^3 nodes: a top group of regions, each a group of groups. Simulated message by message: the top group, and of
 * its first two regions the middle group and the lowest group of its gateway. Members of different groups never speak
 * to each other, so the other groups would only repeat these; each is its gateway with all its members' loads behind it.
 */
export class CanopyWorld {
  readonly side: number;
  readonly seats: Seat[] = [];
  readonly simulation: Simulation;
  /** Load changes of single nodes in the worst region so far. */
  changes = 0;
  readonly #rng: Rng;
  readonly #crowds: Crowd[] = [];
  readonly #rates: number[] = [];
  /** By origin: the simulated node that speaks for it. */
  readonly #speakers = new Map<NodeId, number>();

  constructor(side: number, seed: number) {
    this.side = side;
    this.#rng = new Rng(seed).fork("canopy");
    this.#seatAll();
    this.simulation = new Simulation(
      this.seats.length,
      this.#overlay(),
      (node, rng) => this.#make(node, rng),
      seed,
    );
    for (let node = 0; node < this.seats.length; node++) {
      for (let level = node < 2 ? 0 : this.#levelOf(node); level <= this.#levelOf(node); level++)
        this.#speakers.set(this.#idAt(node, level as Level), node);
      this.#begin(node);
    }
  }

  /** A place in a square of `km` around another. */
  #near({ x, y }: Place, km: number): Place {
    return { x: x + (this.#rng.float() - 0.5) * km, y: y + (this.#rng.float() - 0.5) * km };
  }

  #seatAll(): void {
    const add = (from: Place, km: number, top: number, middle: number, lowest: number) =>
      this.seats.push({ ...this.#near(from, km), top, middle, lowest });
    for (let i = 0; i < this.side; i++) add({ x: 0, y: 0 }, TOP_KM, i, 0, 0);
    this.#setFarthest();
    for (const r of [0, 1]) {
      const gateway = this.seats[r] as Seat;
      for (let j = 1; j < this.side; j++) add(gateway, MIDDLE_KM, r, j, 0);
      for (let k = 1; k < this.side; k++) add(gateway, LOWEST_KM, r, 0, k);
    }
  }

  /** The second region of the two that are simulated down to single nodes is the one farthest from the first. */
  #setFarthest(): void {
    const far = this.seats.reduce((best, _, i) => (this.delay(0, i) > this.delay(0, best) ? i : best), 1);
    const [a, b] = [this.seats[1] as Seat, this.seats[far] as Seat];
    this.seats[1] = { ...a, x: b.x, y: b.y };
    this.seats[far] = { ...b, x: a.x, y: a.y };
  }

  /** Microseconds one way between two simulated nodes. */
  delay(a: number, b: number): number {
    const p = this.seats[a] as Seat;
    const q = this.seats[b] as Seat;
    return delayBetween(p, q);
  }

  /** The simulated nodes of the top group, or of the middle or lowest group of a region. */
  group(level: Level, region: number): number[] {
    return [...this.seats.keys()].filter((node) => {
      const { top, middle, lowest } = this.seats[node] as Seat;
      if (level === 2) return middle === 0 && lowest === 0;
      return top === region && (level === 1 ? lowest === 0 : middle === 0);
    });
  }

  /** In each group everybody knows its two nearest, the next in line and one at random, and nobody many more. */
  #overlay(): Way[] {
    const ways = new Map<string, Way>();
    const degree = new Map<number, number>();
    const join = (a: number, b: number, most: number): void => {
      const [of, other] = [degree.get(a) ?? 0, degree.get(b) ?? 0];
      if (a === b || of >= most || other >= most) return;
      degree.set(a, of + 1);
      degree.set(b, other + 1);
      ways.set(`${Math.min(a, b)}-${Math.max(a, b)}`, { a, b, delay: this.delay(a, b), hops: 1 });
    };
    for (const nodes of [
      this.group(2, 0),
      this.group(1, 0),
      this.group(1, 1),
      this.group(0, 0),
      this.group(0, 1),
    ]) {
      for (const [i, a] of nodes.entries()) {
        const near = nodes.filter((b) => b !== a).sort((b, c) => this.delay(a, b) - this.delay(a, c));
        join(a, nodes[(i + 1) % nodes.length] as number, Number.POSITIVE_INFINITY);
        for (const b of near.slice(0, 2)) join(a, b, MOST_NEIGHBOURS);
        join(a, this.#rng.pick(nodes), MOST_NEIGHBOURS);
      }
      degree.clear();
    }
    return [...ways.values()];
  }

  /** 2 for the top group's members, 1 for the middle groups', 0 for single nodes. */
  #levelOf(node: number): Level {
    const { middle, lowest } = this.seats[node] as Seat;
    return lowest > 0 ? 0 : middle > 0 ? 1 : 2;
  }

  /** Whom a node speaks for at a level. */
  #idAt(node: number, level: Level): NodeId {
    const { top, middle } = this.seats[node] as Seat;
    return level === 0 ? idOf(node) : ((level === 1 ? `region-${top}-${middle}` : `region-${top}`) as NodeId);
  }

  #make(node: number, rng: Rng): Participant {
    const mesh = (level: Level): Mesh =>
      canopy(
        this.#idAt(node, level),
        FREE_SIGNER,
        FREE,
        anyKey,
        level > 0 ? REGION_SETTINGS : MEMBER_SETTINGS,
        rng.fork(`level ${level}`),
        level > 0 ? REGION_WORTH : DEFAULT_WORTH,
      );
    if (node >= 2) return mesh(this.#levelOf(node));
    const upper = this.#joined(node, 1, mesh(1), mesh(2), (origin) => origin.split("-").length === 3);
    return this.#joined(node, 0, mesh(0), upper, (origin) => !origin.startsWith("region-"));
  }

  #joined(
    node: number,
    level: 0 | 1,
    inner: Mesh,
    outer: SharedParticipant,
    isMember: GatewayOptions["isMember"],
  ): Gateway {
    const mine = new Set(this.group(level, (this.seats[node] as Seat).top).map(idOf));
    const id = this.#idAt(node, (level + 1) as Level);
    return new Gateway(inner, outer, {
      region: { id, site: id as string as SiteId, domain: "d" as DomainId },
      gateways: [this.#idAt(node, level)],
      isMember,
      isOutside: (peer) => !mine.has(peer),
    });
  }

  /** Whom a simulated node stands for: itself, the group that it is the gateway of, or the region. */
  #crowdOf(node: number): Crowd {
    const seat = this.seats[node] as Seat;
    const level = node < 2 ? 0 : this.#levelOf(node);
    if (level === 0) return Crowd.node(this.#rng, seat, null);
    const group = (centre: Place, telling: Telling | null): Crowd => {
      const places = Array.from({ length: this.side }, (_, k) =>
        k === 0 ? centre : this.#near(centre, LOWEST_KM),
      );
      return Crowd.group(
        places.map((place) => Crowd.node(this.#rng, place, NODES_TELL)),
        telling,
      );
    };
    if (level === 1) return group(seat, null);
    const groups = Array.from({ length: this.side }, (_, j) =>
      group(j === 0 ? seat : this.#near(seat, MIDDLE_KM), GROUPS_TELL),
    );
    return Crowd.group(groups, null);
  }

  /** Single nodes change once a second; behind a gateway so do all its members, looked at ten times a second. */
  #begin(node: number): void {
    const crowd = this.#crowdOf(node);
    this.#crowds.push(crowd);
    this.#rates.push(rateOf(this.#rng));
    this.#publish(node);
    const share = crowd.size === 1 ? 1 : 0.1;
    const every = share * S;
    this.simulation.world.after(this.#rng.below(every) as Micros, () => {
      this.simulation.world.every(micros(every), () => this.#wander(node, share));
    });
  }

  #wander(node: number, share: number): void {
    const crowd = this.#crowds[node] as Crowd;
    const probe: Task = { type: "neural", work: 1e9 as Operations };
    let rival = Number.POSITIVE_INFINITY;
    if (share < 1)
      for (const { speaker, takes } of this.believed(node, probe))
        if (speaker !== node && takes < rival) rival = takes;
    crowd.wander(this.simulation.now, share, this.#rng, this.#computing(node, probe), rival);
    if (this.#levelOf(node) === 0 && (this.seats[node] as Seat).top === 0) this.changes++;
    this.#publish(node);
  }

  #computing(node: number, task: Task): number {
    return (1e6 * task.work) / (this.#rates[node] as number);
  }

  /** What a task sent from a node takes at the best of those that another stands for. */
  bestBehind(node: number, from: number, task: Task): Resolved {
    const { node: found, takes } = (this.#crowds[node] as Crowd).bestFrom(this.seats[from] as Seat);
    return { node: found, takes: takes + this.#computing(node, task) };
  }

  /** What a task takes that was sent to a node and is passed on by what is known there. */
  resolvedBehind(node: number, task: Task): Resolved {
    const { node: found, takes } = (this.#crowds[node] as Crowd).resolve();
    return { node: found, takes: takes + this.#computing(node, task) };
  }

  /** There and back between two simulated nodes. */
  away(from: number, to: number): number {
    return from === to ? 0 : 2 * this.delay(from, to);
  }

  /** What a node's view says that a task sent from it takes at each origin. */
  *believed(from: number, task: Task): IterableIterator<Belief> {
    for (const { origin, description, load, health } of this.simulation.view(from).origins()) {
      const speaker = this.#speakers.get(origin);
      if (speaker === undefined || description === null || load === null || health !== "up") continue;
      yield { speaker, takes: this.away(from, speaker) + completion(task, description, load) };
    }
  }

  set(node: number, queue: number): void {
    (this.#crowds[node] as Crowd).fill(queue);
    this.#publish(node);
  }

  #publish(node: number): void {
    const id = this.#idAt(node, node < 2 ? 0 : this.#levelOf(node));
    this.simulation.publish(node, {
      description: descriptionOf(id, this.#rates[node] as number),
      load: loadOf(id, (this.#crowds[node] as Crowd).shortest),
    });
  }
}
