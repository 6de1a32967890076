import type { Bench } from "./bench.ts";
import { sim } from "./sim.ts";

/** Every bench there is, by name. */
export const BENCHES: readonly Bench[] = [sim];
