import { type NodeId, nodeGrade } from "@weft/infrastructure";
import { type Instant, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { floorOf, openFor, reaches } from "@weft/market";
import { type Command, listOf, type Manager, quotesFor, reputation, seenOf } from "@weft/service";
import type { OfferConditions, OffersApi, OfferView } from "@weft/service-http";
import { decisionView, placementView } from "./views.ts";

type Core = Manager["core"];

/** Further places are no help to anybody who reads a list. */
const MOST_QUOTES = 64;

const absent = (found: string): { readonly ok: false; readonly refusal: Refusal } =>
  refuse("E_NOT_FOUND", "no such node", { found });

/** What a node sells at now, and on which conditions. */
export function offerView(core: Core, node: NodeId, now: Instant): OfferView | null {
  const member = core.fleet.member(node);
  if (member === undefined) return null;
  const { row, connection } = member;
  return {
    node: row.id,
    provider: row.provider,
    prices: listOf(core, row, null, now),
    tier: row.description.tier,
    runs: row.description.runs,
    accepting: connection !== null && seenOf(core, row.id)?.load?.accepting === true,
    region: row.description.site,
    grade: nodeGrade(row.description.power),
    reputation: reputation(core, row.provider, now),
    conditions: conditionsOf(core, node, now),
  };
}

function conditionsOf(core: Core, node: NodeId, now: Instant): OfferConditions | null {
  const offer = core.offers.of(node)?.offer;
  const row = core.fleet.member(node)?.row;
  if (offer === undefined || row === undefined) return null;
  const { pricing, reserve, discounts, windows, shortest, longest, validUntil } = offer;
  return {
    list: offer.prices ?? row.prices,
    pricing,
    heeded: row.floor != null && reaches(floorOf(offer, row.prices), row.floor),
    ppm: core.offers.ppm(node),
    reserve,
    discounts,
    windows,
    openFor: openFor(offer, now),
    shortest,
    longest,
    validUntil,
  };
}

export function offerViews(core: Core, now: Instant): OfferView[] {
  const views = [...core.fleet.members].flatMap(({ row }) => offerView(core, row.id, now) ?? []);
  return views.sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** Offers over a live core. */
export function liveOffers(
  core: () => Core,
  clock: () => Instant,
  command: (command: Command) => Promise<Result<string>>,
): OffersApi {
  const shown = (answer: Result<string>): Result<OfferView> => {
    if (!answer.ok) return answer;
    const view = offerView(core(), answer.value as NodeId, clock());
    return view === null ? absent(answer.value) : ok(view);
  };
  return {
    set: async (caller, signed) => shown(await command({ kind: "set-offer", caller, signed })),
    remove: async (caller, node) => shown(await command({ kind: "remove-offer", caller, node })),
    quotes: (caller, { needs }) => {
      const now = clock();
      const { quotes, rest } = quotesFor(core(), now, caller.account, needs, MOST_QUOTES);
      return ok({
        at: now,
        quotes: quotes.map(({ placed, price }) => ({
          placement: { ...placementView(placed, needs.payAtMost), price },
          reputation: reputation(core(), core().fleet.member(placed.node)?.row.provider ?? "", now),
        })),
        rest: decisionView(now, rest, needs.payAtMost),
      });
    },
  };
}
