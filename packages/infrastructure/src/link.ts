import type { BitsPerSecond, Instant, Micros, Ratio, Watts } from "@weft/kernel";
import type { SecurityClass } from "./node.ts";
import type { LinkId, SiteId } from "./power.ts";

/**
 * One direction between two sites as its probes saw it (survey, P3). Unknown is `null`, never zero.
 */
export interface LinkState {
  readonly from: SiteId;
  readonly to: SiteId;
  readonly up: boolean;
  /** One-way delay: half the minimum-filtered round trip. */
  readonly delay: Micros | null;
  /** Mean deviation of successive round trips (RFC 3550, 6.4.1). */
  readonly jitter: Micros | null;
  readonly loss: Ratio | null;
  readonly capacity: BitsPerSecond | null;
  readonly bitErrorRate: number | null;
  readonly security: SecurityClass;
  readonly radio: RadioState | null;
  readonly at: Instant;
}

/** What only a radio knows; absent on a wire. */
export interface RadioState {
  readonly availableSpectrumHz: number | null;
  /** Total transmit power of the 5G base stations in reach. */
  readonly baseStationPower: Watts | null;
}

export const linkId = (from: SiteId, to: SiteId): LinkId => `${from}>${to}` as LinkId;
