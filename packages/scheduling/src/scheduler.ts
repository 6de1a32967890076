import type { NodeId, SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, GramsCo2, Joules, Micros, Money, OperationsPerSecond } from "@weft/kernel";
import { refuse } from "@weft/kernel";
import type { Claim, Pool } from "@weft/pool";
import { explain } from "./explain/explain.ts";
import type { Decision, Placed } from "./placement/decision.ts";
import { Fit, fitOn, gramsOn, hasRoom, isSuitable, joulesOn } from "./placement/fit.ts";
import { IndexedSearch } from "./placement/indexed.ts";
import { Query } from "./placement/query.ts";
import { NO_NODES, REFUSAL_MESSAGES, whyRefused } from "./placement/refusal.ts";
import { FullScan, type Search } from "./placement/scan.ts";
import { Network } from "./routing/network.ts";
import { QuickestPath } from "./routing/quickest.ts";
import type { TaskNeeds } from "./task.ts";

export interface SchedulerOptions {
  /** Share of its former score by which a sticky task's best placement must be better before it moves. */
  readonly stickyMargin?: number;
  /** How the best is found: both give the same answer; `scan` looks at every node, to compare with. */
  readonly search?: "indexed" | "scan";
}

export interface PlaceOptions {
  /** The node the task (or its key) was on: kept unless the gain of moving passes the margin. */
  readonly sticky?: NodeId | null;
  /** For this decision, in the place of the scheduler's margin; 1: stays wherever it can stay. */
  readonly margin?: number;
  /** Nodes not to use, besides those the task itself avoids. */
  readonly excludeNodes?: readonly NodeId[];
  /** Adds an explanation to the decision; costs a scan of the pool. */
  readonly explain?: boolean;
}

const NONE: readonly NodeId[] = [];
const NO_LINKS: readonly number[] = [];

/**
 * Places tasks on a pool, one at a time: for each the exact best node and path together, under every constraint
 * of its needs (docs/guides/scheduling.md states the model). A scheduler follows the pool: whatever changes there counts
 * from the next decision on. It reserves nothing itself: a decision carries the claim that the caller commits.
 */
export class Scheduler {
  readonly #pool: Pool;
  readonly #network: Network;
  readonly #paths: QuickestPath;
  readonly #search: Search;
  readonly #query = new Query();
  readonly #best = new Fit();
  readonly #former = new Fit();
  readonly #margin: number;

