import type { LinkState, NodeDescription, NodeId, NodeLoad } from "@weft/infrastructure";
import { type Instant, type Micros, NEVER } from "@weft/kernel";
import {
  type AliveFact,
  type AnnouncedLoad,
  type Fact,
  type LinksFact,
  type LoadFact,
  STATE_FACETS,
  type StateFacet,
  wholeLinks,
  wholeLoad,
} from "./facts.ts";
import type { AnnouncementRecord } from "./record.ts";

/** Whether an origin is heard. */
export type Health = "up" | "suspect" | "down";

/** Why a record did not change the view. */
export type Drop =
  | "duplicate"
  | "stale"
  | "forged"
  | "unknown_origin"
  | "malformed"
  | "oversized"
  | "clock"
  | "full"
  | "missing_base"
  /** Faster than a facet of one origin may change. */
  | "too_fast";

/** What a view keeps of one origin, and how one fact changes it. */
export interface Entry {
  readonly origin: NodeId;
  description: NodeDescription | null;
  load: AnnouncedLoad | null;
  links: readonly LinkState[];
  health: Health;
  heardAt: Instant;
  lostAt: Instant;
  confirmedAt: { [facet in StateFacet]: Instant | null };
  /** Number of the state held, by facet; 0: none. */
  held: { [facet in StateFacet]: number };
  /** The last whole load and links, which deltas are against. */
  baseLoad: { readonly value: NodeLoad; readonly sequence: number } | null;
  baseLinks: { readonly value: readonly LinkState[]; readonly sequence: number } | null;
  aliveSequence: number;
  /** How many times longer than others its silence may last: it said so. */
  patience: number;
  newest: number;
  /** Newest number used before this origin was forgotten last. */
  readonly floor: number;
}

/** An origin first heard of; `floor` is the newest number it used before it was forgotten. */
export const newEntry = (origin: NodeId, heardAt: Instant, floor: number): Entry => ({
  origin,
  description: null,
  load: null,
  links: [],
  health: "up",
  heardAt,
  lostAt: NEVER,
  floor,
  confirmedAt: { description: null, load: null, links: null },
  held: { description: 0, load: 0, links: 0 },
  baseLoad: null,
  baseLinks: null,
  aliveSequence: 0,
  patience: 1,
  newest: floor,
});

/** The number that a record of this facet must exceed. */
export function numberOf(entry: Entry, facet: AnnouncementRecord["facet"]): number {
  if (facet === "leaving") return entry.newest;
  return Math.max(entry.floor, facet === "alive" ? entry.aliveSequence : entry.held[facet]);
}

/** Takes a load, whole or a delta; why not where it cannot be. */
export function takeLoad(entry: Entry, sequence: number, fact: LoadFact): Drop | null {
  if (fact.base !== undefined && fact.base !== entry.baseLoad?.sequence) return "missing_base";
  const whole = wholeLoad(fact, entry.baseLoad?.value ?? null);
  if (whole === null || whole.node !== entry.origin) return "malformed";
  entry.load = whole;
  if (fact.base === undefined) entry.baseLoad = { value: whole, sequence };
  return null;
}

/** Takes links, whole or a delta, at most `most`. */
export function takeLinks(entry: Entry, sequence: number, fact: LinksFact, most: number): Drop | null {
  if (fact.base !== undefined && fact.base !== entry.baseLinks?.sequence) return "missing_base";
  const whole = wholeLinks(fact, entry.baseLinks?.value ?? []);
  if (whole.length > most) return "oversized";
  entry.links = whole;
  if (fact.base === undefined) entry.baseLinks = { value: whole, sequence };
  return null;
}

/** What the origin's heartbeat names and we hold is as fresh as the heartbeat. */
export function confirm(entry: Entry, alive: AliveFact, now: Instant, age: Micros): void {
  for (const facet of STATE_FACETS) {
    if (alive[facet] !== 0 && alive[facet] === entry.held[facet]) {
      entry.confirmedAt[facet] = (now - age) as Instant;
    }
  }
}

/** Facets whose newest state a heartbeat names and we lack. */
export function missingOf(entry: Entry, fact: Fact): readonly StateFacet[] {
  if (fact.facet !== "alive") return [];
  return STATE_FACETS.filter((facet) => fact.value[facet] > entry.held[facet]);
}
