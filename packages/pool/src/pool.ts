import {
  COMPUTE_TYPES,
  type LinkState,
  linkId,
  type NodeDescription,
  type NodeId,
  type NodeLoad,
  type SiteId,
} from "@weft/infrastructure";
import { type Micros, ok, type Refusal, type Result, refuse } from "@weft/kernel";
import { type Amounts, NOTHING, plus } from "./amounts.ts";
import { ACCELERATOR_KINDS } from "./capabilities.ts";
import { CHANGED, ChangeFeed } from "./changes.ts";
import type { Claim, ClaimByName, ReservationId, StaleCode } from "./claim.ts";
import { type Corrections, CorrectionTable } from "./corrections.ts";
import { blankClaim, Ledger } from "./ledger.ts";
import { LinkTable } from "./links.ts";
import { FREE_OF_CHARGE, NodeTable, type PriceColumns } from "./nodes.ts";
import { whyStale } from "./stale.ts";

/** What became of a plan: claims that now stand, in the order given, and those that no longer hold. */
export interface Commit {
  readonly committed: readonly { readonly claim: Claim; readonly id: ReservationId }[];
  readonly stale: readonly { readonly claim: Claim; readonly because: StaleCode }[];
}

/**
 * Many nodes as one (L2): what is known of every node and link, in columns, and what is reserved of them.
 *
 *   P1  remaining = measured - others' load - reserved, for computing power by type, memory, storage, storage
 *       throughput, accelerator memory, service instances, and the bandwidth of each link.
 *   P2  No reservation is made beyond what remains. A measurement that shrinks afterwards can leave a negative
 *       rest: nothing is reserved there until it is positive again.
 *   P3  A release gives back exactly what was taken, whatever was measured, removed or added in between.
 *   P4  `version` grows with every change; a claim based on a version is refused when its node was described or
 *       priced anew since, or a link of its path came, left or went up or down.
 */
