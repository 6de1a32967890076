import type { Graph } from "./graph.ts";

/** Shortest distances from one vertex, and the arc by which each vertex is reached. */
export interface Tree {
  /** Infinity where there is no way. */
  readonly distance: Float64Array;
  /** The vertex before; -1 at the source and where there is no way. */
  readonly parent: Int32Array;
}

/**
 * Dijkstra's algorithm over typed arrays with an indexed binary heap (each vertex at most once in it, moved up when
 * its distance falls). Buffers are kept between calls: one solver serves any number of trees of one graph size.
 */
export class TreeSolver {
  #heap = new Int32Array(0);
  /** Position in the heap; -1 before, -2 after a vertex was in it. */
  #position = new Int32Array(0);

  /** Fills `into` (or fresh arrays) with the tree of `source`. */
  solve(graph: Graph, source: number, into?: Tree): Tree {
    const { vertices, start, head, weight } = graph;
    const tree = into ?? { distance: new Float64Array(vertices), parent: new Int32Array(vertices) };
    if (this.#heap.length < vertices) {
      this.#heap = new Int32Array(vertices);
      this.#position = new Int32Array(vertices);
    }
    const heap = this.#heap;
    const position = this.#position;
    const { distance, parent } = tree;
    distance.fill(Number.POSITIVE_INFINITY);
    parent.fill(-1);
    position.fill(-1, 0, vertices);
    distance[source] = 0;
    heap[0] = source;
    position[source] = 0;
    let size = 1;
    while (size > 0) {
      const v = heap[0] as number;
      position[v] = -2;
      size--;
      if (size > 0) siftDown(heap, position, distance, heap[size] as number, size);
      const base = distance[v] as number;
      const end = start[v + 1] as number;
      for (let arc = start[v] as number; arc < end; arc++) {
        const u = head[arc] as number;
        const reached = base + (weight[arc] as number);
        if (reached < (distance[u] as number)) {
          distance[u] = reached;
          parent[u] = v;
          let at = position[u] as number;
          if (at < 0) at = size++;
          siftUp(heap, position, distance, u, at);
        }
      }
    }
    return tree;
  }
}

function siftUp(
  heap: Int32Array,
  position: Int32Array,
  key: Float64Array,
  vertex: number,
  from: number,
): void {
  let i = from;
  const own = key[vertex] as number;
  while (i > 0) {
    const above = (i - 1) >> 1;
    const other = heap[above] as number;
    if ((key[other] as number) <= own) break;
    heap[i] = other;
    position[other] = i;
    i = above;
  }
  heap[i] = vertex;
  position[vertex] = i;
}

function siftDown(
  heap: Int32Array,
  position: Int32Array,
  key: Float64Array,
  vertex: number,
  size: number,
): void {
  let i = 0;
  const own = key[vertex] as number;
  for (let child = 1; child < size; child = 2 * i + 1) {
    let least = key[heap[child] as number] as number;
    if (child + 1 < size) {
      const right = key[heap[child + 1] as number] as number;
      if (right < least) {
        least = right;
        child++;
      }
    }
    if (least >= own) break;
    const other = heap[child] as number;
    heap[i] = other;
    position[other] = i;
    i = child;
  }
  heap[i] = vertex;
  position[vertex] = i;
}
