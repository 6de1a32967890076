import type { LinkState, NodeDescription, NodeId, NodeLoad } from "@weft/infrastructure";
import {
  after,
  type Cryptography,
  earliest,
  type Instant,
  MILLISECOND,
  type Micros,
  micros,
  NEVER,
  type Rng,
  SECOND,
  type Signer,
} from "@weft/kernel";
import {
  encodeFact,
  type Fact,
  linksDelta,
  loadDelta,
  STATE_FACETS,
  type StateFacet,
  same,
} from "./facts.ts";
import { type AnnouncementRecord, makeRecord } from "./record.ts";
import {
  DEFAULT_THRESHOLDS,
  linksSignificance,
  loadSignificance,
  type Significance,
  type Thresholds,
} from "./significance.ts";
import { Throttle, type ThrottleTimes } from "./throttle.ts";

/*
 * What an origin says of itself, and when. Every architecture publishes through this.
 *
 * [PUB.1] The sequence numbers of an origin strictly grow, also over a restart with a sound clock.
 * [PUB.2] A figure is announced when it moved beyond its threshold from what was last announced, never otherwise.
 * [PUB.3] Storms are thinned (throttle.ts); the last significant state is announced at the latest `longest` later.
 * [PUB.4] A delta is always against the last whole announcement, so that losing one delta harms nothing.
 * [PUB.5] Something is heard of a live origin in every heartbeat interval.
 */

export interface PublisherSettings {
  readonly thresholds: Thresholds;
  readonly throttle: ThrottleTimes;
  /** Longest silence; jittered downwards by up to a tenth where a random stream is given. */
  readonly heartbeat: Micros;
  /** Readers are told how long the silence may be, and wait for so long: for origins quieter than readers expect. */
  readonly tellsSilence?: boolean;
  /** Deltas are sent against the last whole announcement; false where readers may have missed that one. */
  readonly deltas: boolean;
  /**
   * Judges a load instead of the thresholds; what it holds back and the thresholds would not goes out with the
   * next heartbeat, so that nothing announced is off by more than a threshold for longer.
   */
  readonly judge?: LoadJudge;
}

/** How much it matters that `now` is the case while others believe `announced`. */
export type LoadJudge = (announced: NodeLoad, now: NodeLoad, node: NodeDescription | null) => Significance;

export const DEFAULT_PUBLISHER_SETTINGS: PublisherSettings = {
  thresholds: DEFAULT_THRESHOLDS,
  throttle: { hold: micros(100_000), longest: SECOND, urgent: micros(10 * MILLISECOND) },
  heartbeat: micros(2 * SECOND),
  deltas: true,
};

/** What the node has to say of itself now; members left out stay as they were. */
export interface Publication {
  readonly description?: NodeDescription;
  readonly load?: NodeLoad;
  readonly links?: readonly LinkState[];
}

/** Heartbeats in a row that a load may stand in for, less one. */
const HEARTBEATS_SAVED = 10;

type State = { description: NodeDescription; load: NodeLoad; links: readonly LinkState[] };

class FacetState<T> {
  readonly throttle: Throttle;
  current: T | null = null;
  /** What the readers know: the last announced state. */
  announced: T | null = null;
  /** The last state announced whole, and under which number. */
  whole: { readonly value: T; readonly sequence: number } | null = null;
  sequence = 0;

  constructor(times: ThrottleTimes) {
    this.throttle = new Throttle(times);
  }
}

export class Publisher {
  readonly #origin: NodeId;
  readonly #signer: Signer;
  readonly #cryptography: Cryptography;
  readonly #settings: PublisherSettings;
  readonly #rng: Rng | null;
  readonly #facets: { readonly [K in StateFacet]: FacetState<State[K]> };
  #sequence = 0;
  #heartbeatAt: Instant = NEVER;
  /** Heartbeats that a load stood in for since the last one. */
  #unsaid = 0;

