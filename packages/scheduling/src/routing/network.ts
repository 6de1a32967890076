import type { ChangeFeed, Pool } from "@weft/pool";
import type { Graph } from "./graph.ts";
import { type Tree, TreeSolver } from "./tree.ts";

/**
 * The sites and the hops between them, as the router walks them. A hop joins two sites whose links are up in both
 * directions: data goes one way and its result comes back the other, and not even an upload works one way only.
 * Its weight is the delay there and back, so a distance is the least round trip between two sites: the bound
 * that every search prunes with. Residual bandwidth is read from the pool when a search needs it.
 */
export class Network {
  readonly #pool: Pool;
  readonly #feed: ChangeFeed;
  readonly #solver = new TreeSolver();
  readonly #trees = new Map<number, Tree>();
  #graph: Graph = {
    vertices: 0,
    start: new Int32Array(1),
    head: new Int32Array(0),
    weight: new Float64Array(0),
  };
  /** By hop: the link along it, and the link back. */
  #there = new Int32Array(0);
  #back = new Int32Array(0);

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#feed = pool.follow();
  }

  get graph(): Graph {
    return this.#graph;
  }
  get there(): Int32Array {
    return this.#there;
  }
  get back(): Int32Array {
    return this.#back;
  }

  /** Takes in what changed since the last call. */
  refresh(): void {
    const { links, nodes, loads } = this.#feed;
    nodes.clear();
    loads.clear();
    if (links.size === 0) return;
    links.clear();
    this.#trees.clear();
    this.#rebuild();
  }

  /** Least round trips from `site` to every site, and the tree that has them. */
  treeOf(site: number): Tree {
    let tree = this.#trees.get(site);
    if (tree === undefined) {
      tree = this.#solver.solve(this.#graph, site);
      this.#trees.set(site, tree);
    }
    return tree;
  }

  #rebuild(): void {
    const links = this.#pool.links;
    const vertices = links.sites.bound;
    const usable: number[] = [];
    const start = new Int32Array(vertices + 1);
    for (let l = 0; l < links.bound; l++) {
      const reverse = links.up[l] === 1 ? (links.reverse[l] as number) : -1;
      if (reverse < 0 || links.up[reverse] !== 1) continue;
      usable.push(l);
      const row = (links.from[l] as number) + 1;
      start[row] = (start[row] as number) + 1;
    }
    for (let v = 0; v < vertices; v++) start[v + 1] = (start[v + 1] as number) + (start[v] as number);
    const next = start.slice();
    const head = new Int32Array(usable.length);
    const weight = new Float64Array(usable.length);
    this.#there = new Int32Array(usable.length);
    this.#back = new Int32Array(usable.length);
    for (const l of usable) {
      const from = links.from[l] as number;
      const hop = next[from] as number;
      next[from] = hop + 1;
      const reverse = links.reverse[l] as number;
      head[hop] = links.to[l] as number;
      weight[hop] = (links.delay[l] as number) + (links.delay[reverse] as number);
      this.#there[hop] = l;
      this.#back[hop] = reverse;
    }
    this.#graph = { vertices, start, head, weight };
  }
}
