import {
  type Accelerator,
  type ComputingPower,
  type LinkState,
  linkId,
  type NodeDescription,
  type NodeLoad,
  PROGRAM_KINDS,
  type RadioState,
  SECURITY_CLASSES,
  type SiteId,
  type StorageClass,
  TIERS,
} from "@weft/infrastructure";
import { type Instant, ok, type Result, refuse } from "@weft/kernel";
import { type CatsMetric, catsMetric } from "./pathvector/cats.ts";
import {
  choice,
  dictionary,
  type Form,
  figure,
  flag,
  list,
  MAX_LIST,
  type Member,
  maybe,
  nullable,
  number,
  orNull,
  required,
  type Struct,
  struct,
  text,
} from "./schema.ts";
import { Reader, SAME_VERSION, type WireRefusal, Writer } from "./wire.ts";

/**
 * The parts an origin announces apart: `description` seldom changes, `load` all the time, `links` when the
 * network does; `alive` says that the others still hold; `leaving` takes everything back.
 */
export type Facet = "description" | "load" | "links" | "alive" | "leaving";
/** In wire order: a facet's number is its index. Append only. */
export const FACETS: readonly Facet[] = ["description", "load", "links", "alive", "leaving"];
/** The facets that carry state, in the order `Alive.sequences` names them. */
export const STATE_FACETS = ["description", "load", "links"] as const;
export type StateFacet = (typeof STATE_FACETS)[number];

/** A load with the scores that other makes of path selector read. */
export type AnnouncedLoad = NodeLoad & { readonly metrics?: readonly CatsMetric[] | undefined };

/** A load, or what of it differs from the whole load announced under the sequence number `base`. */
export type LoadFact = { readonly base?: number | undefined } & {
  readonly [K in keyof AnnouncedLoad]?: AnnouncedLoad[K] | undefined;
};

/** Links, or those that differ from the whole list announced under `base`, and those that are gone. */
export interface LinksFact {
  readonly base?: number | undefined;
  readonly links: readonly LinkState[];
  readonly gone: readonly { readonly from: SiteId; readonly to: SiteId }[];
}

/** Newest sequence number of each state facet; 0 where the origin has announced none. */
export interface AliveFact {
  readonly description: number;
  readonly load: number;
  readonly links: number;
  /** Longest silence the origin keeps, microseconds; left out where it is the reader's own idea of it. */
  readonly every?: number | undefined;
}

export type Fact =
  | { readonly facet: "description"; readonly value: NodeDescription }
  | { readonly facet: "load"; readonly value: LoadFact }
  | { readonly facet: "links"; readonly value: LinksFact }
  | { readonly facet: "alive"; readonly value: AliveFact }
  | { readonly facet: "leaving"; readonly value: Record<string, never> };

const power = struct<ComputingPower>({
  logical: required(1, figure()),
  parallel: required(2, figure()),
  neural: required(3, figure()),
});

const STORAGE_CLASSES: readonly StorageClass[] = ["scratch", "durable"];

const description = struct<NodeDescription>({
  id: required(1, text()),
  tier: required(2, choice(TIERS)),
  site: required(3, text()),
  domain: required(4, text()),
  labels: dictionary(5),
  power: required(6, power),
  laneRate: required(7, power),
  memoryBytes: required(8, figure()),
  storage: required(
    9,
    struct<NodeDescription["storage"]>({
      capacityBytes: required(1, figure()),
      throughput: required(2, figure()),
      storageClass: required(3, choice(STORAGE_CLASSES)),
    }),
  ),
  accelerators: list(
    10,
    struct<Accelerator>({
      kind: required(1, choice(["gpu", "npu"] as const)),
      model: required(2, text()),
      memoryBytes: required(3, figure()),
    }),
  ),
  runs: list(11, choice(PROGRAM_KINDS)),
  security: required(12, choice(SECURITY_CLASSES)),
  watts: orNull(
    13,
    struct<NonNullable<NodeDescription["watts"]>>({
      idle: required(1, figure()),
      full: required(2, figure()),
    }),
  ),
  gramsPerKwh: orNull(14, figure()),
});

/** A list without the members we cannot read; absent when it is empty. */
const known = <T>(field: number, form: Form<T | null>): Member<readonly T[] | undefined> => ({
  field,
  put: (writer, values) => {
    for (const value of values ?? []) form.put(writer, field, value);
  },
  take: (reader, before) => {
    const value = form.take(reader);
    const values = before ?? [];
    if (values.length >= MAX_LIST) reader.fail();
    return value === null ? values : [...values, value];
  },
  absent: () => undefined,
});

