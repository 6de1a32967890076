import type { Graph } from "./graph.ts";
import { TreeRepair } from "./repair.ts";
import type { Tree, TreeSolver } from "./tree.ts";

/** Changes that a view remembers for trees to catch up with; a tree further behind is grown anew. */
const REMEMBERED = 512;

interface KeptTree extends Tree {
  /** Entries of its view's log that the tree takes in. */
  seen: number;
}

/**
 * A part of the network, what is added up over it, and the trees kept of it by their source. A tree is mended when it is
 * next used: a change costs no more than its effect on each tree that is used again.
 */
export class View {
  readonly #weightOf: (hop: number) => number;
  readonly #twin: Int32Array;
  readonly #graph: Graph;
  readonly #solver: TreeSolver;
  readonly #repair: TreeRepair;
  readonly #trees: (KeptTree | undefined)[];
  /** Hops that changed, in order, and how many were forgotten from the front. */
  #log: number[] = [];
  #forgotten = 0;

  /** Over the hops of `shape`, whose weights `weightOf` tells; `twin`: each seen from its other end, weighing the same. */
  constructor(shape: Graph, twin: Int32Array, solver: TreeSolver, weightOf: (hop: number) => number) {
    this.#weightOf = weightOf;
    this.#twin = twin;
    this.#graph = { ...shape, weight: shape.weight.map((_, hop) => weightOf(hop)) };
    this.#solver = solver;
    this.#repair = new TreeRepair(this.#graph, this.#graph);
    this.#trees = new Array(shape.vertices).fill(undefined);
  }

  /** A hop, seen from either end, may weigh something else now. */
  update(hop: number): void {
    const { weight } = this.#graph;
    const twin = this.#twin[hop] as number;
    const now = this.#weightOf(hop);
    if (now === weight[hop]) return;
    weight[hop] = now;
    weight[twin] = now;
    this.#log.push(hop, twin);
    if (this.#log.length < 2 * REMEMBERED) return;
    this.#forgotten += REMEMBERED;
    this.#log = this.#log.slice(REMEMBERED);
  }

  /** The best ways from `site` to every site, up to date; undefined where they are not kept. */
  kept(site: number): Tree | undefined {
    const tree = this.#trees[site];
    if (tree === undefined) return undefined;
    const now = this.#forgotten + this.#log.length;
    if (tree.seen === now) return tree;
    if (tree.seen >= this.#forgotten) this.#repair.mend(tree, this.#log, tree.seen - this.#forgotten);
    else this.#solver.solve(this.#graph, site, tree);
    tree.seen = now;
    return tree;
  }

  /** Grows that tree, to be kept from here on. */
  grow(site: number): Tree {
    const tree = {
      ...this.#solver.solve(this.#graph, site),
      seen: this.#forgotten + this.#log.length,
    };
    this.#trees[site] = tree;
    return tree;
  }

  /** Lets go of all trees. */
  clear(): void {
    this.#trees.fill(undefined);
  }
}
