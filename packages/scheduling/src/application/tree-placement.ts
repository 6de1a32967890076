import { type Application, type StepGraph, transferPrice, transferTime } from "./application.ts";

/**
 * The cheapest nodes for an application whose graph, directions forgotten, is a forest (chains and trees are), by
 * dynamic programming from the leaves: O(edges * nodes^2). Memory is not looked at: the caller checks
 * `spaceHolds`. Null where the graph has a circle of edges or no admissible placement.
 */
export function cheapestOnForest(app: Application, graph: StepGraph): Int32Array | null {
  const walk = forestWalk(app, graph);
  if (walk === null) return null;
  const { nodes } = app;
  const least = Float64Array.from(app.price, (price, i) =>
    app.time[i] === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : price,
  );
  const choice = new Int32Array(app.steps * nodes);
  for (let i = app.steps - 1; i >= 0; i--) {
    const { step, parent, bytes, down } = walk[i]!;
    if (parent < 0) continue;
    for (let j = 0; j < nodes; j++) {
      let best = Number.POSITIVE_INFINITY;
      for (let k = 0; k < nodes; k++) {
        const value = least[step * nodes + k]! + transferPrice(app, bytes, down ? j : k, down ? k : j);
        if (value >= best) continue;
        best = value;
        choice[step * nodes + j] = k;
      }
      least[parent * nodes + j]! += best;
    }
  }
  return readBack(app, walk, least, choice);
}

/**
 * The nodes of least end-to-end latency for an application whose graph is an out-tree or an in-tree (every step
 * has at most one predecessor, or every step at most one successor) and whose steps never wait for a lane: function
 * chains and their branchings. Dynamic programming over the longest way to the leaves. Null otherwise.
 */
export function fastestOnTree(app: Application, graph: StepGraph): Int32Array | null {
  const out = graph.into.every((edges) => edges.length <= 1);
  if (!out && !graph.outOf.every((edges) => edges.length <= 1)) return null;
  const { nodes, steps } = app;
  const least = app.time.slice();
  const choice = new Int32Array(steps * nodes);
  const walk: Visit[] = [];
  for (let i = 0; i < steps; i++) {
    const step = out ? graph.order[i]! : graph.order[steps - 1 - i]!;
    const edge = out ? graph.into[step]![0] : graph.outOf[step]![0];
    const parent = edge === undefined ? -1 : out ? edge.from : edge.to;
    walk.push({ step, parent, bytes: edge?.bytes ?? 0, down: out });
  }
  const behind = new Float64Array(steps * nodes);
  for (let i = steps - 1; i >= 0; i--) {
    const { step, parent, bytes, down } = walk[i]!;
    for (let j = 0; j < nodes; j++) least[step * nodes + j]! += behind[step * nodes + j]!;
    if (parent < 0) continue;
    for (let j = 0; j < nodes; j++) {
      let best = Number.POSITIVE_INFINITY;
      for (let k = 0; k < nodes; k++) {
        const value = least[step * nodes + k]! + transferTime(app, bytes, down ? j : k, down ? k : j);
        if (value >= best) continue;
        best = value;
        choice[step * nodes + j] = k;
      }
      behind[parent * nodes + j] = Math.max(behind[parent * nodes + j]!, best);
    }
  }
  return readBack(app, walk, least, choice);
}

interface Visit {
  readonly step: number;
  /** The step it hangs from, -1 for a root. */
  readonly parent: number;
  readonly bytes: number;
  /** Data flows from the parent to the step. */
  readonly down: boolean;
}

/** All steps, each after the one it hangs from; null where an edge closes a circle. */
function forestWalk(app: Application, graph: StepGraph): Visit[] | null {
  const seen = new Uint8Array(app.steps);
  const walk: Visit[] = [];
  for (let root = 0; root < app.steps; root++) {
    if (seen[root] === 1) continue;
    seen[root] = 1;
    const from = walk.length;
    walk.push({ step: root, parent: -1, bytes: 0, down: true });
    for (let i = from; i < walk.length; i++) {
      const { step } = walk[i]!;
      for (const edge of [...graph.outOf[step]!, ...graph.into[step]!]) {
        const down = edge.from === step;
        const other = down ? edge.to : edge.from;
        if (seen[other] === 1) continue;
        seen[other] = 1;
        walk.push({ step: other, parent: step, bytes: edge.bytes, down });
      }
    }
  }
  const roots = walk.filter((visit) => visit.parent < 0).length;
  return app.edges.length === app.steps - roots ? walk : null;
}

function readBack(
  app: Application,
  walk: readonly Visit[],
  least: Float64Array,
  choice: Int32Array,
): Int32Array | null {
  const node = new Int32Array(app.steps);
  for (const { step, parent } of walk) {
    if (parent >= 0) {
      node[step] = choice[step * app.nodes + node[parent]!]!;
      continue;
    }
    let best = Number.POSITIVE_INFINITY;
    for (let j = 0; j < app.nodes; j++) {
      if (least[step * app.nodes + j]! >= best) continue;
      best = least[step * app.nodes + j]!;
      node[step] = j;
    }
    if (best === Number.POSITIVE_INFINITY) return null;
  }
  return node;
}
