import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";

const MODULE = new URL("../dist/stop-signal.js", import.meta.url).href;

/** A process that says when it is asked to stop, and takes `endsMs` to do so. */
async function start(endsMs = 0): Promise<{ child: ChildProcess; said: () => string }> {
  const program = `
    import { raised, stopSignal } from ${JSON.stringify(MODULE)};
    const alive = setInterval(() => {}, 1000);
    const signal = stopSignal();
    console.log("ready");
    await raised(signal);
    await new Promise((resolve) => setTimeout(resolve, ${endsMs}));
    console.log("in order");
    clearInterval(alive);
    process.exit(7);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  let text = "";
  child.stdout?.on("data", (part) => {
    text += part;
  });
  while (!text.includes("ready")) await once(child.stdout as NodeJS.ReadableStream, "data");
  return { child, said: () => text };
}

it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s asks to end, once or many times", async (signal) => {
  const { child, said } = await start(100);
  const closed = once(child, "close");
  child.kill(signal);
  child.kill(signal);
  child.kill("SIGTERM");
  expect((await closed)[0]).toBe(7);
  expect(said()).toContain("in order");
});

it("so does the end of the process that started it", async () => {
  const { child } = await start();
  const ended = once(child, "exit");
  child.disconnect();
  expect((await ended)[0]).toBe(7);
});
