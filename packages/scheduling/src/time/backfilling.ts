import type { Bytes, BytesPerSecond, Instant, OperationsPerSecond } from "@weft/kernel";
import { type Claim, type ClaimByName, KNOWN, type Pool, type ReservationId } from "@weft/pool";
import { type Offer, Offers } from "../batch/offers.ts";
import { Scheduler } from "../scheduler.ts";
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

/** The least that a task needs to begin, where and from when on. */
export interface KeptPlace {
  readonly claim: ClaimByName;
  readonly at: Instant;
}

/** The best nodes for a task; the soonest of so many is taken. */
const NODES_WEIGHED = 64;

/**
 * Where and when a task that nothing has room for can begin first, as what stands there leaves; null where it could not even
 * if nothing of `leaving` stood. The place is of the least computing power that the task would be given by halves, and of the
 * bandwidth it states. Two copies of the pool, one look at every node. Changes nothing.
 */
export function keepPlace(
  pool: Pool,
  needs: TaskNeeds,
  leaving: readonly Leaving[],
  now: Instant,
): KeptPlace | null {
  const emptied = pool.snapshot();
  for (const { reservation } of leaving) emptied.release(reservation);
  const offers = new Offers(emptied).of(needs, NODES_WEIGHED);
  const scheduler = new Scheduler(emptied);
  const places = offers.flatMap((offer) => placeOn(emptied, scheduler, needs, offer) ?? []);
  const free = firstFree(pool.snapshot(), places, leaving, now);
  return free === null ? null : { claim: places[free.place]!, at: free.at };
}

/** When a place is free, as what stands leaves; null: not even then. */
export function freeAt(
  pool: Pool,
  place: ClaimByName,
  leaving: readonly Leaving[],
  now: Instant,
): Instant | null {
  return firstFree(pool.snapshot(), [place], leaving, now)?.at ?? null;
}

/** The least a task would begin with on a node of a pool, over its best path there. */
function placeOn(
  pool: Pool,
  scheduler: Scheduler,
  needs: TaskNeeds,
  { node, levels, leastRate }: Offer,
): ClaimByName | null {
  const site = pool.links.sites.idOf(pool.nodes.site[node]!);
  const path = scheduler.route(needs, needs.basic.dataAt, site);
  if (path === null) return null;
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
    path,
    bandwidthIn: needs.network.bandwidth,
    bandwidthOut: needs.network.bandwidth,
  };
}

/** The first of some places to be free, the first named of those free together. Empties the draft as it goes. */
function firstFree(
  draft: Pool,
  places: readonly ClaimByName[],
  leaving: readonly Leaving[],
  now: Instant,
): { readonly place: number; readonly at: Instant } | null {
  const claims = places.map((place) => {
    const claim = draft.claim(place);
    return claim.ok ? claim.value : null;
  });
  const freeNow = (on: number | null): number =>
    claims.findIndex(
      (claim) =>
        claim !== null && (on === null || claim.node === on || claim.bandwidthIn > 0) && holds(draft, claim),
    );
  let place = freeNow(null);
  if (place >= 0) return { place, at: now };
  for (const { reservation, until } of [...leaving].sort((a, b) => a.until - b.until)) {
    const left = draft.reservation(reservation);
    if (left === undefined) continue;
    draft.release(reservation);
    place = freeNow(left.node);
    if (place >= 0) return { place, at: Math.max(now, until) as Instant };
  }
  return null;
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

function fitsOnNode({ nodes }: Pool, kept: Claim, claim: Claim, left: readonly Claim[]): boolean {
  const n = kept.node;
  let rate = nodes.free[kept.type as 0 | 1 | 2]![n]!;
  let memory = nodes.freeMemory[n]!;
  let storage = nodes.freeStorage[n]!;
  let throughput = nodes.freeThroughput[n]!;
  for (const one of left) {
    if (one.node !== n) continue;
    if (one.type === kept.type) rate += one.rate;
    memory += one.memory;
    storage += one.storage;
    throughput += one.throughput;
  }
  const taken = claim.type === kept.type ? claim.rate : 0;
  return (
    (kept.rate === 0 || rate - taken >= kept.rate) &&
    (kept.memory === 0 || memory - claim.memory >= kept.memory) &&
    (kept.storage === 0 || storage - claim.storage >= kept.storage) &&
    (kept.throughput === 0 || throughput - claim.throughput >= kept.throughput)
  );
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
  return fitsOnNode(pool, kept.value, { ...kept.value, rate: 0, memory: 0, storage: 0, throughput: 0 }, left);
}