const load = struct<LoadFact>({
  base: maybe(1, number()),
  node: maybe(2, text()),
  othersUse: maybe(3, power),
  freeMemoryBytes: maybe(4, figure()),
  freeStorageBytes: maybe(5, figure()),
  queue: maybe(
    6,
    struct<NodeLoad["queue"]>({
      logical: required(1, figure()),
      parallel: required(2, figure()),
      neural: required(3, figure()),
    }),
  ),
  battery: maybe(7, nullable(figure())),
  accepting: maybe(8, flag),
  at: maybe(9, figure()),
  metrics: known(10, catsMetric),
});

const link = struct<LinkState>({
  from: required(1, text()),
  to: required(2, text()),
  up: required(3, flag),
  delay: orNull(4, figure()),
  jitter: orNull(5, figure()),
  loss: orNull(6, figure()),
  capacity: orNull(7, figure()),
  bitErrorRate: orNull(8, figure()),
  security: required(9, choice(SECURITY_CLASSES)),
  radio: orNull(
    10,
    struct<RadioState>({
      availableSpectrumHz: orNull(1, figure()),
      baseStationPower: orNull(2, figure()),
    }),
  ),
  at: required(11, figure<Instant>()),
});

const links = struct<LinksFact>({
  base: maybe(1, number()),
  links: list(2, link),
  gone: list(
    3,
    struct<{ readonly from: SiteId; readonly to: SiteId }>({
      from: required(1, text()),
      to: required(2, text()),
    }),
  ),
});

const alive = struct<AliveFact>({
  description: required(1, number()),
  load: required(2, number()),
  links: required(3, number()),
  every: maybe(4, number()),
});

const LAYOUT = { description, load, links, alive, leaving: struct<Record<string, never>>({}) } as const;

/** The bytes of a fact, without its facet. */
export function encodeFact(fact: Fact): Uint8Array {
  const writer = new Writer();
  (LAYOUT[fact.facet] as Struct<Fact["value"]>).write(writer, fact.value);
  return writer.finish();
}

/** Reads a fact back; `malformed` for whatever `encodeFact` of no version could have written. */
export function decodeFact(facet: Facet, bytes: Uint8Array): Result<Fact, WireRefusal> {
  const reader = new Reader(bytes);
  const value = (LAYOUT[facet] as Struct<Fact["value"]>).read(reader);
  if (reader.bad) {
    return refuse("malformed", `not a ${facet} announcement`, {
      path: facet,
      expected: "the form of this version, no figure below zero or without end",
      hint: SAME_VERSION,
    });
  }
  return ok({ facet, value } as Fact);
}

/** What of `next` differs from `whole`, against its sequence number. Always names the instant. */
export function loadDelta(whole: NodeLoad, base: number, next: NodeLoad): LoadFact {
  const delta: Record<string, unknown> = { base };
  for (const key of Object.keys(next) as (keyof NodeLoad)[]) {
    if (key === "at" || !same(whole[key], next[key])) delta[key] = next[key];
  }
  return delta as LoadFact;
}

/** A whole load from a fact and, for a delta, the whole load it is against; null when members are missing. */
export function wholeLoad(fact: LoadFact, base: NodeLoad | null): NodeLoad | null {
  const merged = { ...(fact.base === undefined ? {} : base), ...fact } as Record<string, unknown>;
  delete merged.base;
  const names: readonly (keyof NodeLoad)[] = [
    "node",
    "othersUse",
    "freeMemoryBytes",
    "freeStorageBytes",
    "queue",
    "battery",
    "accepting",
    "at",
  ];
  return names.every((name) => merged[name] !== undefined) ? (merged as unknown as NodeLoad) : null;
}

/** The links that differ from the list `whole`, and those no longer in it. */
export function linksDelta(whole: readonly LinkState[], base: number, next: readonly LinkState[]): LinksFact {
  const before = new Map(whole.map((state) => [linkId(state.from, state.to), state]));
  const changed = next.filter((state) => {
    const old = before.get(linkId(state.from, state.to));
    return old === undefined || !same({ ...old, at: 0 }, { ...state, at: 0 });
  });
  const kept = new Set(next.map((state) => linkId(state.from, state.to)));
  const gone = whole.filter((state) => !kept.has(linkId(state.from, state.to)));
  return { base, links: changed, gone: gone.map(({ from, to }) => ({ from, to })) };
}

/** The whole list from a fact and, for a delta, the list it is against. */
export function wholeLinks(fact: LinksFact, base: readonly LinkState[]): readonly LinkState[] {
  if (fact.base === undefined) return fact.links;
  const merged = new Map(base.map((state) => [linkId(state.from, state.to), state]));
  for (const { from, to } of fact.gone) merged.delete(linkId(from, to));
  for (const state of fact.links) merged.set(linkId(state.from, state.to), state);
  return [...merged.values()];
}

/** Deep equality of plain data. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => same(left[key], right[key]));
}
