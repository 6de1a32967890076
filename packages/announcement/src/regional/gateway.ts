import type { NodeId } from "@weft/infrastructure";
import { after, earliest, type Instant, MILLISECOND, type Micros, micros, NEVER, SECOND } from "@weft/kernel";
import type { Mesh } from "../mesh/mesh.ts";
import type { ParticipantInput, ParticipantOutput, SharedParticipant, Taken } from "../participant.ts";
import type { View } from "../view.ts";
import { aggregate, type RegionIdentity } from "./aggregate.ts";

/*
 * Where two levels meet: inside, one of the members; outside, the region as one. A canopy is meshes of trees joined
 * by gateways; hybrid announcement is a star inside and path-vector outside, joined the same way.
 *
 * [GATE.1] Outside, only the aggregate of the members is told, under the region's own key.
 * [GATE.2] Inside, other regions' records are passed on as they are, and as old as they are.
 * [GATE.3] Of the region's gateways the first that is alive acts; the others listen, ready to take over.
 * [GATE.4] The aggregate is made anew at once; after one that was told the next waits `aggregateEvery`.
 */

export interface GatewayOptions {
  readonly region: RegionIdentity;
  /** The region's gateways, the preferred one first. */
  readonly gateways: readonly NodeId[];
  /** Whether an origin seen inside is a member of the region, not another region's aggregate. */
  readonly isMember: (origin: NodeId) => boolean;
  /** Whether a peer is spoken to outside. */
  readonly isOutside: (peer: NodeId) => boolean;
  readonly aggregateEvery?: Micros;
}

/** How often a gateway looks whether it has to act. */
const CHECK_EVERY = SECOND;

export class Gateway implements SharedParticipant {
  readonly inner: Mesh;
  readonly outer: SharedParticipant;
  /** Set where this gateway is itself the outer side of another. */
  tap: ((taken: Taken) => void) | null = null;
  readonly #options: GatewayOptions;
  readonly #every: Micros;
  /** When a change that came too soon after another is told. */
  #aggregateAt: Instant = NEVER;
  /** When it next looks whether it has to act: that costs the next change no time. */
  #checkAt: Instant = NEVER;
  #aggregatedAt = Number.NEGATIVE_INFINITY as Instant;
  #incoming: Taken[] = [];
  #acted = false;
  /** Gateways once met as neighbours: their silence is noticed sooner than the view does. */
  readonly #wasPeer = new Set<NodeId>();

  constructor(inner: Mesh, outer: SharedParticipant, options: GatewayOptions) {
    this.inner = inner;
    this.outer = outer;
    this.#options = options;
    this.#every = options.aggregateEvery ?? micros(20 * MILLISECOND);
    inner.tap = (taken) => this.tap?.(taken);
    outer.tap = (taken) => {
      if (taken.record.origin !== options.region.id) this.#incoming.push(taken);
    };
  }

  get view(): View {
    return this.inner.view;
  }

  get stateBytes(): number {
    return this.inner.stateBytes + this.outer.stateBytes;
  }

  get wakeAt(): Instant {
    const own = earliest(this.#aggregateAt, this.#checkAt);
    return earliest(own, earliest(this.inner.wakeAt, this.outer.wakeAt));
  }

  /** Whether this gateway speaks for the region now. */
  get acting(): boolean {
    for (const gateway of this.#options.gateways) {
      if (gateway === this.inner.self) return true;
      if (this.inner.peers.has(gateway)) return false;
      const health = this.inner.view.get(gateway)?.health;
      if (health === "up" && !this.#wasPeer.has(gateway)) return false;
    }
    return false;
  }

  resume(now: Instant): readonly ParticipantOutput[] {
    return this.inner.resume(now);
  }

  rest(): void {
    this.inner.rest();
  }

  known(): readonly Taken[] {
    return this.inner.known();
  }

  wake(now: Instant): readonly ParticipantOutput[] {
    const out: ParticipantOutput[] = [];
    if (this.inner.wakeAt <= now) this.#inside(now, this.inner.wake(now), out);
    if (this.outer.wakeAt <= now) this.#outside(now, this.outer.wake(now), out);
    if (this.#aggregateAt <= now) this.#changed(now, out);
    else if (this.#checkAt <= now) this.#speak(now, out);
    return out;
  }

  handle(now: Instant, input: ParticipantInput): readonly ParticipantOutput[] {
    const out: ParticipantOutput[] = [];
    const peer =
      input.kind === "message"
        ? input.from
        : input.kind === "peer_up" || input.kind === "peer_down"
          ? input.peer
          : null;
    if (peer !== null && this.#options.isOutside(peer))
      this.#outside(now, this.outer.handle(now, input), out);
    else this.#inside(now, this.inner.handle(now, input), out);
    return out;
  }

  #inside(now: Instant, outputs: readonly ParticipantOutput[], out: ParticipantOutput[]): void {
    out.push(...outputs);
    for (const gateway of this.#options.gateways)
      if (this.inner.peers.has(gateway)) this.#wasPeer.add(gateway);
    if (outputs.some((output) => output.kind === "change" && this.#options.isMember(output.change.origin))) {
      if (now >= this.#aggregatedAt + this.#every) this.#changed(now, out);
      else this.#aggregateAt = earliest(this.#aggregateAt, after(this.#aggregatedAt, this.#every));
    }
  }

  /** Other regions' news goes inside; changes are told from there, once. */
  #outside(now: Instant, outputs: readonly ParticipantOutput[], out: ParticipantOutput[]): void {
    for (const output of outputs) if (output.kind === "send") out.push(output);
    const incoming = this.#incoming;
    this.#incoming = [];
    if (!this.acting) return;
    for (const taken of incoming) this.inner.bring(now, taken, out);
  }

  /** Only what was told makes the next change wait: most leave the aggregate as it was. */
  #changed(now: Instant, out: ParticipantOutput[]): void {
    this.#aggregateAt = NEVER;
    const before = out.length;
    this.#speak(now, out);
    if (out.length > before) this.#aggregatedAt = now;
  }

  /** Speaks for the region, or sees that it still need not: the acting one may fall silent without news from inside. */
  #speak(now: Instant, out: ParticipantOutput[]): void {
    const { acting } = this;
    this.#checkAt = after(now, CHECK_EVERY);
    if (acting) {
      const members = [...this.inner.view.origins()].filter(({ origin }) => this.#options.isMember(origin));
      const publication = aggregate(this.#options.region, members, now);
      if (publication !== null)
        this.#outside(now, this.outer.handle(now, { kind: "publish", publication }), out);
      if (!this.#acted) this.#takeOver(now, out);
    } else if (this.#acted) this.outer.rest();
    this.#acted = acting;
  }

  /** Everything anew, both ways: what the one before us said last may be old. */
  #takeOver(now: Instant, out: ParticipantOutput[]): void {
    this.#outside(now, this.outer.resume(now), out);
    for (const taken of this.outer.known()) {
      if (taken.record.origin !== this.#options.region.id) this.inner.bring(now, taken, out);
    }
  }
}
