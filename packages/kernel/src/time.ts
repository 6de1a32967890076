import type { Brand } from "./brand.ts";

/** A length of time in whole microseconds. */
export type Micros = Brand<number, "Micros">;
/** A point in time: whole microseconds since the Unix epoch (safe integers last until the year 2255). */
export type Instant = Brand<number, "Instant">;

/** The deadline of a machine with nothing to wait for. Later than every real instant. */
export const NEVER = Number.MAX_SAFE_INTEGER as Instant;

export const MILLISECOND = 1_000 as Micros;
export const SECOND = 1_000_000 as Micros;
export const MINUTE = 60_000_000 as Micros;
export const HOUR = 3_600_000_000 as Micros;
export const DAY = 86_400_000_000 as Micros;

/** Rounds a count of microseconds to a whole `Micros`. */
export const micros = (value: number): Micros => Math.round(value) as Micros;
/** Rounds a count of microseconds since the epoch to a whole `Instant`. */
export const instant = (value: number): Instant => Math.round(value) as Instant;
/** The instant `length` after `at`; `NEVER` stays `NEVER`. */
export const after = (at: Instant, length: Micros): Instant =>
  at >= NEVER - length ? NEVER : ((at + length) as Instant);
/** The time from `earlier` to `later`; negative when they are the other way round. */
export const between = (earlier: Instant, later: Instant): Micros => (later - earlier) as Micros;
/** The earlier of two instants. */
export const earliest = (a: Instant, b: Instant): Instant => (a < b ? a : b);
/** An instant as ISO 8601 in UTC, to the microsecond. */
export function formatInstant(at: Instant): string {
  const wholeMs = Math.floor(at / 1000);
  const restUs = at - wholeMs * 1000;
  return new Date(wholeMs).toISOString().replace("Z", `${String(restUs).padStart(3, "0")}Z`);
}
