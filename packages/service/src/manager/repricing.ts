import type { NodeId } from "@weft/infrastructure";
import { formatInstant, type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { checkSignedOffer, type SignedOffer } from "@weft/market";
import type { Caller } from "../resources.ts";
import type { NodeRow } from "../store.ts";
import { type Core, send, store, tell } from "./core.ts";
import { observe } from "./observing.ts";
import { OFFERS, priceNode } from "./offers.ts";

/*
 * Prices that change: an owner said so, or time or demand moved them on. Whoever waits is tried again at the new ones.
 */

export type OffersCommand =
  | { readonly kind: "set-offer"; readonly caller: Caller; readonly signed: SignedOffer }
  | { readonly kind: "remove-offer"; readonly caller: Caller; readonly node: string };

/** No demand counts as more than twice what there is: one rush must not set the price of a day. */
const MOST_UTILISATION = 2;

/** Moving prices move on, opening hours open and close. */
export function reprice(core: Core, now: Instant): void {
  const waiting = waitingShare(core);
  const changed = core.offers.step(now, (node) => utilisation(core, node as NodeId, waiting));
  for (const node of changed) {
    const row = core.fleet.member(node as NodeId)?.row;
    if (row === undefined) continue;
    priceNode(core, row, now);
    if (core.offers.worthTelling(node)) tell(core, now, "repriced", "node", node);
  }
  if (changed.length > 0) observe(core, now, { kind: "room" });
}

/** Tasks that wait for a place, over those that have one. */
function waitingShare(core: Core): number {
  let waiting = 0;
  let placed = 0;
  for (const { row } of core.tasks.all) {
    if (row.progress.phase === "pending") waiting++;
    else if (row.progress.phase === "launched" || row.progress.phase === "running") placed++;
  }
  return waiting / Math.max(1, placed);
}

/** Demand over what the node offers: what is reserved of its scarcest type, and as much more as waits. */
function utilisation(core: Core, node: NodeId, waiting: number): number {
  const { nodes } = core.pool;
  const index = nodes.slots.find(node);
  const power = core.fleet.member(node)?.row.description.power;
  if (index < 0 || power === undefined) return 0;
  const share = (type: number, rate: number): number =>
    rate > 0 ? (nodes.reserved[type]?.[index] ?? 0) / rate : 0;
  const used = Math.max(share(0, power.logical), share(1, power.parallel), share(2, power.neural));
  return Math.min(MOST_UTILISATION, used * (1 + waiting));
}

const notFound = (node: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", "no such node of yours", { found: node, hint: "weft get nodes lists them" });

function ownNode(core: Core, caller: Caller, node: string): NodeRow | null {
  const row = core.fleet.member(node as NodeId)?.row;
  return row !== undefined && (caller.role === "manager" || row.provider === caller.account) ? row : null;
}

/** Carries a command about offers out; the answer is the node. */
export function offersCommand(core: Core, now: Instant, asked: OffersCommand): Result<string> {
  const node = asked.kind === "set-offer" ? asked.signed.offer.node : asked.node;
  const row = ownNode(core, asked.caller, node);
  if (row === null) return notFound(node);
  if (asked.kind === "set-offer") {
    const refusal = objectionTo(core, now, row, asked.signed);
    if (refusal !== null) return { ok: false, refusal };
    core.offers.keep(asked.signed, now);
    store(core, [
      { kind: "put-document", row: { collection: OFFERS, id: node, body: asked.signed, at: now } },
    ]);
  } else {
    if (core.offers.of(node) === null) return ok(node);
    core.offers.forget(node, now);
    store(core, [{ kind: "remove-document", collection: OFFERS, id: node }]);
  }
  priceNode(core, row, now);
  send(core, core.fleet.member(row.id)?.connection ?? null, { kind: "offer", offer: core.offers.of(node) });
  tell(core, now, "repriced", "node", node);
  observe(core, now, { kind: "room" });
  return ok(node);
}

function objectionTo(core: Core, now: Instant, row: NodeRow, signed: SignedOffer): Refusal | null {
  const sound = checkSignedOffer(signed, core.options.cryptography);
  if (!sound.ok) return sound.refusal;
  if (core.keys.get(signed.key)?.account !== row.provider) {
    return refuse("E_KEY_UNKNOWN", "the offer's key does not speak for the node's provider", {
      path: "key",
      found: signed.key,
      hint: "let it: weft key add",
    }).refusal;
  }
  const before = core.offers.of(row.id)?.offer;
  if (before !== undefined && signed.offer.at < before.at) {
    return refuse("E_OFFER_OLD", "a later offer of this node is in force", {
      path: "offer.at",
      hint: "compare your clock with the manager's, and set the offer again",
    }).refusal;
  }
  if (signed.offer.validUntil !== null && signed.offer.validUntil <= now) {
    return refuse("E_OFFER_ENDED", "the offer has ended already", {
      path: "offer.validUntil",
      expected: `later than ${formatInstant(now)}`,
      hint: "name a later moment, or none",
    }).refusal;
  }
  return null;
}
