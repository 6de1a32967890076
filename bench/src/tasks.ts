import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonicalText, type Instant, type Money, type Signer } from "@weft/kernel";
import { loadSigner, nodeCryptography } from "@weft/live";
import { signOrder } from "@weft/market";
import { fileContent, uploadFile, WeftClient } from "@weft/service-http/client";
import { parseNetworkFile, type RunningNetwork, startNetwork } from "weft/network";
import { type Bench, type Figure, quantile } from "./bench.ts";
import { predictions } from "./predictions.ts";

/*
 * Whole tasks through a whole network of real processes: submitted over HTTP, placed, contracted by three, run as an empty
 * WebAssembly module, metered, settled in PostgreSQL with every commit flushed to the disk.
 */

const NETWORK = `
apiVersion: weft.dev/v1
kind: Network
metadata: { name: bench }
spec:
  domain: bench
  manager: { site: here }
  links: []
  consumers: [{ name: ann, credit: 1000000 CNY }]
  nodes:
    - { name: solo, tier: edge, site: here, provider: pat, price: 0.02 CNY }
`;

/** (module (memory (export "memory") 1) (func (export "_start"))) */
const EMPTY_MODULE = Buffer.from(
  "0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f737461727400000a040102000b",
  "hex",
);

interface Submitter {
  readonly client: WeftClient;
  readonly signer: Signer;
  readonly manifest: string;
  readonly contents: { readonly digest: string; readonly size: number }[];
}

async function prepare(network: RunningNetwork, folder: string): Promise<Submitter> {
  const { token, key } = network.consumer("ann");
  const client = new WeftClient({ server: network.url, token });
  const file = join(folder, "empty.wasm");
  writeFileSync(file, EMPTY_MODULE);
  const content = must(await fileContent(file));
  must(await uploadFile({ url: network.url, token }, file, content));
  const manifest = canonicalText({
    apiVersion: "weft.dev/v1",
    kind: "Task",
    metadata: { name: "empty" },
    spec: {
      algorithm: { function: "empty" },
      compute: { type: "logical", work: "1 MOP", lanes: 0.1 },
      run: { wasm: { module: `sha256:${content.digest}` } },
      pay: { atMost: "0.001 CNY" },
    },
  });
  return { client, signer: loadSigner(key), manifest, contents: [content] };
}

async function submit({ client, signer, manifest, contents }: Submitter): Promise<string> {
  const order = {
    id: randomUUID(),
    consumer: signer.publicKey,
    taskDigest: nodeCryptography.digest(manifest),
    payAtMost: 1_000n as Money,
    notAfter: ((Date.now() + 600_000) * 1000) as Instant,
  };
  const body = { manifest, contents, order: signOrder(order, signer) };
  return must(await client.call("POST /v1/tasks", { body } as never)).id;
}

function must<T>(
  result: { ok: true; value: T } | { ok: false; refusal: { code: string; message: string } },
): T {
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
  return result.value;
}

/** Follows every task from submission to its end, by the events of the network. */
class Watcher {
  readonly submittedAt = new Map<string, number>();
  readonly runningAfterUs: number[] = [];
  readonly predictionErrors: number[] = [];
  settled = 0;
  failed = 0;
  readonly #abort = new AbortController();
  readonly #done: Promise<void>;
  #listening: () => void = () => {};
  readonly ready = new Promise<void>((resolve) => {
    this.#listening = resolve;
  });

  constructor(client: WeftClient) {
    this.#done = this.#follow(client);
  }

