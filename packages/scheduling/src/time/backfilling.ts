import type { NodeId } from "@weft/infrastructure";
import { type Bytes, type BytesPerSecond, type Instant, NEVER, type OperationsPerSecond } from "@weft/kernel";
import { type Claim, type ClaimByName, KNOWN, type Pool, type ReservationId } from "@weft/pool";
import { type Offer, Offers } from "../batch/offers.ts";
import type { TaskNeeds } from "../task.ts";

/*
 * Backfilling with a place kept for the task in front (EASY: Lifka 1995; Mu'alem and Feitelson 2001): of all that wait, one
 * is promised where and when it can begin; others may go before it wherever that does not put the moment off.
 *
 *   B1  At the moment promised the place is free, if all that stands leaves when it is expected to and everything begun
 *       since was held against `leavesPlace`.
 *   B2  Of the nodes weighed none is free sooner.
 */

/** Something that stands on the pool, and when it is expected to be gone. */
export interface Leaving {
  readonly reservation: ReservationId;
  readonly until: Instant;
}

/** All that stands on a pool: what leaves, as a whole and by node, and what stays. */
export interface Occupancy {
  all(): Iterable<Leaving>;
  on(node: NodeId): Iterable<Leaving>;
  readonly staying: Iterable<ReservationId>;
}

/** The least that a task needs to begin, where and from when on. */
export interface KeptPlace {
  readonly claim: ClaimByName;
  readonly at: Instant;
}

/** The best nodes for a task; the soonest of so many is taken. */
const NODES_WEIGHED = 64;

/**
 * Where and when a task that nothing has room for can begin first, as what stands there leaves; null where it could not even
 * if all that leaves were gone. The place is of the least computing power that the task would be given by halves, and of the
 * bandwidth it states. Of those free at once the best for the task is taken. Costs one copy of the pool's columns, a look at
 * every node, and what stands on the nodes weighed; for tasks that state a bandwidth, want devices, or run where their
 * instances are limited, another copy and all that stands. Changes nothing.
 */
export function keepPlace(pool: Pool, needs: TaskNeeds, standing: Occupancy, now: Instant): KeptPlace | null {
  const offers = new Offers(pool.vacated(standing.staying));
  const places = offers.of(needs, NODES_WEIGHED).map((offer) => placeOn(pool, offers, needs, offer));
  return soonest(pool, places, standing, now);
}

/** When a place is free, as what stands leaves; null: not even then. */
export function freeAt(pool: Pool, place: ClaimByName, standing: Occupancy, now: Instant): Instant | null {
  return soonest(pool, [place], standing, now)?.at ?? null;
}

/** The least a task would begin with on a node of a pool, over its best path there. */
function placeOn(
  pool: Pool,
  offers: Offers,
  needs: TaskNeeds,
  { node, levels, leastRate }: Offer,
): ClaimByName {
  const { storage, algorithm } = needs;
  return {
    node: pool.nodes.slots.idOf(node),
    type: needs.compute.type,
    rate: Math.ceil(Math.max(leastRate, levels.at(-1)?.rate ?? 0)) as OperationsPerSecond,
    memory: Math.ceil(algorithm.space) as Bytes,
    storage: Math.ceil(storage.capacity) as Bytes,
    throughput: Math.ceil(storage.throughput) as BytesPerSecond,
    accelerator: needs.compute.accelerator,
    service: algorithm.function,
    path: offers.pathTo(node),
    bandwidthIn: needs.network.bandwidth,
    bandwidthOut: needs.network.bandwidth,
  };
}

/** The first of some places to be free, the first named of those free together. */
function soonest(
  pool: Pool,
  places: readonly ClaimByName[],
  standing: Occupancy,
  now: Instant,
): KeptPlace | null {
  const claims = places.map((place) => {
    const claim = pool.claim(place);
    return claim.ok ? claim.value : null;
  });
  const plain = claims.every((claim) => claim === null || isPlain(pool, claim));
  const moments = plain
    ? momentsByNode(pool, claims, places, standing, now)
    : momentsOnDraft(pool, claims, standing, now);
  let first = -1;
  for (let i = 0; i < places.length; i++) {
    if (moments[i]! < (first < 0 ? NEVER : moments[first]!)) first = i;
  }
  return first < 0 ? null : { claim: places[first]!, at: moments[first]! };
}

