import type { SiteId } from "@weft/infrastructure";
import type { BitsPerSecond, Micros, Ratio } from "@weft/kernel";

/** What one direction between two sites does to what it carries. */
export interface Distance {
  /** One-way propagation: the same for every byte, whatever the rate. */
  readonly delay: Micros;
  /** Payload bits a second, shared by all that passes; null: as fast as the machine. */
  readonly rate: BitsPerSecond | null;
  /** Standard deviation of the delay, drawn anew for each piece; order is kept. None unless said. */
  readonly jitter?: Micros;
  /** Share of datagrams lost. TCP loses nothing: its repair is not emulated. None unless said. */
  readonly loss?: Ratio;
  /** False: datagrams vanish, connections are reset and refused. True unless said. */
  readonly up?: boolean;
}

export interface EmulatedLink extends Distance {
  readonly from: SiteId;
  readonly to: SiteId;
}

/**
 * Which sites are joined, by directed links. A link without its opposite has the same distance both ways, since
 * no connection works in one direction only.
 */
export interface EmulatedLinksSpec {
  readonly links: readonly EmulatedLink[];
  /** For jitter and loss; a seed repeats its draws. */
  readonly seed?: number;
}

/** Where a site's gateway really listens: `host:port` for connections and for datagrams. */
export interface GatewayPlace {
  readonly tcp: string;
  readonly udp?: string;
}

/** Splits `host:port`; the host of an IPv6 address stands in brackets. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
