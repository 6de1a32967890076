import type { Pool } from "@weft/pool";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import {
  BAND,
  BANDS,
  DELAY_BACK,
  DELAY_THERE,
  HOP,
  KNOWN_FIGURES,
  type Metric,
  type Network,
  RATE_BACK,
  RATE_THERE,
  ROUND_TRIP,
  SECURITY,
} from "./network.ts";
import { type Tree, TreeSolver } from "./tree.ts";
import { TreeWays } from "./tree-ways.ts";

/** Keeps a bound below what it bounds, whatever the order in which the same terms were added. */
const ROUNDING = 1 - 2 ** -40;
/** What is told of a way: whole micros each way, and the least rate each way. */
const [TIME_IN, TIME_OUT, RATE_IN, RATE_OUT] = [0, 1, 2, 3] as const;
const NOWHERE = new Float64Array(0);
const ENDLESS = Number.POSITIVE_INFINITY;

/**
 * The best path between the data and a site under all of a task's demands at once, found exactly.
 *
 * The best path is the one over which input and result travel quickest: delay there and back, plus the bytes over the
 * least residual bandwidth on the way. It depends on the task but not on the node, so node and path chosen apart
 * (per site, the quickest path; over it, the best node) are the best pair. Neither shortest-path principle nor a list of
 * k shortest paths gives it, because bandwidth is a minimum and the demands are limits: a sub-path that is
 * slower may be the only one that meets them.
 *
 * So the search sets labels (Martins 1984). A label is a partial path seen from the site; it is dropped only when another
 * label at the same vertex is at least as good in everything that still counts (delay each way, bandwidth each way,
 * jitter, loss, bit errors, hops), for then every completion of it is matched by one of the other: no path that could
 * be the best is ever lost. Labels are taken in order of a bound, over bands of capacity: if the narrowest hop to go
 * is in a band, the way leads over hops of that band and above, so it is no quicker than the least round trip over
 * those (from a tree kept per source and band) and the bytes at the band's rate. Without demands the trees' own paths are
 * nearly always the answer (Chen and Chin 1990), so they are tried first and the search has only to prove them. A
 * loop never survives: its label is dominated by the one before the loop.
 *
 * Ties: less time, then fewer hops, then the lower site name, read from the node's end.
 */
export class QuickestPath {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #patience: number;
  readonly #heap = new MinHeap();
  readonly #ways: TreeWays;
  /** Result of the last `find`: micros there and back, and the least residual bandwidth each way. */
  transferIn = 0;
  transferOut = 0;
  bandwidthIn = ENDLESS;
  bandwidthOut = ENDLESS;
  hops = 0;
  #found = false;
  /** The hops of the last path found, from the site to the data. */
  #way = new Int32Array(16);
  #best = -1;

  /** The way walked last: its hops, times and rates; what the least detour from it adds; by band, what others take. */
  #walked = new Int32Array(16);
  #walkedHops = 0;
  readonly #told = new Float64Array(4);
  #detour = 0;
  #other = 0;
  readonly #others = new Float64Array(BANDS);

  #query = new Query();
  /** The lowest band that may serve the task, and the tree of the data's site over it; null: the site has no hops. */
  #lowest = 0;
  #reach: Tree | null = null;
  #begun = false;
  /** Whether bounds look at bands; without, one tree says how far it is, and that is mostly enough. */
  #fine = false;
  /** By band, the tree over it and above, once needed. */
  readonly #toGo: (Tree | null)[] = Array.from({ length: BANDS }, () => null);
  /** Best residual rates between the data's site and its neighbours: every way to it ends with one of them. */
  #accessIn = 0;
  #accessOut = 0;
  #widestIn = 0;
  #widestOut = 0;
  #jitterToGo: Float64Array | null = null;
  #lossToGo: Float64Array | null = null;
  #bitErrorsToGo: Float64Array | null = null;
  /** Time of the best path so far, or the limit. */
  #within = 0;
  #lastBound = 0;
  /** Where the last path found leads. */
  #site = -1;

  /** The tree of the task's own, and the weights it was grown on. */
  #own: Tree = { distance: NOWHERE, parent: new Int32Array(0) };
  #serving = new Float64Array(0);
  readonly #solver = new TreeSolver();

