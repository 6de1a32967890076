import type { Pool } from "@weft/pool";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import { exceeds, LabelSearch, type ToGo } from "./labels.ts";
import { HOP, type Metric, type Network, RATE_BACK, RATE_THERE, securityOf, serves } from "./network.ts";
import { TimeSearch } from "./time-search.ts";
import { sending, type Way } from "./way.ts";

const ENDLESS = Number.POSITIVE_INFINITY;
const NOWHERE = new Float64Array(0);

/**
 * The best path between the data and a site under all of a task's demands at once, found exactly.
 *
 * The best path is the one over which input and result travel quickest: delay there and back, plus the bytes over the
 * least residual bandwidth on the way. It depends on the task but not on the node, so node and path chosen apart
 * (per site, the quickest path; over it, the best node) are the best pair. Neither shortest-path principle nor a list of
 * k shortest paths gives it, because bandwidth is a minimum and the demands are limits: a sub-path that is
 * slower may be the only one that meets them.
 *
 * A search by time alone gives it nearly always (`TimeSearch`): it leaves jitter, loss and bit errors out, so a best way that
 * keeps these limits too is the best of all. Where it does not, or where several ways are as good, labels with everything
 * that counts tell (`LabelSearch`).
 *
 * Ties: less time, then fewer hops, then the lower site name, read from the node's end.
 */
export class QuickestPath {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #byTime: TimeSearch;
  readonly #labels: LabelSearch;
  /** Result of the last `find`: micros there and back, and the least residual bandwidth each way. */
  transferIn = 0;
  transferOut = 0;
  bandwidthIn = ENDLESS;
  bandwidthOut = ENDLESS;
  hops = 0;
  #found = false;
  /** The last way found, and where it leads. */
  #way: Way;
  #site = -1;

  #query = new Query();
  /** Micros that sending takes at the least, between the data's site and any other. */
  leastSending = 0;
  /** What bounds the task's ways, once needed: the least sums from every site. */
  #toGo: ToGo | null = null;
  /** Whether these are sums over the very hops that serve the task. */
  #narrowed = false;
  /** Best residual rates between the data's site and its neighbours: every way to it ends with one of them. */
  #accessIn = 0;
  #accessOut = 0;
  #widestIn = 0;
  #widestOut = 0;
  /** Least sums of the task's own, and what is to be gone on from. */
  #own: Float64Array = NOWHERE;
  readonly #heap = new MinHeap();

  constructor(pool: Pool, network: Network) {
    this.#pool = pool;
    this.#network = network;
    this.#byTime = new TimeSearch(network);
    this.#labels = new LabelSearch(pool, network);
    this.#way = this.#labels.best;
  }

  /** Takes up a task: what bounds its paths from here on. */
  begin(query: Query): void {
    this.#query = query;
    this.#site = -1;
    this.#toGo = null;
    if (this.#knowsSource) this.#measureAccess();
  }

  get #knowsSource(): boolean {
    const { source } = this.#query;
    return source >= 0 && source < this.#network.graph.vertices;
  }

  /** Gets the trees that bound the task's paths; not before they are needed, as many tasks need none. */
  #prepare(): ToGo {
    if (this.#toGo !== null) return this.#toGo;
    const { source, security, mustKnow, jitter, loss, bitErrors } = this.#query;
    const network = this.#network;
    const leastOf = (metric: Metric): Float64Array =>
      network.treeOf(source, network.viewOf(metric, security, mustKnow)).distance;
    this.#toGo = {
      roundTrip: leastOf("roundTrip"),
      jitter: jitter === ENDLESS ? null : leastOf("jitter"),
      loss: loss === ENDLESS ? null : leastOf("loss"),
      bitErrors: bitErrors === ENDLESS ? null : leastOf("bitErrors"),
    };
    this.#narrowed = false;
    if (this.#query.bounded) this.#narrow(this.#toGo);
    return this.#toGo;
  }

  /**
   * Bounds the ways by the hops that meet the task's demands of now, not by those that might: exact, but a search of the
   * task's own. Done where the kept trees say little: when the data may go to few sites only, and when a way was
   * looked for in vain, as it would be on every way to a place cut off.
   */
  #narrow(toGo: ToGo): void {
    const network = this.#network;
    const { start, head, weight, vertices } = network.graph;
    const query = this.#query;
    if (this.#own.length !== vertices) this.#own = new Float64Array(vertices);
    const distance = this.#own.fill(ENDLESS);
    const heap = this.#heap;
    distance[query.source] = 0;
    heap.push(0, query.source);
    while (heap.size > 0) {
      const { least } = heap;
      const v = heap.pop();
      if (least > (distance[v] as number)) continue;
      for (let hop = start[v] as number; hop < (start[v + 1] as number); hop++) {
        const u = head[hop] as number;
        const reached = least + (weight[hop] as number);
        if (!(reached < (distance[u] as number)) || !serves(network, hop, query)) continue;
        distance[u] = reached;
        heap.push(reached, u);
      }
    }
    this.#narrowed = true;
    this.#toGo = { ...toGo, roundTrip: distance };
  }

