import { UndirectedGraph } from "graphology";
import { dijkstra } from "graphology-shortest-path";
import createGraph from "ngraph.graph";
import { aStar } from "ngraph.path";

/** A link that may be used in both directions. */
export interface Edge {
  readonly a: number;
  readonly b: number;
  readonly weight: number;
}

/** Grows the whole tree of a source. */
export type GrowTree = (source: number) => void;

type Loaded = UndirectedGraph<Record<string, never>, { weight: number }>;

export function loadGraphology(vertices: number, edges: readonly Edge[]): Loaded {
  const graph: Loaded = new UndirectedGraph();
  for (let v = 0; v < vertices; v++) graph.addNode(v);
  for (const [i, { a, b, weight }] of edges.entries()) graph.addUndirectedEdgeWithKey(i, a, b, { weight });
  return graph;
}

/** graphology's Dijkstra; its result is a path to every vertex, and it keeps no distances. */
export function graphologyTree(graph: Loaded): (source: number) => Record<string, string[]> {
  return (source) => dijkstra.singleSource(graph, source, "weight");
}

/** ngraph's Dijkstra knows single targets only: asked for a vertex that nothing leads to, it grows the whole tree. */
export function ngraphTree(vertices: number, edges: readonly Edge[]): GrowTree {
  const graph = createGraph<undefined, number>();
  const nowhere = vertices;
  for (let v = 0; v <= nowhere; v++) graph.addNode(v);
  for (const { a, b, weight } of edges) graph.addLink(a, b, weight);
  const finder = aStar(graph, { distance: (_from, _to, link) => link.data });
  return (source) => {
    if (finder.find(source, nowhere).length > 0) throw new Error("ngraph found a way to an isolated vertex");
  };
}

/**
 * Yen's algorithm (1971) as a textbook has it, every spur searched for with graphology's two-sided Dijkstra. Gives the
 * weights of the k shortest loopless paths, shortest first.
 */
export function naiveYen(graph: Loaded, source: number, target: number, k: number): number[] {
  const found: string[][] = [];
  const waiting = new Map<string, { path: string[]; weight: number }>();
  const offer = (path: string[]): void => {
    waiting.set(path.join(" "), { path, weight: lengthOf(graph, path) });
  };
  const first = dijkstra.bidirectional(graph, source, target, "weight") as string[] | null;
  if (first !== null) offer(first);
  const weights: number[] = [];
  while (waiting.size > 0) {
    const [key, best] = [...waiting].reduce((a, b) => (b[1].weight < a[1].weight ? b : a));
    waiting.delete(key);
    found.push(best.path);
    weights.push(best.weight);
    if (weights.length === k) break;
    for (let i = 0; i + 1 < best.path.length; i++) {
      const spur = spurPath(graph, best.path.slice(0, i + 1), found, target);
      if (spur !== null) offer(spur);
    }
  }
  return weights;
}

function spurPath(
  graph: Loaded,
  root: readonly string[],
  found: readonly string[][],
  target: number,
): string[] | null {
  const passed = new Set(root.slice(0, -1));
  const at = root[root.length - 1] as string;
  const taken = new Set<string>();
  for (const path of found) {
    if (root.every((v, i) => path[i] === v)) taken.add(graph.edge(at, path[root.length]) as string);
  }
  const weight = (edge: string, { weight }: { weight: number }): number => {
    if (taken.has(edge)) return Number.POSITIVE_INFINITY;
    const closed = passed.has(graph.source(edge)) || passed.has(graph.target(edge));
    return closed ? Number.POSITIVE_INFINITY : weight;
  };
  const tail = dijkstra.bidirectional(graph, at, target, weight) as string[] | null;
  if (tail === null) return null;
  for (let i = 0; i + 1 < tail.length; i++) {
    const edge = graph.edge(tail[i], tail[i + 1]) as string;
    if (weight(edge, { weight: 1 }) === Number.POSITIVE_INFINITY) return null;
  }
  return [...root.slice(0, -1), ...tail];
}

function lengthOf(graph: Loaded, path: readonly string[]): number {
  let length = 0;
  for (let i = 0; i + 1 < path.length; i++) {
    length += graph.getEdgeAttribute(graph.edge(path[i], path[i + 1]), "weight");
  }
  return length;
}
