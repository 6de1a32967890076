import type { RadioState } from "@weft/infrastructure";

/** What reads a radio (survey, P3): spectrum available, power of the base stations in reach. */
export interface RadioProbe {
  /** null where there is no radio, or it says nothing. */
  read(): RadioState | null;
}

/** A machine on a wire. */
export const NO_RADIO: RadioProbe = { read: () => null };
