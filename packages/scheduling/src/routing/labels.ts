import type { Pool } from "@weft/pool";
import { ROUNDING, widened } from "../placement/column.ts";
import { Query } from "../placement/query.ts";
import { MinHeap } from "./heap.ts";
import {
  DELAY_BACK,
  DELAY_THERE,
  HEAD,
  HOP,
  type Network,
  RATE_BACK,
  RATE_THERE,
  serves,
} from "./network.ts";
import { sending, Way } from "./way.ts";

/** Least sums from every site to the data over the hops that may serve a task; null: the task does not limit them. */
export interface ToGo {
  /** Micros there and back. */
  readonly roundTrip: Float64Array;
  readonly jitter: Float64Array | null;
  readonly loss: Float64Array | null;
  readonly bitErrors: Float64Array | null;
}

/**
 * The quickest way under limits on several sums at once, by setting labels (Martins 1984): exact whatever the demands,
 * and the slower for it.
 *
 * A label is a partial way seen from the site; it is dropped only when another label at the same vertex is at least as
 * good in everything that still counts (delay each way, bandwidth each way, jitter, loss, bit errors, hops), for then
 * every completion of it is matched by one of the other: no way that could be the best is ever lost. Labels are taken in
 * order of a bound: the least round trip still to go, and the bytes at the best rate left. A loop never survives: its label is
 * dominated by the one before the loop.
 *
 * Ties: less time, then fewer hops, then the lower site name, read from the node's end.
 */