  async #follow(client: WeftClient): Promise<void> {
    for await (const heard of client.events({ subjects: ["task"], signal: this.#abort.signal })) {
      const event = must(heard);
      if (event.subject === "list") this.#listening();
      if (event.subject !== "task") continue;
      if (event.what === "running") this.runningAfterUs.push(event.at - event.object.submittedAt);
      else if (event.what === "succeeded") {
        this.settled++;
        const run = event.object.runs.at(-1);
        if (run?.actual != null) {
          this.predictionErrors.push(Math.abs(run.predicted.total - run.actual.total) / run.actual.total);
        }
      } else if (event.what === "failed") this.failed++;
    }
  }

  async until(settled: number, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (this.settled + this.failed < settled) {
      if (Date.now() > deadline)
        throw new Error(`${this.settled} of ${settled} tasks settled in time, ${this.failed} failed`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}

/** Tasks in memory by phase, from the manager's metrics: cheaper for it than a watcher. */
async function phases(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(new URL("/metrics", url))).text();
  const counts = text.matchAll(/^weft_tasks\{phase="(\w+)"\} (\d+)$/gm);
  return new Map([...counts].map(([, phase, count]) => [phase as string, Number(count)]));
}

async function throughput(submitter: Submitter, count: number, inFlight: number): Promise<number> {
  const ended = async (): Promise<number> => {
    const now = await phases(submitter.client.server.href);
    const failed = now.get("failed") ?? 0;
    if (failed > 0) throw new Error(`${failed} tasks failed`);
    return now.get("succeeded") ?? 0;
  };
  const before = await ended();
  const startedAt = performance.now();
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await submit(submitter);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  while ((await ended()) < before + count) {
    if (performance.now() - startedAt > 120_000) throw new Error("not all tasks settled within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return count / ((performance.now() - startedAt) / 1000);
}

async function latency(submitter: Submitter, count: number): Promise<readonly number[]> {
  const watcher = new Watcher(submitter.client);
  await watcher.ready;
  for (let i = 0; i < count; i++) {
    await submit(submitter);
    await watcher.until(i + 1, 30_000);
  }
  await watcher.close();
  return watcher.runningAfterUs;
}

/** CPU seconds and resident bytes of a process, from /proc; null where there is none. */
function processUse(pid: number): { readonly cpuSeconds: number; readonly rssBytes: number } | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, rssBytes: pages * 4096 };
  } catch {
    return null;
  }
}

/** Every process that this one started, and those that they did. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of existsSync("/proc") ? readdirSync("/proc") : []) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++)
    for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
  return found.slice(1);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
  } catch {
    return undefined; // ended since
  }
}

/** Counts the CPU time of every process that takes part from now on; the answer says what of it a task took. */
function cpuOf(network: RunningNetwork): (tasks: number) => string {
  const of = (pids: readonly number[]): number =>
    pids.reduce((sum, pid) => sum + (processUse(pid)?.cpuSeconds ?? 0), 0);
  const used = (): Record<string, number> => ({
    manager: of([network.pid("manager")]),
    agent: of([network.pid("solo")]),
    store: of(descendants(network.pid("manager"))),
    submitter: of([process.pid]),
  });
  const before = used();
  return (tasks) => {
    const parts = Object.entries(used()).map(
      ([who, seconds]) => `${who} ${(((seconds - (before[who] ?? 0)) / tasks) * 1000).toFixed(2)}`,
    );
    return `CPU-ms a task: ${parts.join(", ")}`;
  };
}

async function idle(
  network: RunningNetwork,
  seconds: number,
  report: (figure: Figure) => void,
): Promise<void> {
  const pid = network.pid("solo");
  const before = processUse(pid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = processUse(pid);
  if (before === null || after === null) return;
  const cpu = (after.cpuSeconds - before.cpuSeconds) / seconds;
  report({
    name: "agent/idle-cpu",
    value: cpu,
    unit: "CPU-s/s",
    against: "of one core, at most",
    ratio: cpu / 0.01,
  });
  const megabytes = after.rssBytes / 1e6;
  report({
    name: "agent/idle-rss",
    value: megabytes,
    unit: "MB",
    against: "of 150 MB",
    ratio: megabytes / 150,
  });
}

export const tasks: Bench = {
  name: "tasks",
  async run(size, report) {
    const folder = mkdtempSync(join(tmpdir(), "weft-bench-"));
    const network = await startNetwork({
      file: parseNetworkFile(NETWORK, "bench"),
      stateDir: join(folder, "state"),
      cacheDir: join(tmpdir(), "weft-bench-cache"),
      host: "127.0.0.1",
      port: 0,
      say: (line) => console.error(line),
    });
    try {
      const submitter = await prepare(network, folder);
      const full = size === "full";
      await throughput(submitter, full ? 1500 : 50, 8); // modules compiled, connections open, code hot
      const started = await latency(submitter, full ? 200 : 20);
      const p50 = quantile(started, 0.5) / 1000;
      report({
        name: "tasks/start-p50",
        value: p50,
        unit: "ms",
        against: "of 30 ms, submitted to running",
        ratio: p50 / 30,
      });
      const p99 = quantile(started, 0.99) / 1000;
      report({ name: "tasks/start-p99", value: p99, unit: "ms", against: "", ratio: null });
      const count = full ? 5000 : 100;
      const spent = cpuOf(network);
      const rate = await throughput(submitter, count, 64);
      const note = spent(count);
      report({
        note,
        name: "tasks/settled",
        value: rate,
        unit: "task/s",
        against: "of 300 task/s",
        ratio: rate / 300,
      });
      if (full) await idle(network, 10, report);
      await predictions({ server: network.url, ...network.consumer("ann") }, size, report);
    } finally {
      await network.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
