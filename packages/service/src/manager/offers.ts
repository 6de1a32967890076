import { type NodeId, nodeGrade } from "@weft/infrastructure";
import { after, DAY, formatTime, type Instant, type Micros, type Money, NEVER, SECOND } from "@weft/kernel";
import {
  type AccountId,
  atLeast,
  discounted,
  NO_REPUTATION,
  openFor,
  type PriceList,
  type Pricing,
  pricingOf,
  type ReputationPolicy,
  type ReputationState,
  remember,
  reputationOf,
  type SignedOffer,
  type StandingOffer,
  scalePrices,
} from "@weft/market";
import type { TaskNeeds } from "@weft/scheduling";
import type { NodeRow, StoreState } from "../store.ts";
import { type Core, send } from "./core.ts";
import { priceColumns } from "./prices.ts";

/*
 * What providers said of their prices, in force: the list of every node as it is now, which the scheduler ranks by and
 * contracts are made at. A node never sells below the floor it announced itself, whatever is set here, so an offer that
 * lowers a price takes effect once the node has seen its owner's signature under it.
 */

/** Where they are kept. */
export const OFFERS = "offer";
/** How often moving prices are looked at, and opening hours. */
const STEP = (10 * SECOND) as Micros;
const LIST_PPM = 1_000_000;
/** A move of this share is worth telling. */
const WORTH_TELLING = 0.01;
const REPUTATION: ReputationPolicy = { memory: (7 * DAY) as Micros, priorWeight: 4, priorScore: 0.8 };

interface Standing {
  readonly signed: SignedOffer;
  readonly pricing: Pricing;
  ppm: number;
  /** The multiplier that was last told. */
  told: number;
  open: boolean;
}

/** What contracts so far say of a provider. */
interface Record {
  readonly at: Instant;
  readonly reputation: ReadonlyMap<AccountId, ReputationState>;
  /** Charged so far, by consumer and provider. */
  readonly volume: ReadonlyMap<string, bigint>;
}

export class Offers {
  readonly #standing = new Map<string, Standing>();
  #closed: readonly NodeId[] = [];
  #wakeAt: Instant = NEVER;
  #record: Record | null = null;

