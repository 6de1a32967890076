import type { NodeId } from "@weft/infrastructure";
import { type Bytes, formatBytes } from "@weft/kernel";
import type { Pool } from "@weft/pool";
import type { Decision } from "../placement/decision.ts";
import { Fit, fitOn, isBetter, PREFER } from "../placement/fit.ts";
import type { Query } from "../placement/query.ts";
import type { Network } from "../routing/network.ts";
import type { QuickestPath } from "../routing/quickest.ts";
import { NODE_CONSTRAINTS, price, time } from "./constraints.ts";
import type { ConstraintCode, Explanation, Miss, NearestMiss, RuledOut, RunnerUp } from "./explanation.ts";
import { changed, PATH_CONSTRAINTS, type SiteView, viewSite } from "./paths.ts";

const EXAMPLES = 3;
const RUNNERS_UP = 3;

/** A miss and by how much of what was asked: what ranks near misses. Infinity where it is no quantity. */
interface RankedMiss extends Miss {
  readonly gap: number;
}

interface Tally {
  readonly asked: string;
  nodes: number;
  paths: number;
  readonly examples: { readonly name: string; readonly offers: string }[];
}

/**
 * Explains a decision by looking at every node and site again, each constraint by itself: what the search skipped is
 * looked at here. Nothing of it is done unless it is asked for.
 */
export function explain(
  pool: Pool,
  network: Network,
  paths: QuickestPath,
  query: Query,
  decision: Decision,
): Explanation {
  const report = new Report(pool, query, decision.outcome === "placed" ? decision.node : null);
  const views = new Map<number, SiteView>();
  let considered = 0;
  let pathsConsidered = 0;
  for (let n = 0; n < pool.nodes.bound; n++) {
    if (!pool.nodes.slots.has(n)) continue;
    const site = pool.nodes.site[n] as number;
    let view = views.get(site);
    if (view === undefined) {
      view = viewSite(pool, network, paths, query, site);
      views.set(site, view);
      pathsConsidered += view.candidates.length;
      report.countPaths(view);
    }
    report.countNode(n, view);
    considered++;
  }
  return {
    nodesConsidered: considered,
    pathsConsidered,
    ruledOut: report.ruledOut(),
    nearestMiss: report.nearestMiss,
    runnersUp: report.runnersUp(views),
    fitting: report.fitting.length,
  };
}

class Report {
  readonly #pool: Pool;
  readonly #query: Query;
  readonly #unlimited: Query;
  readonly #chosen: NodeId | null;
  readonly #tallies = new Map<ConstraintCode, Tally>();
  readonly fitting: Fit[] = [];
  nearestMiss: NearestMiss | null = null;
  #nearest: readonly [misses: number, gap: number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];

