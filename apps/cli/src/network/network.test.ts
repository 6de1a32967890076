import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSigner, nodeCryptography } from "@weft/live";
import { verifyContract } from "@weft/market";
import type { ApplicationView } from "@weft/service";
import { WeftClient } from "@weft/service-http/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Context } from "../context.ts";
import { runCommandLine } from "../program.ts";
import { keepContext } from "../settings.ts";
import { must, TestConsumer } from "../testing/consumer.ts";
import type { DistanceChange } from "./distances.ts";
import type { RunningNetwork } from "./network.ts";

/*
 * Whole networks of real processes, killed in the middle of their work. How often the manager is killed: WEFT_KILLS, 5 unless
 * set; the nightly run sets 50.
 */

const NETWORK = `
apiVersion: weft.dev/v1
kind: Network
metadata: { name: test }
spec:
  domain: test
  manager: { site: here }
  links:
    - { between: [here, there], delay: 2ms, rate: 500Mbps }
  consumers: [{ name: ann, credit: 1000 CNY }]
  nodes:
    - { name: near, tier: edge, site: here, provider: pat, share: 50%, price: 0.02 CNY, runs: [wasm, model] }
    - { name: far, tier: cloud, site: there, provider: quinn, share: 50%, gateway: true, price: 0.03 CNY, runs: [wasm, model] }
`;

const EXAMPLES = fileURLToPath(new URL("../../../../examples", import.meta.url));

let folder: string;
let network: RunningNetwork;
let ann: TestConsumer;
let manager: WeftClient;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-network-"));
  chmodSync(folder, 0o711); // where root runs this, the store's server is another user
  // The build, since the network's processes are the build's too.
  const { parseNetworkFile, startNetwork } = (await import(
    new URL("../../dist/network/index.js", import.meta.url).href
  )) as typeof import("./index.ts");
  network = await startNetwork({
    file: parseNetworkFile(NETWORK, "test"),
    stateDir: join(folder, "state"),
    cacheDir: join(tmpdir(), "weft-test-cache"),
    host: "127.0.0.1",
    port: 0,
    say: (line) => process.env.WEFT_SAY && console.error(line),
  });
  const { token, key } = network.consumer("ann");
  ann = new TestConsumer(network.url, token, loadSigner(key), folder);
  manager = new WeftClient({ server: network.url, token: network.managerToken, retries: 10 });
}, 120_000);

