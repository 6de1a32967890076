import { SECURITY_CLASSES, type SiteId } from "@weft/infrastructure";
import { KNOWN, type Pool } from "@weft/pool";
import { Query } from "../placement/query.ts";
import { kShortestPaths } from "../routing/k-shortest.ts";
import type { Network } from "../routing/network.ts";
import type { QuickestPath } from "../routing/quickest.ts";
import { bitRate, time } from "./constraints.ts";
import type { ConstraintCode } from "./explanation.ts";

/** Candidate paths to a site, for counting: those of least round trip. */
const CANDIDATES = 3;

/** What one path offers, the worse direction each. */
export interface PathFacts {
  readonly sites: readonly number[];
  readonly delay: number;
  readonly jitter: number;
  readonly loss: number;
  readonly bitErrors: number;
  /** Least residual bandwidth. */
  readonly bandwidth: number;
  readonly security: number;
  readonly known: number;
}

/** One demand on paths as data. */
export interface PathConstraint {
  readonly code: ConstraintCode;
  readonly noun: string;
  /** What a task may change instead of naming what is offered. */
  readonly fix?: string;
  /** null: the task states no such demand. */
  readonly asked: (query: Query) => number | string | null;
  /** The demand alone, as the query states it. */
  readonly alone: (query: Query) => Partial<Query>;
  readonly offered: (facts: PathFacts) => number | string;
  readonly holds: (query: Query, facts: PathFacts) => boolean;
  readonly format: (value: number) => string;
}

const NO_DEMANDS: Partial<Query> = {
  delay: Number.POSITIVE_INFINITY,
  jitter: Number.POSITIVE_INFINITY,
  loss: Number.POSITIVE_INFINITY,
  bitErrors: Number.POSITIVE_INFINITY,
  bandwidth: 0,
  security: 0,
  mustKnow: 0,
  bounded: false,
};

const finite = (value: number): number | null => (value < Number.POSITIVE_INFINITY ? value : null);
const probability = (value: number): string => Number((-Math.expm1(-value)).toPrecision(3)).toString();
const unknownOr =
  (bit: number, figure: (facts: PathFacts) => number) =>
  (facts: PathFacts): number | string =>
    (facts.known & bit) === 0 ? "unknown" : figure(facts);

/** A sum along the path that may not pass a limit. */
const limit = (
  code: ConstraintCode,
  noun: string,
  bit: number,
  field: "delay" | "jitter" | "loss" | "bitErrors",
  format: (value: number) => string,
): PathConstraint => ({
  code,
  noun,
  asked: (query) => finite(query[field]),
  alone: (query) => ({ [field]: query[field], mustKnow: bit }),
  offered: unknownOr(bit, (facts) => facts[field]),
  holds: (query, facts) =>
    query[field] === Number.POSITIVE_INFINITY || ((facts.known & bit) !== 0 && facts[field] <= query[field]),
  format,
});

export const PATH_CONSTRAINTS: readonly PathConstraint[] = [
  {
    code: "residency",
    noun: "residency",
    fix: "leave for the data to go there",
    asked: (query) => (query.bounded ? "of the data" : null),
    alone: () => ({ bounded: true }),
    offered: () => "it may not go there",
    holds: (query, facts) =>
      !query.bounded || facts.sites.every((site) => query.allowed[site] === query.serial),
    format: String,
  },
  limit("delay", "delay", KNOWN.delay, "delay", time),
  limit("jitter", "jitter", KNOWN.jitter, "jitter", time),
  limit("loss", "loss", KNOWN.loss, "loss", probability),
  limit("bit_error_rate", "bit error rate", KNOWN.bitErrorRate, "bitErrors", probability),
  {
    code: "bandwidth",
    noun: "bandwidth",
    asked: (query) => (query.bandwidth > 0 ? query.bandwidth : null),
    alone: (query) => ({ bandwidth: query.bandwidth, mustKnow: KNOWN.capacity }),
    offered: unknownOr(KNOWN.capacity, (facts) => facts.bandwidth),
    holds: (query, facts) =>
      query.bandwidth === 0 || ((facts.known & KNOWN.capacity) !== 0 && facts.bandwidth >= query.bandwidth),
    format: bitRate,
  },
  {
    code: "path_security",
    noun: "security",
    asked: (query) => (query.security > 0 ? (SECURITY_CLASSES[query.security] as string) : null),
    alone: (query) => ({ security: query.security }),
    offered: (facts) => SECURITY_CLASSES[facts.security] as string,
    holds: (query, facts) => facts.security >= query.security,
    format: String,
  },
];

