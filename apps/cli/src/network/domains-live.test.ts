import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentConfig, priceListFor, startAgent } from "@weft/agent-app";
import { type Money, parseMoney } from "@weft/kernel";
import { loadSigner } from "@weft/live";
import { managerConfig, serveManager } from "@weft/manager-app";
import { MemoryStore, type NodeView } from "@weft/service";
import { newSecret } from "@weft/service-http";
import { WeftClient } from "@weft/service-http/client";
import { afterEach, describe, expect, it } from "vitest";
import { must, TestConsumer } from "../testing/consumer.ts";
import { freePort, hasNats, overNats, startNats } from "../testing/nats.ts";

/*
 * Managers of several domains with their agents, over real sockets in one process: offers cross, a task runs abroad,
 * both books agree, also when either manager stops in between.
 */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function nats(): Promise<string> {
  const server = await startNats();
  cleanups.push(server.stop);
  return server.url;
}

interface Wanted {
  readonly name: string;
  /** For a tera-operation. */
  readonly price: string;
  readonly federation?: Record<string, unknown>;
}

class Domain {
  readonly name: string;
  readonly store = Object.assign(new MemoryStore(), { adopted: false, description: "memory" });
  readonly token = newSecret("api");
  readonly managerToken = newSecret("api");
  readonly folder: string;
  readonly config: ReturnType<typeof managerConfig>;
  manager!: Awaited<ReturnType<typeof serveManager>>;

  constructor(folder: string, settings: Parameters<typeof managerConfig>[0], tokens: [string, string]) {
    this.folder = folder;
    this.name = settings.domain;
    [this.token, this.managerToken] = tokens;
    this.config = managerConfig(settings);
  }

  async start(): Promise<void> {
    this.manager = await serveManager(this.config, this.store, (error) => {
      throw error;
    });
  }

  get consumer(): TestConsumer {
    return new TestConsumer(
      this.manager.url,
      this.token,
      loadSigner(join(this.folder, "ann.pem")),
      this.folder,
    );
  }

  get asManager(): WeftClient {
    return new WeftClient({ server: this.manager.url, token: this.managerToken, retries: 10 });
  }

  async nodes(): Promise<readonly NodeView[]> {
    return must(await this.asManager.call("GET /v1/nodes", { query: {} })).items;
  }

  async balances(): Promise<Map<string, bigint>> {
    const { items } = must(await this.asManager.call("GET /v1/accounts", {}));
    return new Map(items.map((account) => [account.id, account.balance.posted]));
  }
}

