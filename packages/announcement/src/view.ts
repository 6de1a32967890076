import type { LinkState, NodeDescription, NodeId, NodeLoad } from "@weft/infrastructure";
import {
  after,
  assert,
  type Cryptography,
  type Instant,
  MINUTE,
  type Micros,
  micros,
  NEVER,
  type PublicKey,
  SECOND,
} from "@weft/kernel";
import { type AnnouncedLoad, decodeFact, type Fact, type StateFacet } from "./facts.ts";
import { type AnnouncementRecord, isSignedBy } from "./record.ts";
import {
  confirm,
  type Drop,
  type Entry,
  type Health,
  missingOf,
  newEntry,
  numberOf,
  takeLinks,
  takeLoad,
} from "./view-entry.ts";

/*
 * What one observer knows. Every architecture fills one of these.
 *
 * [VIEW.1] Only records signed by the origin's key change the view.
 * [VIEW.2] Of each origin and facet only a newer sequence number changes the view: replays and duplicates do not.
 * [VIEW.3] An origin unheard for its lifetime goes suspect, then down, then is forgotten.
 *          An origin that says how seldom it speaks has a lifetime in proportion, within bounds.
 * [VIEW.4] A forgotten or departed origin comes back only by a number newer than all it had used.
 * [VIEW.5] At most `maxOrigins` are known and `maxOrigins` forgotten ones remembered.
 * [VIEW.6] The age of a figure is the time since its origin last said that it holds, by the observer's clock.
 */

export interface ViewSettings {
  /** Unheard for this long: suspect, down, forgotten. Each longer than the one before. */
  readonly suspectAfter: Micros;
  readonly downAfter: Micros;
  readonly forgetAfter: Micros;
  /** A contact known to be lost counts as down this long after the loss, unless it is heard again. */
  readonly lostContactGrace: Micros;
  /** The most an origin's clock may differ from ours: a record made earlier or later than that is refused. */
  readonly clockTolerance: Micros;
  readonly maxOrigins: number;
  readonly maxLinksPerOrigin: number;
}

export const DEFAULT_VIEW_SETTINGS: ViewSettings = {
  suspectAfter: micros(5 * SECOND),
  downAfter: micros(10 * SECOND),
  forgetAfter: micros(5 * MINUTE),
  lostContactGrace: micros(2 * SECOND),
  clockTolerance: micros(5 * MINUTE),
  maxOrigins: 100_000,
  maxLinksPerOrigin: 1024,
};

/** What is known of one origin. */
export interface OriginView {
  readonly origin: NodeId;
  /** null until it arrived. */
  readonly description: NodeDescription | null;
  readonly load: AnnouncedLoad | null;
  readonly links: readonly LinkState[];
  readonly health: Health;
  /** When anything was last heard of it, by the observer's clock. */
  readonly heardAt: Instant;
  /** When each facet was last said to hold, by the observer's clock; null while it is unknown. */
  readonly confirmedAt: { readonly [facet in StateFacet]: Instant | null };
}

export type Change =
  | { readonly kind: "described"; readonly origin: NodeId; readonly description: NodeDescription }
  | { readonly kind: "load"; readonly origin: NodeId; readonly load: NodeLoad }
  | { readonly kind: "links"; readonly origin: NodeId; readonly links: readonly LinkState[] }
  | { readonly kind: "health"; readonly origin: NodeId; readonly health: Health }
  | { readonly kind: "forgotten"; readonly origin: NodeId; readonly because: "silent" | "left" };

export type Counters = { readonly accepted: number } & { readonly [drop in Drop]: number };

export type Acceptance =
  | {
      readonly accepted: true;
      readonly changes: readonly Change[];
      /** Facets whose newest state the origin has announced and we lack. */
      readonly missing: readonly StateFacet[];
    }
  | { readonly accepted: false; readonly because: Drop };

/** However seldom an origin says it speaks, it is not waited for longer than so many lifetimes. */
const MOST_PATIENCE = 10;

