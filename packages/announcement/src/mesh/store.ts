import type { NodeId } from "@weft/infrastructure";
import type { Instant } from "@weft/kernel";
import { FACETS, type Facet } from "../facts.ts";
import type { Taken } from "../participant.ts";
import { type AnnouncementRecord, decodeRecord } from "../record.ts";
import { type Held, keyHash, originHash } from "./messages.ts";

/** A record as it came, to be passed on as it is. */
export interface Stored {
  readonly origin: NodeId;
  readonly originHash: number;
  readonly key: number;
  readonly facet: Facet;
  readonly sequence: number;
  readonly encoded: Uint8Array;
  /** When its origin made it, by this observer's clock. */
  readonly bornAt: Instant;
}

/** The newest record of each facet of each origin. As bounded as the view it goes with. */
export class RecordStore {
  readonly #byOrigin = new Map<NodeId, (Stored | undefined)[]>();
  readonly #byKey = new Map<number, Stored>();
  /** Bytes of all records kept. */
  bytes = 0;

  get(origin: NodeId, facet: Facet): Stored | undefined {
    return this.#byOrigin.get(origin)?.[FACETS.indexOf(facet)];
  }

  /** By hint. */
  byKey(key: number): Stored | undefined {
    return this.#byKey.get(key);
  }

  put(record: AnnouncementRecord, encoded: Uint8Array, bornAt: Instant): Stored {
    const { origin, facet, sequence } = record;
    let facets = this.#byOrigin.get(origin);
    if (facets === undefined) {
      facets = [];
      this.#byOrigin.set(origin, facets);
    }
    const hash = originHash(origin);
    const stored: Stored = {
      origin,
      originHash: hash,
      key: keyHash(hash, facet),
      facet,
      sequence,
      encoded,
      bornAt,
    };
    const index = FACETS.indexOf(facet);
    this.bytes += encoded.length - (facets[index]?.encoded.length ?? 0);
    facets[index] = stored;
    this.#byKey.set(stored.key, stored);
    return stored;
  }

  /** Drops one facet. */
  drop(origin: NodeId, facet: Facet): void {
    const stored = this.get(origin, facet);
    if (stored === undefined) return;
    this.#byKey.delete(stored.key);
    this.bytes -= stored.encoded.length;
    (this.#byOrigin.get(origin) as (Stored | undefined)[])[FACETS.indexOf(facet)] = undefined;
  }

  delete(origin: NodeId): void {
    for (const stored of this.of(origin)) {
      this.#byKey.delete(stored.key);
      this.bytes -= stored.encoded.length;
    }
    this.#byOrigin.delete(origin);
  }

  of(origin: NodeId): readonly Stored[] {
    return (this.#byOrigin.get(origin) ?? []).filter((stored) => stored !== undefined);
  }

  /** Every record kept. */
  records(): Taken[] {
    const records: Taken[] = [];
    for (const { encoded, bornAt } of this.#byKey.values()) {
      const decoded = decodeRecord(encoded);
      if (decoded.ok) records.push({ record: decoded.value, bornAt });
    }
    return records;
  }

  /** What is held, for a summary. */
  *held(): IterableIterator<Held> {
    for (const [origin, facets] of this.#byOrigin) {
      yield { origin, sequences: FACETS.map((_, i) => facets[i]?.sequence ?? 0) };
    }
  }
}
