import type { Instant } from "./time.ts";

/**
 * Every protocol and every controller is one synchronous object. Time comes in as an argument, effects go
 * out as data; `live` drives it with real time and sockets, `sim` with virtual time and simulated links.
 */
export interface Machine<In, Out> {
  /** The earliest deadline, or `NEVER`. */
  readonly wakeAt: Instant;
  /** Does what is due at `now`; leaves `wakeAt` later than `now`. */
  wake(now: Instant): readonly Out[];
  /** Takes one input at `now`. `now` never runs backwards between calls. */
  handle(now: Instant, input: In): readonly Out[];
}