export class View {
  readonly #settings: ViewSettings;
  readonly #cryptography: Cryptography;
  readonly #keyOf: (origin: NodeId) => PublicKey | null;
  readonly #entries = new Map<NodeId, Entry>();
  /** Newest number of each forgotten origin, oldest first. */
  readonly #gone = new Map<NodeId, number>();
  readonly #counters: { -readonly [K in keyof Counters]: number } = {
    accepted: 0,
    duplicate: 0,
    stale: 0,
    forged: 0,
    unknown_origin: 0,
    malformed: 0,
    oversized: 0,
    clock: 0,
    full: 0,
    missing_base: 0,
    too_fast: 0,
  };
  #wakeAt: Instant = NEVER;

  /** `keyOf` names the key an origin signs with; null: nobody we know, nothing of it is taken. */
  constructor(
    cryptography: Cryptography,
    keyOf: (origin: NodeId) => PublicKey | null,
    settings: ViewSettings = DEFAULT_VIEW_SETTINGS,
  ) {
    assert(
      settings.suspectAfter < settings.downAfter && settings.downAfter < settings.forgetAfter,
      "an origin is suspect before it is down, and down before it is forgotten",
    );
    this.#cryptography = cryptography;
    this.#keyOf = keyOf;
    this.#settings = settings;
  }

  get size(): number {
    return this.#entries.size;
  }

  get counters(): Counters {
    return this.#counters;
  }

  get(origin: NodeId): OriginView | undefined {
    return this.#entries.get(origin);
  }

  /** Everything known, in the order the origins were first heard. */
  origins(): IterableIterator<OriginView> {
    return this.#entries.values();
  }

  /** How long ago the origin last said that this facet holds; null while it is unknown. */
  age(origin: NodeId, facet: StateFacet, now: Instant): Micros | null {
    const at = this.#entries.get(origin)?.confirmedAt[facet] ?? null;
    return at === null ? null : micros(now - at);
  }

  /** The newest number the origin has used, as far as known; 0: none. */
  newest(origin: NodeId): number {
    return this.#entries.get(origin)?.newest ?? this.#gone.get(origin) ?? 0;
  }

  /** The number of the state held of one facet; 0: none. */
  held(origin: NodeId, facet: StateFacet): number {
    return this.#entries.get(origin)?.held[facet] ?? 0;
  }

  /** The earliest instant at which some origin's health may change, or `NEVER`. */
  get wakeAt(): Instant {
    return this.#wakeAt;
  }

  /** Counts something dropped before it was a record. */
  drop(because: Drop): void {
    this.#counters[because]++;
  }

  /** Takes one record that is `age` old by what its carriers added up. */
  accept(now: Instant, record: AnnouncementRecord, age: Micros = micros(0)): Acceptance {
    const refused = this.#refusal(now, record);
    if (refused !== null) return this.#dropped(refused);
    const decoded = decodeFact(record.facet, record.body);
    if (!decoded.ok) return this.#dropped("malformed");
    const fact = decoded.value;
    if (fact.facet === "leaving") {
      this.#counters.accepted++;
      return { accepted: true, changes: this.#forget(record.origin, record.sequence, "left"), missing: [] };
    }
    const entry =
      this.#entries.get(record.origin) ??
      newEntry(record.origin, (now - age) as Instant, this.#gone.get(record.origin) ?? 0);
    const changes: Change[] = [];
    const drop = this.#apply(now, entry, record.sequence, fact, age, changes);
    if (drop !== null) return this.#dropped(drop);
    if (!this.#entries.has(record.origin)) {
      this.#entries.set(record.origin, entry);
      this.#gone.delete(record.origin);
      changes.unshift({ kind: "health", origin: record.origin, health: "up" });
    }
    this.#heard(now, entry, age, changes);
    entry.newest = Math.max(entry.newest, record.sequence);
    this.#counters.accepted++;
    return { accepted: true, changes, missing: missingOf(entry, fact) };
  }

  /** The contact to an origin broke: it is suspect at once, and down after a short grace. */
  lostContact(now: Instant, origin: NodeId): readonly Change[] {
    const entry = this.#entries.get(origin);
    if (entry === undefined || entry.lostAt !== NEVER) return [];
    entry.lostAt = now;
    const changes: Change[] = [];
    if (entry.health === "up") this.#turn(entry, "suspect", changes);
    this.#schedule(after(now, this.#settings.lostContactGrace));
    return changes;
  }

  /** The contact to an origin is back: it counts as heard of when it last was. */
  regainedContact(now: Instant, origin: NodeId): readonly Change[] {
    const entry = this.#entries.get(origin);
    if (entry === undefined || entry.lostAt === NEVER) return [];
    entry.lostAt = NEVER;
    const changes: Change[] = [];
    if (entry.health !== "up" && now - entry.heardAt < this.#settings.suspectAfter * entry.patience) {
      this.#turn(entry, "up", changes);
    }
    this.#schedule(after(now, micros(1)));
    return changes;
  }

  /** Lets silence take its course. */
  wake(now: Instant): readonly Change[] {
    const { suspectAfter, downAfter, forgetAfter, lostContactGrace } = this.#settings;
    const changes: Change[] = [];
    let next = NEVER as number;
    for (const entry of this.#entries.values()) {
      const silent = now - entry.heardAt;
      const { patience } = entry;
      if (silent >= forgetAfter * patience) {
        changes.push(...this.#forget(entry.origin, entry.newest, "silent"));
        continue;
      }
      const lost = entry.lostAt !== NEVER;
      const downAt = Math.min(
        entry.heardAt + downAfter * patience,
        lost ? entry.lostAt + lostContactGrace : NEVER,
      );
      if (now >= downAt) {
        if (entry.health !== "down") this.#turn(entry, "down", changes);
        next = Math.min(next, entry.heardAt + forgetAfter * patience);
      } else {
        if (silent >= suspectAfter * patience && entry.health === "up") this.#turn(entry, "suspect", changes);
        next = Math.min(next, entry.health === "up" ? entry.heardAt + suspectAfter * patience : downAt);
      }
    }
    // Deadlines a moment apart are looked at together, so that a large view is not walked for each origin.
    const least = after(now, micros(Math.max(1, suspectAfter / 32)));
    this.#wakeAt = next === NEVER ? NEVER : (Math.max(next, least) as Instant);
    return changes;
  }

  /** Why the record is not even looked into; cheap reasons first, the signature last. */
  #refusal(now: Instant, record: AnnouncementRecord): Drop | null {
    const { origin, facet, sequence } = record;
    const entry = this.#entries.get(origin);
    const newest = entry === undefined ? (this.#gone.get(origin) ?? 0) : numberOf(entry, facet);
    if (sequence <= newest) return sequence === newest ? "duplicate" : "stale";
    if (entry === undefined && facet === "leaving") return "stale";
    const { clockTolerance, forgetAfter, maxOrigins } = this.#settings;
    if (sequence > now + clockTolerance || sequence < now - forgetAfter - clockTolerance) return "clock";
    if (entry === undefined && this.#entries.size >= maxOrigins) return "full";
    const key = this.#keyOf(origin);
    if (key === null) return "unknown_origin";
    return isSignedBy(key, record, this.#cryptography) ? null : "forged";
  }

  #apply(
    now: Instant,
    entry: Entry,
    sequence: number,
    fact: Fact,
    age: Micros,
    changes: Change[],
  ): Drop | null {
    const { origin } = entry;
    switch (fact.facet) {
      case "description": {
        if (fact.value.id !== origin) return "malformed";
        entry.description = fact.value;
        changes.push({ kind: "described", origin, description: fact.value });
        break;
      }
      case "load": {
        const drop = takeLoad(entry, sequence, fact.value);
        if (drop !== null) return drop;
        changes.push({ kind: "load", origin, load: entry.load as NodeLoad });
        break;
      }
      case "links": {
        const drop = takeLinks(entry, sequence, fact.value, this.#settings.maxLinksPerOrigin);
        if (drop !== null) return drop;
        changes.push({ kind: "links", origin, links: entry.links });
        break;
      }
      case "alive":
        entry.aliveSequence = sequence;
        entry.patience = this.#patienceFor(fact.value.every);
        confirm(entry, fact.value, now, age);
        return null;
      case "leaving":
        return null;
    }
    entry.held[fact.facet] = sequence;
    entry.confirmedAt[fact.facet] = (now - age) as Instant;
    return null;
  }

  /** An origin that speaks seldom is given two silences and a fifth before it is suspect, and the rest in proportion. */
  #patienceFor(every: number | undefined): number {
    if (every === undefined) return 1;
    return Math.min(MOST_PATIENCE, Math.max(1, (2.2 * every) / this.#settings.suspectAfter));
  }

  #heard(now: Instant, entry: Entry, age: Micros, changes: Change[]): void {
    const heardAt = (now - age) as Instant;
    if (heardAt > entry.heardAt) entry.heardAt = heardAt;
    entry.lostAt = NEVER;
    if (entry.health !== "up") this.#turn(entry, "up", changes);
    this.#schedule(after(entry.heardAt, micros(this.#settings.suspectAfter * entry.patience)));
  }

  #turn(entry: Entry, health: Health, changes: Change[]): void {
    entry.health = health;
    changes.push({ kind: "health", origin: entry.origin, health });
  }

  #forget(origin: NodeId, newest: number, because: "silent" | "left"): Change[] {
    if (!this.#entries.delete(origin)) return [];
    this.#gone.set(origin, newest);
    if (this.#gone.size > this.#settings.maxOrigins) {
      this.#gone.delete(this.#gone.keys().next().value as NodeId);
    }
    return [{ kind: "forgotten", origin, because }];
  }

  #dropped(because: Drop): Acceptance {
    this.#counters[because]++;
    return { accepted: false, because };
  }

  #schedule(at: Instant): void {
    if (at < this.#wakeAt) this.#wakeAt = at;
  }
}