/** A site as the task sees it: the path that serves, or which demands rule every path out. */
export interface SiteView {
  readonly site: number;
  /** Whether a path meets all demands; the figures below are then its, else those of the quickest path whatever. */
  readonly served: boolean;
  readonly connected: boolean;
  readonly transfer: number;
  readonly hops: number;
  readonly rateIn: number;
  readonly path: readonly SiteId[];
  readonly facts: PathFacts | null;
  /** Demands that no path to the site meets even alone; `path` when only all together are too much. */
  readonly failing: readonly ConstraintCode[];
  readonly candidates: readonly PathFacts[];
}

/** Looks at one site on behalf of an explanation. */
export function viewSite(
  pool: Pool,
  network: Network,
  paths: QuickestPath,
  query: Query,
  site: number,
): SiteView {
  const candidates = candidatePaths(pool, network, query, site);
  paths.begin(query);
  const served = paths.find(site, Number.MAX_VALUE);
  const failing: ConstraintCode[] = [];
  let connected = true;
  if (!served) {
    for (const demand of PATH_CONSTRAINTS) {
      if (demand.asked(query) === null) continue;
      paths.begin(changed(query, { ...NO_DEMANDS, ...demand.alone(query) }));
      if (!paths.find(site, Number.MAX_VALUE)) failing.push(demand.code);
    }
    paths.begin(changed(query, NO_DEMANDS));
    connected = paths.find(site, Number.MAX_VALUE);
    if (!connected) failing.length = 0;
    if (failing.length === 0) failing.push("path");
  }
  const links = connected && site !== query.source ? paths.links().linksIn : [];
  const sites = [query.source, ...links.map((link) => pool.links.to[link] as number)];
  return {
    site,
    served,
    connected,
    transfer: connected ? paths.transferIn + paths.transferOut : Number.POSITIVE_INFINITY,
    hops: links.length,
    rateIn: paths.bandwidthIn,
    path: connected ? sites.map((at) => pool.links.sites.idOf(at)) : [],
    facts: connected ? factsOf(pool, sites, links) : null,
    failing,
    candidates,
  };
}

/** The same query with some fields changed. */
export const changed = (query: Query, fields: Partial<Query>): Query =>
  Object.assign(new Query(), query, fields);

function candidatePaths(pool: Pool, network: Network, query: Query, site: number): PathFacts[] {
  if (site === query.source) return [factsOf(pool, [site], [])];
  const { graph } = network;
  if (query.source < 0 || query.source >= graph.vertices || site >= graph.vertices) return [];
  // Round trips are symmetric, so paths from the site serve as well, and the tree of the data is at hand.
  const distances = network.treeOf(query.source).distance;
  return kShortestPaths(graph, site, query.source, CANDIDATES, distances).map((path) =>
    factsOf(
      pool,
      [...path.vertices].reverse(),
      path.arcs.map((hop) => network.back[hop] as number),
    ),
  );
}

function factsOf(pool: Pool, sites: readonly number[], linksIn: readonly number[]): PathFacts {
  const { links } = pool;
  let [delayIn, delayOut, jitter, loss, bitErrors] = [0, 0, 0, 0, 0];
  let bandwidth = Number.POSITIVE_INFINITY;
  let security = SECURITY_CLASSES.length - 1;
  let known = 0xff;
  for (const link of linksIn) {
    const reverse = links.reverse[link] as number;
    const worse = (column: Float64Array): number =>
      Math.max(column[link] as number, column[reverse] as number);
    delayIn += links.delay[link] as number;
    delayOut += links.delay[reverse] as number;
    jitter += worse(links.jitter);
    loss += worse(links.loss);
    bitErrors += worse(links.bitErrors);
    bandwidth = Math.min(bandwidth, links.residual[link] as number, links.residual[reverse] as number);
    security = Math.min(security, links.security[link] as number, links.security[reverse] as number);
    known &= (links.known[link] as number) & (links.known[reverse] as number);
  }
  return { sites, delay: Math.max(delayIn, delayOut), jitter, loss, bitErrors, bandwidth, security, known };
}
