import {
  type Application,
  type ApplicationPlan,
  placementCost,
  type StepGraph,
  transferTime,
} from "./application.ts";

/**
 * A good placement at once: steps by upward rank (mean time and transfer to the end), each put where it
 * ends earliest, into gaps too (HEFT: Topcuoglu, Hariri and Wu 2002). With `fixed` nodes only the times are worked out.
 * Null where some step finds no admissible node with the room left.
 */
export function listSchedule(app: Application, graph: StepGraph, fixed?: Int32Array): ApplicationPlan | null {
  const rank = upwardRanks(app, graph);
  const place = new Int32Array(app.steps);
  graph.order.forEach((s, i) => {
    place[s] = i;
  });
  const order = [...graph.order].sort((a, b) => rank[b]! - rank[a]! || place[a]! - place[b]!);
  const node = new Int32Array(app.steps).fill(-1);
  const start = new Float64Array(app.steps);
  const finish = new Float64Array(app.steps);
  const left = app.room.slice();
  const busy = Array.from(app.lanes, (lanes) => Array.from({ length: lanes }, (): Interval[] => []));
  for (const s of order) {
    let best = Number.POSITIVE_INFINITY;
    let chosen: Interval[] | undefined;
    for (let j = 0; j < app.nodes; j++) {
      const time = app.time[s * app.nodes + j]!;
      const room = left[j]! + 1e-9 * Math.abs(app.room[j]!);
      if (
        (fixed !== undefined && fixed[s] !== j) ||
        time === Number.POSITIVE_INFINITY ||
        app.space[s]! > room
      ) {
        continue;
      }
      let ready = 0;
      for (const edge of graph.into[s]!) {
        ready = Math.max(ready, finish[edge.from]! + transferTime(app, edge.bytes, node[edge.from]!, j));
      }
      for (const lane of busy[j]!) {
        const at = firstGap(lane, ready, time);
        if (at + time >= best) continue;
        best = at + time;
        chosen = lane;
        node[s] = j;
        start[s] = at;
      }
    }
    if (chosen === undefined) return null;
    finish[s] = best;
    left[node[s]!]! -= app.space[s]!;
    occupy(chosen, { from: start[s]!, to: best });
  }
  let makespan = 0;
  for (const end of finish) makespan = Math.max(makespan, end);
  return { node, start, finish, makespan, cost: placementCost(app, node) };
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

function firstGap(lane: readonly Interval[], ready: number, time: number): number {
  let at = ready;
  for (const taken of lane) {
    if (at + time <= taken.from) return at;
    at = Math.max(at, taken.to);
  }
  return at;
}

function occupy(lane: Interval[], taken: Interval): void {
  let i = lane.length;
  while (i > 0 && lane[i - 1]!.from > taken.from) i--;
  lane.splice(i, 0, taken);
}

/** By step: mean time over the nodes that admit it, plus the longest mean way to the end. */
function upwardRanks(app: Application, graph: StepGraph): Float64Array {
  const rank = new Float64Array(app.steps);
  const [delay, perByte] = [meanOf(app.delay), meanOf(app.secondsPerByte)];
  for (let i = app.steps - 1; i >= 0; i--) {
    const s = graph.order[i]!;
    let behind = 0;
    for (const edge of graph.outOf[s]!) {
      behind = Math.max(behind, rank[edge.to]! + delay + edge.bytes * perByte);
    }
    rank[s] = meanOf(app.time.subarray(s * app.nodes, (s + 1) * app.nodes)) + behind;
  }
  return rank;
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === Number.POSITIVE_INFINITY) continue;
    sum += value;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}
