import type { Bench } from "./bench.ts";
import { market } from "./market.ts";
import { measure } from "./measure.ts";
import { sim } from "./sim.ts";

/** Every bench there is, by name. */
export const BENCHES: readonly Bench[] = [market, measure, sim];