/** Whether what a claim takes is sums on its node alone. */
const isPlain = ({ nodes }: Pool, { node, deviceKind, service, bandwidthIn, bandwidthOut }: Claim): boolean =>
  deviceKind < 0 &&
  bandwidthIn + bandwidthOut === 0 &&
  (service === null || nodes.services[node]?.has(service) !== true);

/** By place, when it is free; NEVER: not at all, or no sooner than one named before. */
function momentsByNode(
  pool: Pool,
  claims: readonly (Claim | null)[],
  places: readonly ClaimByName[],
  standing: Occupancy,
  now: Instant,
): Instant[] {
  let soonest = NEVER;
  return claims.map((claim, i) => {
    if (claim === null || soonest === now || !everHolds(pool, claim)) return NEVER;
    const moment = momentOnNode(pool, claim, standing.on(places[i]!.node), now, soonest);
    if (moment < soonest) soonest = moment;
    return moment;
  });
}

/** When a place is free on its node; NEVER where not before `by`. */
function momentOnNode(
  pool: Pool,
  claim: Claim,
  standing: Iterable<Leaving>,
  now: Instant,
  by: Instant,
): Instant {
  const rest = new Rest(pool, claim);
  if (rest.holds) return now;
  const leaving = inOrder([...standing].filter(({ until }) => until < by));
  for (const { reservation, until } of leaving) {
    const left = pool.reservation(reservation);
    if (left === undefined) continue;
    rest.add(left, 1);
    if (rest.holds) return Math.max(now, until) as Instant;
  }
  return NEVER;
}

/** The same for places of whatever kind, by trying: on a copy that all that stands leaves in turn. */
function momentsOnDraft(
  pool: Pool,
  claims: readonly (Claim | null)[],
  standing: Occupancy,
  now: Instant,
): Instant[] {
  const draft = pool.snapshot();
  const moments = claims.map((claim) => (claim !== null && holds(draft, claim) ? now : NEVER));
  if (moments.includes(now)) return moments;
  for (const { reservation, until } of inOrder(standing.all())) {
    const left = draft.reservation(reservation);
    if (left === undefined) continue;
    draft.release(reservation);
    const at = Math.max(now, until) as Instant;
    claims.forEach((claim, i) => {
      const touched = claim !== null && (claim.node === left.node || claim.bandwidthIn > 0);
      if (touched && at < moments[i]! && holds(draft, claim)) moments[i] = at;
    });
    if (moments.some((moment) => moment < at)) break;
  }
  return moments;
}

const inOrder = (leaving: Iterable<Leaving>): readonly Leaving[] =>
  [...leaving].sort((a, b) => a.until - b.until);

/** Whether nothing but room is in the way of a claim. */
function everHolds(pool: Pool, claim: Claim): boolean {
  const nothing = { rate: 0, memory: 0, storage: 0, throughput: 0 };
  return holds(pool, { ...claim, ...nothing });
}

/** What is left of a node beyond what a claim wants there of each resource; what it wants nothing of is never short. */
class Rest {
  readonly #claim: Claim;
  #rate: number;
  #memory: number;
  #storage: number;
  #throughput: number;

  constructor({ nodes }: Pool, claim: Claim) {
    const n = claim.node;
    this.#claim = claim;
    this.#rate = nodes.free[claim.type as 0 | 1 | 2]![n]! - claim.rate;
    this.#memory = nodes.freeMemory[n]! - claim.memory;
    this.#storage = nodes.freeStorage[n]! - claim.storage;
    this.#throughput = nodes.freeThroughput[n]! - claim.throughput;
  }

