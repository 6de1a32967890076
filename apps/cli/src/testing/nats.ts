import { spawn, spawnSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/*
 * A NATS server for a test, where one is installed.
 */

export const hasNats = spawnSync("nats-server", ["--version"]).status === 0;

/** What tests over NATS are called: where it is missing the name says that they are skipped. */
export const overNats = hasNats ? "over NATS" : "over NATS (skipped: nats-server is not installed)";

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts a server; its address, and how it is stopped. */
export async function startNats(): Promise<{ readonly url: string; readonly stop: () => void }> {
  const port = await freePort();
  const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], { stdio: "pipe" });
  await new Promise<void>((resolve) => {
    server.stderr.on("data", (text) => String(text).includes("Server is ready") && resolve());
  });
  return { url: `nats://127.0.0.1:${port}`, stop: () => server.kill() };
}
