import { assert, type Joules, type Operations, type Watts } from "@weft/kernel";

/** Dynamic power of a core clocked at `hertz`: P = k f^3, since voltage grows with frequency (Mudge 2001). */
export const dynamicPower = (k: number, hertz: number): Watts => (k * hertz ** 3) as Watts;

/**
 * Joules that `work` takes at `hertz` and `perCycle` operations a cycle: P times work / (f * perCycle), so k f^2 work /
 * perCycle. Half the frequency takes a quarter of the energy and twice the time.
 */
export const dynamicEnergy = (k: number, hertz: number, work: Operations, perCycle: number): Joules =>
  ((k * hertz ** 2 * work) / perCycle) as Joules;

/** The frequency that takes the least energy and still does `work` in `seconds`; null where not even `most` does. */
export function thriftiestFrequency(
  work: Operations,
  perCycle: number,
  seconds: number,
  [least, most]: readonly [number, number],
): number | null {
  const needed = work / perCycle / seconds;
  return needed > most ? null : Math.max(least, needed);
}

/** The constant k of a core that draws `full` watts more than idle at `hertz`. */
export const cubeConstant = (full: Watts, hertz: number): number => full / hertz ** 3;

/**
 * Mean time in a queue with Poisson arrivals and one server, M/G/1 (Pollaczek and Khinchine): service time plus
 * rho (1 + c^2) / (2 (1 - rho)) service times of waiting. `variation` c is the service time's standard deviation over its
 * mean: 1 is M/M/1, 0 is M/D/1. Infinity without steady state. Any one unit of time throughout.
 */
export function meanSojourn(arrivalRate: number, serviceTime: number, variation: number): number {
  assert(arrivalRate >= 0 && serviceTime >= 0 && variation >= 0, "rates and times are not negative");
  const load = arrivalRate * serviceTime;
  if (load >= 1) return Number.POSITIVE_INFINITY;
  return serviceTime * (1 + (load * (1 + variation ** 2)) / (2 * (1 - load)));
}
