import type { Instant, Micros } from "@weft/kernel";

/** A neighbour, as far as it is known. */
export interface Contact {
  up: boolean;
  delay: Micros;
  heardAt: Instant;
  sentAt: Instant;
  /** The life of the peer's that we know; 0 before its first word. */
  boot: number;
  /** The life of the peer's whose summary we have read. */
  read: number;
  /** Parts of its summary that we have read so far. */
  readonly parts: Set<number>;
  /** The peer has read our summary. */
  told: boolean;
  summaryAt: Instant;
}

/** A neighbour that the transport says can be reached, before its first word. */
export const newContact = (now: Instant, delay: Micros): Contact => ({
  up: false,
  delay,
  heardAt: now,
  sentAt: now,
  boot: 0,
  read: 0,
  parts: new Set(),
  told: false,
  summaryAt: now,
});