export class LabelSearch {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #heap = new MinHeap();
  /** The best way, once found. */
  readonly best: Way = new Way();
  #query = new Query();
  #toGo!: ToGo;
  /** Time of the best way so far, or the limit, and its label; -1: none yet. */
  #within = 0;
  #best = -1;
  #lastBound = 0;

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
   * Looks for the best way from `site` to the data of a task that takes at most `within` micros and leaves it in `best`;
   * false when there is none. `widestIn`, `widestOut`: rates that no way can pass.
   */
  search(
    query: Query,
    site: number,
    within: number,
    toGo: ToGo,
    widestIn: number,
    widestOut: number,
  ): boolean {
    this.#query = query;
    this.#toGo = toGo;
    this.#within = within;
    this.#best = -1;
    this.#clear();
    const rateIn = query.inputBytes > 0 ? widestIn : Number.POSITIVE_INFINITY;
    const rateOut = query.resultBytes > 0 ? widestOut : Number.POSITIVE_INFINITY;
    const first = this.#add(site, -1, -1, 0, 0, 0, rateIn, rateOut, 0, 0, 0);
    this.#file(first, site);
    const bound = this.#bound(site, 0, rateIn, rateOut);
    if (bound < Number.POSITIVE_INFINITY) this.#heap.push(bound, first);
    while (this.#heap.size > 0 && this.#heap.least <= this.#within) this.#extend(this.#heap.pop());
    if (this.#best < 0) return false;
    this.#keep();
    return true;
  }

  #keep(): void {
    const way = this.best;
    way.fitFor(this.#network.graph.vertices);
    way.count = this.#hops[this.#best] as number;
    let count = way.count;
    for (let label = this.#best; label > 0; label = this.#parent[label] as number)
      way.hops[--count] = this.#hop[label] as number;
    way.measure(this.#network.hops, this.#query);
  }

  /** A label that reached the data: the best so far, unless one at least as good was there. */
  #settle(label: number): void {
    const { inputBytes, resultBytes } = this.#query;
    const time =
      (this.#delayIn[label] as number) +
      sending(inputBytes, this.#rateIn[label] as number) +
      (this.#delayOut[label] as number) +
      sending(resultBytes, this.#rateOut[label] as number);
    if (time > this.#within || !(time < Number.POSITIVE_INFINITY)) return;
    if (this.#best >= 0 && time === this.#within) {
      const [hops, fewest] = [this.#hops[label] as number, this.#hops[this.#best] as number];
      if (hops > fewest || (hops === fewest && !this.#comesFirst(label, this.#best))) return;
    }
    this.#best = label;
    this.#within = time;
  }

  #extend(label: number): void {
    const { graph, hops: figures } = this.#network;
    const v = this.#vertex[label] as number;
    const end = graph.start[v + 1] as number;
    for (let hop = graph.start[v] as number; hop < end; hop++) {
      const made = this.#step(label, hop);
      if (made < 0) continue;
      const u = figures[hop * HOP + HEAD] as number;
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
    const { hops: figures } = this.#network;
    const at = hop * HOP;
    const u = figures[at + HEAD] as number;
    // The label grows from the node towards the data: input travels against the hop, the result along it.
    const delayIn = (this.#delayIn[label] as number) + (figures[at + DELAY_BACK] as number);
    const delayOut = (this.#delayOut[label] as number) + (figures[at + DELAY_THERE] as number);
    if (delayIn > query.delay || delayOut > query.delay || !serves(this.#network, hop, query)) return -1;
    const rateIn = Math.min(this.#rateIn[label] as number, figures[at + RATE_BACK] as number);
    const rateOut = Math.min(this.#rateOut[label] as number, figures[at + RATE_THERE] as number);
    const bound = this.#bound(u, delayIn + delayOut, rateIn, rateOut);
    if (!(bound <= this.#within) || bound === Number.POSITIVE_INFINITY) return -1;
    const hops = (this.#hops[label] as number) + 1;
    if (this.#best >= 0 && bound === this.#within && hops > (this.#hops[this.#best] as number)) return -1;
    this.#lastBound = bound;
    const { links } = this.#pool;
    const { jitter: jitterToGo, loss: lossToGo, bitErrors: bitErrorsToGo } = this.#toGo;
    const inward = this.#network.back[hop] as number;
    const outward = this.#network.there[hop] as number;
    // The worse direction counts, so that the sum is a bound each way. What is not asked for does not tell labels apart.
    const jitter = jitterToGo === null ? 0 : summed(this.#jitter, label, links.jitter, inward, outward);
    if (exceeds(jitter, jitterToGo, u, query.jitter)) return -1;
    const loss = lossToGo === null ? 0 : summed(this.#loss, label, links.loss, inward, outward);
    if (exceeds(loss, lossToGo, u, query.loss)) return -1;
    const bitErrors =
      bitErrorsToGo === null ? 0 : summed(this.#bitErrors, label, links.bitErrors, inward, outward);
    if (exceeds(bitErrors, bitErrorsToGo, u, query.bitErrors)) return -1;
    return this.#add(
      u,
      label,
      hop,
      hops,
      delayIn,
      delayOut,
      query.inputBytes > 0 ? rateIn : Number.POSITIVE_INFINITY,
      query.resultBytes > 0 ? rateOut : Number.POSITIVE_INFINITY,
      jitter,
      loss,
      bitErrors,
    );
  }

  /** Micros the transfers take at the least over a way through `vertex` that has come so far. */
  #bound(vertex: number, delays: number, rateIn: number, rateOut: number): number {
    const { inputBytes, resultBytes, delay } = this.#query;
    const nearest = delays + (this.#toGo.roundTrip[vertex] as number);
    if (!(nearest * ROUNDING <= 2 * delay) || nearest === Number.POSITIVE_INFINITY)
      return Number.POSITIVE_INFINITY;
    return (nearest + sending(inputBytes, rateIn) + sending(resultBytes, rateOut)) * ROUNDING;
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
    this.#serial = (this.#serial + 1) | 0;
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
    const room = 2 * this.#count;
    this.#vertex = widened(this.#vertex, room);
    this.#parent = widened(this.#parent, room);
    this.#hop = widened(this.#hop, room);
    this.#hops = widened(this.#hops, room);
    this.#next = widened(this.#next, room);
    this.#delayIn = widened(this.#delayIn, room);
    this.#delayOut = widened(this.#delayOut, room);
    this.#rateIn = widened(this.#rateIn, room);
    this.#rateOut = widened(this.#rateOut, room);
    this.#jitter = widened(this.#jitter, room);
    this.#loss = widened(this.#loss, room);
    this.#bitErrors = widened(this.#bitErrors, room);
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
export const exceeds = (sum: number, toGo: Float64Array | null, vertex: number, limit: number): boolean =>
  toGo !== null && (sum > limit || (sum + (toGo[vertex] as number)) * ROUNDING > limit);