  constructor(pool: Pool, options: SchedulerOptions = {}) {
    this.#pool = pool;
    this.#network = new Network(pool);
    this.#paths = new QuickestPath(pool, this.#network);
    this.#search =
      options.search === "scan" ? new FullScan(pool, this.#paths) : new IndexedSearch(pool, this.#paths);
    this.#margin = options.stickyMargin ?? 0.1;
  }

  /** The network as this scheduler sees it, up to date: for routing beyond single tasks. */
  get network(): Network {
    this.#network.refresh();
    return this.#network;
  }

  /** The best placement of a task on the pool as it is, or why there is none. Changes nothing. */
  place(needs: TaskNeeds, options: PlaceOptions = {}): Decision {
    const query = this.#query;
    this.#network.refresh();
    this.#search.refresh();
    query.fill(this.#pool, needs, options.excludeNodes ?? NONE);
    this.#search.best(query, this.#best);
    const kept = this.#keepsFormer(options.sticky ?? null, options.margin ?? this.#margin);
    const decision = this.#best.node < 0 ? this.#refused() : this.#placed(kept);
    if (options.explain !== true) return decision;
    return { ...decision, explanation: explain(this.#pool, this.#network, this.#paths, query, decision) };
  }

  /**
   * The quickest way for a task's input from one site to another, ends included, under all it demands of paths; null when
   * there is none now. For data that moves outside a placement.
   */
  route(needs: TaskNeeds, from: SiteId, to: SiteId): readonly SiteId[] | null {
    const { links } = this.#pool;
    this.#network.refresh();
    this.#query.fill(this.#pool, { ...needs, basic: { ...needs.basic, dataAt: from } }, NONE);
    if (from === to) return [from];
    const target = links.sites.find(to);
    this.#paths.begin(this.#query);
    if (target < 0 || !this.#paths.find(target, Number.MAX_VALUE)) return null;
    return [from, ...this.#paths.links().linksIn.map((link) => links.sites.idOf(links.to[link] as number))];
  }

  /** Puts the former node's fit in place of the best one when moving would not gain enough. */
  #keepsFormer(sticky: NodeId | null, margin: number): boolean {
    const best = this.#best;
    if (sticky === null || best.node < 0) return false;
    const former = this.#pool.nodes.slots.find(sticky);
    if (former < 0 || former === best.node || !this.#pool.nodes.slots.has(former)) return false;
    if (!isSuitable(this.#pool, this.#query, former) || !hasRoom(this.#pool, this.#query, former))
      return false;
    const site = this.#pool.nodes.site[former] as number;
    const paths = this.#paths;
    if (!paths.find(site, Number.MAX_VALUE)) return false;
    const transfer = paths.transferIn + paths.transferOut;
    if (!fitOn(this.#pool, this.#query, former, transfer, paths.hops, this.#former)) return false;
    if (best.score < this.#former.score * (1 - margin)) return false;
    best.take(this.#former);
    return true;
  }

  #placed(kept: boolean): Placed {
    const { nodes, links } = this.#pool;
    const fit = this.#best;
    const query = this.#query;
    const site = nodes.site[fit.node] as number;
    const paths = this.#paths;
    if (!paths.isFor(site)) paths.find(site, Number.MAX_VALUE);
    const claim = this.#claim();
    const path = new Array<SiteId>(claim.linksIn.length + 1);
    path[0] = links.sites.idOf(query.source);
    for (let i = 1; i < path.length; i++)
      path[i] = links.sites.idOf(links.to[claim.linksIn[i - 1] as number] as number);
    const joules = joulesOn(nodes, query, fit.node, fit.rate === 0 ? 1 : fit.effectiveRate / fit.rate);
    const grams = gramsOn(nodes, fit.node, joules);
    return {
      outcome: "placed",
      node: nodes.slots.idOf(fit.node),
      site: links.sites.idOf(site),
      path,
      timeline: {
        transferIn: paths.transferIn as Micros,
        queue: fit.queue as Micros,
        compute: fit.compute as Micros,
        transferOut: paths.transferOut as Micros,
        total: fit.total as Micros,
      },
      rate: fit.rate as OperationsPerSecond,
      effectiveRate: fit.effectiveRate as OperationsPerSecond,
      residualIn: paths.bandwidthIn as BitsPerSecond,
      residualOut: paths.bandwidthOut as BitsPerSecond,
      cost: fit.cost,
      charge: BigInt(Math.ceil(fit.cost)) as Money,
      energy: joules < Number.POSITIVE_INFINITY ? (joules as Joules) : null,
      carbon: grams < Number.POSITIVE_INFINITY ? (grams as GramsCo2) : null,
      score: fit.score,
      kept,
      claim,
      basedOn: this.#pool.version,
      explanation: null,
    };
  }

  /** What the best fit takes of the pool, over the path found last. */
  #claim(): Claim {
    const query = this.#query;
    const fit = this.#best;
    const paths = this.#paths;
    const onTheSpot = paths.hops === 0;
    const { linksIn, linksOut } = onTheSpot ? { linksIn: NO_LINKS, linksOut: NO_LINKS } : paths.links();
    return {
      node: fit.node,
      type: query.type,
      rate: fit.rate,
      memory: query.memory,
      storage: query.storage,
      throughput: query.throughput,
      deviceKind: query.deviceKind,
      deviceMemory: query.deviceMemory,
      deviceCount: query.deviceCount,
      service: query.service,
      linksIn,
      linksOut,
      bandwidthIn: onTheSpot ? 0 : occupied(query.bandwidth, query.inputBytes, fit.total),
      bandwidthOut: onTheSpot ? 0 : occupied(query.bandwidth, query.resultBytes, fit.total),
      basedOn: this.#pool.version,
    };
  }

  #refused(): Decision {
    const code = whyRefused(this.#pool, this.#paths, this.#query);
    return {
      outcome: "refused",
      code,
      refusal: refuse(code, isEmpty(this.#pool) ? NO_NODES : REFUSAL_MESSAGES[code]).refusal,
      basedOn: this.#pool.version,
      explanation: null,
    };
  }
}

/**
 * Whole bits a second a task occupies on every link of one direction: what it states, or the bits it moves over the
 * time it lasts. Rate times time is then what passes the link, so every megabit is counted once; never more than
 * the residual, since a task lasts no less than its transfers.
 */
function occupied(stated: number, bytes: number, total: number): number {
  return bytes > 0 ? Math.max(stated, Math.ceil((bytes * 8e6) / total)) : stated;
}

function isEmpty({ nodes }: Pool): boolean {
  for (let n = 0; n < nodes.bound; n++) if (nodes.slots.has(n)) return false;
  return true;
}