  #measureAccess(): void {
    const { graph, hops, kinds } = this.#network;
    const { source, security } = this.#query;
    const end = graph.start[source + 1] as number;
    let inward = 0;
    let outward = 0;
    for (let hop = graph.start[source] as number; hop < end; hop++) {
      if (securityOf(kinds[hop] as number) < security) continue;
      inward = Math.max(inward, hops[hop * HOP + RATE_THERE] as number);
      outward = Math.max(outward, hops[hop * HOP + RATE_BACK] as number);
    }
    this.#accessIn = inward;
    this.#accessOut = outward;
    const { inputBytes, resultBytes } = this.#query;
    this.leastSending = sending(inputBytes, inward) + sending(resultBytes, outward);
  }

  /** The rates no way to a site can pass: the best at either end. */
  #measureEnd(site: number): void {
    const { graph, hops } = this.#network;
    const end = (graph.start[site + 1] as number) * HOP;
    let inward = 0;
    let outward = 0;
    for (let at = (graph.start[site] as number) * HOP; at < end; at += HOP) {
      inward = Math.max(inward, hops[at + RATE_BACK] as number);
      outward = Math.max(outward, hops[at + RATE_THERE] as number);
    }
    this.#widestIn = Math.min(this.#accessIn, inward);
    this.#widestOut = Math.min(this.#accessOut, outward);
  }

  /** Least round trips from every site to the data over hops that may serve the task; empty when there are none. */
  get distances(): Float64Array {
    return this.#knowsSource ? this.#prepare().roundTrip : NOWHERE;
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
    const toGo = this.#prepare();
    return (
      (toGo.roundTrip[site] as number) > 2 * delay ||
      exceeds(0, toGo.jitter, site, jitter) ||
      exceeds(0, toGo.loss, site, loss) ||
      exceeds(0, toGo.bitErrors, site, bitErrors)
    );
  }

  /** Micros that the transfers to and from a site take at the least; Infinity where it is ruled out. */
  least(site: number): number {
    if (site === this.#query.source) return 0;
    if (!this.#knowsSource || site >= this.#network.graph.vertices || this.rulesOut(site)) return ENDLESS;
    return (this.#prepare().roundTrip[site] as number) + this.leastSending;
  }

  /**
   * Finds the best path between the data of the task taken up and `site` whose transfers take at most `within` micros
   * in all, and leaves it in the fields of this object. False when there is none.
   */
  find(site: number, within: number): boolean {
    const query = this.#query;
    this.#found = false;
    this.#site = site;
    if (site === query.source) return this.#stay();
    if (!this.#knowsSource || site >= this.#network.graph.vertices) return false;
    if (this.#accessIn < query.bandwidth || this.#accessOut < query.bandwidth) return false;
    if (query.bounded && query.allowed[site] !== query.serial) return false;
    const toGo = this.#prepare();
    if (this.limited && this.rulesOut(site)) return false;
    this.#measureEnd(site);
    const { inputBytes, resultBytes } = query;
    const leastIn = sending(inputBytes, this.#widestIn);
    const leastOut = sending(resultBytes, this.#widestOut);
    const byTime = this.#byTime;
    const verdict = byTime.search(query, site, within, toGo.roundTrip, leastIn, leastOut);
    if (verdict === "none") {
      if (query.bandwidth > 0 && !this.#narrowed) this.#narrow(toGo);
      return false;
    }
    const known = byTime.found && this.#keepsSums(byTime.best);
    if (verdict === "found" && known) return this.#take(byTime.best);
    const limit = known ? byTime.best.total : within;
    if (!this.#labels.search(query, site, limit, toGo, this.#widestIn, this.#widestOut)) return false;
    return this.#take(this.#labels.best);
  }

  /** Whether a way keeps the limits on jitter, loss and bit errors; of each hop the worse direction counts. */
  #keepsSums({ hops, count }: Way): boolean {
    if (!this.#limitsSums) return true;
    const { links } = this.#pool;
    const { there, back } = this.#network;
    const within = (column: Float64Array, limit: number): boolean => {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const hop = hops[i] as number;
        sum += Math.max(column[back[hop] as number] as number, column[there[hop] as number] as number);
      }
      return sum <= limit;
    };
    const { jitter, loss, bitErrors } = this.#query;
    return within(links.jitter, jitter) && within(links.loss, loss) && within(links.bitErrors, bitErrors);
  }

  #take(way: Way): boolean {
    this.#way = way;
    this.transferIn = way.transferIn;
    this.transferOut = way.transferOut;
    this.bandwidthIn = way.rateIn;
    this.bandwidthOut = way.rateOut;
    this.hops = way.count;
    this.#found = true;
    return true;
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

  /** Whether the last path found for the task taken up is the one to `site`. */
  isFor(site: number): boolean {
    return this.#site === site && this.#found;
  }

  /** Link indexes of the last path found: from the data to the site, and back from it. */
  links(): { readonly linksIn: number[]; readonly linksOut: number[] } {
    const count = this.hops;
    const linksIn = new Array<number>(count);
    const linksOut = new Array<number>(count);
    const { there, back } = this.#network;
    const { hops } = this.#way;
    for (let i = 0; i < count; i++) {
      const hop = hops[i] as number;
      linksIn[count - 1 - i] = back[hop] as number;
      linksOut[i] = there[hop] as number;
    }
    return { linksIn, linksOut };
  }
}
