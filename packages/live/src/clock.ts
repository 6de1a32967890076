import type { Instant } from "@weft/kernel";

/** The wall clock as instants that never run backwards, whatever is done to the system's clock meanwhile. */
export type Clock = () => Instant;

/** A wall clock this far ahead is followed: the machine slept, which monotonic time does not count, or was set right. */
const LEAP_US = 60_000_000;

/**
 * A clock that reads the wall once and then counts monotonic time, so that small corrections of the system clock move
 * nobody's deadlines. Only a leap forward of more than a minute is followed; a process follows a clock that was set
 * back once it is started again.
 */
export function liveClock(): Clock {
  let startUs = Date.now() * 1000;
  const startNs = process.hrtime.bigint();
  return () => {
    const now = startUs + Number((process.hrtime.bigint() - startNs) / 1000n);
    const ahead = Date.now() * 1000 - now;
    if (ahead <= LEAP_US) return now as Instant;
    startUs += ahead;
    return (now + ahead) as Instant;
  };
}
