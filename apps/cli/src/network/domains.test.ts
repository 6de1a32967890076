import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSigner } from "@weft/live";
import type { DomainView } from "@weft/service-http";
import { WeftClient } from "@weft/service-http/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { must, TestConsumer } from "../testing/consumer.ts";
import type { RunningDomains } from "./domains.ts";
import { parseDomainsFile } from "./network-file.ts";

/*
 * Three managers of three domains with their agents, each a process of its own: they exchange what they offer, place a
 * task in a foreign domain, and are killed while it runs.
 */

const FILE = `
apiVersion: weft.dev/v1
kind: Domains
metadata: { name: test }
spec:
  peers:
    - { between: [east, west], delay: 2ms, rate: 500Mbps, credit: 50 CNY }
    - { between: [east, north], delay: 3ms, rate: 500Mbps, credit: 50 CNY }
    - { between: [west, north], delay: 1ms, rate: 500Mbps, credit: 50 CNY }
  domains:
    - domain: east
      announcement: link-state
      manager: { site: here }
      links: []
      consumers: [{ name: ann, credit: 100 CNY }]
      nodes: [{ name: one, tier: edge, site: here, provider: pat, share: 30%, price: 0.5 CNY, runs: [wasm] }]
    - domain: west
      manager: { site: here }
      links: []
      consumers: [{ name: ann, credit: 100 CNY }]
      nodes: [{ name: one, tier: edge, site: here, provider: pat, share: 30%, price: 0.01 CNY, runs: [wasm] }]
    - domain: north
      announcement: canopy
      manager: { site: here }
      links: []
      consumers: [{ name: ann, credit: 100 CNY }]
      nodes: [{ name: one, tier: edge, site: here, provider: pat, share: 30%, price: 0.2 CNY, runs: [wasm] }]
`;

let folder: string;
let running: RunningDomains;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-three-"));
  // The build, since the processes are the build's too.
  const { startDomains } = (await import(
    new URL("../../dist/network/index.js", import.meta.url).href
  )) as typeof import("./index.ts");
  running = await startDomains({
    file: parseDomainsFile(FILE, "test"),
    stateDir: join(folder, "state"),
    cacheDir: join(tmpdir(), "weft-test-cache"),
    host: "127.0.0.1",
    port: 0,
    say: (line) => process.env.WEFT_SAY && console.error(line),
  });
}, 180_000);

afterAll(async () => {
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const networkOf = (domain: string) => {
  const network = running.networks.get(domain);
  if (network === undefined) throw new Error(`no domain ${domain}`);
  return network;
};
const consumerOf = (domain: string): TestConsumer => {
  const network = networkOf(domain);
  const { token, key } = network.consumer("ann");
  return new TestConsumer(network.url, token, loadSigner(key), folder);
};
const managerOf = (domain: string): WeftClient =>
  new WeftClient({ server: networkOf(domain).url, token: networkOf(domain).managerToken, retries: 10 });
const domainsOf = async (domain: string): Promise<readonly DomainView[]> =>
  must(await managerOf(domain).call("GET /v1/domains", {})).items;

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function balances(domain: string): Promise<Map<string, bigint>> {
  const { items } = must(await managerOf(domain).call("GET /v1/accounts", {}));
  return new Map(items.map((account) => [account.id, account.balance.posted]));
}

/** The way to west has been measured: it can be chosen. */
const reachable = () =>
  until(async () => {
    const { items } = must(await managerOf("east").call("GET /v1/links", {}));
    return items.some(({ state }) => state.to === "@west" && state.up);
  });

/** Both books sum to zero, and what one owes the other is owed. */
async function expectMirrored(): Promise<bigint> {
  let owed = 0n;
  await until(async () => {
    const [east, west] = [await balances("east"), await balances("west")];
    for (const books of [east, west]) expect([...books.values()].reduce((a, b) => a + b, 0n)).toBe(0n);
    owed = east.get("@west") ?? 0n;
    return owed === -(west.get("@east") ?? 0n);
  });
  return owed;
}

it("three domains know each other's offers", async () => {
  for (const [domain, others] of [
    ["east", ["north", "west"]],
    ["west", ["east", "north"]],
    ["north", ["east", "west"]],
  ] as const) {
    await until(async () => (await domainsOf(domain)).filter(({ state }) => state === "up").length === 2);
    const seen = await domainsOf(domain);
    expect(seen.map(({ id }) => id)).toEqual([domain, ...others]);
    expect(
      seen.slice(1).every(({ nodes, prices, path }) => nodes === 1 && prices !== null && path !== null),
    ).toBe(true);
  }
}, 30_000);

it("a task of the first runs in the cheapest, and the books of both agree", async () => {
  await reachable();
  const consumer = consumerOf("east");
  const id = await consumer.submit("spin", 20_000_000n);
  const task = await consumer.when(id, "succeeded");
  expect(task.runs.map((run) => run.node)).toEqual(["@west"]);
  const explained = must(
    await consumer.client.call("GET /v1/tasks/{task}/explain", { params: { task: id } } as never),
  ) as { abroad?: { domain: string; price: bigint } };
  expect(explained.abroad?.domain).toBe("west");
  expect(await expectMirrored()).toBeGreaterThan(0n);
}, 60_000);

it("both managers killed while a task runs abroad: it runs once and is billed once", async () => {
  await reachable();
  const consumer = consumerOf("east");
  const before = must(await managerOf("west").call("GET /v1/usage", { query: { limit: 100 } } as never)).items
    .length;
  const id = await consumer.submit("long", 700_000_000n);
  await consumer.when(id, "running");
  networkOf("west").kill("manager");
  networkOf("east").kill("manager");
  const task = await consumer.when(id, "succeeded");
  expect(task.runs.map((run) => [run.node, run.state, run.because])).toEqual([["@west", "finished", null]]);
  const after = must(await managerOf("west").call("GET /v1/usage", { query: { limit: 100 } } as never)).items
    .length;
  expect(after - before).toBe(1);
  await expectMirrored();
  expect((await balances("west")).get("losses")).toBe(0n);
}, 120_000);
