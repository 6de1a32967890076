import type { LinkState, SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Instant, Micros, Ratio } from "@weft/kernel";
import type { Pool } from "@weft/pool";
import { MinHeap } from "@weft/scheduling";
import { cableDelay } from "../topology.ts";
import type { NetworkScenario } from "./scenario.ts";

/** What background traffic leaves a link at the least. */
const LEAST_SHARE = 0.05;

/**
 * The links of the simulation, by the pool's link indexes. A message is cut through: it begins on the next link one delay
 * after it began on this one, and each link takes messages one after the other in the order they were sent (FIFO), for
 * 8 bytes / rate each. So a lone message takes the delays and once the slowest link's transmission.
 */
export class SimulatedLinks {
  readonly #delay: Float64Array;
  readonly #usPerByte: Float64Array;
  readonly #freeAt: Float64Array;
  readonly #busy: Float64Array;
  readonly #index = new Map<number, number>();
  readonly #sites: number;
  /** Bytes times links, for energy. */
  byteHops = 0;

  /** Puts the scenario's links into the pool, less what flows in the background. */
  constructor(scenario: NetworkScenario, pool: Pool) {
    const { topology, rateUnknown, delayUnknown } = scenario;
    const ends = topology.cables.flatMap((cable) => [
      { from: cable.a, to: cable.b, cable },
      { from: cable.b, to: cable.a, cable },
    ]);
    this.#sites = topology.sites.length;
    const background = backgroundLoad(scenario);
    const states = ends.map(({ from, to, cable }): LinkState => {
      const rate = cable.rate ?? rateUnknown;
      const left = Math.max(rate * LEAST_SHARE, rate - (background.get(from * this.#sites + to) ?? 0));
      return linkState(
        siteId(scenario, from),
        siteId(scenario, to),
        true,
        cableDelay(topology, cable, delayUnknown),
        left as BitsPerSecond,
      );
    });
    this.states = states;
    for (const state of states) pool.setLink(state);
    const bound = pool.links.bound;
    this.#delay = new Float64Array(bound);
    this.#usPerByte = new Float64Array(bound);
    this.#freeAt = new Float64Array(bound);
    this.#busy = new Float64Array(bound);
    states.forEach((state, i) => {
      const link = linkIndex(pool, state);
      const { from, to } = ends[i] as { from: number; to: number };
      this.#index.set(from * this.#sites + to, link);
      this.#delay[link] = state.delay as number;
      this.#usPerByte[link] = 8e6 / (state.capacity as number);
    });
  }

  readonly states: readonly LinkState[];

  /** Sends bytes over a path at `now`; returns when the last one arrives. */
  send(now: number, path: readonly number[], bytes: number): number {
    let first = now;
    let last = now;
    for (const link of path) {
      const start = Math.max(first, this.#freeAt[link] as number);
      const takes = bytes * (this.#usPerByte[link] as number);
      const delay = this.#delay[link] as number;
      this.#freeAt[link] = start + takes;
      this.#busy[link]! += takes;
      first = start + delay;
      last = Math.max(last + delay, start + takes + delay);
    }
    this.byteHops += bytes * path.length;
    return last;
  }

  /** The pool's index of the link between two sites. */
  between(from: number, to: number): number {
    return this.#index.get(from * this.#sites + to) as number;
  }

  /** Mean share of a link's rate in use until `now`. */
  load(link: number, now: number): number {
    return Math.min(1, (this.#busy[link] as number) / now);
  }
}

/** The pool's index of a link just set. */
function linkIndex(pool: Pool, state: LinkState): number {
  const { links } = pool;
  for (let link = 0; link < links.bound; link++) {
    if (
      links.slots.has(link) &&
      links.sites.idOf(links.from[link] as number) === state.from &&
      links.sites.idOf(links.to[link] as number) === state.to
    ) {
      return link;
    }
  }
  return -1;
}

export const siteId = (scenario: NetworkScenario, site: number): SiteId =>
  scenario.topology.sites[site]?.name as SiteId;

export function linkState(
  from: SiteId,
  to: SiteId,
  up: boolean,
  delay: Micros,
  capacity: BitsPerSecond,
): LinkState {
  return {
    from,
    to,
    up,
    delay,
    jitter: 0 as Micros,
    loss: 0 as Ratio,
    capacity: Math.floor(capacity) as BitsPerSecond,
    bitErrorRate: null,
    security: "open",
    radio: null,
    at: 0 as Instant,
  };
}

/** Bits a second by `from * sites + to` when the scenario's share of all demands takes the path of least delay. */
function backgroundLoad(scenario: NetworkScenario): ReadonlyMap<number, number> {
  const { topology, traffic } = scenario;
  const load = new Map<number, number>();
  const sites = topology.sites.length;
  if (traffic === 0) return load;
  for (const source of new Set(topology.demands.map(({ from }) => from))) {
    const { parent } = treeOf(scenario, source);
    for (const demand of topology.demands) {
      if (demand.from !== source) continue;
      for (let at = demand.to; at !== source && (parent[at] as number) >= 0; at = parent[at] as number) {
        const key = (parent[at] as number) * sites + at;
        load.set(key, (load.get(key) ?? 0) + demand.rate * traffic);
      }
    }
  }
  return load;
}

/** Least delays from one site (micros), and each site's predecessor on the way. */
export function treeOf(
  scenario: NetworkScenario,
  source: number,
): { delay: Float64Array; parent: Int32Array } {
  const { topology, delayUnknown } = scenario;
  const count = topology.sites.length;
  const next: { readonly to: number; readonly delay: number }[][] = topology.sites.map(() => []);
  for (const cable of topology.cables) {
    const delay = cableDelay(topology, cable, delayUnknown);
    next[cable.a]?.push({ to: cable.b, delay });
    next[cable.b]?.push({ to: cable.a, delay });
  }
  const best = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const parent = new Int32Array(count).fill(-1);
  const heap = new MinHeap();
  best[source] = 0;
  heap.push(0, source);
  while (heap.size > 0) {
    const reached = heap.least;
    const site = heap.pop();
    if (reached > (best[site] as number)) continue;
    for (const { to, delay } of next[site] ?? []) {
      if (reached + delay < (best[to] as number)) {
        best[to] = reached + delay;
        parent[to] = site;
        heap.push(reached + delay, to);
      }
    }
  }
  return { delay: best, parent };
}
