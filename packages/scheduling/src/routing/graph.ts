/**
 * A directed graph in compressed sparse rows: the arcs leaving vertex v are start[v] .. start[v + 1] - 1. Weights
 * are not negative and may change in place; the shape is fixed.
 */
export interface Graph {
  readonly vertices: number;
  /** Length vertices + 1. */
  readonly start: Int32Array;
  /** By arc: where it leads. */
  readonly head: Int32Array;
  /** By arc. Infinity: the arc is down. */
  readonly weight: Float64Array;
}

export interface Arc {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** Builds the rows; arcs of one vertex keep the order they are given in, so arc numbers are reproducible. */
export function graphOf(vertices: number, arcs: readonly Arc[]): Graph {
  const start = new Int32Array(vertices + 1);
  for (const arc of arcs) start[arc.from + 1] = (start[arc.from + 1] as number) + 1;
  addUp(start);
  const next = start.slice();
  const head = new Int32Array(arcs.length);
  const weight = new Float64Array(arcs.length);
  for (const arc of arcs) {
    const at = next[arc.from] as number;
    next[arc.from] = at + 1;
    head[at] = arc.to;
    weight[at] = arc.weight;
  }
  return { vertices, start, head, weight };
}

/** From how many arcs each row has, one place on, to where each row starts. */
function addUp(start: Int32Array): void {
  for (let v = 1; v < start.length; v++) start[v] = (start[v] as number) + (start[v - 1] as number);
}

/** By arc: the vertex it leaves. */
export function tailsOf(graph: Graph): Int32Array {
  const tails = new Int32Array(graph.head.length);
  for (let v = 0; v < graph.vertices; v++) tails.fill(v, graph.start[v], graph.start[v + 1]);
  return tails;
}

/** The arc from one vertex to another of least weight; -1 where there is none. */
export function arcBetween(graph: Graph, from: number, to: number): number {
  let best = -1;
  for (let arc = graph.start[from] as number; arc < (graph.start[from + 1] as number); arc++) {
    if (graph.head[arc] !== to) continue;
    if (best < 0 || (graph.weight[arc] as number) < (graph.weight[best] as number)) best = arc;
  }
  return best;
}

/** The same graph with every arc turned round; arcs into one vertex keep their order. */
export function transposed(graph: Graph): Graph {
  const { vertices } = graph;
  const start = new Int32Array(vertices + 1);
  for (let arc = 0; arc < graph.head.length; arc++) {
    const to = graph.head[arc] as number;
    start[to + 1] = (start[to + 1] as number) + 1;
  }
  addUp(start);
  const next = start.slice();
  const head = new Int32Array(graph.head.length);
  const weight = new Float64Array(graph.head.length);
  for (let v = 0; v < vertices; v++) {
    for (let arc = graph.start[v] as number; arc < (graph.start[v + 1] as number); arc++) {
      const to = graph.head[arc] as number;
      const at = next[to] as number;
      next[to] = at + 1;
      head[at] = v;
      weight[at] = graph.weight[arc] as number;
    }
  }
  return { vertices, start, head, weight };
}