  constructor(
    origin: NodeId,
    signer: Signer,
    cryptography: Cryptography,
    settings: PublisherSettings,
    rng: Rng | null = null,
  ) {
    this.#origin = origin;
    this.#signer = signer;
    this.#cryptography = cryptography;
    this.#settings = settings;
    this.#rng = rng;
    this.#facets = {
      description: new FacetState(settings.throttle),
      load: new FacetState(settings.throttle),
      links: new FacetState(settings.throttle),
    };
  }

  get wakeAt(): Instant {
    let due = this.#heartbeatAt;
    for (const facet of STATE_FACETS) due = earliest(due, this.#facets[facet].throttle.due);
    return due;
  }

  /** Takes the node's present state and returns the records due at once. */
  publish(now: Instant, publication: Publication): AnnouncementRecord[] {
    const first = this.#heartbeatAt === NEVER;
    if (first) this.#heartbeatAt = after(now, this.#settings.heartbeat);
    for (const facet of STATE_FACETS) {
      const state = publication[facet];
      if (state !== undefined) this.#take(now, facet, state);
    }
    const records = this.due(now);
    return first ? [...records, ...this.#silence(now)] : records;
  }

  /** Where readers do not know how long silence may last, they hear it with the first word. */
  #silence(now: Instant): AnnouncementRecord[] {
    return this.#settings.tellsSilence === true ? [this.heartbeat(now)] : [];
  }

  /** Takes the node's present state while nobody listens; `whole` tells it later. */
  note(publication: Publication): void {
    for (const facet of STATE_FACETS) {
      const state = publication[facet];
      if (state !== undefined) (this.#facets[facet] as FacetState<State[StateFacet]>).current = state;
    }
  }

  /** The records whose waiting time has passed, and the heartbeat. */
  due(now: Instant): AnnouncementRecord[] {
    const records: AnnouncementRecord[] = [];
    for (const facet of STATE_FACETS) {
      if (this.#facets[facet].throttle.due <= now) records.push(this.#announce(now, facet, false));
    }
    // Small changes do not stand in for the heartbeat where it has work of its own (trees grow by it).
    if (records.length > 0 && this.#settings.judge === undefined) this.#restartHeartbeat(now);
    else if (this.#heartbeatAt <= now) records.push(...this.#beat(now));
    return records;
  }

  #beat(now: Instant): AnnouncementRecord[] {
    const { announced, current } = this.#facets.load;
    const { judge, thresholds } = this.#settings;
    const heldBack =
      judge !== undefined &&
      announced !== null &&
      current !== null &&
      loadSignificance(announced, current, this.#facets.description.current, thresholds) !== "none";
    if (!heldBack) return [this.heartbeat(now)];
    const load = this.#announce(now, "load", false);
    // A load is a sign of life as well; what else a heartbeat is for can wait for one in ten.
    if (++this.#unsaid < HEARTBEATS_SAVED) {
      this.#restartHeartbeat(now);
      return [load];
    }
    return [load, this.heartbeat(now)];
  }

  /** Everything anew and whole: what a reader that knows nothing needs. */
  whole(now: Instant, facets: readonly StateFacet[] = STATE_FACETS): AnnouncementRecord[] {
    const records: AnnouncementRecord[] = [];
    for (const facet of facets) {
      if (this.#facets[facet].current !== null) records.push(this.#announce(now, facet, true));
    }
    if (records.length === 0) return records;
    this.#restartHeartbeat(now);
    return [...records, ...this.#silence(now)];
  }

  /** A sign of life that names the newest number of each facet, so that a reader sees what it missed. */
  heartbeat(now: Instant): AnnouncementRecord {
    this.#restartHeartbeat(now);
    this.#unsaid = 0;
    const { description, load, links } = this.#facets;
    const sequences = { description: description.sequence, load: load.sequence, links: links.sequence };
    const { heartbeat, tellsSilence = false } = this.#settings;
    const value = tellsSilence ? { ...sequences, every: heartbeat as number } : sequences;
    return this.#make(now, { facet: "alive", value });
  }

  /** The last word: readers forget this origin. */
  leave(now: Instant): AnnouncementRecord {
    this.rest();
    return this.#make(now, { facet: "leaving", value: {} });
  }

  /** Says nothing more, not even that it lives, until it publishes or tells all anew: another speaks for the origin. */
  rest(): void {
    this.#heartbeatAt = NEVER;
    for (const facet of STATE_FACETS) this.#facets[facet].throttle.withdraw();
  }

  /** Somebody holds a number of ours that we do not remember (we restarted with a slow clock): go above it. */
  raiseAbove(sequence: number): void {
    if (sequence > this.#sequence) this.#sequence = sequence;
  }

  #take<K extends StateFacet>(now: Instant, facet: K, next: State[K]): void {
    const state = this.#facets[facet] as FacetState<State[K]>;
    state.current = next;
    const significance: Significance =
      state.announced === null ? "urgent" : this.#significance(facet, state.announced, next);
    if (significance === "none") state.throttle.withdraw();
    else state.throttle.ask(now, significance === "urgent");
  }

  #significance(facet: StateFacet, announced: State[StateFacet], next: State[StateFacet]): Significance {
    const { thresholds } = this.#settings;
    switch (facet) {
      case "description":
        return same(announced, next) ? "none" : "urgent";
      case "load": {
        const node = this.#facets.description.current;
        const { judge } = this.#settings;
        return judge === undefined
          ? loadSignificance(announced as NodeLoad, next as NodeLoad, node, thresholds)
          : judge(announced as NodeLoad, next as NodeLoad, node);
      }
      case "links":
        return linksSignificance(announced as LinkState[], next as LinkState[], thresholds);
    }
  }

  #announce(now: Instant, facet: StateFacet, wanted: boolean): AnnouncementRecord {
    const state = this.#facets[facet] as FacetState<State[StateFacet]>;
    const current = state.current as State[StateFacet];
    const whole = this.#wholeFact(facet, current);
    const delta = wanted || !this.#settings.deltas ? null : this.#deltaFact(facet, current);
    // A delta that is hardly smaller only delays the next whole announcement.
    const fact = delta !== null && encodeFact(delta).length * 2 < encodeFact(whole).length ? delta : whole;
    const record = this.#make(now, fact);
    state.sequence = record.sequence;
    state.announced = current;
    if (fact === whole) state.whole = { value: current, sequence: record.sequence };
    state.throttle.passed(now);
    return record;
  }

  #wholeFact(facet: StateFacet, value: State[StateFacet]): Fact {
    if (facet === "links") return { facet, value: { links: value as readonly LinkState[], gone: [] } };
    return { facet, value } as Fact;
  }

  #deltaFact(facet: StateFacet, value: State[StateFacet]): Fact | null {
    const { whole } = this.#facets[facet] as FacetState<State[StateFacet]>;
    if (whole === null || facet === "description") return null;
    return facet === "load"
      ? { facet, value: loadDelta(whole.value as NodeLoad, whole.sequence, value as NodeLoad) }
      : { facet, value: linksDelta(whole.value as LinkState[], whole.sequence, value as LinkState[]) };
  }

  #make(now: Instant, fact: Fact): AnnouncementRecord {
    this.#sequence = Math.max(this.#sequence + 1, now);
    return makeRecord(this.#origin, fact, this.#sequence, this.#signer, this.#cryptography);
  }

  #restartHeartbeat(now: Instant): void {
    const early = this.#rng === null ? 0 : this.#rng.float() * 0.1;
    this.#heartbeatAt = after(now, micros(this.#settings.heartbeat * (1 - early)));
  }
}
