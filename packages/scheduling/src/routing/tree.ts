import type { Graph } from "./graph.ts";

/** Shortest distances from one vertex, and the arc by which each vertex is reached. */
export interface Tree {
  /** Infinity where there is no way. */
  readonly distance: Float64Array;
  /** The vertex before; -1 at the source and where there is no way. */
  readonly parent: Int32Array;
}

/**
 * Dijkstra's algorithm over typed arrays with an indexed heap of four children a parent (each vertex at most once in it,
 * moved up when its distance falls). Keys stand in the heap beside the vertices, so that sifting reads memory in a
 * row. Buffers are kept between calls: one solver serves any number of trees of one graph size.
 */
export class TreeSolver {
  #heap: Heap = { keys: new Float64Array(0), vertices: new Int32Array(0), position: new Int32Array(0) };

  /** Fills `into` (or fresh arrays) with the tree of `source`. */
  solve(graph: Graph, source: number, into?: Tree): Tree {
    const { vertices, start, head, weight } = graph;
    const tree = into ?? { distance: new Float64Array(vertices), parent: new Int32Array(vertices) };
    if (this.#heap.position.length < vertices) {
      this.#heap = {
        keys: new Float64Array(vertices + 1),
        vertices: new Int32Array(vertices + 1),
        position: new Int32Array(vertices),
      };
    }
    const heap = this.#heap;
    const { position } = heap;
    const { distance, parent } = tree;
    distance.fill(Number.POSITIVE_INFINITY);
    parent.fill(-1);
    position.fill(-1, 0, vertices);
    distance[source] = 0;
    place(heap, 0, 0, source);
    let size = 1;
    while (size > 0) {
      const v = heap.vertices[0] as number;
      const base = heap.keys[0] as number;
      size--;
      if (size > 0) siftDown(heap, size);
      const end = start[v + 1] as number;
      for (let arc = start[v] as number; arc < end; arc++) {
        const u = head[arc] as number;
        const reached = base + (weight[arc] as number);
        if (reached < (distance[u] as number)) {
          distance[u] = reached;
          parent[u] = v;
          let at = position[u] as number;
          if (at < 0) at = size++;
          siftUp(heap, reached, u, at);
        }
      }
    }
    return tree;
  }
}

/** By place in the heap: key and vertex; by vertex: its place, -1 before it was in it. */
interface Heap {
  readonly keys: Float64Array;
  readonly vertices: Int32Array;
  readonly position: Int32Array;
}

function place({ keys, vertices, position }: Heap, at: number, key: number, vertex: number): void {
  keys[at] = key;
  vertices[at] = vertex;
  position[vertex] = at;
}

function siftUp(heap: Heap, key: number, vertex: number, from: number): void {
  const { keys, vertices } = heap;
  let i = from;
  while (i > 0) {
    const above = (i - 1) >> 2;
    const other = keys[above] as number;
    if (other <= key) break;
    place(heap, i, other, vertices[above] as number);
    i = above;
  }
  place(heap, i, key, vertex);
}

/** Puts what stands last (at `size`) where the first was taken, and down from there. */
function siftDown(heap: Heap, size: number): void {
  const { keys, vertices } = heap;
  const own = keys[size] as number;
  const vertex = vertices[size] as number;
  let i = 0;
  for (let child = 1; child < size; child = 4 * i + 1) {
    const end = Math.min(child + 4, size);
    let first = child;
    let least = keys[child] as number;
    for (let c = child + 1; c < end; c++) {
      const key = keys[c] as number;
      if (key < least) {
        least = key;
        first = c;
      }
    }
    if (least >= own) break;
    place(heap, i, least, vertices[first] as number);
    i = first;
  }
  place(heap, i, own, vertex);
}
