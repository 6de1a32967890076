import type { NodeId } from "@weft/infrastructure";
import type { Instant, Money } from "@weft/kernel";
import { type AccountId, expectedUsage, quote } from "@weft/market";
import type { Decision, Placed, PlaceOptions, TaskNeeds } from "@weft/scheduling";
import type { Core } from "./core.ts";
import { listOf, sells } from "./offers.ts";

type Selling = Pick<Core, "scheduler" | "offers" | "fleet" | "tasks">;

/** So many nodes in a row that are best but do not sell work of this length, and only those without conditions count. */
const MOST_UNSOLD = 16;

/** The best place among those on sale: open now and until the work is done, and for work of this length. */
export function placeOnSale(core: Selling, now: Instant, needs: TaskNeeds, options: PlaceOptions): Decision {
  const exclude = [...(options.excludeNodes ?? []), ...core.offers.closed];
  let decision = core.scheduler.place(needs, { ...options, excludeNodes: exclude });
  for (let i = 0; i < MOST_UNSOLD && decision.outcome === "placed"; i++) {
    if (sells(core, decision.node, decision.timeline.compute, now)) return decision;
    exclude.push(decision.node);
    decision = core.scheduler.place(needs, { ...options, excludeNodes: exclude });
  }
  if (decision.outcome === "refused") return decision;
  if (sells(core, decision.node, decision.timeline.compute, now)) return decision;
  return core.scheduler.place(needs, { ...options, excludeNodes: [...exclude, ...core.offers.nodes] });
}

/** What a placed task is expected to cost its consumer by the list in force; null when the node is gone. */
function priceOfPlaced(
  core: Selling,
  now: Instant,
  consumer: AccountId,
  needs: TaskNeeds,
  { node, rate, timeline, claim }: Placed,
): Money | null {
  const row = core.fleet.member(node)?.row;
  if (row === undefined) return null;
  const expected = expectedUsage({
    operations: (rate * timeline.compute) / 1e6,
    memoryBytes: claim.memory as never,
    storageBytes: needs.storage.capacity,
    movedBytes: needs.basic.inputBytes + needs.basic.resultBytes,
    reservedBps: claim.bandwidthIn + claim.bandwidthOut,
    lasting: timeline.compute,
  });
  return quote(listOf(core, row, consumer, now), needs.compute.type, expected);
}

/** One place where a task would fit now, and what it would cost there. */
export interface Quote {
  readonly placed: Placed;
  readonly price: Money;
}

/** What a task would cost on each node where it fits now, cheapest first; and the decision that found no further one. */
export function quotesFor(
  core: Selling,
  now: Instant,
  consumer: AccountId,
  needs: TaskNeeds,
  most: number,
): { readonly quotes: readonly Quote[]; readonly rest: Decision } {
  const quotes: Quote[] = [];
  const taken: NodeId[] = [];
  let decision = placeOnSale(core, now, needs, { explain: true });
  while (decision.outcome === "placed" && quotes.length < most) {
    const price = priceOfPlaced(core, now, consumer, needs, decision);
    if (price !== null) quotes.push({ placed: decision, price });
    taken.push(decision.node);
    decision = placeOnSale(core, now, needs, { explain: true, excludeNodes: taken });
  }
  quotes.sort((a, b) =>
    a.price < b.price ? -1 : a.price > b.price ? 1 : a.placed.node < b.placed.node ? -1 : 1,
  );
  return { quotes, rest: decision };
}
