import { raised, stopSignal } from "@weft/live";
import { readConfig } from "./config.ts";
import { startManager } from "./manager-process.ts";

/*
 * One manager as a process: `node main.js CONFIG.json`. Says one JSON line on stdout once it serves, stops in order when
 * it is asked to or its parent is gone, and ends with 1 when it cannot go on. Asked during its start, it starts first:
 * a store half opened would be left behind.
 */

function stopWith(error: unknown): never {
  const { message, code, hint } = error as { message?: string; code?: string; hint?: string };
  const told = [message ?? String(error), hint === undefined ? "" : `  hint: ${hint}`].filter(
    (line) => line !== "",
  );
  console.error(`weft manager: ${told.join("\n")}${code === undefined ? "" : `  [${code}]`}`);
  process.exit(1);
}

const asked = stopSignal();
const file = process.argv[2];
if (file === undefined) stopWith(new Error("usage: main.js CONFIG.json"));
try {
  const running = await startManager(readConfig(file), stopWith);
  console.log(JSON.stringify({ ready: true, url: running.url, store: running.store, pid: process.pid }));
  await raised(asked);
  await running.stop();
  process.exit(0);
} catch (error) {
  stopWith(error);
}
