import type { NodeId } from "@weft/infrastructure";
import {
  after,
  formatMoney,
  formatTime,
  type Instant,
  type Micros,
  type Refusal,
  refuse,
  SECOND,
} from "@weft/kernel";
import type { PriceList } from "@weft/market";
import { type Core, note } from "../manager/core.ts";
import type { TaskEntry } from "../manager/tasks.ts";
import type { Peer } from "./federation.ts";
import { barredHere } from "./quoting.ts";

/*
 * What placing a task has to know of other domains: whether it may go to one or came from one, and at whose prices.
 */

/** An answer that takes longer is none. */
const ANSWER_WITHIN = (3 * SECOND) as Micros;

/** The nodes of our pool that stand for other domains. */
export const nodesAbroad = ({ federation }: Pick<Core, "federation">): NodeId[] => [
  ...(federation?.byNode.keys() ?? []),
];

/** Nodes that a task may not be placed on, for what domains have agreed. */
export function barredFor(core: Core, now: Instant, entry: TaskEntry): NodeId[] {
  const { federation } = core;
  if (federation === null) return [];
  const held =
    federation.inwardByTask.get(entry.row.id) ?? federation.inward.get(entry.row.submission.order.order.id);
  if (held !== undefined) {
    const { launch, commissionPpm } = held.forward;
    return barredHere(core, now, federation, held.domain, launch.contract.terms.prices, commissionPpm);
  }
  const barred: NodeId[] = [];
  const quotes = federation.quotes.get(entry.row.id);
  for (const peer of federation.peers.values()) {
    const refused = quotes?.get(peer.options.domain)?.state === "refused";
    // The data of an application's steps lies about here: its steps stay at home.
    const stays = entry.row.submission.step !== undefined;
    if (stays || refused || !peer.present || !peer.options.send) barred.push(peer.node);
  }
  return barred;
}

/** Why a task placed in a foreign domain cannot go there yet; null where the quote for it is at hand. */
export function awaitQuote(core: Core, now: Instant, entry: TaskEntry, peer: Peer): Refusal | null {
  const { federation } = core;
  const { domain } = peer.options;
  const task = entry.row.id;
  if (federation === null || federation.quotedFor(task, domain)?.state === "quoted") return null;
  if (federation.quotedFor(task, domain) === undefined) {
    federation.keepQuote(task, { state: "asked", domain, until: after(now, ANSWER_WITHIN) });
    const { needs } = entry.row.submission;
    const { commissionPpm } = core.options.fee;
    core.out.push({
      kind: "to-peer",
      domain,
      message: { kind: "ask", ask: { id: task, needs, commissionPpm } },
    });
  }
  return refuse("awaiting_quote", `domain ${domain} has been asked for its price`, { found: domain }).refusal;
}

/** The prices of a contract with a foreign domain: those quoted for this task. */
export const quotedPrices = (core: Core, task: string, node: NodeId): PriceList | null => {
  const peer = core.federation?.peerAt(node);
  const quoted = peer && core.federation?.quotedFor(task, peer.options.domain);
  return quoted?.state === "quoted" ? quoted.quote.prices : null;
};

/** The task has its contract: the quote is used up. */
export function placedAbroad(core: Core, now: Instant, entry: TaskEntry, peer: Peer): void {
  const task = entry.row.id;
  const quoted = core.federation?.quotedFor(task, peer.options.domain);
  core.federation?.quotes.delete(task);
  const decided = core.decided.get(task);
  if (quoted?.state !== "quoted") return;
  const { domain } = peer.options;
  const { price, takes } = quoted.quote;
  if (decided !== undefined) core.decided.set(task, { ...decided, abroad: { domain, price, takes } });
  const amount = formatMoney(price, core.options.currency);
  note(
    core,
    now,
    task,
    "",
    `goes abroad to domain ${domain}, which quoted ${amount} and ${formatTime(takes)}`,
  );
}
