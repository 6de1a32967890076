import type { Resolved } from "./canopy-crowd.ts";
import type { CanopyWorld } from "./canopy-world.ts";
import type { AnnouncementScenario } from "./scenario.ts";

/*
 * Where tasks go in a canopy, in steps: who has one chooses by its own view among the nodes of its group, the groups of
 * its region, and the regions; the gateway of what it chose chooses again by what is known there, and so on down to one
 * node. The task passes by the gateways that chose, there and back. Perfect knowledge sends it to the best of all nodes
 * the straight way.
 */

type Task = AnnouncementScenario["task"];

export interface Placed {
  /** Whether the node is the one that perfect knowledge would have chosen. */
  readonly same: boolean;
  /** Time until the task is done, over the best node's. */
  readonly cost: number;
}

/** The region besides the deciders' own that is simulated down to single nodes; its gateway has the same number. */
const FAR = 1;

/** Places one task of `from`'s, a member of the first region, by what its view says. */
export function placeByView(world: CanopyWorld, from: number, task: Task): Placed {
  let best = world.bestBehind(from, from, task);
  for (const node of world.seats.keys()) {
    const found = world.bestBehind(node, from, task);
    if (found.takes < best.takes) best = found;
  }
  const chosen = chosenBy(world, from, task, null);
  const found = chosen === FAR ? atFarGateway(world, task) : world.resolvedBehind(chosen, task);
  return { same: found.node === best.node, cost: (world.away(from, chosen) + found.takes) / best.takes };
}

/** Where a view says that a task is done first, as the node that speaks for it; among `those` only where given. */
function chosenBy(world: CanopyWorld, from: number, task: Task, those: ReadonlySet<number> | null): number {
  let chosen = from;
  let least = Number.POSITIVE_INFINITY;
  for (const { speaker, takes } of world.believed(from, task)) {
    if (takes >= least || those?.has(speaker) === false) continue;
    least = takes;
    chosen = speaker;
  }
  return chosen;
}

/** What the far region's gateway makes of a task: a node of its own group, or a group of the region. */
function atFarGateway(world: CanopyWorld, task: Task): Resolved {
  const inside = new Set([...world.group(0, FAR), ...world.group(1, FAR)]);
  const chosen = chosenBy(world, FAR, task, inside);
  const found = world.resolvedBehind(chosen, task);
  return { node: found.node, takes: world.away(FAR, chosen) + found.takes };
}
