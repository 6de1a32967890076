import type { Operations, Watts } from "@weft/kernel";

/** Dynamic power of a core clocked at `hertz`: P = k f^3, since voltage grows with frequency (Mudge 2001). */
export const dynamicPower = (k: number, hertz: number): Watts => (k * hertz ** 3) as Watts;

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
