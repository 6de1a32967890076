import type { ChangeFeed, Pool } from "@weft/pool";
import type { Query } from "../placement/query.ts";
import type { Graph } from "./graph.ts";
import { type Tree, TreeSolver } from "./tree.ts";
import { View } from "./view.ts";

/** What a tree adds up along its ways. Jitter, loss and bit errors count the worse direction of each hop. */
export const METRICS = ["roundTrip", "jitter", "loss", "bitErrors"] as const;
export type Metric = (typeof METRICS)[number];

/** Trees kept hold at most so many entries in all, 12 bytes each; past that they are made again as needed. */
const TREE_ENTRIES = 8e6;
/**
 * What a search reads of a hop lies side by side, one cache line each: `hops[hop * HOP + DELAY_BACK]`. There is along the
 * hop, back against it; per byte are micros, as good as endless where there is no rate. Head is the site it leads to.
 */
export const HOP = 8;
export const [
  ROUND_TRIP,
  HEAD,
  PER_BYTE_THERE,
  PER_BYTE_BACK,
  RATE_THERE,
  RATE_BACK,
  DELAY_THERE,
  DELAY_BACK,
] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
/** What a hop is, in bits: the lesser security of its directions, and above it the figures known of both. */
const SECURITY_BITS = 2;
export const securityOf = (kind: number): number => kind & (2 ** SECURITY_BITS - 1);

/** Micros a byte takes at a rate; never Infinity, so that no bytes take none. */
const perByte = (rate: number): number => Math.min(8e6 / rate, 1e100);

/**
 * The sites and the hops between them, as the router walks them. A hop joins two sites with links in both
 * directions: data goes one way and its result comes back the other, and not even an upload works one way only.
 * Every figure of a hop is the same seen from either end, so one tree from the data's site bounds all ways to it.
 *
 * Trees are kept by source and view, and mended when next used: a new measurement costs no more than its effect on each
 * tree that is used again, and a reservation nothing, since bandwidth is no part of them.
 */
