import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentConfig, JoinRefused, priceListFor, startAgent } from "@weft/agent-app";
import { ARCHITECTURES } from "@weft/announcement";
import type { Money } from "@weft/kernel";
import { loadSigner } from "@weft/live";
import { managerConfig, serveManager } from "@weft/manager-app";
import { MemoryStore, type NodeView } from "@weft/service";
import { newSecret } from "@weft/service-http";
import { afterEach, describe, expect, it } from "vitest";
import { must, TestConsumer } from "../testing/consumer.ts";
import { hasNats, overNats, startNats } from "../testing/nats.ts";

/*
 * The same small network, over real sockets, announced by each architecture in turn: whatever carries the news, the
 * manager's view fills, tasks are placed, and a node that goes is missed.
 */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ANN = newSecret("api");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function nats(): Promise<string> {
  const server = await startNats();
  cleanups.push(server.stop);
  return server.url;
}

type Settings = Parameters<typeof managerConfig>[0];

async function network(announcement: Settings["announcement"], bus: string | null) {
  const folder = mkdtempSync(join(tmpdir(), "weft-announcement-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const signer = loadSigner(join(folder, "ann.pem"));
  const token = (
    id: string,
    use: "api" | "join",
    account: string,
    role: "consumer" | "provider" | "manager",
  ) => ({
    id,
    digest: sha256(id),
    use,
    account,
    role,
  });
  const config = managerConfig({
    name: "test",
    stateDir: join(folder, "manager"),
    listen: { host: "127.0.0.1", port: 0 },
    site: "here",
    domain: "test",
    announcement,
    bus,
    bootstrap: {
      accounts: [
        { id: "ann", name: "Ann", role: "consumer", credit: "100000000" },
        { id: "pat", name: "Pat", role: "provider" },
      ],
      tokens: [token(ANN, "api", "ann", "consumer"), token("wj_join", "join", "pat", "provider")],
      keys: [{ account: "ann", key: signer.publicKey, note: "" }],
    },
  });
  const store = Object.assign(new MemoryStore(), { adopted: false, description: "memory" });
  const manager = await serveManager(config, store, (error) => {
    throw error;
  });
  cleanups.push(() => manager.stop());
  const join_ = async (name: string, settings: Partial<Parameters<typeof agentConfig>[0]> = {}) => {
    const agent = await startAgent(
      agentConfig({
        name,
        managers: [manager.url],
        stateDir: join(folder, name),
        cacheDir: join(tmpdir(), "weft-test-cache"),
        storageDir: join(tmpdir(), "weft-test-cache"),
        joinToken: "wj_join",
        site: "here",
        domain: "test",
        tier: "edge",
        runs: ["wasm"],
        prices: priceListFor(20_000n as Money),
        ...settings,
      }),
      () => {},
    );
    cleanups.push(() => agent.stop());
    await agent.joined;
    return agent;
  };
  const consumer = new TestConsumer(manager.url, ANN, signer, folder);
  const nodes = async () =>
    must(await consumer.client.call("GET /v1/nodes", { query: {} })).items as readonly NodeView[];
  return { manager, join: join_, consumer, nodes };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 30));
}

async function contract(announcement: Settings["announcement"], bus: string | null): Promise<void> {
  const { consumer, join, nodes } = await network(announcement, bus);
  await join("one");
  const two = await join("two");
  await join("three");
  await until(async () => {
    const known = (await nodes()).filter((node) => node.health === "up" && node.load?.accepting === true);
    return known.length === 3;
  });
  for (const node of await nodes()) expect(node.age).toBeLessThan(15_000_000);
  const shown = must(await consumer.client.call("GET /v1/network", {}));
  expect(shown).toMatchObject({
    announcement,
    domain: "test",
    bus: bus === null ? "embedded" : bus.slice(7),
  });
  const task = await consumer.when(await consumer.submit("spin", 1_000_000n), "succeeded");
  expect(task.charged).toBeGreaterThan(0n);
  // What changes is told: a paused node takes no more.
  two.pause(true);
  await until(
    async () => (await nodes()).find((node) => node.description.id === "two")?.load?.accepting === false,
  );
  two.pause(false);
  await two.stop();
  await until(async () => (await nodes()).find((node) => node.description.id === "two")?.health !== "up");
  await consumer.when(await consumer.submit("again", 1_000_000n), "succeeded");
}

for (const announcement of ARCHITECTURES) {
  it(`a network that announces by ${announcement} places tasks`, () => contract(announcement, null), 25_000);
}

describe.skipIf(!hasNats)(overNats, () => {
  it(
    "a network that announces by link-state places tasks",
    async () => contract("link-state", await nats()),
    25_000,
  );
});

it("an agent that insists on another architecture than its manager's is refused by name", async () => {
  const { join } = await network("canopy", null);
  await expect(join("stubborn", { announcement: "link-state" })).rejects.toThrow(JoinRefused);
}, 25_000);
