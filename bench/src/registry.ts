import { announcement } from "./announcement.ts";
import { backfill } from "./backfill.ts";
import { batch } from "./batch.ts";
import type { Bench } from "./bench.ts";
import { data } from "./data.ts";
import { distance } from "./distance.ts";
import { market } from "./market.ts";
import { measure } from "./measure.ts";
import { pricing } from "./pricing.ts";
import { replay } from "./replay.ts";
import { routing } from "./routing.ts";
import { runtimes } from "./runtimes.ts";
import { schedule } from "./schedule.ts";
import { signatures } from "./signatures.ts";
import { sim } from "./sim.ts";
import { stale } from "./stale.ts";
import { tasks } from "./tasks.ts";
import { trust } from "./trust.ts";

/** Every bench there is, by name. */
export const BENCHES: readonly Bench[] = [
  announcement,
  backfill,
  batch,
  data,
  distance,
  market,
  measure,
  pricing,
  replay,
  routing,
  runtimes,
  schedule,
  signatures,
  sim,
  stale,
  tasks,
  trust,
];
