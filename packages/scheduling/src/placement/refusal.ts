import type { Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import type { RefusalCode } from "./decision.ts";
import { Fit, fitOn, hasRoom, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";

/** The hurdles every node has to pass, in order. A refusal names the last one that some node came to. */
const HURDLES: readonly RefusalCode[] = [
  "no_suitable_node",
  "residency",
  "no_path",
  "no_capacity",
  "deadline_unreachable",
  "price_above_limit",
];
const [, RESIDENCY, PATH, CAPACITY, DEADLINE, PRICE] = [0, 1, 2, 3, 4, 5] as const;

/** Why no node serves a task that none serves. Looks at every node, and at each site's path at most twice. */
export function whyRefused(pool: Pool, paths: QuickestPath, query: Query): RefusalCode {
  const { nodes, links } = pool;
  const atSite = new Int8Array(links.sites.bound).fill(-1);
  const transfer = new Float64Array(links.sites.bound);
  const fit = new Fit();
  let furthest = 0;
  for (let n = 0; n < nodes.bound && furthest < PRICE; n++) {
    if (!nodes.slots.has(n) || !isSuitable(pool, query, n)) continue;
    const site = nodes.site[n] as number;
    if (atSite[site] === -1) {
      atSite[site] = hurdleOfSite(paths, query, site);
      transfer[site] = paths.transferIn + paths.transferOut;
    }
    const hurdle =
      atSite[site] === CAPACITY ? hurdleOfNode(pool, query, n, transfer[site] as number, fit) : atSite[site];
    furthest = Math.max(furthest, hurdle as number);
  }
  return HURDLES[furthest] as RefusalCode;
}

/** The hurdle a site fails at; CAPACITY, the next one, when a path leads there. */
function hurdleOfSite(paths: QuickestPath, query: Query, site: number): number {
  if (paths.find(site, Number.MAX_VALUE)) return CAPACITY;
  if (!query.bounded) return PATH;
  query.bounded = false;
  // The bounds of the paths do not depend on where the data may go.
  const anywhere = paths.find(site, Number.MAX_VALUE);
  query.bounded = true;
  return anywhere ? RESIDENCY : PATH;
}

function hurdleOfNode(pool: Pool, query: Query, n: number, transfer: number, fit: Fit): number {
  if (!hasRoom(pool, query, n)) return CAPACITY;
  const { deadline, payAtMost } = query;
  query.deadline = Number.POSITIVE_INFINITY;
  query.payAtMost = Number.POSITIVE_INFINITY;
  const fits = fitOn(pool, query, n, transfer, 0, fit);
  query.deadline = deadline;
  query.payAtMost = payAtMost;
  if (!fits) return CAPACITY;
  return fit.total > deadline ? DEADLINE : PRICE;
}

export const REFUSAL_MESSAGES: Readonly<Record<RefusalCode, string>> = {
  no_suitable_node: "no node is of the kind this task asks for",
  residency: "the data may not go to any node that could serve this task",
  no_path: "no path to a suitable node meets the task's demands on the network",
  no_capacity: "no suitable node within reach has enough free for this task now",
  deadline_unreachable: "no node within reach can be done before the deadline",
  price_above_limit: "every node that could do it in time costs more than the task pays",
};