export class Pool {
  #nodes = new NodeTable();
  #links = new LinkTable();
  #ledger = new Ledger();
  /** The claim being given back: filled again for each. */
  readonly #released = blankClaim();
  #version = 0;
  /** What the nodes in the pool have in all; see `capacity`. */
  #capacity = NOTHING;
  #corrections = new CorrectionTable();
  /** Those who follow nodes, and links. */
  readonly #feeds: ChangeFeed[] = [];
  readonly #linkFeeds: ChangeFeed[] = [];

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }
  /** The columns, for readers on the hot path: never written outside this package. */
  get nodes(): NodeTable {
    return this.#nodes;
  }
  get links(): LinkTable {
    return this.#links;
  }
  /** What the nodes in the pool have in all, whatever is reserved of it: a new object whenever that changes. */
  get capacity(): Amounts {
    return this.#capacity;
  }
  /** How many reservations stand. */
  get reservations(): number {
    return this.#ledger.size;
  }

  /** A feed of what changes from now on, of nodes, links or both; what is in the pool already is marked as changed. */
  follow(of: "nodes" | "links" | "both" = "both"): ChangeFeed {
    const feed = new ChangeFeed();
    if (of !== "links") {
      for (let n = 0; n < this.#nodes.bound; n++) if (this.#nodes.slots.has(n)) feed.nodes.mark(n);
      this.#feeds.push(feed);
    }
    if (of !== "nodes") {
      for (let l = 0; l < this.#links.bound; l++) if (this.#links.slots.has(l)) feed.links.mark(l);
      this.#linkFeeds.push(feed);
    }
    return feed;
  }

  unfollow(feed: ChangeFeed): void {
    for (const feeds of [this.#feeds, this.#linkFeeds]) {
      const at = feeds.indexOf(feed);
      if (at >= 0) feeds.splice(at, 1);
    }
  }

  /** A node joined, came back, or was measured again. Reservations, load and prices known before are kept. */
  addNode(node: NodeDescription): void {
    const nodes = this.#nodes;
    const present = this.#present(node.id);
    if (present >= 0) this.#capacity = plus(this.#capacity, nodes.descriptions[present], -1);
    this.#capacity = plus(this.#capacity, node, 1);
    const { index, fresh } = nodes.slots.enter(node.id);
    const before = fresh ? undefined : nodes.descriptions[index];
    const site = this.#links.sites.enter(node.site).index;
    this.#links.sites.hold(site);
    if (before !== undefined) this.#leaveSite(nodes.site[index] as number);
    nodes.describe(index, site, node);
    if (fresh) nodes.setPrices(index, FREE_OF_CHARGE);
    nodes.changedAt[index] = ++this.#version;
    for (const feed of this.#feeds) feed.nodes.mark(index);
  }

  /** A node left or is lost. What is reserved on it stays known until released. Unknown nodes are ignored. */
  removeNode(id: NodeId): void {
    const index = this.#present(id);
    if (index < 0) return;
    const nodes = this.#nodes;
    this.#capacity = plus(this.#capacity, nodes.descriptions[index], -1);
    nodes.accepting[index] = 0;
    nodes.loads[index] = undefined;
    nodes.changedAt[index] = ++this.#version;
    nodes.slots.retire(index);
    if (nodes.slots.find(id) < 0) this.#forgetNode(index);
    for (const feed of this.#feeds) feed.nodes.mark(index);
  }

  /** What is free now. `othersUse` and free bytes count what is not the network's own tasks. */
  updateLoad(load: NodeLoad): void {
    const index = this.#present(load.node);
    if (index < 0) return;
    this.#nodes.loads[index] = load;
    this.#nodes.refresh(index);
    this.#loadChanged(index);
  }

  /** Drains a node (no new tasks) or takes it back, until its next load report says otherwise. */
  setAccepting(id: NodeId, accepting: boolean): void {
    const index = this.#present(id);
    if (index < 0) return;
    this.#nodes.accepting[index] = accepting ? 1 : 0;
    this.#loadChanged(index);
  }

  /** Plans made on former prices become stale. */
  setPrices(id: NodeId, prices: PriceColumns): void {
    const index = this.#present(id);
    if (index < 0) return;
    this.#nodes.setPrices(index, prices);
    this.#nodes.changedAt[index] = ++this.#version;
    for (const feed of this.#feeds) feed.nodes.mark(index);
  }

  /** How many instances of a service the node may run at once; null: as many as its resources hold. */
  setInstanceLimit(id: NodeId, service: string, limit: number | null): void {
    const index = this.#present(id);
    if (index < 0) return;
    const services = (this.#nodes.services[index] ??= new Map());
    const used = services.get(service)?.used ?? this.#ledger.countOf(index, service);
    if (limit === null) services.delete(service);
    else services.set(service, { limit, used });
    this.#version++;
    for (const feed of this.#feeds) feed.nodes.mark(index);
  }

  /**
   * What was learnt of a function on a node (C1): its real rate over the one the node's measured power predicts.
   * 1 is "as predicted". Kept for the pairs it was set for only.
   */
  setCorrection(service: string, id: NodeId, factor: number): void {
    const index = this.#present(id);
    if (index < 0 || !(factor > 0)) return;
    this.#corrections.set(service, index, factor);
    this.#loadChanged(index);
  }

  /** What holds for a function on nodes that nothing was learnt on. */
  setCorrectionElsewhere(service: string, factor: number): void {
    if (!(factor > 0)) return;
    this.#corrections.setElsewhere(service, factor);
    this.#version++;
  }

  /** What was learnt of a node: time every task spends there besides moving and computing; part of its queue. */
  setHandling(id: NodeId, handling: Micros): void {
    const index = this.#present(id);
    if (index < 0) return;
    this.#nodes.handling[index] = handling;
    this.#nodes.refreshQueue(index);
    this.#loadChanged(index);
  }

  /** What was learnt of one function; undefined where nothing was. */
  corrections(service: string): Corrections | undefined {
    return this.#corrections.of(service);
  }

  /** What a probe saw of one direction between two sites. Both directions make a hop usable. */
  setLink(state: LinkState): void {
    const links = this.#links;
    const { index, fresh } = links.slots.enter(linkId(state.from, state.to));
    if (fresh) this.#placeLink(index, state);
    const wasUp = links.up[index];
    links.describe(index, state);
    this.#version++;
    if (fresh || wasUp !== links.up[index]) links.changedAt[index] = this.#version;
    for (const feed of this.#linkFeeds) feed.links.mark(index);
  }

  /** Bandwidth reserved on it stays known until released. */
  removeLink(from: SiteId, to: SiteId): void {
    const links = this.#links;
    const id = linkId(from, to);
    const index = links.slots.find(id);
    if (index < 0 || !links.slots.has(index)) return;
    links.up[index] = 0;
    links.changedAt[index] = ++this.#version;
    links.slots.retire(index);
    if (links.slots.find(id) < 0) this.#forgetLink(index);
    for (const feed of this.#linkFeeds) feed.links.mark(index);
  }

  /** A claim from its record in names, based on the pool as it is now. */
  claim(record: ClaimByName): Result<Claim, Refusal<StaleCode>> {
    const node = this.#present(record.node);
    if (node < 0) return refuse("node_gone", "the node is not in the pool", { found: record.node });
    const linksIn: number[] = [];
    const linksOut: number[] = [];
    for (let i = 0; i + 1 < record.path.length; i++) {
      const [from, to] = [record.path[i] as SiteId, record.path[i + 1] as SiteId];
      linksIn.push(this.#links.between(from, to));
      linksOut.push(this.#links.between(to, from));
      if (linksIn[i] === -1 || linksOut[i] === -1) {
        return refuse("link_changed", "no such hop in the pool", { found: linkId(from, to) });
      }
    }
    const { accelerator } = record;
    return ok({
      node,
      type: COMPUTE_TYPES.indexOf(record.type),
      rate: Math.floor(record.rate),
      memory: Math.ceil(record.memory),
      storage: Math.ceil(record.storage),
      throughput: Math.ceil(record.throughput),
      deviceKind: accelerator === null ? -1 : ACCELERATOR_KINDS.indexOf(accelerator.kind),
      deviceMemory: accelerator === null ? 0 : Math.ceil(accelerator.memoryBytes),
      deviceCount: accelerator === null ? 0 : (accelerator.count ?? 1),
      service: record.service,
      linksIn,
      linksOut,
      bandwidthIn: Math.ceil(record.bandwidthIn),
      bandwidthOut: Math.ceil(record.bandwidthOut),
      basedOn: this.#version,
    });
  }

  /** Why a claim does not hold on the pool as it is; null when it does. */
  check(claim: Claim): StaleCode | null {
    return whyStale(this.#nodes, this.#links, claim);
  }

  /** Whether the node's limit for the service leaves room for one more instance. */
  hasInstance(node: number, service: string): boolean {
    return this.#nodes.hasInstance(node, service);
  }

  /** Takes all that is claimed, or nothing. */
  reserve(claim: Claim): Result<ReservationId, Refusal<StaleCode>> {
    const stale = this.check(claim);
    if (stale !== null) return refuse(stale, "the claim does not hold any more");
    return ok(this.#take(claim));
  }

  /** Gives back exactly what was taken; harmless for an id that was released already. */
  release(id: ReservationId): void {
    const claim = this.#released;
    if (!this.#ledger.read(id, claim)) return;
    const devices = this.#ledger.devicesOf(id);
    this.#ledger.remove(id);
    this.#move(claim, -1);
    this.#nodes.takeDevices(claim.node, devices, -claim.deviceMemory);
    this.#dropHolds(claim);
    this.#loadChanged(claim.node, changedBy(claim));
  }

  /** What a reservation took, as a claim of its own; undefined once released. */
  reservation(id: ReservationId): Claim | undefined {
    const claim = blankClaim();
    return this.#ledger.read(id, claim) ? claim : undefined;
  }

  /**
   * Plan, then commit: reserves every claim that still holds, in order, and returns the others as stale. With
   * `allOrNothing` a single stale claim undoes the rest (a gang).
   */
  commit(plan: readonly Claim[], options: { readonly allOrNothing?: boolean } = {}): Commit {
    const committed: { claim: Claim; id: ReservationId }[] = [];
    const stale: { claim: Claim; because: StaleCode }[] = [];
    for (const claim of plan) {
      const because = this.check(claim);
      if (because === null) committed.push({ claim, id: this.#take(claim) });
      else stale.push({ claim, because });
    }
    if (options.allOrNothing !== true || stale.length === 0) return { committed, stale };
    for (const { id } of committed) this.release(id);
    return { committed: [], stale };
  }

  /** An independent pool in the same state: plan on it, then commit to this one. Costs one copy of the columns. */
  snapshot(): Pool {
    const twin = new Pool();
    twin.#nodes = this.#nodes.copy();
    twin.#links = this.#links.copy();
    twin.#ledger = this.#ledger.copy();
    twin.#version = this.#version;
    twin.#capacity = this.#capacity;
    twin.#corrections = this.#corrections.copy();
    return twin;
  }

  /**
   * An independent pool in the same state, but that of all reservations only `staying` stand there (under new ids). Costs one
   * copy of the columns, however many reservations there are.
   */
  vacated(staying: Iterable<ReservationId>): Pool {
    const twin = new Pool();
    twin.#nodes = this.#nodes.vacated();
    twin.#links = this.#links.vacated();
    twin.#version = this.#version;
    twin.#capacity = this.#capacity;
    twin.#corrections = this.#corrections.copy();
    for (const id of staying) {
      const claim = this.reservation(id);
      if (claim !== undefined) twin.#take(claim, this.#ledger.devicesOf(id));
    }
    return twin;
  }

  /** `given`: which of the node's accelerators; those that fit best where absent. */
  #take(claim: Claim, given?: readonly number[]): ReservationId {
    const nodes = this.#nodes;
    const n = claim.node;
    let devices = NO_DEVICES;
    if (claim.deviceKind >= 0) {
      devices = given ?? nodes.devicesFor(n, claim.deviceKind, claim.deviceMemory, claim.deviceCount);
      nodes.takeDevices(n, devices, claim.deviceMemory);
    }
    this.#move(claim, 1);
    nodes.slots.hold(n);
    for (const link of claim.linksIn) this.#links.slots.hold(link);
    for (const link of claim.linksOut) this.#links.slots.hold(link);
    this.#loadChanged(n, changedBy(claim));
    return this.#ledger.add(claim, devices);
  }

  /** Adds a claim to what is reserved (`sign` 1) or takes it away (-1). */
  #move(claim: Claim, sign: number): void {
    const nodes = this.#nodes;
    const n = claim.node;
    move(
      nodes.reserved[claim.type] as Float64Array,
      nodes.free[claim.type] as Float64Array,
      n,
      sign * claim.rate,
    );
    move(nodes.reservedMemory, nodes.freeMemory, n, sign * claim.memory);
    move(nodes.reservedStorage, nodes.freeStorage, n, sign * claim.storage);
    move(nodes.reservedThroughput, nodes.freeThroughput, n, sign * claim.throughput);
    const slots = claim.service === null ? undefined : nodes.services[n]?.get(claim.service);
    if (slots !== undefined) slots.used += sign;
    this.#moveBandwidth(claim.linksIn, sign * claim.bandwidthIn);
    this.#moveBandwidth(claim.linksOut, sign * claim.bandwidthOut);
  }

  #moveBandwidth(path: readonly number[], rate: number): void {
    if (rate === 0) return;
    for (let i = 0; i < path.length; i++) {
      const link = path[i] as number;
      this.#links.take(link, rate);
      for (let f = 0; f < this.#linkFeeds.length; f++)
        (this.#linkFeeds[f] as ChangeFeed).residuals.mark(link);
    }
  }

  #dropHolds(claim: Claim): void {
    const nodes = this.#nodes;
    const links = this.#links;
    if (nodes.slots.drop(claim.node) && !nodes.slots.has(claim.node)) this.#forgetNode(claim.node);
    for (const link of claim.linksIn)
      if (links.slots.drop(link) && !links.slots.has(link)) this.#forgetLink(link);
    for (const link of claim.linksOut)
      if (links.slots.drop(link) && !links.slots.has(link)) this.#forgetLink(link);
  }

  #placeLink(index: number, state: LinkState): void {
    const links = this.#links;
    const from = links.sites.enter(state.from).index;
    const to = links.sites.enter(state.to).index;
    links.sites.hold(from);
    links.sites.hold(to);
    const reverse = links.between(state.to, state.from);
    links.place(index, from, to, reverse);
    if (reverse >= 0) links.reverse[reverse] = index;
  }

  #forgetLink(index: number): void {
    const links = this.#links;
    const reverse = links.reverse[index] as number;
    if (reverse >= 0) links.reverse[reverse] = -1;
    links.states[index] = undefined;
    this.#leaveSite(links.from[index] as number);
    this.#leaveSite(links.to[index] as number);
  }

  #forgetNode(index: number): void {
    const nodes = this.#nodes;
    nodes.descriptions[index] = undefined;
    nodes.prices[index] = undefined;
    nodes.devices[index] = undefined;
    nodes.services[index] = undefined;
    nodes.handling[index] = 0;
    this.#corrections.forgetNode(index);
    this.#leaveSite(nodes.site[index] as number);
  }

  #leaveSite(site: number): void {
    if (this.#links.sites.drop(site)) this.#links.sites.retire(site);
  }

  #loadChanged(node: number, what: number = CHANGED.anything): void {
    this.#version++;
    for (let f = 0; f < this.#feeds.length; f++) (this.#feeds[f] as ChangeFeed).loads.mark(node, what);
  }

  /** The index of a node in the pool; -1 where there is none. */
  #present(id: NodeId): number {
    const index = this.#nodes.slots.find(id);
    return index >= 0 && this.#nodes.slots.has(index) ? index : -1;
  }
}

const NO_DEVICES: readonly number[] = [];

/** From what is free to what is reserved, or back; amounts of nothing touch nothing, and most are. */
function move(reserved: Float64Array, free: Float64Array, at: number, amount: number): void {
  if (amount === 0) return;
  reserved[at] = (reserved[at] as number) + amount;
  free[at] = (free[at] as number) - amount;
}

/** What of a node's load a claim changes, for those who follow. */
const changedBy = ({ type, rate, memory }: Claim): number =>
  (rate > 0 ? (CHANGED.power[type as 0 | 1 | 2] as number) : 0) |
  (memory > 0 ? CHANGED.memory : 0) |
  CHANGED.other;
