import type { Instant } from "@weft/kernel";

/** The wall clock as instants that never run backwards, whatever is done to the system's clock meanwhile. */
export type Clock = () => Instant;

/**
 * A clock that reads the wall once and then counts monotonic time, so that a step of the system clock moves
 * nobody's deadlines. Restart the process to follow a corrected wall clock.
 */
export function liveClock(): Clock {
  const startUs = Date.now() * 1000;
  const startNs = process.hrtime.bigint();
  return () => (startUs + Number((process.hrtime.bigint() - startNs) / 1000n)) as Instant;
}
