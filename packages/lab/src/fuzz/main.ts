import { SimulationFailure } from "@weft/sim";
import { parseSeeds } from "../seeds.ts";
import { FuzzedNetwork } from "./network.ts";

/*
 * npm run fuzz -- --seeds 500        seeds 1..500
 * npm run fuzz -- --seeds 9..40      these
 * npm run fuzz -- --seed 17          one, as a failure's replay line says
 */
const words = process.argv.slice(2);
const given = /^--seeds?$/.test(words[0] ?? "") ? words[1] : "200";
const text = words[0] === "--seeds" && /^\d+$/.test(given ?? "") ? `1..${given}` : (given ?? "");
const seeds = parseSeeds(text);
if (!seeds.ok || (words[0] !== undefined && !/^--seeds?$/.test(words[0]))) {
  console.error("usage: npm run fuzz -- [--seeds N | --seeds 1..20 | --seed N]");
  process.exit(2);
}

let failures = 0;
const totals = { events: 0, tasks: 0, lostRuns: 0, crashes: 0, cancelled: 0 };
for (const seed of seeds.value) {
  try {
    const report = new FuzzedNetwork({ seed }).run();
    for (const key of ["events", "tasks", "lostRuns", "crashes", "cancelled"] as const)
      totals[key] += report[key];
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    failures++;
    console.error(`seed ${seed}: ${error.message}\n`);
  }
}
const { events, tasks, lostRuns, crashes, cancelled } = totals;
console.log(
  `${seeds.value.length} seeds, ${failures} failed: ${events} events, ${tasks} tasks (${cancelled} taken back), ${lostRuns} runs lost and placed again, ${crashes} crashes`,
);
process.exitCode = failures > 0 ? 1 : 0;