afterAll(async () => {
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function expectSoundBooks(): Promise<void> {
  const { items } = must(await manager.call("GET /v1/accounts", {} as never)) as {
    items: readonly { id: string; balance: { posted: bigint; held: bigint } }[];
  };
  expect(items.reduce((sum, account) => sum + account.balance.posted, 0n)).toBe(0n);
  expect(items.find((account) => account.id === "ann")?.balance.held).toBe(0n);
}

async function usageOf(task: string): Promise<number> {
  const { items } = must(await manager.call("GET /v1/usage", { query: { task, limit: 100 } } as never)) as {
    items: readonly unknown[];
  };
  return items.length;
}

it("a distance changed while the network runs is what its probes then measure", async () => {
  const { askDistances, controlOf } = await import("./distances.ts");
  const control = controlOf(folder, network.url);
  const ask = (change: Omit<DistanceChange, "from" | "to">) =>
    askDistances(control as string, network.managerToken, { from: "here", to: "there", ...change });
  const delayOf = async (): Promise<number> => {
    const { items } = must(await ann.client.call("GET /v1/links", {} as never)) as {
      items: readonly { state: { from: string; delay: number | null } }[];
    };
    return items.find(({ state }) => state.from === "here")?.state.delay ?? Number.POSITIVE_INFINITY;
  };
  while (!((await delayOf()) < 1e6)) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await delayOf()).toBeGreaterThanOrEqual(2000);
  must(await ask({ change: { delay: 100 } }));
  // Nothing is ever early: what is less than two milliseconds can only have been measured after the change.
  while ((await delayOf()) >= 2000) await new Promise((resolve) => setTimeout(resolve, 100));
  must(await ask({ reset: true, change: {} }));
}, 60_000);

it("a second network in the same folder is refused, and changes nothing there", async () => {
  const { lockFolder } = await import("./lock.ts");
  const config = join(folder, "state", "manager", "config.json");
  const before = readFileSync(config, "utf8");
  // The lock was taken by this very process, which is no other: somebody else's is tried.
  const lock = join(folder, "state", "running.pid");
  const own = readFileSync(lock, "utf8");
  writeFileSync(lock, `${network.pid("manager")}\n`);
  expect(() => lockFolder(join(folder, "state"))).toThrow("E_NETWORK_UP");
  expect(readFileSync(config, "utf8")).toBe(before);
  writeFileSync(lock, own);
});

it("a folder whose network was killed is free again", async () => {
  const { lockFolder } = await import("./lock.ts");
  const there = mkdtempSync(join(folder, "killed-"));
  writeFileSync(join(there, "running.pid"), "4194000\n");
  lockFolder(there)();
  expect(existsSync(join(there, "running.pid"))).toBe(false);
});

it("runs a task under a contract that all three signed, and settles it", async () => {
  const task = await ann.when(await ann.submit("first", 1_000_000n), "succeeded");
  expect(task.charged).toBeGreaterThan(0n);
  const { contract } = task.runs[0]!;
  const view = must(
    await ann.client.call("GET /v1/contracts/{contract}", { params: { contract } } as never),
  ) as {
    document: Parameters<typeof verifyContract>[0];
  };
  expect(verifyContract(view.document, nodeCryptography)).toBeNull();
  await expectSoundBooks();
});

it("an agent killed in mid-task: the task is placed again and billed once", async () => {
  const id = await ann.submit("survivor", 4_000_000_000n);
  const running = await ann.when(id, "running");
  network.kill(running.runs[0]!.node);
  const done = await ann.when(id, "succeeded");
  expect(done.runs.length).toBeGreaterThan(1);
  expect(done.runs[0]!.state).toBe("lost");
  expect(await usageOf(id)).toBe(1);
  await expectSoundBooks();
}, 90_000);

/** The program itself, as ann. */
function commandLine(): (...words: string[]) => Promise<string> {
  const { token, key } = network.consumer("ann");
  keepContext(join(folder, ".weft"), "test", { server: network.url, token, key });
  return async (...words) => {
    const said: string[] = [];
    const stream = { write: (text: string | Uint8Array) => said.push(Buffer.from(text as never).toString()) };
    const code = await runCommandLine(new Context({ out: stream, err: stream, env: {}, cwd: folder }), words);
    if (code !== 0) throw new Error(said.join(""));
    return said.join("");
  };
}

it("runs an application of three steps: what two give the third takes, from wherever it lies", async () => {
  const place = join(folder, "application");
  cpSync(EXAMPLES, place, { recursive: true, filter: (path) => !path.endsWith("access.log") });
  const lines = Array.from({ length: 400 }, (_, i) => {
    const status = [200, 503, 404, 200, 500][i % 5];
    return `10.0.0.${i % 7} - - [20/Nov/2026:17:42:10 +0000] "GET /p${i % 3} HTTP/1.1" ${status} 100 "-" "x"\n`;
  });
  writeFileSync(join(place, "scan-log", "access.log"), lines.join(""));
  const manifest = join(place, "log-report", "log-report.yaml");
  writeFileSync(manifest, readFileSync(manifest, "utf8").replace("at: you", "at: here"));
  const weft = commandLine();
  expect(await weft("plan", "-f", manifest)).toMatch(
    /report +failed,missing +(near|far) .*\n +whole: .*best/s,
  );
  expect(await weft("apply", "-f", manifest)).toContain("application/log-report created");
  expect(await weft("apply", "-f", manifest)).toContain("application/log-report unchanged");
  for (;;) {
    const listed = await weft("get", "applications", "-o", "json");
    const { phase, reason } = JSON.parse(listed).items[0];
    if (phase === "succeeded") break;
    if (phase !== "running" && phase !== "pending") throw new Error(JSON.stringify(reason));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const report = await weft("result", "log-report.report");
  expect(report).toMatch(/^lines +240\nhosts +7\nerrors +160\nmissing +80\n/);
  expect(await weft("describe", "application", "log-report")).toMatch(/report:\n +phase: +succeeded\n/);
  expect(await weft("get", "applications")).toMatch(/log-report +succeeded +3\/3/);
  await expectSoundBooks();
}, 90_000);

it("cuts a model that no node has room for over two, to the same bits as on one", async () => {
  const place = join(folder, "pipeline");
  cpSync(join(EXAMPLES, "pipeline"), place, { recursive: true });
  const weft = commandLine();
  const nodes = must(await manager.call("GET /v1/nodes", { query: {} })).items;
  const room = Math.min(
    ...nodes.map(({ load, description }) => load?.freeMemoryBytes ?? description.memoryBytes),
  );
  const written = readFileSync(join(place, "pipeline.yaml"), "utf8").replace("at: you", "at: here");
  const manifest = (file: string, memory: number, stages: string): string => {
    const text = written.replaceAll("memory: 32MB", `memory: ${Math.floor(memory)}B`);
    writeFileSync(join(place, file), text.replace("stages: auto", `stages: ${stages}`));
    return join(place, file);
  };
  // Of six layers that take two sevenths of the smaller node each, a node takes three: measured power does not move the cut.
  const cut = manifest("cut.yaml", room / 3.5, "auto");
  const plan = await weft("plan", "-f", cut);
  expect(plan).toMatch(/^pipeline pipeline\n +STEP +LAYERS +NODE/);
  expect(plan).toMatch(/stage-1 +layer-1.* (near|far) .*\n +stage-2 +.*layer-6.* (near|far) /);
  expect(plan).toMatch(/one input: .*, longest turn of a stage .*; the best cut there is/);
  const parts = join(folder, "parts");
  const told = await weft("run", "-w", "-f", cut, "--to", parts);
  expect(told).toMatch(/stage-1 \(layer-1, .*\): .* on (near|far)/);
  expect(told).toMatch(/succeeded in 2 steps/);
  const whole = join(folder, "whole");
  expect(await weft("run", "-w", "-f", manifest("whole.yaml", 40e6, "1"), "--to", whole)).toMatch(/1 step/);
  expect(readFileSync(parts).length).toBeGreaterThan(65_536);
  expect(readFileSync(parts).equals(readFileSync(whole))).toBe(true);
  const stages = JSON.parse(await weft("get", "applications", "-o", "json")).items.map(
    ({ steps }: ApplicationView) => new Set(steps.map(({ node }) => node)).size,
  );
  expect(stages).toContain(2);
  await expectSoundBooks();
}, 90_000);

it("takes many inputs through a cut model, an agent killed in mid-stream, to the same bits as one node one by one", async () => {
  const place = join(folder, "stream");
  cpSync(join(EXAMPLES, "pipeline"), place, { recursive: true });
  const { buildSignal } = await import(join(EXAMPLES, "pipeline", "layers.mjs"));
  mkdirSync(join(place, "signals"), { recursive: true });
  const names = [1, 2, 3, 4].map((k) => `signal-${k}.safetensors`);
  for (const [k, name] of names.entries()) writeFileSync(join(place, "signals", name), buildSignal(k));
  const weft = commandLine();
  const nodes = must(await manager.call("GET /v1/nodes", { query: {} })).items;
  const room = Math.min(
    ...nodes.map(({ load, description }) => load?.freeMemoryBytes ?? description.memoryBytes),
  );
  const written = readFileSync(join(place, "stream.yaml"), "utf8").replace("at: you", "at: here");
  const manifest = (file: string, memory: number, stages: string): string => {
    const text = written
      .replaceAll("memory: 32MB", `memory: ${Math.floor(memory)}B`)
      .replace("name: stream", `name: ${file}`);
    writeFileSync(join(place, `${file}.yaml`), text.replace("stages: auto", `stages: ${stages}`));
    return join(place, `${file}.yaml`);
  };
  const cut = manifest("cut-stream", room / 3.5, "auto");
  expect(await weft("plan", "-f", cut)).toMatch(
    /first result: .*, all: .*, longest turn of a stage .*; the best cut/,
  );
  const seen = async () =>
    JSON.parse(await weft("get", "applications", "-o", "json")).items.find(
      ({ name }: ApplicationView) => name === "cut-stream",
    ) as (ApplicationView & { inputs: readonly { phase: string }[] }) | undefined;
  const parts = join(folder, "stream-parts");
  const running = weft("run", "-w", "-f", cut, "--to", parts);
  let now = await seen();
  for (; now?.inputs[0]?.phase !== "succeeded"; now = await seen()) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  network.kill(now.steps[0]!.node!);
  const told = await running;
  expect(told).toMatch(/1\/4 signal-1\.safetensors: after .*, predicted/);
  expect(told).toMatch(/succeeded in 2 stages: first result after .*; all 4 after .*, predicted .*; charged/);
  const { steps, inputs } = (await seen())!;
  const step = (stage: number, k: number) => steps[stage * 4 + k]!;
  expect(inputs.map(({ phase }) => phase)).toEqual(names.map(() => "succeeded"));
  // The first stage had begun with the second input before the second stage had done with the first one.
  expect(step(0, 1).startedAt!).toBeLessThan(step(1, 0).finishedAt!);
  for (let k = 1; k < 4; k++) {
    for (const stage of [0, 1]) {
      expect(step(stage, k).startedAt!).toBeGreaterThanOrEqual(step(stage, k - 1).finishedAt!);
    }
    expect(step(1, k).startedAt!).toBeGreaterThanOrEqual(step(0, k).finishedAt!);
  }
  for (const { task } of steps) expect(await usageOf(task!)).toBe(1);
  const whole = join(folder, "stream-whole");
  await weft("run", "-w", "-f", manifest("whole-stream", 40e6, "1"), "--to", whole);
  expect(readdirSync(parts).sort()).toEqual(names);
  const results = names.map((name) => readFileSync(join(parts, name)));
  expect(results).toEqual(names.map((name) => readFileSync(join(whole, name))));
  expect(new Set(results.map((bytes) => bytes.toString("hex"))).size).toBe(4);
  expect(await weft("explain", "cut-stream")).toMatch(
    /4 of 4 inputs through, stage-1 on .*\nINPUT .*\nsignal-1/,
  );
  await expectSoundBooks();
}, 120_000);

it("a manager killed at random moments under load loses nothing and bills nothing twice", async () => {
  const kills = Number(process.env.WEFT_KILLS ?? 5);
  const ids: string[] = [];
  let feeding = true;
  const feed = async (): Promise<void> => {
    for (let i = 0; feeding; i++) {
      try {
        ids.push(
          await ann.submit(`load-${i}`, 20_000_000n, {
            compute: { type: "logical", work: "20000000 OP", lanes: 0.5 },
          }),
        );
      } catch {
        // not acknowledged: may be lost
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  };
  const feeders = [feed(), feed()];
  for (let kill = 0; kill < kills; kill++) {
    const before = ids.length;
    while (ids.length < before + 3) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
    network.kill("manager");
  }
  feeding = false;
  await Promise.all(feeders);
  expect(ids.length).toBeGreaterThanOrEqual(3 * kills);
  for (const id of ids) {
    await ann.when(id, "succeeded");
    expect(await usageOf(id)).toBe(1);
  }
  await expectSoundBooks();
}, 600_000);