  constructor(state: StoreState) {
    for (const row of state.documents) {
      if (row.collection === OFFERS) this.keep(row.body as SignedOffer, row.at);
    }
    if (this.#standing.size > 0) this.#wakeAt = 0 as Instant;
  }

  get wakeAt(): Instant {
    return this.#wakeAt;
  }

  /** Nodes that sell nothing now. */
  get closed(): readonly NodeId[] {
    return this.#closed;
  }

  /** Nodes whose provider said anything of them. */
  get nodes(): readonly NodeId[] {
    return [...this.#standing.keys()] as NodeId[];
  }

  of(node: string): SignedOffer | null {
    return this.#standing.get(node)?.signed ?? null;
  }

  /** Millionths of the list at which a node sells now. */
  ppm(node: string): number {
    return this.#standing.get(node)?.ppm ?? LIST_PPM;
  }

  keep(signed: SignedOffer, now: Instant): void {
    const pricing = pricingOf(signed.offer.pricing);
    const known = signed.offer.pricing.kind === "time-of-use";
    const ppm = known ? pricing.ppm({ at: now, utilisation: 0 }) : LIST_PPM;
    this.#standing.set(signed.offer.node, { signed, pricing, ppm, told: ppm, open: true });
    this.#look(now);
  }

  forget(node: string, now: Instant): void {
    this.#standing.delete(node);
    this.#look(now);
  }

  /** Moves every price that moves and opens or closes what has hours; gives the nodes where something changed. */
  step(now: Instant, utilisation: (node: string) => number): readonly string[] {
    const changed: string[] = [];
    for (const [node, standing] of this.#standing) {
      const before = standing.ppm;
      const open = standing.open;
      standing.ppm = standing.pricing.ppm({ at: now, utilisation: utilisation(node) });
      standing.open = isOpen(standing.signed.offer, now);
      if (standing.ppm !== before || standing.open !== open) changed.push(node);
    }
    this.#look(now);
    return changed;
  }

  /** Whether a price has moved enough since it was last told; counts it as told. */
  worthTelling(node: string): boolean {
    const standing = this.#standing.get(node);
    if (standing === undefined) return false;
    const moved = Math.abs(standing.ppm - standing.told) >= WORTH_TELLING * standing.told;
    if (moved) standing.told = standing.ppm;
    return moved;
  }

  #look(now: Instant): void {
    const offers = [...this.#standing.values()];
    for (const standing of offers) standing.open = isOpen(standing.signed.offer, now);
    this.#closed = offers.flatMap(({ open, signed }) => (open ? [] : [signed.offer.node as NodeId]));
    const moving = offers.some(
      ({ signed: { offer } }) =>
        offer.pricing.kind !== "posted" || offer.windows.length > 0 || offer.validUntil !== null,
    );
    this.#wakeAt = moving ? after(now, STEP) : NEVER;
  }

  record(core: Pick<Core, "tasks">, now: Instant): Record {
    if (this.#record === null || now >= after(this.#record.at, STEP)) this.#record = recordOf(core, now);
    return this.#record;
  }
}

/** An offer past its end sells nothing: its owner said until when, and may set another. */
const isOpen = (offer: StandingOffer, now: Instant): boolean => openFor(offer, now) > 0;

function recordOf(core: Pick<Core, "tasks">, now: Instant): Record {
  const reputation = new Map<AccountId, ReputationState>();
  const volume = new Map<string, bigint>();
  for (const entry of core.tasks.all) {
    for (const { contract: row } of entry.runs) {
      const { consumer, provider } = row.contract.terms;
      if (row.closedAt === null) continue;
      // A task that its consumer cancelled, or whose program failed, says nothing of the node.
      if (row.charged !== null || row.state === "breached") {
        const outcome = row.charged === null ? "bad" : "good";
        const before = reputation.get(provider.account) ?? NO_REPUTATION;
        reputation.set(provider.account, remember(before, row.closedAt, outcome, 1, REPUTATION));
      }
      const pair = `${consumer.account}\u0000${provider.account}`;
      if (row.charged !== null) volume.set(pair, (volume.get(pair) ?? 0n) + row.charged);
    }
  }
  return { at: now, reputation, volume };
}

type Priced = Pick<Core, "offers" | "tasks">;

/** Share of a provider's contracts that it kept, lately: from 0 to 1, 0.8 for a stranger. */
export function reputation(core: Priced, provider: AccountId, now: Instant): number {
  const state = core.offers.record(core, now).reputation.get(provider) ?? NO_REPUTATION;
  return reputationOf(state, now, REPUTATION);
}

/** The price list at which a node sells now; to one consumer where it gives discounts for volume. */
export function listOf(core: Priced, row: NodeRow, consumer: AccountId | null, now: Instant): PriceList {
  const offer = core.offers.of(row.id)?.offer;
  if (offer === undefined) return row.prices;
  const pair = `${consumer}\u0000${row.provider}`;
  const byVolume = consumer !== null && offer.discounts.some(({ fromVolume }) => fromVolume > 0n);
  const volume = byVolume ? (core.offers.record(core, now).volume.get(pair) ?? 0n) : 0n;
  const buyer = { grade: nodeGrade(row.description.power), volume: volume as Money };
  const moved = scalePrices(offer.prices ?? row.prices, core.offers.ppm(row.id));
  const asked = discounted(moved, offer.discounts, buyer);
  const reserved = offer.reserve === null ? asked : atLeast(asked, offer.reserve);
  return atLeast(reserved, row.floor ?? row.prices);
}

/** Why a node does not sell work of this length now; null: it does. */
export function unsold(
  core: Pick<Core, "offers">,
  node: NodeId,
  lasting: Micros,
  now: Instant,
): { readonly because: string; readonly fix: string } | null {
  const offer = core.offers.of(node)?.offer;
  if (offer === undefined) return null;
  const open = openFor(offer, now);
  if (open <= 0) return { because: "closed now", fix: "the hours of its offer" };
  if (lasting < offer.shortest) {
    const least = formatTime(offer.shortest);
    return { because: `sells no less than ${least}`, fix: `work of at least ${least}` };
  }
  const most = offer.longest !== null && offer.longest < open ? offer.longest : open;
  if (lasting <= most) return null;
  const length = formatTime(most as Micros);
  return { because: `sells no more than ${length} now`, fix: `work of at most ${length}` };
}

/** Needs that rule out the nodes whose offers are closed now. */
export const onSale = (core: Pick<Core, "offers">, needs: TaskNeeds): TaskNeeds =>
  core.offers.closed.length === 0
    ? needs
    : { ...needs, where: { ...needs.where, avoid: [...needs.where.avoid, ...core.offers.closed] } };

/** Brings a node's present prices into the pool. */
export function priceNode(core: Core, row: NodeRow, now: Instant): void {
  core.pool.setPrices(row.id, priceColumns(listOf(core, row, null, now)));
}

/** Sends a node what its provider set, for it to heed or not. */
export function tellOffer(core: Core, node: NodeId): void {
  const offer = core.offers.of(node);
  if (offer !== null) send(core, core.fleet.member(node)?.connection ?? null, { kind: "offer", offer });
}