  constructor(pool: Pool, query: Query, chosen: NodeId | null) {
    this.#pool = pool;
    this.#query = query;
    this.#unlimited = changed(query, {
      deadline: Number.POSITIVE_INFINITY,
      payAtMost: Number.POSITIVE_INFINITY,
      atLeast: 0,
    });
    this.#chosen = chosen;
  }

  countPaths(view: SiteView): void {
    for (const facts of view.candidates) {
      for (const demand of PATH_CONSTRAINTS) {
        const asked = demand.asked(this.#query);
        if (asked === null || demand.holds(this.#query, facts)) continue;
        this.#tally(demand.code, print(asked, demand.format)).paths++;
      }
    }
  }

  countNode(n: number, view: SiteView): void {
    const misses = [...this.#nodeMisses(n), ...this.#pathMisses(n, view), ...this.#limitMisses(n, view)];
    if (misses.length === 0) {
      const fit = new Fit();
      if (fitOn(this.#pool, this.#query, n, view.transfer, view.hops, fit)) this.fitting.push(fit);
      return;
    }
    const gap = misses.reduce((sum, miss) => sum + miss.gap, 0);
    const [count, least] = this.#nearest;
    if (misses.length > count || (misses.length === count && gap >= least)) return;
    this.#nearest = [misses.length, gap];
    this.nearestMiss = { node: this.#name(n), misses: misses.map(({ gap: _, ...miss }) => miss) };
  }

  ruledOut(): RuledOut[] {
    return [...this.#tallies]
      .map(([constraint, tally]) => ({ constraint, ...tally }))
      .sort((a, b) => b.nodes - a.nodes || b.paths - a.paths);
  }

  runnersUp(views: ReadonlyMap<number, SiteView>): RunnerUp[] {
    const { slots, site } = this.#pool.nodes;
    const chosen = this.fitting.find((fit) => slots.idOf(fit.node) === this.#chosen);
    if (chosen === undefined) return [];
    return this.fitting
      .filter((fit) => fit !== chosen)
      .sort((a, b) => (isBetter(this.#pool, a, b) ? -1 : 1))
      .slice(0, RUNNERS_UP)
      .map((fit) => ({
        node: slots.idOf(fit.node),
        path: views.get(site[fit.node] as number)?.path ?? [],
        total: fit.total,
        cost: fit.cost,
        score: fit.score,
        lostBy: lostBy(this.#pool, chosen, fit),
      }));
  }

  #nodeMisses(n: number): RankedMiss[] {
    const misses: RankedMiss[] = [];
    for (const constraint of NODE_CONSTRAINTS) {
      const asked = constraint.asked(this.#query, this.#pool);
      if (asked === null || constraint.holds(this.#query, this.#pool, n)) continue;
      const offered = constraint.offered(this.#query, this.#pool, n);
      this.#fell(constraint.code, print(asked, constraint.format), n, print(offered, constraint.format));
      const fixes = constraint.fixes?.(this.#query, this.#pool, n) ?? [
        `${constraint.noun} ${print(offered, constraint.format)}`,
      ];
      misses.push(missOf(constraint.code, asked, offered, fixes));
    }
    return misses;
  }

  #pathMisses(n: number, view: SiteView): RankedMiss[] {
    const misses: RankedMiss[] = [];
    for (const code of view.failing) {
      const demand = PATH_CONSTRAINTS.find((constraint) => constraint.code === code);
      const asked = demand?.asked(this.#query) ?? "a path that meets every demand";
      const offered =
        demand === undefined || view.facts === null
          ? view.connected
            ? "no path that meets all at once"
            : "not connected"
          : demand.offered(view.facts);
      const format = demand?.format ?? String;
      this.#fell(code, print(asked, format), n, print(offered, format));
      const fix = demand?.fix ?? `${demand?.noun ?? "path"} ${print(offered, format)}`;
      misses.push(missOf(code, asked, offered, [fix]));
    }
    return misses;
  }

  /** Deadline and price, on the quickest path there is, whatever else falls short. */
  #limitMisses(n: number, view: SiteView): RankedMiss[] {
    const { deadline, payAtMost, inputBytes } = this.#query;
    const fit = new Fit();
    if (!view.connected || !fitOn(this.#pool, this.#unlimited, n, view.transfer, view.hops, fit)) return [];
    const misses: RankedMiss[] = [];
    if (fit.total > deadline) {
      this.#fell("deadline", time(deadline), n, time(fit.total));
      const fixes = [`deadline ${time(fit.total)}`];
      const excess = ((fit.total - deadline) * view.rateIn) / 8e6;
      if (excess < inputBytes) fixes.push(`${formatBytes(Math.ceil(excess) as Bytes)} less input`);
      misses.push(missOf("deadline", deadline, fit.total, fixes));
    }
    if (Math.ceil(fit.cost) > payAtMost) {
      this.#fell("price", price(payAtMost), n, price(fit.cost));
      misses.push(missOf("price", payAtMost, fit.cost, [`a price of ${price(fit.cost)}`]));
    }
    return misses;
  }

  #fell(code: ConstraintCode, asked: string, n: number, offers: string): void {
    const tally = this.#tally(code, asked);
    tally.nodes++;
    if (tally.examples.length < EXAMPLES) tally.examples.push({ name: this.#name(n), offers });
  }

  #tally(code: ConstraintCode, asked: string): Tally {
    let tally = this.#tallies.get(code);
    if (tally === undefined) {
      tally = { asked, nodes: 0, paths: 0, examples: [] };
      this.#tallies.set(code, tally);
    }
    return tally;
  }

  #name(n: number): NodeId {
    return this.#pool.nodes.slots.idOf(n);
  }
}

function missOf(
  constraint: ConstraintCode,
  asked: number | string,
  offered: number | string,
  fixes: readonly string[],
): RankedMiss {
  const quantity = typeof asked === "number" && typeof offered === "number";
  return {
    constraint,
    asked: typeof asked === "number" ? asked : null,
    offered: typeof offered === "number" ? offered : null,
    fixes,
    gap: quantity ? Math.abs(offered - asked) / Math.max(Math.abs(asked), 1e-12) : Number.POSITIVE_INFINITY,
  };
}

/** The first criterion in the order of preference by which the chosen one is better. */
function lostBy(pool: Pool, chosen: Fit, own: Fit): RunnerUp["lostBy"] {
  const figures: Readonly<Record<string, (fit: Fit) => number>> = {
    better_score: (fit) => fit.score,
    sooner: (fit) => fit.total,
    cheaper: (fit) => fit.cost,
    fewer_hops: (fit) => fit.hops,
  };
  const decided = PREFER.find(([, compare]) => compare(chosen, own, pool) !== 0);
  const criterion = decided?.[0] ?? "lower_name";
  const figure = figures[criterion] ?? (() => 0);
  return { criterion, chosen: figure(chosen), own: figure(own) };
}

const print = (value: number | string, format: (value: number) => string): string =>
  typeof value === "number" ? format(value) : value;
