import type { NodeId } from "@weft/infrastructure";
import {
  after,
  type Instant,
  type Micros,
  type Money,
  money,
  type Refusal,
  refuse,
  SECOND,
  ZERO,
} from "@weft/kernel";
import { checkPrices, negativePrice, signOrder, type Transfer } from "@weft/market";
import { type Core, note } from "../manager/core.ts";
import { observe } from "../manager/observing.ts";
import type { RunEntry } from "../manager/tasks.ts";
import type { Launch } from "../protocol.ts";
import type { Federation, Peer, Quoted } from "./federation.ts";
import { isQuote, type PeerMessage, type Quote } from "./messages.ts";

/*
 * The home side: a task whose best place is another domain. Its manager is asked for a quote first; then the run stands
 * in our books like any other, its node the foreign domain.
 */

/** How long a quote is taken up, and how long a refusal keeps us from asking again. */
const QUOTE_HOLDS = (20 * SECOND) as Micros;
const REFUSAL_HOLDS = (10 * SECOND) as Micros;

/** Why a quote is none: nobody is paid for having work done, and all work ends. */
function objectionToQuote({ prices, price, takes }: Quote): Refusal | null {
  const checked = checkPrices(prices, "quote.prices");
  if (!checked.ok) return checked.refusal;
  if (price < 0n) return negativePrice("quote.price", price);
  if (Number.isSafeInteger(takes) && takes >= 0) return null;
  return refuse("E_QUOTE_TIME", "a quote tells how long the work takes", {
    path: "quote.takes",
    found: String(takes),
    expected: "whole microseconds, 0 or more",
    hint: "run the same version of weft in both domains",
  }).refusal;
}

/** The foreign manager has answered. */
export function answered(core: Core, now: Instant, peer: Peer, task: string, answer: Quote | Refusal): void {
  const { federation } = core;
  const { domain } = peer.options;
  const entry = core.tasks.task(task);
  if (federation === null || entry === undefined) return;
  if (federation.quotedFor(task, domain)?.state !== "asked") return;
  const { payAtMost, basic } = entry.row.submission.needs;
  let because: string | null = null;
  const unsound = isQuote(answer) ? objectionToQuote(answer) : answer;
  if (unsound !== null) because = `${unsound.code}: ${unsound.message}`;
  else if (!isQuote(answer)) return;
  else if (payAtMost !== null && answer.price > payAtMost) because = "it asks more than the task may pay";
  else if (basic.deadline !== null && answer.takes > basic.deadline) because = "it cannot meet the deadline";
  if (because === null && isQuote(answer)) {
    federation.keepQuote(task, { state: "quoted", domain, quote: answer, until: after(now, QUOTE_HOLDS) });
  } else refusedBy(core, now, federation, task, peer, because ?? "");
  observe(core, now, { kind: "room" });
}

function refusedBy(
  core: Core,
  now: Instant,
  federation: Federation,
  task: string,
  peer: Peer,
  because: string,
): void {
  const { domain } = peer.options;
  federation.keepQuote(task, { state: "refused", domain, because, until: after(now, REFUSAL_HOLDS) });
  note(core, now, task, "", `domain ${domain} does not take it: ${because}`);
}

/** Questions nobody answered, quotes nobody took up, refusals that may have changed. */
export function lapse(core: Core, now: Instant, federation: Federation): void {
  let changed = false;
  for (const key of federation.lapses.due(now)) {
    const [task, domain] = key.split("\n") as [string, Quoted["domain"]];
    const quoted = federation.quotedFor(task, domain);
    const peer = federation.peers.get(domain);
    federation.quotes.get(task)?.delete(domain);
    if (federation.quotes.get(task)?.size === 0) federation.quotes.delete(task);
    if (quoted?.state === "asked" && peer !== undefined) {
      refusedBy(core, now, federation, task, peer, "it did not answer");
    }
    changed = true;
  }
  if (changed) observe(core, now, { kind: "room" });
}

/** A launch for the one large node becomes a task for its manager, under our own mandate [P3]. */
export function forward(core: Core, launch: Launch): PeerMessage | null {
  const entry = core.tasks.task(launch.task);
  if (entry === undefined) return null;
  const { name, needs, order } = entry.row.submission;
  const { signer, fee } = core.options;
  const mandate = {
    id: launch.run,
    consumer: signer.publicKey,
    taskDigest: order.order.taskDigest,
    payAtMost: launch.contract.terms.ceiling,
    notAfter: order.order.notAfter,
  };
  const gateways = new Map(core.fleet.gateways(core.options.gateway).map(({ site, url }) => [site, url]));
  const segments = launch.segments.map((site) => hostOf(gateways.get(site) ?? ""));
  return {
    kind: "forward",
    forward: {
      launch,
      name,
      needs,
      order: signOrder(mandate, signer),
      commissionPpm: fee.commissionPpm,
      segments,
    },
  };
}

/** `host:port` of a gateway's URL. */
function hostOf(url: string): string {
  const [, scheme, host = ""] = /^(https?):\/\/([^/]*)/.exec(url) ?? [];
  return /:\d+$/.test(host) ? host : `${host}:${scheme === "https" ? 443 : 80}`;
}

/** What the provider of a run got for it by our books: what we owe for it. The entry is nearly always of this very step. */
export function owedFor(core: Core, run: RunEntry | undefined, node: NodeId): Money {
  if (run === undefined) return ZERO;
  const contract = run.contract.contract.terms.id;
  let transfers: readonly Transfer[] = core.out.flatMap((output) =>
    output.kind === "store" && output.change.kind === "transfer" ? [output.change.transfer] : [],
  );
  transfers = transfers.filter(({ reference }) => reference === contract);
  if (transfers.length === 0 && run.view.state === "finished") {
    transfers = core.books.transfersOf(node).filter(({ reference }) => reference === contract);
  }
  const postings = transfers.flatMap((transfer) => transfer.postings);
  return money(postings.reduce((sum, { account, amount }) => sum + (account === node ? amount : 0n), 0n));
}