  /* Labels, by column. */
  #count = 0;
  #vertex = new Int32Array(256);
  #parent = new Int32Array(256);
  /** The hop by which the label was extended, as seen from the site (towards the data). */
  #hop = new Int32Array(256);
  #hops = new Int32Array(256);
  #delayIn = new Float64Array(256);
  #delayOut = new Float64Array(256);
  #rateIn = new Float64Array(256);
  #rateOut = new Float64Array(256);
  #jitter = new Float64Array(256);
  #loss = new Float64Array(256);
  #bitErrors = new Float64Array(256);
  /** The labels at one vertex, as a list: next label, and the first by vertex (valid when stamped). */
  #next = new Int32Array(256);
  #first = new Int32Array(0);
  #stamp = new Int32Array(0);
  #serial = 0;

  /** `patience`: labels after which a search sharpens its bounds; after twice as many it asks what serves at all. */
  constructor(pool: Pool, network: Network, patience = 48) {
    this.#pool = pool;
    this.#network = network;
    this.#ways = new TreeWays(network);
    this.#patience = patience;
  }

  /** Takes up a task: what bounds its paths from here on. */
  begin(query: Query): void {
    const { bandRates, graph } = this.#network;
    this.#query = query;
    this.#site = -1;
    this.#reach = null;
    if (query.source < 0 || query.source >= graph.vertices) return;
    this.#measureAccess();
    this.#lowest = 0;
    while ((bandRates[this.#lowest] as number) < query.bandwidth && this.#lowest < bandRates.length - 1)
      this.#lowest++;
    this.#begun = false;
  }

  /** Gets the trees that bound the task's paths; not before they are needed, as many tasks need none. */
  #prepare(): void {
    const query = this.#query;
    if (this.#begun || query.source < 0 || query.source >= this.#network.graph.vertices) return;
    this.#begun = true;
    this.#toGo.fill(null);
    this.#fine = false;
    this.#reach = this.#leastOf("roundTrip", this.#lowest);
    this.#toGo[this.#lowest] = this.#reach;
    this.#jitterToGo = query.jitter === ENDLESS ? null : this.#leastOf("jitter", this.#lowest).distance;
    this.#lossToGo = query.loss === ENDLESS ? null : this.#leastOf("loss", this.#lowest).distance;
    this.#bitErrorsToGo =
      query.bitErrors === ENDLESS ? null : this.#leastOf("bitErrors", this.#lowest).distance;
    if (query.bounded) this.#narrow();
  }

  /** The least of one metric from every site to the data, over the hops that may serve the task. */
  #leastOf(metric: Metric, band: number): Tree {
    const { source, security, mustKnow } = this.#query;
    return this.#network.treeOf(source, this.#network.viewOf(metric, band, security, mustKnow));
  }

  #measureAccess(): void {
    const { graph, hops } = this.#network;
    const { source, security } = this.#query;
    const end = (graph.start[source + 1] as number) * HOP;
    let [inward, outward] = [0, 0];
    for (let at = (graph.start[source] as number) * HOP; at < end; at += HOP) {
      if ((hops[at + SECURITY] as number) < security) continue;
      inward = Math.max(inward, hops[at + RATE_THERE] as number);
      outward = Math.max(outward, hops[at + RATE_BACK] as number);
    }
    this.#accessIn = inward;
    this.#accessOut = outward;
  }

  /** The rates no way to a site can pass: the best at either end. */
  #measureEnd(site: number): void {
    const { graph, hops } = this.#network;
    const end = (graph.start[site + 1] as number) * HOP;
    let [inward, outward] = [0, 0];
    for (let at = (graph.start[site] as number) * HOP; at < end; at += HOP) {
      inward = Math.max(inward, hops[at + RATE_BACK] as number);
      outward = Math.max(outward, hops[at + RATE_THERE] as number);
    }
    this.#widestIn = Math.min(this.#accessIn, inward);
    this.#widestOut = Math.min(this.#accessOut, outward);
  }

