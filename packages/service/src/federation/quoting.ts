import type { NodeId } from "@weft/infrastructure";
import { type Instant, money, type Refusal, refuse } from "@weft/kernel";
import type { PriceList } from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import { objection } from "../agent/objection.ts";
import type { Core } from "../manager/core.ts";
import { listOf } from "../manager/offers.ts";
import { placeOnSale } from "../manager/selling.ts";
import type { Federation, Peer } from "./federation.ts";
import { type Ask, type Forward, foreignName, type Quote } from "./messages.ts";
import { grossed, marked, onOffer, within } from "./offering.ts";

/*
 * Whether a task of another domain may run here, on which nodes, and for how much.
 */

const PEER_POLICY = {
  path: "peers",
  hint: "its operator lets it with take in the peer's entry of the manager's configuration",
};

/** A foreign task's needs as they stand here: its data at our border, and nowhere further on. */
export function needsHere(core: Core, needs: TaskNeeds): TaskNeeds {
  const { site, domain } = core.options;
  return {
    ...needs,
    basic: { ...needs.basic, dataAt: site, mayLeaveTo: null },
    where: { ...needs.where, domain, avoid: [] },
    payAtMost: null,
  };
}

/** Nodes that may not run a task of another domain: not on offer, or dearer than what was quoted [P4]. */
export function barredHere(
  core: Core,
  now: Instant,
  federation: Federation,
  domain: string,
  prices: PriceList | null,
  ppm: number,
): NodeId[] {
  const { offer } = federation.options;
  const barred: NodeId[] = [];
  for (const { row } of core.fleet.members) {
    if (federation.peerAt(row.id) !== undefined || !onOffer(row.description, offer)) barred.push(row.id);
    else if (prices !== null) {
      const asked = grossed(marked(listOf(core, row, foreignName(domain as never), now), offer), ppm);
      if (!within(asked, prices)) barred.push(row.id);
    }
  }
  return barred;
}

/** What a task of another domain would cost here, and how long it would take. */
export function quoteFor(
  core: Core,
  now: Instant,
  federation: Federation,
  peer: Peer,
  ask: Ask,
): Quote | Refusal {
  if (!peer.options.take)
    return refuse("E_PEER_POLICY", "this domain takes none of your tasks", PEER_POLICY).refusal;
  const needs = needsHere(core, ask.needs);
  const decision = placeOnSale(core, now, needs, {
    excludeNodes: barredHere(core, now, federation, peer.options.domain, null, ask.commissionPpm),
    explain: false,
  });
  if (decision.outcome === "refused") return decision.refusal;
  const row = core.fleet.member(decision.node)?.row;
  if (row === undefined) return refuse("no_capacity", "the node has just left").refusal;
  const list = listOf(core, row, peer.node, now);
  const prices = grossed(marked(list, federation.options.offer), ask.commissionPpm);
  const ratio =
    Number(prices.petaOperation[needs.compute.type]) /
    Math.max(1, Number(list.petaOperation[needs.compute.type]));
  const price = money(BigInt(Math.ceil(Number(decision.charge) * Math.max(1, ratio))));
  return { prices, price, takes: decision.timeline.total };
}

/** Why we do not take a forwarded run; null where nothing speaks against it. */
export function objectionTo(
  core: Core,
  now: Instant,
  federation: Federation,
  peer: Peer,
  { launch, commissionPpm, order }: Forward,
): Refusal | null {
  const { terms } = launch.contract;
  const { cryptography, signer, domain } = core.options;
  if (!peer.options.take)
    return refuse("E_PEER_POLICY", "this domain takes none of your tasks", PEER_POLICY).refusal;
  if (terms.manager.key !== peer.options.key || order.order.consumer !== peer.options.key) {
    return refuse("E_CONTRACT_PARTY", "the contract is another manager's", {
      path: "manager",
      found: terms.manager.key,
      expected: peer.options.key,
    }).refusal;
  }
  if (order.order.id !== launch.run || order.order.taskDigest !== cryptography.digest(launch.manifest)) {
    return refuse("E_ORDER_TASK", "the mandate is for another task", {
      path: "order",
      found: `${order.order.id} for ${order.order.taskDigest}`,
      expected: `${launch.run} for ${cryptography.digest(launch.manifest)}`,
    }).refusal;
  }
  if (terms.currency !== core.options.currency) {
    return refuse("E_CURRENCY", "the domains keep their books in different currencies", {
      found: terms.currency,
      path: "currency",
      expected: core.options.currency,
      hint: "domains that trade keep their books in one currency",
    }).refusal;
  }
  const barred = new Set(barredHere(core, now, federation, peer.options.domain, terms.prices, commissionPpm));
  if (![...core.fleet.members].some(({ row, connection }) => connection !== null && !barred.has(row.id))) {
    return refuse("price_changed", "no node here works for the contract's prices", {
      path: "prices",
      hint: "ask for a new quote: prices move",
    }).refusal;
  }
  const whole = { id: foreignName(domain), runs: ["wasm", "model", "process"] } as unknown as Parameters<
    typeof objection
  >[1];
  return objection(launch, whole, terms.prices, signer.publicKey, now, cryptography);
}
