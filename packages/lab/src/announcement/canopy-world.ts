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
import { type Micros, micros, Rng, SECOND } from "@weft/kernel";
import { mean, rateOf } from "./propagation.ts";
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
/** In one group, but for the line that makes it whole. */
const MOST_NEIGHBOURS = 6;
/** A little slower than by default: among a hundred thousand nodes a sign of life twice a minute is enough. */
const MEMBER_SETTINGS: MeshSettings = {
  ...DEFAULT_MESH_SETTINGS,
  publisher: { ...DEFAULT_MESH_SETTINGS.publisher, heartbeat: micros(30 * SECOND) },
  view: { ...DEFAULT_MESH_SETTINGS.view, suspectAfter: micros(70 * SECOND), downAfter: micros(100 * SECOND) },
};
/** No queue is shorter, so that one node with none is news everywhere. */
const LEAST_QUEUE = 200_000;

export interface CanopyRun {
  readonly nodes: number;
  /** Bytes a second, sent and received: mean and worst member of the worst region, and its gateway. */
  readonly meanBytes: number;
  readonly memberBytes: number;
  readonly gatewayBytes: number;
  /** Time until a change was known to all of a group in the farthest region, microseconds, by change. */
  readonly times: readonly number[];
  /** The same over the direct latency. */
  readonly timeRatios: readonly number[];
  /** Share of decisions equal to those of perfect knowledge, and their mean completion time over the best one's. */
  readonly same: number;
  readonly cost: number;
  /** Origins a member knows. */
  readonly entries: number;
  readonly state: number;
  /** Share of load changes that were announced, in the worst region. */
  readonly announced: number;
}

/** One simulated node: where it is, and which top, middle and lowest place it has. */
interface Seat {
  readonly x: number;
  readonly y: number;
  readonly top: number;
  readonly middle: number;
  readonly lowest: number;
}

type Level = 0 | 1 | 2;
type Task = AnnouncementScenario["task"];

/**
 * `side`^3 nodes: a top group of regions, each a group of groups. Simulated message by message: the top group, and of
 * its first two regions the middle group and the lowest group of its gateway. Members of different groups never speak
 * to each other, so the other groups would only repeat these; each is its gateway with all its members' loads behind it.
 */
