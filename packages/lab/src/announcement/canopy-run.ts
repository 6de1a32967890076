import type { Participant } from "@weft/announcement";
import { Rng } from "@weft/kernel";
import { type Placed, placeByView } from "./canopy-choices.ts";
import { CanopyWorld } from "./canopy-world.ts";
import { mean } from "./propagation.ts";
import type { AnnouncementScenario } from "./scenario.ts";
import { idOf } from "./simulation.ts";

const S = 1_000_000;

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

/** Lets `side`^3 nodes change once a second each while members place tasks, then makes members of the first region its best. */
export function canopyOf(
  side: number,
  seconds: number,
  changes: number,
  task: AnnouncementScenario["task"],
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
  const placed: Placed[] = [];
  for (let step = 1; step <= 4 * seconds; step++) {
    simulation.pass(S / 4);
    placed.push(placeByView(world, chooser.pick(members), task));
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
