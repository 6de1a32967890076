import { JoinRefused, startAgent } from "./agent-process.ts";
import { readConfig } from "./config.ts";

/*
 * One agent as a process: `node main.js CONFIG.json`. Says one JSON line on stdout when it has measured, one when it has joined;
 * stops in order on SIGTERM or SIGINT; ends with 1 when its manager will not have it.
 */

function stopWith(error: unknown): never {
  const refusal = error instanceof JoinRefused ? error.refusal : null;
  console.error(
    `weft agent: ${(error as Error).message ?? error}${refusal === null ? "" : `  [${refusal.code}]`}`,
  );
  if (refusal?.hint !== undefined) console.error(`  hint: ${refusal.hint}`);
  process.exit(1);
}

const file = process.argv[2];
if (file === undefined) stopWith(new Error("usage: main.js CONFIG.json"));
try {
  const config = readConfig(file);
  const agent = await startAgent(config, (line) => console.error(`weft agent ${config.name}: ${line}`));
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
  await agent.joined;
  console.log(JSON.stringify({ joined: true, name: config.name, pid: process.pid }));
  const stop = (): void => {
    agent.stop().then(() => process.exit(0), stopWith);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
} catch (error) {
  stopWith(error);
}