  /** Micros that sending takes at the least, between the data's site and any other. */
  get leastSending(): number {
    const { inputBytes, resultBytes } = this.#query;
    return (
      (inputBytes > 0 ? (inputBytes * 8e6) / this.#accessIn : 0) +
      (resultBytes > 0 ? (resultBytes * 8e6) / this.#accessOut : 0)
    );
  }

  /** Least round trips from every site to the data over hops that may serve the task; empty when there are none. */
  get distances(): Float64Array {
    this.#prepare();
    return this.#reach === null ? NOWHERE : this.#reach.distance;
  }

  /** Whether the task limits delay, jitter, loss or bit errors. */
  get limited(): boolean {
    return this.#query.delay < ENDLESS || this.#limitsSums;
  }

  get #limitsSums(): boolean {
    const { jitter, loss, bitErrors } = this.#query;
    return jitter < ENDLESS || loss < ENDLESS || bitErrors < ENDLESS;
  }

  /** Whether one of these limits alone rules out every path to a site. */
  rulesOut(site: number): boolean {
    const { delay, jitter, loss, bitErrors } = this.#query;
    return (
      (this.distances[site] as number) > 2 * delay ||
      exceeds(0, this.#jitterToGo, site, jitter) ||
      exceeds(0, this.#lossToGo, site, loss) ||
      exceeds(0, this.#bitErrorsToGo, site, bitErrors)
    );
  }

  /** Micros that the transfers to and from a site take at the least; Infinity where it is ruled out. */
  least(site: number): number {
    this.#prepare();
    if (site === this.#query.source) return 0;
    return this.rulesOut(site) ? ENDLESS : this.#bound(site, 0, ENDLESS, ENDLESS);
  }

  /**
   * Finds the best path between the data of the task taken up and `site` whose transfers take at most `within` micros
   * in all, and leaves it in the fields of this object. False when there is none.
   */
  find(site: number, within: number): boolean {
    const query = this.#query;
    this.#best = -1;
    this.#found = false;
    this.#site = site;
    if (site === query.source) return this.#stay();
    const { vertices } = this.#network.graph;
    if (query.source < 0 || query.source >= vertices || site >= vertices) return false;
    if (this.#accessIn < query.bandwidth || this.#accessOut < query.bandwidth) return false;
    if (query.bounded && query.allowed[site] !== query.serial) return false;
    this.#measureEnd(site);
    if (!query.bounded && !this.#limitsSums && this.#recall(site)) {
      this.#found = this.transferIn + this.transferOut <= within;
      return this.#found;
    }
    const bound = this.least(site);
    if (!(bound <= within) || bound === ENDLESS) return false;
    if (this.#followTrees(site, within)) return this.#found;
    return this.#search(site, within, bound);
  }

  /**
   * Whether the way remembered from the tree is surely the best: it meets the demands, and any other is longer by more
   * than a wider one could win. Leaves it as the result then.
   */
  #recall(site: number): boolean {
    const query = this.#query;
    const { source, bandwidth, security, mustKnow, inputBytes, resultBytes } = query;
    const view = this.#network.viewOf("roundTrip", this.#lowest, security, mustKnow);
    const ways = this.#ways;
    if (!ways.recall(source, site, view, this.#lowest)) return false;
    const { entries, first, count } = ways;
    const figures = this.#network.hops;
    let [delayIn, delayOut, rateIn, rateOut] = [0, 0, ENDLESS, ENDLESS];
    if (this.#way.length < count) this.#way = new Int32Array(this.#network.graph.vertices);
    for (let i = 0; i < count; i++) {
      const hop = entries[first + i] as number;
      const at = hop * HOP;
      rateIn = Math.min(rateIn, figures[at + RATE_BACK] as number);
      rateOut = Math.min(rateOut, figures[at + RATE_THERE] as number);
      delayIn += figures[at + DELAY_BACK] as number;
      delayOut += figures[at + DELAY_THERE] as number;
      this.#way[i] = hop;
    }
    if (rateIn < bandwidth || rateOut < bandwidth) return false;
    if (delayIn > query.delay || delayOut > query.delay) return false;
    this.transferIn = transfer(delayIn, inputBytes, rateIn);
    this.transferOut = transfer(delayOut, resultBytes, rateOut);
    const time = this.transferIn + this.transferOut;
    const other = (ways.nearest + ways.detour + this.#sending(ENDLESS)) * ROUNDING;
    if (!(other > time) || !(time < ENDLESS)) return false;
    this.bandwidthIn = inputBytes > 0 ? rateIn : ENDLESS;
    this.bandwidthOut = resultBytes > 0 ? rateOut : ENDLESS;
    this.hops = count;
    return true;
  }

  /**
   * Tries the ways that the trees themselves show, and proves that none is quicker. Any other way leaves the tree's
   * somewhere, so it is longer by the least detour there is on the tree's: where that costs more than all that a wider way
   * could win, the tree's is the best. The same is asked of the trees over wider hops, as far as these could
   * win. False: not proven, or a demand is in the way; then the search has to tell.
   */
  #followTrees(site: number, within: number): boolean {
    if (this.#limitsSums) return false;
    const rates = this.#network.bandRates;
    const others = this.#others;
    const widest = this.#sending(ENDLESS);
    let best = ENDLESS;
    let band = this.#lowest;
    for (; band < BANDS; band++) {
      others[band] = ENDLESS;
      const tree = (this.#toGo[band] ??= this.#leastOf("roundTrip", band));
      const nearest = tree.distance[site] as number;
      if ((nearest + widest) * ROUNDING > best) break; // no way in this band, nor in those above
      const sending = this.#sending(rates[band] as number);
      if ((nearest + sending) * ROUNDING > best) continue; // none whose narrowest hop is in this band
      const time = this.#walk(site, tree, band);
      if (Number.isNaN(time)) return false;
      if (time === best && time < ENDLESS && !this.#walkedAgain()) return false; // a tie: hops and names decide
      if (time < best) {
        best = time;
        this.#keepWalk();
      }
      others[band] = Math.max(this.#other, nearest + this.#detour + sending) * ROUNDING;
      if (this.#other * ROUNDING > best) break;
    }
    if (best === ENDLESS) return false;
    for (let b = this.#lowest; b < BANDS && b <= band; b++) if ((others[b] as number) <= best) return false;
    this.#found = best <= within;
    return true;
  }

  /** Micros that sending takes at the least over a way whose hops have at most `rate`. */
  #sending(rate: number): number {
    const { inputBytes, resultBytes } = this.#query;
    return (
      (inputBytes > 0 ? (inputBytes * 8e6) / Math.min(this.#widestIn, rate) : 0) +
      (resultBytes > 0 ? (resultBytes * 8e6) / Math.min(this.#widestOut, rate) : 0)
    );
  }

  /**
   * The time of a tree's own way from a site to the data, over hops of a band and above; NaN where a demand rules it out.
   * Leaves the hops in `#walked`, in `#detour` by how much any other way is longer, in `#other` the least time it takes.
   */
  #walk(site: number, tree: Tree, band: number): number {
    const { graph, hops: figures } = this.#network;
    const { start, head } = graph;
    const { distance, parent } = tree;
    const { source, inputBytes, resultBytes } = this.#query;
    if (this.#walked.length < graph.vertices) this.#walked = new Int32Array(graph.vertices);
    const walked = this.#walked;
    const nearest = distance[site] as number;
    let [delayIn, delayOut, rateIn, rateOut, count] = [0, 0, this.#widestIn, this.#widestOut, 0];
    let [detour, other] = [ENDLESS, ENDLESS];
    for (let v = site; v !== source; v = parent[v] as number) {
      const next = parent[v] as number;
      const from = distance[v] as number;
      const end = start[v + 1] as number;
      let along = -1;
      for (let hop = start[v] as number; hop < end; hop++) {
        const u = head[hop] as number;
        const at = hop * HOP;
        if (u === next) along = hop;
        else if ((figures[at + BAND] as number) >= band) {
          // A way that leaves here has come over the same hops so far, and goes on over this one.
          const longer = (figures[at + ROUND_TRIP] as number) + (distance[u] as number) - from;
          if (longer < detour) detour = longer;
          if (nearest + longer >= other) continue;
          const time =
            nearest +
            longer +
            (inputBytes > 0 ? (inputBytes * 8e6) / Math.min(rateIn, figures[at + RATE_BACK] as number) : 0) +
            (resultBytes > 0
              ? (resultBytes * 8e6) / Math.min(rateOut, figures[at + RATE_THERE] as number)
              : 0);
          if (time < other) other = time;
        }
      }
      if (along < 0 || !this.#serves(along)) return Number.NaN;
      // Input travels against the hop, the result along it.
      const at = along * HOP;
      rateIn = Math.min(rateIn, figures[at + RATE_BACK] as number);
      rateOut = Math.min(rateOut, figures[at + RATE_THERE] as number);
      delayIn += figures[at + DELAY_BACK] as number;
      delayOut += figures[at + DELAY_THERE] as number;
      walked[count++] = along;
    }
    if (delayIn > this.#query.delay || delayOut > this.#query.delay) return Number.NaN;
    const told = this.#told;
    told[TIME_IN] = transfer(delayIn, inputBytes, rateIn);
    told[TIME_OUT] = transfer(delayOut, resultBytes, rateOut);
    told[RATE_IN] = inputBytes > 0 ? rateIn : ENDLESS;
    told[RATE_OUT] = resultBytes > 0 ? rateOut : ENDLESS;
    this.#detour = detour;
    this.#other = other;
    this.#walkedHops = count;
    return (told[TIME_IN] as number) + (told[TIME_OUT] as number);
  }

  /** Makes the way walked last the result. */
  #keepWalk(): void {
    const told = this.#told;
    const way = this.#way;
    this.#way = this.#walked;
    this.#walked = way;
    this.hops = this.#walkedHops;
    this.transferIn = told[TIME_IN] as number;
    this.transferOut = told[TIME_OUT] as number;
    this.bandwidthIn = told[RATE_IN] as number;
    this.bandwidthOut = told[RATE_OUT] as number;
  }

  /** Whether the way walked last is the one kept before. */
  #walkedAgain(): boolean {
    if (this.#walkedHops !== this.hops) return false;
    for (let i = 0; i < this.hops; i++) if (this.#way[i] !== this.#walked[i]) return false;
    return true;
  }

  /** The search itself, for what the trees do not show. */
  #search(site: number, within: number, bound: number): boolean {
    this.#clear();
    const first = this.#add(site, -1, -1, 0, 0, 0, this.#widestIn, this.#widestOut, 0, 0, 0);
    this.#within = within;
    for (let band = this.#lowest; band < this.#toGo.length; band++) {
      const tree = this.#toGo[band];
      if (tree != null) this.#descend(first, tree);
    }
    this.#file(first, site);
    this.#heap.push(bound, first);
    while (this.#heap.size > 0 && this.#heap.least <= this.#within) {
      if (this.#count > this.#patience && !this.#fine) this.#fine = true;
      if (this.#best < 0 && this.#count > 2 * this.#patience && this.#reach !== this.#own) this.#narrow();
      const label = this.#heap.pop();
      if (this.#count <= this.#patience || this.#boundOf(label) <= this.#within) this.#extend(label);
    }
    this.#found = this.#best >= 0;
    if (this.#found) this.#keepLabels();
    return this.#found;
  }

  #keepLabels(): void {
    let count = this.hops;
    if (this.#way.length < count) this.#way = new Int32Array(this.#network.graph.vertices);
    for (let label = this.#best; label > 0; label = this.#parent[label] as number)
      this.#way[--count] = this.#hop[label] as number;
  }

  /** Whether the last path found for the task taken up is the one to `site`. */
  isFor(site: number): boolean {
    return this.#site === site && this.#found;
  }

  /**
   * Bounds the search by the hops that meet the task's demands of now, not by those that might: exact, but a tree of the
   * task's own. Done where the kept trees say little: when the data may go to few sites only, and when a search
   * goes on without success, as it would on every way to a place cut off.
   */
  #narrow(): void {
    const { graph } = this.#network;
    if (this.#serving.length !== graph.weight.length) this.#serving = new Float64Array(graph.weight.length);
    for (let hop = 0; hop < graph.weight.length; hop++) {
      this.#serving[hop] = this.#serves(hop) ? (graph.weight[hop] as number) : ENDLESS;
    }
    const into = this.#own.distance.length === graph.vertices ? this.#own : undefined;
    this.#own = this.#solver.solve({ ...graph, weight: this.#serving }, this.#query.source, into);
    this.#reach = this.#own;
    this.#toGo[this.#lowest] = this.#own;
  }

  /** Whether a hop by itself meets the demands that are not sums. */
  #serves(hop: number): boolean {
    const query = this.#query;
    const { graph, hops } = this.#network;
    const at = hop * HOP;
    if (hops[at + ROUND_TRIP] === ENDLESS) return false; // down
    if (query.bounded && query.allowed[graph.head[hop] as number] !== query.serial) return false;
    return (
      (hops[at + RATE_THERE] as number) >= query.bandwidth &&
      (hops[at + RATE_BACK] as number) >= query.bandwidth &&
      (hops[at + SECURITY] as number) >= query.security &&
      (query.mustKnow & ~(hops[at + KNOWN_FIGURES] as number)) === 0
    );
  }

  /** Link indexes of the last path found: from the data to the site, and back from it. */
  links(): { readonly linksIn: number[]; readonly linksOut: number[] } {
    const linksIn: number[] = [];
    const linksOut: number[] = [];
    const { there, back } = this.#network;
    for (let i = this.hops - 1; i >= 0; i--) linksIn.push(back[this.#way[i] as number] as number);
    for (let i = 0; i < this.hops; i++) linksOut.push(there[this.#way[i] as number] as number);
    return { linksIn, linksOut };
  }

  #stay(): boolean {
    this.transferIn = 0;
    this.transferOut = 0;
    this.bandwidthIn = ENDLESS;
    this.bandwidthOut = ENDLESS;
    this.hops = 0;
    this.#found = true;
    return true;
  }

  /** Follows one tree straight to the data: a good path to begin with makes the search short. */
  #descend(first: number, tree: Tree): void {
    const { graph } = this.#network;
    let label = first;
    for (let v = this.#vertex[first] as number; v !== this.#query.source; v = this.#vertex[label] as number) {
      const next = tree.parent[v] as number;
      let hop = graph.start[v] as number;
      const end = graph.start[v + 1] as number;
      while (hop < end && graph.head[hop] !== next) hop++;
      if (hop === end) return;
      label = this.#step(label, hop);
      if (label < 0) return;
    }
    this.#settle(label);
  }

  /** A label that reached the data: the best so far, unless one at least as good was there. */
  #settle(label: number): void {
    const query = this.#query;
    const inward = transfer(this.#delayIn[label] as number, query.inputBytes, this.#rateIn[label] as number);
    const outward = transfer(
      this.#delayOut[label] as number,
      query.resultBytes,
      this.#rateOut[label] as number,
    );
    const time = inward + outward;
    if (time > this.#within || !(time < ENDLESS)) return;
    const hops = this.#hops[label] as number;
    if (this.#best >= 0 && time === this.#within) {
      if (hops > this.hops || (hops === this.hops && !this.#comesFirst(label, this.#best))) return;
    }
    this.#best = label;
    this.#within = time;
    this.transferIn = inward;
    this.transferOut = outward;
    this.bandwidthIn = this.#rateIn[label] as number;
    this.bandwidthOut = this.#rateOut[label] as number;
    this.hops = hops;
  }

  #extend(label: number): void {
    const { graph } = this.#network;
    const v = this.#vertex[label] as number;
    const end = graph.start[v + 1] as number;
    for (let hop = graph.start[v] as number; hop < end; hop++) {
      const made = this.#step(label, hop);
      if (made < 0) continue;
      const u = graph.head[hop] as number;
      if (this.#dominated(made)) this.#count--;
      else if (u === this.#query.source) this.#settle(made);
      else {
        this.#file(made, u);
        this.#heap.push(this.#lastBound, made);
      }
    }
  }

  /** The label one hop nearer to the data; -1 where a demand or the bound rules it out. */
  #step(label: number, hop: number): number {
    const query = this.#query;
    const { graph, hops: figures } = this.#network;
    const u = graph.head[hop] as number;
    const at = hop * HOP;
    // The label grows from the node towards the data: input travels against the hop, the result along it.
    const delayIn = (this.#delayIn[label] as number) + (figures[at + DELAY_BACK] as number);
    const delayOut = (this.#delayOut[label] as number) + (figures[at + DELAY_THERE] as number);
    const reach = this.#reach as Tree;
    if ((delayIn + delayOut + (reach.distance[u] as number)) * ROUNDING > this.#within) return -1; // most end here
    if (delayIn > query.delay || delayOut > query.delay || !this.#serves(hop)) return -1;
    const rateIn = Math.min(this.#rateIn[label] as number, figures[at + RATE_BACK] as number);
    const rateOut = Math.min(this.#rateOut[label] as number, figures[at + RATE_THERE] as number);
    const bound = this.#bound(u, delayIn + delayOut, rateIn, rateOut);
    if (!(bound <= this.#within) || bound === ENDLESS) return -1;
    const hops = (this.#hops[label] as number) + 1;
    if (this.#best >= 0 && bound === this.#within && hops > this.hops) return -1;
    this.#lastBound = bound;
    const { links } = this.#pool;
    const inward = this.#network.back[hop] as number;
    const outward = this.#network.there[hop] as number;
    // The worse direction counts, so that the sum is a bound each way. What is not asked for does not tell labels apart.
    const jitter = this.#jitterToGo === null ? 0 : summed(this.#jitter, label, links.jitter, inward, outward);
    if (exceeds(jitter, this.#jitterToGo, u, query.jitter)) return -1;
    const loss = this.#lossToGo === null ? 0 : summed(this.#loss, label, links.loss, inward, outward);
    if (exceeds(loss, this.#lossToGo, u, query.loss)) return -1;
    const bitErrors =
      this.#bitErrorsToGo === null ? 0 : summed(this.#bitErrors, label, links.bitErrors, inward, outward);
    if (exceeds(bitErrors, this.#bitErrorsToGo, u, query.bitErrors)) return -1;
    return this.#add(
      u,
      label,
      hop,
      hops,
      delayIn,
      delayOut,
      query.inputBytes > 0 ? rateIn : ENDLESS,
      query.resultBytes > 0 ? rateOut : ENDLESS,
      jitter,
      loss,
      bitErrors,
    );
  }

  /**
   * Micros the transfers take at the least over a path through `vertex` that has come so far: for each band that the
   * narrowest hop to go may be in, the least round trip over such hops and the bytes at the best rate left.
   */
  #bound(vertex: number, delays: number, rateIn: number, rateOut: number): number {
    const reach = this.#reach;
    if (reach === null || vertex >= reach.distance.length) return ENDLESS;
    const { inputBytes, resultBytes, delay } = this.#query;
    const nearest = delays + (reach.distance[vertex] as number);
    if (!(nearest <= 2 * delay) || nearest === ENDLESS) return ENDLESS;
    const bestIn = inputBytes > 0 ? Math.min(rateIn, this.#accessIn) : 0;
    const bestOut = resultBytes > 0 ? Math.min(rateOut, this.#accessOut) : 0;
    if (!this.#fine) {
      const inward = inputBytes > 0 ? (inputBytes * 8e6) / bestIn : 0;
      return nearest + inward + (resultBytes > 0 ? (resultBytes * 8e6) / bestOut : 0);
    }
    const rates = this.#network.bandRates;
    let least = ENDLESS;
    for (let band = this.#bandAt(Math.max(bestIn, bestOut)); band >= this.#lowest; band--) {
      const rate = rates[band] as number;
      const sending =
        (inputBytes > 0 ? (inputBytes * 8e6) / Math.min(bestIn, rate) : 0) +
        (resultBytes > 0 ? (resultBytes * 8e6) / Math.min(bestOut, rate) : 0);
      if (nearest + sending >= least) break; // lower bands send slower, and none is nearer
      const tree = (this.#toGo[band] ??= this.#leastOf("roundTrip", band));
      least = Math.min(least, delays + (tree.distance[vertex] as number) + sending);
    }
    return least;
  }

  #boundOf(label: number): number {
    const delays = (this.#delayIn[label] as number) + (this.#delayOut[label] as number);
    return this.#bound(
      this.#vertex[label] as number,
      delays,
      this.#rateIn[label] as number,
      this.#rateOut[label] as number,
    );
  }

  /** The lowest band whose hops may have the rate: in higher ones a way is longer and no quicker. */
  #bandAt(rate: number): number {
    const rates = this.#network.bandRates;
    let band = this.#lowest;
    while (band < rates.length - 1 && (rates[band] as number) < rate) band++;
    return band;
  }

  /** Puts a label on the list of its vertex. */
  #file(label: number, vertex: number): void {
    this.#next[label] = this.#stamp[vertex] === this.#serial ? (this.#first[vertex] as number) : -1;
    this.#first[vertex] = label;
    this.#stamp[vertex] = this.#serial;
  }

  /** Whether a label at the same vertex is at least as good in everything, and comes first where all is equal. */
  #dominated(label: number): boolean {
    const u = this.#vertex[label] as number;
    if (this.#stamp[u] !== this.#serial) return false;
    for (let other = this.#first[u] as number; other >= 0; other = this.#next[other] as number) {
      if (
        (this.#delayIn[other] as number) <= (this.#delayIn[label] as number) &&
        (this.#delayOut[other] as number) <= (this.#delayOut[label] as number) &&
        (this.#rateIn[other] as number) >= (this.#rateIn[label] as number) &&
        (this.#rateOut[other] as number) >= (this.#rateOut[label] as number) &&
        (this.#hops[other] as number) <= (this.#hops[label] as number) &&
        (this.#jitter[other] as number) <= (this.#jitter[label] as number) &&
        (this.#loss[other] as number) <= (this.#loss[label] as number) &&
        (this.#bitErrors[other] as number) <= (this.#bitErrors[label] as number) &&
        !(this.#matches(other, label) && this.#comesFirst(label, other))
      ) {
        return true;
      }
    }
    return false;
  }

  #matches(a: number, b: number): boolean {
    return (
      this.#delayIn[a] === this.#delayIn[b] &&
      this.#delayOut[a] === this.#delayOut[b] &&
      this.#hops[a] === this.#hops[b]
    );
  }

  /** Whether the sites of `a`, read from the node's end, come before those of `b` of as many hops. */
  #comesFirst(a: number, b: number): boolean {
    return this.#compareSites(a, b) < 0;
  }

  #compareSites(a: number, b: number): number {
    if (a <= 0 || b <= 0 || a === b) return 0;
    const before = this.#compareSites(this.#parent[a] as number, this.#parent[b] as number);
    if (before !== 0) return before;
    const [siteA, siteB] = [this.#vertex[a] as number, this.#vertex[b] as number];
    if (siteA === siteB) return 0;
    const { sites } = this.#pool.links;
    return sites.idOf(siteA) < sites.idOf(siteB) ? -1 : 1;
  }

  #clear(): void {
    const { vertices } = this.#network.graph;
    this.#count = 0;
    this.#heap.clear();
    this.#serial++;
    if (this.#first.length < vertices) {
      this.#first = new Int32Array(vertices * 2);
      this.#stamp = new Int32Array(vertices * 2);
    }
  }

  #add(
    vertex: number,
    parent: number,
    hop: number,
    hops: number,
    delayIn: number,
    delayOut: number,
    rateIn: number,
    rateOut: number,
    jitter: number,
    loss: number,
    bitErrors: number,
  ): number {
    const label = this.#count++;
    if (label === this.#vertex.length) this.#widen();
    this.#vertex[label] = vertex;
    this.#parent[label] = parent;
    this.#hop[label] = hop;
    this.#hops[label] = hops;
    this.#delayIn[label] = delayIn;
    this.#delayOut[label] = delayOut;
    this.#rateIn[label] = rateIn;
    this.#rateOut[label] = rateOut;
    this.#jitter[label] = jitter;
    this.#loss[label] = loss;
    this.#bitErrors[label] = bitErrors;
    return label;
  }

  #widen(): void {
    this.#vertex = doubled(this.#vertex);
    this.#parent = doubled(this.#parent);
    this.#hop = doubled(this.#hop);
    this.#hops = doubled(this.#hops);
    this.#next = doubled(this.#next);
    this.#delayIn = doubled(this.#delayIn);
    this.#delayOut = doubled(this.#delayOut);
    this.#rateIn = doubled(this.#rateIn);
    this.#rateOut = doubled(this.#rateOut);
    this.#jitter = doubled(this.#jitter);
    this.#loss = doubled(this.#loss);
    this.#bitErrors = doubled(this.#bitErrors);
  }
}

/** What a label has summed up so far, one hop on: the worse direction of the hop counts. */
const summed = (
  sums: Float64Array,
  label: number,
  column: Float64Array,
  inward: number,
  outward: number,
): number => (sums[label] as number) + Math.max(column[inward] as number, column[outward] as number);

/** Whether a sum, or with what it needs at the least from `vertex` on, passes its limit (but for rounding). */
const exceeds = (sum: number, toGo: Float64Array | null, vertex: number, limit: number): boolean =>
  toGo !== null && (sum > limit || (sum + (toGo[vertex] as number)) * ROUNDING > limit);

/** Micros to bring `bytes` over a path: its delay, and the bits at its rate. Whole, rounded up. */
export function transfer(delay: number, bytes: number, rate: number): number {
  return bytes > 0 ? delay + Math.ceil((bytes * 8e6) / rate) : delay;
}

function doubled<C extends Float64Array | Int32Array>(column: C): C {
  const wider = new (column.constructor as new (length: number) => C)(column.length * 2);
  wider.set(column as never);
  return wider;
}