/** Brings up one manager for each, peered with all others, and one agent of its own. */
async function domains(wanted: readonly Wanted[], bus: string | null = null): Promise<Domain[]> {
  const folder = mkdtempSync(join(tmpdir(), "weft-domains-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const ports = await Promise.all(wanted.map(() => freePort()));
  const keyOf = (name: string) => loadSigner(join(folder, name, "manager", "manager.pem")).publicKey;
  const made: Domain[] = [];
  for (const [i, { name, price, federation }] of wanted.entries()) {
    const home = join(folder, name);
    const signer = loadSigner(join(home, "ann.pem"));
    const tokens: [string, string] = [newSecret("api"), newSecret("api")];
    const domain = new Domain(
      home,
      {
        name,
        stateDir: join(home, "manager"),
        listen: { host: "127.0.0.1", port: ports[i] as number },
        site: `${name}-site`,
        domain: name,
        bus,
        announcement: i === 0 ? "link-state" : "centralised",
        federation: {
          peers: wanted.flatMap((other, j) =>
            other.name === name
              ? []
              : [
                  {
                    domain: other.name,
                    key: keyOf(other.name),
                    // One of two names the other's address: the way back is the same.
                    url: bus === null && j > i ? `http://127.0.0.1:${ports[j]}` : null,
                    credit: "50000000",
                  },
                ],
          ),
          ...federation,
        },
        bootstrap: {
          accounts: [
            { id: "ann", name: "Ann", role: "consumer", credit: "100000000" },
            { id: "pat", name: "Pat", role: "provider" },
          ],
          tokens: [
            { id: "a", digest: sha256(tokens[0]), use: "api", account: "ann", role: "consumer" },
            { id: "m", digest: sha256(tokens[1]), use: "api", account: "manager", role: "manager" },
            { id: "j", digest: sha256("wj_join"), use: "join", account: "pat", role: "provider" },
          ],
          keys: [{ account: "ann", key: signer.publicKey, note: "" }],
        },
      },
      tokens,
    );
    await domain.start();
    cleanups.push(() => domain.manager.stop());
    made.push(domain);
    const parsed = parseMoney(price);
    const agent = await startAgent(
      agentConfig({
        name: `${name}-node`,
        managers: [domain.manager.url],
        stateDir: join(home, "agent"),
        cacheDir: join(tmpdir(), "weft-test-cache"),
        storageDir: join(tmpdir(), "weft-test-cache"),
        joinToken: "wj_join",
        site: `${name}-site`,
        domain: name,
        tier: "edge",
        runs: ["wasm"],
        prices: priceListFor(must(parsed as never) as Money),
      }),
      (line) => process.env.WEFT_SAY && console.error(line),
    );
    cleanups.push(() => agent.stop());
    await agent.joined;
  }
  return made;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const ready = (home: Domain, node: string) => () =>
  home.nodes().then((nodes) => {
    const found = nodes.find(({ description }) => description.id === node);
    return found?.health === "up" && found.load?.accepting === true;
  });

/** Home and foreign books each sum to zero, and each one's account of the other mirrors the other's. */
async function expectMirrored(home: Domain, foreign: Domain): Promise<bigint> {
  let owed = 0n;
  await until(async () => {
    const [ours, theirs] = [await home.balances(), await foreign.balances()];
    for (const books of [ours, theirs]) expect([...books.values()].reduce((a, b) => a + b, 0n)).toBe(0n);
    owed = ours.get(`@${foreign.name}`) ?? 0n;
    return owed === -(theirs.get(`@${home.name}`) ?? 0n);
  });
  return owed;
}

async function abroad(bus: string | null): Promise<void> {
  const [east, west, north] = (await domains(
    [
      { name: "east", price: "0.5 CNY" },
      { name: "west", price: "0.01 CNY" },
      { name: "north", price: "0.2 CNY", federation: { offer: { labels: { open: "yes" } } } },
    ],
    bus,
  )) as [Domain, Domain, Domain];
  await until(ready(east, "@west"));
  // Nothing of north's is on offer: nobody hears of it.
  expect((await east.nodes()).map(({ description }) => description.id)).not.toContain("@north");
  const shown = (await east.nodes()).find(({ description }) => description.id === "@west");
  expect(shown).toMatchObject({ provider: "@west", description: { site: "@west", domain: "west" } });
  const task = await east.consumer.when(await east.consumer.submit("spin", 30_000_000n), "succeeded");
  expect(task.runs.map((run) => run.node)).toEqual(["@west"]);
  expect(task.charged).toBeGreaterThan(0n);
  const owed = await expectMirrored(east, west);
  expect(owed).toBeGreaterThan(0n);
  const books = await east.balances();
  expect(books.get("ann")).toBe(100_000_000n - (task.charged ?? 0n));
  expect((await west.balances()).get("pat")).toBeGreaterThan(0n);
  expect((await north.balances()).get("@east")).toBe(0n);
}

it("a task runs where it is cheapest, in another domain, and both books say so", () => abroad(null), 30_000);

describe.skipIf(!hasNats)(overNats, () => {
  it("a task runs abroad", async () => abroad(await nats()), 30_000);
});

const PAIR: readonly Wanted[] = [
  { name: "east", price: "0.5 CNY" },
  { name: "west", price: "0.01 CNY" },
];
const LONG = 600_000_000n;

it("either manager may stop and start again while a task runs abroad: it runs once and is billed once", async () => {
  const [east, west] = (await domains(PAIR)) as [Domain, Domain];
  for (const restarted of [east, west]) {
    // The link and the node come back each by itself; without both the task stays at home.
    await until(ready(east, "@west"));
    await until(async () => {
      const { items } = must(await east.asManager.call("GET /v1/links", {}));
      return items.some(({ state }) => state.to === "@west" && state.up);
    });
    const id = await east.consumer.submit(`spin-${restarted.name}`, LONG);
    await east.consumer.when(id, "running");
    await restarted.manager.stop();
    await restarted.start();
    const task = await east.consumer.when(id, "succeeded");
    expect(task.runs.map((run) => [run.node, run.state])).toEqual([["@west", "finished"]]);
  }
  const owed = await expectMirrored(east, west);
  expect(owed).toBeGreaterThan(0n);
  const { items } = must(await west.asManager.call("GET /v1/usage", { query: { limit: 100 } } as never));
  expect(items.length).toBe(2);
  expect((await west.balances()).get("losses")).toBe(0n);
}, 60_000);

it("a peer that is gone takes nothing more, and what it had runs at home", async () => {
  const [east, west] = (await domains(
    PAIR.map((one) => ({ ...one, federation: { silenceSeconds: 1 } })),
  )) as [Domain, Domain];
  await until(ready(east, "@west"));
  const id = await east.consumer.submit("spin", LONG);
  await east.consumer.when(id, "running");
  await west.manager.stop();
  const task = await east.consumer.when(id, "succeeded");
  expect(task.runs.map((run) => [run.node, run.because])).toEqual([
    ["@west", "node_silent"],
    ["east-node", null],
  ]);
  expect((await east.balances()).get("@west")).toBe(0n);
  expect((await east.nodes()).find(({ description }) => description.id === "@west")?.health).not.toBe("up");
  // Back again, it is told that the run is not its own any more: what it had earned by it is its loss.
  await west.start();
  await until(ready(east, "@west"));
  expect(await expectMirrored(east, west)).toBe(0n);
}, 60_000);

it("a peer that takes none of our tasks is not sent any, and says why", async () => {
  const [east, west] = (await domains([
    PAIR[0] as Wanted,
    { ...(PAIR[1] as Wanted), federation: { offer: { labels: {} } } },
  ])) as [Domain, Domain];
  const [peer] = west.config.federation.peers;
  (peer as { take: boolean }).take = false;
  await west.manager.stop();
  await west.start();
  await until(ready(east, "@west"));
  const task = await east.consumer.when(await east.consumer.submit("spin", 1_000_000n), "succeeded");
  expect(task.runs.map((run) => run.node)).toEqual(["east-node"]);
  expect((await east.balances()).get("@west")).toBe(0n);
}, 30_000);
