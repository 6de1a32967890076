import type { Refusal } from "@weft/kernel";
import { raised, stopSignal } from "@weft/live";
import { JoinRefused, startAgent } from "./agent-process.ts";
import { readConfig } from "./config.ts";

/*
 * One agent as a process: `node main.js CONFIG.json`. Says one JSON line on stdout when it has measured, one when it has joined;
 * stops in order when it is asked to or its parent is gone; ends with 1 when its manager will not have it.
 */

function stopWith(error: unknown): never {
  const refusal: Partial<Refusal> =
    error instanceof JoinRefused ? error.refusal : (error as Partial<Refusal>);
  const { message = String(error), code, found, expected, hint } = refusal;
  const compared =
    found === undefined || expected === undefined ? "" : `: found ${found}, expected ${expected}`;
  console.error(`weft agent: ${message}${compared}${code === undefined ? "" : `  [${code}]`}`);
  if (hint !== undefined) console.error(`  hint: ${hint}`);
  process.exit(1);
}

const asked = stopSignal();
const file = process.argv[2];
if (file === undefined) stopWith(new Error("usage: main.js CONFIG.json"));
try {
  const config = readConfig(file);
  const measuring = (): never => process.exit(0); // nothing is promised to anybody yet
  asked.addEventListener("abort", measuring);
  const agent = await startAgent(config, (line) => console.error(`weft agent ${config.name}: ${line}`));
  asked.removeEventListener("abort", measuring);
  const { power, memoryBytes } = agent.description;
  console.log(
    JSON.stringify({
      measured: true,
      power,
      memoryBytes,
      share: agent.share,
      took: agent.host.took,
      cached: agent.host.cached,
    }),
  );
  const joined = agent.joined.then(() =>
    console.log(JSON.stringify({ joined: true, name: config.name, pid: process.pid })),
  );
  const stopped = raised(asked);
  await Promise.race([joined, stopped]);
  await stopped;
  await agent.stop();
  process.exit(0);
} catch (error) {
  stopWith(error);
}
