import type { Pool } from "@weft/pool";
import type { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import type { Network } from "./network.ts";

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
 * be the best is ever lost. Labels are taken in order of a bound, the least round trip to go (exact, from the tree
 * of the source) plus the bytes over the best bandwidth still possible, so the search touches little more than the
 * vertices of the path itself. A loop never survives: its label is dominated by the one before the loop.
 *
 * Ties: less time, then fewer hops, then the lower site name, read from the node's end.
 */
export class QuickestPath {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #heap = new MinHeap();
  /** Result of the last `find`: micros there and back, and the least residual bandwidth each way. */
  transferIn = 0;
  transferOut = 0;
  bandwidthIn = Number.POSITIVE_INFINITY;
  bandwidthOut = Number.POSITIVE_INFINITY;
  hops = 0;
  #best = -1;

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

  constructor(pool: Pool, network: Network) {
    this.#pool = pool;
    this.#network = network;
  }

  /**
   * Finds the best path from the data to `site` whose transfers take at most `within` micros in all, and leaves it
   * in the fields of this object. False when there is none.
   */
  find(query: Query, site: number, within: number): boolean {
    this.#best = -1;
    if (site === query.source) return this.#stay();
    const { graph } = this.#network;
    if (query.source < 0 || query.source >= graph.vertices || site >= graph.vertices) return false;
    if (query.bounded && query.allowed[site] !== query.serial) return false;
    const toGo = this.#network.treeOf(query.source).distance;
    if ((toGo[site] as number) > within) return false;
    this.#begin(graph.vertices);
    this.#add(site, -1, -1, 0, 0, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0, 0);
    this.#file(0, site);
    this.#heap.push(toGo[site] as number, 0);
    let best = within;
    while (this.#heap.size > 0 && this.#heap.least <= best) {
      const label = this.#heap.pop();
      if (this.#vertex[label] === query.source) {
        best = this.#settle(query, label, best);
        continue;
      }
      this.#extend(query, label, toGo, best);
    }
    return this.#best >= 0;
  }

  /** Link indexes of the last path found: from the data to the site, and back from it. */
  links(): { readonly linksIn: number[]; readonly linksOut: number[] } {
    const linksIn: number[] = [];
    const linksOut: number[] = [];
    const { there, back } = this.#network;
    for (let label = this.#best; label > 0; label = this.#parent[label] as number) {
      const hop = this.#hop[label] as number;
      linksIn.push(back[hop] as number);
      linksOut.push(there[hop] as number);
    }
    return { linksIn, linksOut: linksOut.reverse() };
  }

  #stay(): boolean {
    this.transferIn = 0;
    this.transferOut = 0;
    this.bandwidthIn = Number.POSITIVE_INFINITY;
    this.bandwidthOut = Number.POSITIVE_INFINITY;
    this.hops = 0;
    this.#best = 0;
    return true;
  }

  /** A label that reached the data: the best so far, unless one at least as good was there. */
  #settle(query: Query, label: number, best: number): number {
    const inward = transfer(this.#delayIn[label] as number, query.inputBytes, this.#rateIn[label] as number);
    const outward = transfer(
      this.#delayOut[label] as number,
      query.resultBytes,
      this.#rateOut[label] as number,
    );
    const time = inward + outward;
    if (time > best || !(time < Number.POSITIVE_INFINITY)) return best;
    const hops = this.#hops[label] as number;
    if (this.#best >= 0 && time === best) {
      if (hops > this.hops || (hops === this.hops && !this.#comesFirst(label, this.#best))) return best;
    }
    this.#best = label;
    this.transferIn = inward;
    this.transferOut = outward;
    this.bandwidthIn = this.#rateIn[label] as number;
    this.bandwidthOut = this.#rateOut[label] as number;
    this.hops = hops;
    return time;
  }

  #extend(query: Query, label: number, toGo: Float64Array, best: number): void {
    const { graph, there, back } = this.#network;
    const { links } = this.#pool;
    const v = this.#vertex[label] as number;
    const end = graph.start[v + 1] as number;
    for (let hop = graph.start[v] as number; hop < end; hop++) {
      const u = graph.head[hop] as number;
      const remaining = toGo[u] as number;
      if (query.bounded && query.allowed[u] !== query.serial) continue;
      // The label grows from the node towards the data: input travels against the hop, the result along it.
      const inward = back[hop] as number;
      const outward = there[hop] as number;
      const delayIn = (this.#delayIn[label] as number) + (links.delay[inward] as number);
      const delayOut = (this.#delayOut[label] as number) + (links.delay[outward] as number);
      const rateIn = Math.min(this.#rateIn[label] as number, links.residual[inward] as number);
      const rateOut = Math.min(this.#rateOut[label] as number, links.residual[outward] as number);
      const bound =
        delayIn +
        delayOut +
        remaining +
        (query.inputBytes > 0 ? (query.inputBytes * 8e6) / rateIn : 0) +
        (query.resultBytes > 0 ? (query.resultBytes * 8e6) / rateOut : 0);
      if (!(bound <= best) || bound === Number.POSITIVE_INFINITY) continue;
      if (
        delayIn > query.delay ||
        delayOut > query.delay ||
        rateIn < query.bandwidth ||
        rateOut < query.bandwidth
      ) {
        continue;
      }
      if (delayIn + delayOut + remaining > 2 * query.delay) continue;
      if ((links.security[inward] as number) < query.security) continue;
      if ((links.security[outward] as number) < query.security) continue;
      if ((query.mustKnow & ~(links.known[inward] as number)) !== 0) continue;
      if ((query.mustKnow & ~(links.known[outward] as number)) !== 0) continue;
      // The worse direction counts, so that the sum is a bound each way.
      const jitter = (this.#jitter[label] as number) + worse(links.jitter, inward, outward);
      const loss = (this.#loss[label] as number) + worse(links.loss, inward, outward);
      const bitErrors = (this.#bitErrors[label] as number) + worse(links.bitErrors, inward, outward);
      if (jitter > query.jitter || loss > query.loss || bitErrors > query.bitErrors) continue;
      const made = this.#add(
        u,
        label,
        hop,
        (this.#hops[label] as number) + 1,
        delayIn,
        delayOut,
        query.inputBytes > 0 ? rateIn : Number.POSITIVE_INFINITY,
        query.resultBytes > 0 ? rateOut : Number.POSITIVE_INFINITY,
        query.jitter === Number.POSITIVE_INFINITY ? 0 : jitter,
        query.loss === Number.POSITIVE_INFINITY ? 0 : loss,
        query.bitErrors === Number.POSITIVE_INFINITY ? 0 : bitErrors,
      );
      if (this.#dominated(made)) this.#count--;
      else {
        this.#file(made, u);
        this.#heap.push(bound, made);
      }
    }
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
    if (a <= 0 || b <= 0 || a === b) return false;
    const [before, after] = [this.#parent[a] as number, this.#parent[b] as number];
    if (this.#comesFirst(before, after)) return true;
    if (this.#comesFirst(after, before)) return false;
    const { sites } = this.#pool.links;
    return sites.idOf(this.#vertex[a] as number) < sites.idOf(this.#vertex[b] as number);
  }

  #begin(vertices: number): void {
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

/** Micros to bring `bytes` over a path: its delay, and the bits at its rate. Whole, rounded up. */
export function transfer(delay: number, bytes: number, rate: number): number {
  return bytes > 0 ? delay + Math.ceil((bytes * 8e6) / rate) : delay;
}

const worse = (column: Float64Array, a: number, b: number): number =>
  Math.max(column[a] as number, column[b] as number);

function doubled<C extends Float64Array | Int32Array>(column: C): C {
  const wider = new (column.constructor as new (length: number) => C)(column.length * 2);
  wider.set(column as never);
  return wider;
}
