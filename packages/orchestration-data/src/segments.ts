import { ok, type Result, refuse } from "@weft/kernel";
import type { DataRefusal } from "./content.ts";

/** Where a gateway is reached: `host:port`, an IPv6 address in brackets. */
export type Address = string;

/**
 * Names the gateways a request still has to pass, in order, separated by commas: what a segment list is to a packet in
 * SRv6 (RFC 8754). Each gateway strikes itself out and passes the request on, so that the bytes really take
 * the path that was chosen.
 */
export const SEGMENTS_HEADER = "weft-segments";

/** More gateways than this in a row is a mistake or a loop. */
const MAX_SEGMENTS = 16;

const ADDRESS = /^(?:\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

/** Whether a text names a host and a port between 1 and 65535. */
export function isAddress(text: string): text is Address {
  const port = Number(ADDRESS.exec(text)?.[1] ?? 0);
  return port >= 1 && port <= 65535;
}

/** Splits an address into what `node:net` wants: the host without brackets, the port as a number. */
export function hostAndPort(address: Address): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

export const formatSegments = (segments: readonly Address[]): string => segments.join(",");

/** Reads the header's value; absent or empty is the empty list: the gateway itself is meant. */
export function parseSegments(header: string | undefined): Result<readonly Address[], DataRefusal> {
  if (header === undefined || header.trim() === "") return ok([]);
  const segments = header.split(",").map((segment) => segment.trim());
  const wrong = segments.find((segment) => !isAddress(segment));
  if (wrong !== undefined) {
    return refuse("E_DATA_REQUEST", "not the address of a gateway", {
      path: SEGMENTS_HEADER,
      found: wrong,
      expected: "host:port, separated by commas",
    });
  }
  if (segments.length > MAX_SEGMENTS) {
    return refuse("E_DATA_REQUEST", "too many segments", {
      path: SEGMENTS_HEADER,
      found: String(segments.length),
      expected: `at most ${MAX_SEGMENTS}`,
    });
  }
  return ok(segments);
}