export class Network {
  readonly #pool: Pool;
  readonly #feed: ChangeFeed;
  readonly #solver = new TreeSolver();
  readonly #views = new Map<number, View>();
  #trees = 0;
  #graph: Graph = {
    vertices: 0,
    start: new Int32Array(1),
    head: new Int32Array(0),
    weight: new Float64Array(0),
  };
  /** By hop: its near end, the link along it, the link back. */
  #tail = new Int32Array(0);
  #there = new Int32Array(0);
  #back = new Int32Array(0);
  /** By hop: the hop of the same links seen from the other end. */
  #twin = new Int32Array(0);
  #hops: Float64Array = new Float64Array(0);
  #kinds: Int32Array = new Int32Array(0);
  /** By link: the hop along it; -1 where it is none. */
  #hopOf = new Int32Array(0);
  /** Over all hops: the least security class, and the figures known of every one. */
  #leastSecurity = 0;
  #knownOfAll = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#feed = pool.follow("links");
  }

  /** Weights are round trips, in micros; Infinity where a direction is down. */
  get graph(): Graph {
    return this.#graph;
  }
  get there(): Int32Array {
    return this.#there;
  }
  get back(): Int32Array {
    return this.#back;
  }
  /** What there is to know of a hop on one cache line: see `HOP`. */
  get hops(): Float64Array {
    return this.#hops;
  }

  /** By hop: its security and the figures known of it (`serves`, `securityOf`). */
  get kinds(): Int32Array {
    return this.#kinds;
  }

  /** Takes in what changed since the last call. */
  refresh(): void {
    const { links, residuals } = this.#feed;
    for (let i = 0; i < links.size; i++) {
      if (this.#takeInLink(links.at(i))) continue;
      this.#rebuild();
      links.clear();
      residuals.clear();
      return;
    }
    links.clear();
    for (let i = 0; i < residuals.size; i++) {
      this.#takeInResidual(residuals.at(i));
    }
    residuals.clear();
  }

  /**
   * Names the part of the network that a demand leaves: hops at least that secure, with all figures of `mustKnow` known;
   * and what is added up over it. A demand that every hop meets makes no part of its own.
   */
  viewOf(metric: Metric, security: number, mustKnow: number): number {
    const level = security <= this.#leastSecurity ? 0 : security;
    const figures = mustKnow & ~this.#knownOfAll;
    return (METRICS.indexOf(metric) * 4 + level) * 32 + figures;
  }

  /** Whether every hop that is up serves the task, as far as that depends on the hop alone. */
  servesEverywhere({ bounded, bandwidth, security, mustKnow }: Query): boolean {
    return (
      !bounded && bandwidth === 0 && security <= this.#leastSecurity && (mustKnow & ~this.#knownOfAll) === 0
    );
  }

  /** The best ways from `site` to every site, over one view of the network. The view 0 is all of it, by round trip. */
  treeOf(site: number, name = 0): Tree {
    const view = this.#view(name);
    const kept = view.kept(site);
    if (kept !== undefined) return kept;
    if (this.#trees * this.#graph.vertices > TREE_ENTRIES) {
      for (const each of this.#views.values()) each.clear();
      this.#trees = 0;
    }
    this.#trees++;
    return view.grow(site);
  }

  #view(name: number): View {
    let view = this.#views.get(name);
    if (view !== undefined) return view;
    const metric = METRICS[Math.floor(name / 128)] as Metric;
    const security = Math.floor(name / 32) % 4;
    const figures = name % 32;
    view = new View(this.#graph, this.#twin, this.#solver, (hop) =>
      this.#weightIn(metric, security, figures, hop),
    );
    this.#views.set(name, view);
    return view;
  }

  #weightIn(metric: Metric, security: number, figures: number, hop: number): number {
    const { links } = this.#pool;
    const [a, b] = [this.#there[hop] as number, this.#back[hop] as number];
    const roundTrip = this.#graph.weight[hop] as number;
    if (roundTrip === Number.POSITIVE_INFINITY) return roundTrip;
    if (Math.min(links.security[a] as number, links.security[b] as number) < security) {
      return Number.POSITIVE_INFINITY;
    }
    if ((figures & ~((links.known[a] as number) & (links.known[b] as number))) !== 0) {
      return Number.POSITIVE_INFINITY;
    }
    if (metric === "roundTrip") return roundTrip;
    return Math.max(links[metric][a] as number, links[metric][b] as number);
  }

  /** A link was measured again, went up or down; false when the shape of the network is another. */
  #takeInLink(link: number): boolean {
    const { links } = this.#pool;
    const reverse = links.slots.has(link) ? (links.reverse[link] as number) : -1;
    const isHop = reverse >= 0 && links.slots.has(reverse);
    const hop = link < this.#hopOf.length ? (this.#hopOf[link] as number) : -1;
    if (!isHop && hop < 0) return true;
    if (!isHop || hop < 0 || this.#there[hop] !== link || this.#back[hop] !== reverse) return false;
    if (this.#tail[hop] !== links.from[link] || this.#graph.head[hop] !== links.to[link]) return false;
    // What every hop had, and demands therefore skip, it must go on having.
    if (this.#leastSecurity > Math.min(links.security[link] as number, links.security[reverse] as number))
      return false;
    if ((this.#knownOfAll & ~((links.known[link] as number) & (links.known[reverse] as number))) !== 0)
      return false;
    const twin = this.#twin[hop] as number;
    const up = links.up[link] === 1 && links.up[reverse] === 1;
    const weight = up
      ? (links.delay[link] as number) + (links.delay[reverse] as number)
      : Number.POSITIVE_INFINITY;
    this.#graph.weight[hop] = weight;
    this.#graph.weight[twin] = weight;
    this.#describe(hop);
    this.#describe(twin);
    for (const view of this.#views.values()) view.update(hop);
    return true;
  }

  /** Bandwidth of a link was taken or given back. */
  #takeInResidual(link: number): void {
    const hop = link < this.#hopOf.length ? (this.#hopOf[link] as number) : -1;
    if (hop < 0) return;
    const twin = this.#twin[hop] as number;
    const hops = this.#hops;
    const residual = this.#pool.links.residual[link] as number;
    const each = perByte(residual);
    hops[hop * HOP + RATE_THERE] = residual;
    hops[hop * HOP + PER_BYTE_THERE] = each;
    hops[twin * HOP + RATE_BACK] = residual;
    hops[twin * HOP + PER_BYTE_BACK] = each;
  }

  /** Writes what a hop's two links are. */
  #describe(hop: number): void {
    const { links } = this.#pool;
    const there = this.#there[hop] as number;
    const back = this.#back[hop] as number;
    const at = hop * HOP;
    this.#hops[at + ROUND_TRIP] = this.#graph.weight[hop] as number;
    this.#hops[at + DELAY_THERE] = links.delay[there] as number;
    this.#hops[at + DELAY_BACK] = links.delay[back] as number;
    this.#hops[at + RATE_THERE] = links.residual[there] as number;
    this.#hops[at + RATE_BACK] = links.residual[back] as number;
    this.#hops[at + PER_BYTE_THERE] = perByte(links.residual[there] as number);
    this.#hops[at + PER_BYTE_BACK] = perByte(links.residual[back] as number);
    this.#hops[at + HEAD] = links.to[there] as number;
    const security = Math.min(links.security[there] as number, links.security[back] as number);
    const known = (links.known[there] as number) & (links.known[back] as number);
    this.#kinds[hop] = (known << SECURITY_BITS) | security;
  }

  #rebuild(): void {
    const { links } = this.#pool;
    const vertices = links.sites.bound;
    const isHop = (l: number): boolean => {
      const reverse = links.slots.has(l) ? (links.reverse[l] as number) : -1;
      return reverse >= 0 && links.slots.has(reverse);
    };
    const hops = Array.from({ length: links.bound }, (_, l) => l)
      .filter(isHop)
      .sort((a, b) => (links.from[a] as number) - (links.from[b] as number) || a - b);
    const start = new Int32Array(vertices + 1);
    for (const l of hops)
      start[(links.from[l] as number) + 1] = (start[(links.from[l] as number) + 1] as number) + 1;
    for (let v = 0; v < vertices; v++) start[v + 1] = (start[v + 1] as number) + (start[v] as number);
    this.#views.clear();
    this.#trees = 0;
    this.#tail = Int32Array.from(hops, (l) => links.from[l] as number);
    this.#there = Int32Array.from(hops);
    this.#back = Int32Array.from(hops, (l) => links.reverse[l] as number);
    this.#hopOf = new Int32Array(links.bound).fill(-1);
    hops.forEach((l, hop) => {
      this.#hopOf[l] = hop;
    });
    const upBothWays = (l: number): boolean =>
      links.up[l] === 1 && links.up[links.reverse[l] as number] === 1;
    const weight = Float64Array.from(hops, (l) =>
      upBothWays(l)
        ? (links.delay[l] as number) + (links.delay[links.reverse[l] as number] as number)
        : Number.POSITIVE_INFINITY,
    );
    this.#twin = Int32Array.from(hops, (l) => this.#hopOf[links.reverse[l] as number] as number);
    this.#graph = { vertices, start, head: Int32Array.from(hops, (l) => links.to[l] as number), weight };
    this.#leastSecurity = hops.reduce((least, l) => Math.min(least, links.security[l] as number), 3);
    this.#knownOfAll = hops.reduce((known, l) => known & (links.known[l] as number), 31);
    this.#hops = new Float64Array(hops.length * HOP);
    this.#kinds = new Int32Array(hops.length);
    for (let hop = 0; hop < hops.length; hop++) this.#describe(hop);
  }
}

/** Whether a hop by itself meets the demands of a task that are not sums. */
export function serves({ hops: figures, kinds }: Network, hop: number, query: Query): boolean {
  const at = hop * HOP;
  const kind = kinds[hop] as number;
  return (
    figures[at + ROUND_TRIP] !== Number.POSITIVE_INFINITY &&
    (!query.bounded || query.allowed[figures[at + HEAD] as number] === query.serial) &&
    (figures[at + RATE_THERE] as number) >= query.bandwidth &&
    (figures[at + RATE_BACK] as number) >= query.bandwidth &&
    securityOf(kind) >= query.security &&
    (query.mustKnow & ~(kind >> SECURITY_BITS)) === 0
  );
}
