import type { Pool } from "@weft/pool";
import type { QuickestPath } from "../routing/quickest.ts";
import type { RefusalCode } from "./decision.ts";
import { Fit, fitOn, hasRoom, isSuitable } from "./fit.ts";
import type { Query } from "./query.ts";

/** The hurdles every node has to pass, in order. A refusal names the last one that some node came to. */
const HURDLES: readonly RefusalCode[] = [
  "no_suitable_node",
  "no_path",
  "no_capacity",
  "deadline_unreachable",
  "price_above_limit",
];
const [PATH, CAPACITY, DEADLINE, PRICE, NONE] = [1, 2, 3, 4, 5] as const;

/**
 * Why no node serves a task that none serves. Every node is looked at over the least transfer its site could have; the
 * real path is looked for only where a node would do over that.
 */
export function whyRefused(pool: Pool, paths: QuickestPath, query: Query): RefusalCode {
  const { nodes } = pool;
  const fit = new Fit();
  let furthest = 0;
  paths.begin(query);
  const leastTo = new Float64Array(pool.links.sites.bound).fill(-1);
  for (let n = 0; n < nodes.bound && furthest < PRICE; n++) {
    if (!nodes.slots.has(n)) continue;
    const site = nodes.site[n] as number;
    if (leastTo[site] === -1) leastTo[site] = paths.least(site);
    const least = leastTo[site] as number;
    const unreachable = least === Number.POSITIVE_INFINITY;
    if ((unreachable && furthest >= PATH) || !isSuitable(pool, query, n)) continue;
    if (unreachable) {
      furthest = PATH;
      continue;
    }
    let hurdle = hurdleOfNode(pool, query, n, least, fit);
    if (hurdle === NONE) {
      const found = paths.find(site, Number.MAX_VALUE);
      hurdle = found ? hurdleOfNode(pool, query, n, paths.transferIn + paths.transferOut, fit) : PATH;
    }
    furthest = Math.max(furthest, hurdle);
  }
  return furthest === PATH && isOnlyResidency(pool, paths, query)
    ? "residency"
    : (HURDLES[furthest] as RefusalCode);
}

/** Whether a suitable node could be reached if the data might go anywhere. */
function isOnlyResidency(pool: Pool, paths: QuickestPath, query: Query): boolean {
  if (!query.bounded) return false;
  query.bounded = false;
  paths.begin(query);
  const { nodes } = pool;
  let reached = false;
  for (let n = 0; n < nodes.bound && !reached; n++) {
    if (!nodes.slots.has(n) || !isSuitable(pool, query, n)) continue;
    reached = paths.least(nodes.site[n] as number) < Number.POSITIVE_INFINITY;
  }
  query.bounded = true;
  return reached;
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
  if (fit.total > deadline) return DEADLINE;
  return Math.ceil(fit.cost) > payAtMost ? PRICE : NONE;
}

export const REFUSAL_MESSAGES: Readonly<Record<RefusalCode, string>> = {
  no_suitable_node: "no node is of the kind this task asks for",
  residency: "the data may not go to any node that could serve this task",
  no_path: "no path to a suitable node meets the task's demands on the network",
  no_capacity: "no suitable node within reach has enough free for this task now",
  deadline_unreachable: "no node within reach can be done before the deadline",
  price_above_limit: "every node that could do it in time costs more than the task pays",
};

/** Said in the place of any other where there is nothing to look at. */
export const NO_NODES = "no node has joined the network yet";
