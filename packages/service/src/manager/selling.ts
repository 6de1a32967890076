import type { NodeId } from "@weft/infrastructure";
import type { Instant, Micros, Money } from "@weft/kernel";
import { type AccountId, expectedUsage, quote } from "@weft/market";
import type { Decision, Explanation, Placed, PlaceOptions, RuledOut, TaskNeeds } from "@weft/scheduling";
import type { Core } from "./core.ts";
import { listOf, unsold } from "./offers.ts";

type Selling = Pick<Core, "scheduler" | "offers" | "fleet" | "tasks">;

/** So many nodes in a row that are best but do not sell work of this length, and only those without conditions count. */
const MOST_UNSOLD = 16;

/** The best place among those on sale: open now and until the work is done, and for work of this length. */
export function placeOnSale(core: Selling, now: Instant, needs: TaskNeeds, options: PlaceOptions): Decision {
  const others = options.excludeNodes ?? [];
  const left = new Map<NodeId, Unsold>();
  for (const node of core.offers.closed) leave(node, 0 as Micros);
  let decision = place();
  for (let i = 0; i < MOST_UNSOLD && decision.outcome === "placed"; i++) {
    if (!leave(decision.node, decision.timeline.compute)) return explained();
    decision = place();
  }
  if (decision.outcome === "placed" && unsold(core, decision.node, decision.timeline.compute, now) !== null) {
    for (const node of core.offers.nodes) if (!left.has(node)) left.set(node, CONDITIONS);
    decision = place();
  }
  return explained();

  function leave(node: NodeId, lasting: Micros): boolean {
    const why = unsold(core, node, lasting, now);
    if (why !== null) left.set(node, why);
    return why !== null;
  }
  function place(): Decision {
    return core.scheduler.place(needs, { ...options, excludeNodes: [...others, ...left.keys()] });
  }
  function explained(): Decision {
    const { explanation } = decision;
    if (explanation === null || left.size === 0) return decision;
    const named = new Set([...needs.where.avoid, ...others]);
    const unsoldNodes = new Map([...left].filter(([node]) => !named.has(node) && core.fleet.member(node)));
    return { ...decision, explanation: withOffers(explanation, unsoldNodes) };
  }
}

type Unsold = NonNullable<ReturnType<typeof unsold>>;
/** Of nodes passed over without being asked one by one. */
const CONDITIONS: Unsold = { because: "sells under conditions", fix: "an offer without conditions" };
const MOST_EXAMPLES = 3;

/** Says of nodes that the scheduler was told to leave out because they do not sell that this is why. */
function withOffers(explanation: Explanation, left: ReadonlyMap<string, Unsold>): Explanation {
  const avoided = explanation.ruledOut.find(({ constraint }) => constraint === "avoided");
  if (avoided === undefined || left.size === 0) return explanation;
  const offer: RuledOut = {
    constraint: "offer",
    asked: "on sale now, for work of this length",
    nodes: left.size,
    paths: 0,
    examples: [...left].slice(0, MOST_EXAMPLES).map(([name, { because }]) => ({ name, offers: because })),
  };
  const named: RuledOut = {
    ...avoided,
    nodes: avoided.nodes - left.size,
    examples: avoided.examples.filter(({ name }) => !left.has(name)),
  };
  const { nearestMiss } = explanation;
  const fix = nearestMiss === null ? undefined : left.get(nearestMiss.node)?.fix;
  return {
    ...explanation,
    ruledOut: explanation.ruledOut.flatMap((rule) =>
      rule !== avoided ? [rule] : named.nodes > 0 ? [named, offer] : [offer],
    ),
    nearestMiss:
      nearestMiss === null || fix === undefined
        ? nearestMiss
        : {
            ...nearestMiss,
            misses: nearestMiss.misses.map((miss) =>
              miss.constraint === "avoided" ? { ...miss, constraint: "offer", fixes: [fix] } : miss,
            ),
          },
  };
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