class CanopyWorld {
  readonly side: number;
  readonly seats: Seat[] = [];
  readonly simulation: Simulation;
  /** Load changes of single nodes in the worst region so far. */
  changes = 0;
  readonly #rng: Rng;
  readonly #queues: Float64Array[] = [];
  readonly #rates: number[] = [];

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
    for (let node = 0; node < this.seats.length; node++) this.#begin(node);
  }

  #seatAll(): void {
    const add = (from: { x: number; y: number }, km: number, top: number, middle: number, lowest: number) =>
      this.seats.push({
        x: from.x + (this.#rng.float() - 0.5) * km,
        y: from.y + (this.#rng.float() - 0.5) * km,
        top,
        middle,
        lowest,
      });
    for (let i = 0; i < this.side; i++) add({ x: 0, y: 0 }, 4000, i, 0, 0);
    this.#setFarthest();
    for (const r of [0, 1]) {
      const gateway = this.seats[r] as Seat;
      for (let j = 1; j < this.side; j++) add(gateway, 500, r, j, 0);
      for (let k = 1; k < this.side; k++) add(gateway, 50, r, 0, k);
    }
  }

  /** The second region of the two that are simulated down to single nodes is the one farthest from the first. */
  #setFarthest(): void {
    const far = this.seats.reduce((best, _, i) => (this.delay(0, i) > this.delay(0, best) ? i : best), 1);
    const [a, b] = [this.seats[1] as Seat, this.seats[far] as Seat];
    this.seats[1] = { ...a, x: b.x, y: b.y };
    this.seats[far] = { ...b, x: a.x, y: a.y };
  }

  /** Fibre at 200 km a millisecond along one and a half times the distance, at least 50 us. */
  delay(a: number, b: number): number {
    const p = this.seats[a] as Seat;
    const q = this.seats[b] as Seat;
    return Math.max(50, Math.round(Math.hypot(p.x - q.x, p.y - q.y) * 7.5));
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

  /** Single nodes change once a second; behind a gateway so do all its members, looked at ten times a second. */
  #begin(node: number): void {
    const behind = node < 2 ? 1 : this.side ** this.#levelOf(node);
    this.#queues.push(
      Float64Array.from({ length: behind }, () => LEAST_QUEUE + this.#rng.exponential(0.4 * S)),
    );
    this.#rates.push(rateOf(this.#rng));
    this.#publish(node);
    const every = behind === 1 ? S : S / 10;
    this.simulation.world.after(this.#rng.below(every) as Micros, () => {
      this.simulation.world.every(micros(every), () =>
        this.#wander(node, behind === 1 ? 1 : Math.ceil(behind / 10)),
      );
    });
  }

  /** Towards a mean of 450 ms with steps of 100 ms: a queue that tasks come to and leave. */
  #wander(node: number, count: number): void {
    const queues = this.#queues[node] as Float64Array;
    for (let i = 0; i < count; i++) {
      const k = this.#rng.below(queues.length);
      const above = (queues[k] as number) - LEAST_QUEUE;
      queues[k] = LEAST_QUEUE + Math.abs(above + 0.06 * (0.4 * S - above) + this.#rng.normal(0, 0.1 * S));
    }
    if (this.#levelOf(node) === 0 && (this.seats[node] as Seat).top === 0) this.changes++;
    this.#publish(node);
  }

  /** What a node's members, or itself, would take at best. */
  #trueTime(node: number, task: Task): number {
    let queue = Number.POSITIVE_INFINITY;
    for (const one of this.#queues[node] as Float64Array) if (one < queue) queue = one;
    return queue + (1e6 * task.work) / (this.#rates[node] as number);
  }

  /** What a decider may choose from: single nodes, groups, regions; where each is, and what it would really take. */
  #choices(from: number, task: Task): Map<NodeId, { readonly at: number; readonly takes: number }> {
    const choices = new Map<NodeId, { at: number; takes: number }>();
    const { top } = this.seats[from] as Seat;
    for (const node of this.group(0, top))
      choices.set(idOf(node), { at: node, takes: this.#trueTime(node, task) });
    for (const node of [...this.group(1, top), ...this.group(2, 0)])
      if (node >= 2)
        choices.set(this.#idAt(node, this.#levelOf(node)), { at: node, takes: this.#trueTime(node, task) });
    const other = 1 - top;
    const there = [...this.group(0, other), ...this.group(1, other)];
    const takes = Math.min(...there.map((node) => this.#trueTime(node, task) + 2 * this.delay(other, node)));
    choices.set(`region-${other}` as NodeId, { at: other, takes });
    return choices;
  }

  /** Places one task by what the decider's view says, and says whether perfect knowledge would have placed it alike. */
  place(from: number, task: Task): { readonly same: boolean; readonly cost: number } {
    const choices = this.#choices(from, task);
    const away = (at: number): number => (at === from ? 0 : 2 * this.delay(from, at));
    let [best, chosen] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let believed = Number.POSITIVE_INFINITY;
    for (const { at, takes } of choices.values()) best = Math.min(best, away(at) + takes);
    for (const { origin, description, load, health } of this.simulation.view(from).origins()) {
      const choice = choices.get(origin);
      if (choice === undefined || description === null || load === null || health !== "up") continue;
      const expected = away(choice.at) + completion(task, description, load);
      if (expected >= believed) continue;
      believed = expected;
      chosen = away(choice.at) + choice.takes;
    }
    return { same: chosen === best, cost: chosen / best };
  }

  set(node: number, queue: number): void {
    (this.#queues[node] as Float64Array).fill(queue);
    this.#publish(node);
  }

  #publish(node: number): void {
    const queues = this.#queues[node] as Float64Array;
    const id = this.#idAt(node, node < 2 ? 0 : this.#levelOf(node));
    let best = Number.POSITIVE_INFINITY;
    for (const queue of queues) if (queue < best) best = queue;
    this.simulation.publish(node, {
      description: descriptionOf(id, this.#rates[node] as number),
      load: loadOf(id, best),
    });
  }
}

/** Lets `side`^3 nodes change once a second each while members place tasks, then makes members of the first region its best. */
export function canopyOf(
  side: number,
  seconds: number,
  changes: number,
  task: Task,
  seed: number,
  progress: (done: number) => void,
): CanopyRun {
  const world = new CanopyWorld(side, seed);
  const { simulation } = world;
  simulation.pass(30 * S);
  simulation.resetCounters();
  const before = world.changes;
  const members = world.group(0, 0).filter((node) => node >= 2);
  const ids = new Set(members.map(idOf));
  let announced = 0;
  simulation.onChange = (node, change) => {
    if (change.kind === "load" && idOf(node) === change.origin && ids.has(change.origin)) announced++;
  };
  const chooser = new Rng(seed).fork("deciders");
  const placed: { readonly same: boolean; readonly cost: number }[] = [];
  for (let step = 1; step <= 4 * seconds; step++) {
    simulation.pass(S / 4);
    placed.push(world.place(chooser.pick(members), task));
    progress((0.8 * step) / (4 * seconds));
  }
  const rates = members.map((node) => (simulation.nodeBytes[node] as number) / seconds);
  const gatewayBytes = (simulation.nodeBytes[0] as number) / seconds;
  const share = announced / (world.changes - before);
  const one = members[0] as number;
  const times = Array.from({ length: changes }, (_, i) => {
    const took = timeTo(world, members[(i * 7) % members.length] as number);
    progress(0.8 + (0.2 * (i + 1)) / changes);
    return took;
  });
  return {
    nodes: side ** 3,
    meanBytes: mean(rates),
    memberBytes: Math.max(...rates),
    gatewayBytes,
    announced: share,
    entries: simulation.view(one).size,
    state: (simulation.participants[one] as Participant).stateBytes,
    same: placed.filter(({ same }) => same).length / placed.length,
    cost: mean(placed.map(({ cost }) => cost)),
    ...timesOf(times),
  };
}

interface Took {
  /** Until all of the farthest region's group knew, microseconds; and over the direct latency. */
  readonly us: number;
  readonly ratio: number;
}

const timesOf = (times: readonly Took[]): Pick<CanopyRun, "times" | "timeRatios"> => ({
  times: times.map(({ us }) => us),
  timeRatios: times.map(({ ratio }) => ratio),
});

/** How long until all of the far group know that the first region has a better member. */
function timeTo(world: CanopyWorld, origin: number): Took {
  const { simulation } = world;
  const far = new Set(world.group(0, 1).filter((node) => node >= 2));
  const queue = 1;
  const known = new Set<number>();
  const began = simulation.now;
  let last = began;
  simulation.onChange = (node, change) => {
    if (change.kind !== "load" || change.origin !== "region-0" || change.load.queue.neural !== queue) return;
    if (!far.has(node)) return;
    known.add(node);
    last = simulation.now;
  };
  world.set(origin, queue);
  simulation.pass(0.5 * S);
  if (known.size < far.size) throw new Error(`canopy: ${known.size} of ${far.size} knew a change`);
  world.set(origin, 1.5 * S);
  simulation.onChange = () => {};
  simulation.pass(5 * S);
  const us = last - began;
  return { us, ratio: us / Math.max(...[...far].map((node) => world.delay(origin, node))) };
}