  /** Something else leaves the node, or (`sign` -1) comes to it. */
  add(other: Claim, sign: 1 | -1): void {
    if (other.type === this.#claim.type) this.#rate += sign * other.rate;
    this.#memory += sign * other.memory;
    this.#storage += sign * other.storage;
    this.#throughput += sign * other.throughput;
  }

  get holds(): boolean {
    const { rate, memory, storage, throughput } = this.#claim;
    return (
      (rate === 0 || this.#rate >= 0) &&
      (memory === 0 || this.#memory >= 0) &&
      (storage === 0 || this.#storage >= 0) &&
      (throughput === 0 || this.#throughput >= 0)
    );
  }
}

const holds = (pool: Pool, claim: Claim): boolean => pool.check({ ...claim, basedOn: pool.version }) === null;

/**
 * Whether something that would begin now and be gone at `until` leaves a place free for its moment: it is gone by then,
 * takes nothing of it, or fits beside it once what stands has left. `leaving`: what stands and is expected to have left by then.
 * Single devices and limits on instances are not weighed against each other: there nothing fits beside.
 */
export function leavesPlace(
  pool: Pool,
  { claim: place, at }: KeptPlace,
  leaving: Iterable<Leaving>,
  claim: Claim,
  until: Instant,
): boolean {
  if (until <= at) return true;
  const found = pool.claim(place);
  if (!found.ok) return true;
  const kept = found.value;
  const links = sharedLinks(kept, claim);
  if (kept.node !== claim.node && links.length === 0) return true;
  if (kept.node === claim.node && sharesUnits(pool, kept, claim)) return false;
  const left: Claim[] = [];
  for (const one of leaving) {
    const standing = one.until <= at ? pool.reservation(one.reservation) : undefined;
    if (standing !== undefined) left.push(standing);
  }
  return (
    (kept.node !== claim.node || fitsOnNode(pool, kept, claim, left)) &&
    links.every((link) => fitsOnLink(pool, link, kept, claim, left))
  );
}

const sharesUnits = (pool: Pool, kept: Claim, claim: Claim): boolean =>
  (kept.deviceKind >= 0 && kept.deviceKind === claim.deviceKind) ||
  (kept.service !== null &&
    kept.service === claim.service &&
    pool.nodes.services[kept.node]?.has(kept.service) === true);

function fitsOnNode(pool: Pool, kept: Claim, claim: Claim | null, left: readonly Claim[]): boolean {
  const rest = new Rest(pool, kept);
  for (const one of left) if (one.node === kept.node) rest.add(one, 1);
  if (claim !== null) rest.add(claim, -1);
  return rest.holds;
}

function sharedLinks(kept: Claim, claim: Claim): readonly number[] {
  if (kept.bandwidthIn + kept.bandwidthOut === 0 || claim.bandwidthIn + claim.bandwidthOut === 0) return [];
  const own = new Set([...claim.linksIn, ...claim.linksOut]);
  return [...kept.linksIn, ...kept.linksOut].filter((link) => own.has(link));
}

/** What a claim takes of one link. */
const bandwidthOn = (link: number, claim: Claim): number =>
  (claim.linksIn.includes(link) ? claim.bandwidthIn : 0) +
  (claim.linksOut.includes(link) ? claim.bandwidthOut : 0);

function fitsOnLink(
  { links }: Pool,
  link: number,
  kept: Claim,
  claim: Claim,
  left: readonly Claim[],
): boolean {
  if (((links.known[link] as number) & KNOWN.capacity) === 0) return true;
  let room = links.residual[link] as number;
  for (const one of left) room += bandwidthOn(link, one);
  return room - bandwidthOn(link, claim) >= bandwidthOn(link, kept);
}

/** Whether a place would be free on its node if these reservations, too, were given up; devices and links left out. */
export function fitsWithout(pool: Pool, place: ClaimByName, gone: Iterable<ReservationId>): boolean {
  const kept = pool.claim(place);
  if (!kept.ok) return false;
  const left = [...gone].flatMap((id) => pool.reservation(id) ?? []);
  return fitsOnNode(pool, kept.value, null, left);
}
