import { FACETS } from "../facts.ts";
import type { View } from "../view.ts";
import { type Held, keyHash, type MeshMessage, originHash } from "./messages.ts";
import type { RecordStore, Stored } from "./store.ts";

/*
 * What two neighbours compare on contact: the newest number of each facet of each origin that either holds.
 */

export type Summary = Extract<MeshMessage, { kind: "summary" }>;

/** Entries in one message: some 64 bytes each, and a message as long as one of records. */
const ENTRIES = 250;

/** All that is held, in parts. */
export function summaryOf(store: RecordStore, boot: number): Summary[] {
  const all = [...store.held()];
  const of = Math.max(1, Math.ceil(all.length / ENTRIES));
  return Array.from({ length: of }, (_, part) => ({
    kind: "summary",
    boot,
    part,
    of,
    held: all.slice(part * ENTRIES, (part + 1) * ENTRIES),
  }));
}

/** What a neighbour has newer than we have or have forgotten, by key, and what we have newer. */
export function compared(
  theirs: readonly Held[],
  store: RecordStore,
  view: View,
): { readonly lacking: readonly number[]; readonly newer: readonly Stored[] } {
  const lacking: number[] = [];
  const newer: Stored[] = [];
  for (const { origin, sequences } of theirs) {
    const forgotten = view.get(origin) === undefined ? view.newest(origin) : 0;
    const hash = originHash(origin);
    for (const [index, facet] of FACETS.entries()) {
      const sequence = sequences[index] ?? 0;
      const ours = store.get(origin, facet);
      if (sequence > Math.max(ours?.sequence ?? 0, forgotten)) lacking.push(keyHash(hash, facet));
      else if (ours !== undefined && ours.sequence > sequence) newer.push(ours);
    }
  }
  return { lacking, newer };
}
