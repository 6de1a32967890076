import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Micros } from "@weft/kernel";
import type { TaskView } from "@weft/service";
import type { ContractView, DecisionView, UsageView } from "@weft/service-http/client";
import type { ManifestSource } from "@weft/service-http/manifest";
import type { Context } from "../context.ts";
import { Failure, must, refused } from "../failure.ts";
import { follow, hasEnded } from "../follow.ts";
import { readManifests, readyManifest } from "../manifests.ts";
import { gatewayOf, newOrderId, planTask, submitTask } from "../submit.ts";

/*
 * The three tasks that show what a computing power network is for: one that belongs on the edge for its delay, one in
 * the cloud for its size, one at the end since its data may not leave. All on real input, through the same calls as
 * `weft run`.
 */

const EXAMPLES = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const VALID_FOR = 600_000_000 as Micros;

/** One task of the tour, done: where it went and why, what it said, took and cost. */
export interface Stop {
  readonly task: TaskView;
  readonly decision: DecisionView;
  readonly contract: ContractView;
  readonly usage: UsageView | null;
  /** What it returned, in a few lines. */
  readonly said: readonly string[];
  /** The same task run before, on the nodes that learnt from it. */
  readonly learnt: readonly TaskView[];
  /** How its deadline was set, where it was set here. */
  readonly note: string | null;
}

/** Makes the inputs that are too large to ship: a web server's log and a network of friends. */
export async function makeInputs(folder: string): Promise<void> {
  await Promise.all([
    script("scan-log/generate.mjs", [join(folder, "access.log")]),
    script("multiply/generate.mjs", [join(folder, "friends.safetensors")]),
  ]);
}

/** Runs the three tasks, telling each when it is done; fails soon after `signal` is raised. */
export async function* tour(context: Context, folder: string, signal: AbortSignal): AsyncGenerator<Stop> {
  const guide: Guide = { context, folder, signal };
  yield await readReceipt(guide);
  yield await scanLog(guide);
  yield await multiply(guide);
}

interface Guide {
  readonly context: Context;
  readonly folder: string;
  readonly signal: AbortSignal;
}

async function readReceipt(guide: Guide): Promise<Stop> {
  const { context } = guide;
  const file = "read-receipt/read-receipt.yaml";
  // Once on the edge and once on the device, so that both predictions stand on what was seen.
  const learnt = [
    await runOnce(
      guide,
      await manifest(context, file, { deadline: null, network: null, where: { tier: "edge" } }),
    ),
    await runOnce(
      guide,
      await manifest(context, file, { deadline: null, network: null, where: { tier: "end" } }),
    ),
  ];
  const [edge, end] = learnt.map((task) => task.runs.at(-1)?.actual?.total ?? 0) as [number, number];
  const ms = Math.round(Math.sqrt(edge * end) / 1000);
  const ready = await manifest(context, file, { deadline: `${ms}ms` });
  const note = `deadline ${ms} ms: between what edge and device took before (${Math.round(edge / 1000)} and ${Math.round(end / 1000)} ms)`;
  const stop = await runAndTell(guide, ready, learnt, note);
  const text = (await resultOf(context, stop.task)).toString("utf8").trim().split("\n");
  return { ...stop, said: text };
}

async function scanLog(guide: Guide): Promise<Stop> {
  const { context, folder } = guide;
  const input = join(folder, "access.log");
  const ready = await manifest(context, "scan-log/scan-log.yaml", {}, input);
  const learnt = [await runOnce(guide, ready)];
  const stop = await runAndTell(guide, ready, learnt, null);
  const text = (await resultOf(context, stop.task)).toString("utf8").trim().split("\n");
  return { ...stop, said: text };
}

async function multiply(guide: Guide): Promise<Stop> {
  const { context, folder } = guide;
  const input = join(folder, "friends.safetensors");
  const ready = await manifest(context, "multiply/multiply.yaml", {}, input);
  const learnt = [await runOnce(guide, ready)];
  const stop = await runAndTell(guide, ready, learnt, null);
  const result = join(folder, "product.safetensors");
  await writeResultTo(context, stop.task, result);
  const verdict = await script("multiply/verify.mjs", [input, result]);
  return { ...stop, said: verdict.trim().split("\n") };
}

type Change = { readonly [field: string]: unknown };

/** A manifest of the examples with fields of its spec changed; null takes one out. */
async function manifest(context: Context, file: string, change: Change, input?: string) {
  const [parsed] = await readManifests(context, join(EXAMPLES, file));
  if (parsed === undefined) throw new Failure(`${file} holds no task`);
  const { parseManifests } = await import("@weft/service-http/manifest");
  const source = structuredClone(parsed.source) as ManifestSource & { spec: Record<string, unknown> };
  for (const [field, value] of Object.entries(change)) {
    if (value === null) delete source.spec[field];
    else source.spec[field] = value;
  }
  const again = parseManifests(JSON.stringify(source), parsed.file);
  if (!again.ok) throw new Failure(again.problems.map((problem) => problem.message).join("\n"));
  const changed = { ...(again.manifests[0] as typeof parsed), lineOf: parsed.lineOf };
  return readyManifest(context, changed, input);
}

type Ready = Awaited<ReturnType<typeof manifest>>;

async function runOnce({ context, signal }: Guide, ready: Ready): Promise<TaskView> {
  const client = await context.client();
  const network = must(await client.call("GET /v1/network", {}));
  const task = await submitTask(context, ready, { network, orderId: newOrderId(), validFor: VALID_FOR });
  for await (const now of follow(client, [task.id], signal)) {
    if (!hasEnded(now)) continue;
    if (now.phase === "succeeded") return now;
    if (now.reason !== null) throw refused({ ...now.reason, message: `${now.name}: ${now.reason.message}` });
    throw new Failure(`${now.name} was cancelled`);
  }
  throw new Failure("the stream of events ended before the task did");
}

async function runAndTell(
  guide: Guide,
  ready: Ready,
  learnt: readonly TaskView[],
  note: string | null,
): Promise<Omit<Stop, "said"> & { readonly said: readonly string[] }> {
  const client = await guide.context.client();
  await settledLoad(guide, ready);
  const task = await runOnce(guide, ready);
  const run = task.runs.at(-1);
  if (run === undefined) throw new Failure(`${task.name} ended without a run`);
  const [decision, contract, usage] = await Promise.all([
    client.call("GET /v1/tasks/{task}/explain", { params: { task: task.id } }),
    client.call("GET /v1/contracts/{contract}", { params: { contract: run.contract } }),
    client.call("GET /v1/usage", { query: { task: task.id } }),
  ]);
  return {
    task,
    decision: must(decision),
    contract: must(contract),
    usage: must(usage).items[0] ?? null,
    said: [],
    learnt,
    note,
  };
}

/** Waits until a plan finds a place: what the run before used is still seen as others' load for a moment. */
async function settledLoad({ context, signal }: Guide, ready: Ready): Promise<void> {
  const client = await context.client();
  for (let attempt = 0; attempt < 40 && !signal.aborted; attempt++) {
    const { placement } = await planTask(client, ready);
    if (placement !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function resultOf(context: Context, task: TaskView): Promise<Buffer> {
  if (task.result === null) return Buffer.alloc(0);
  const { downloadContent } = await import("@weft/service-http/client");
  const client = await context.client();
  const gateway = gatewayOf(must(await client.call("GET /v1/gateways", {})), task.result.at);
  return must(await downloadContent(gateway, task.result, (path) => readFile(path)));
}

async function writeResultTo(context: Context, task: TaskView, path: string): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  await writeFile(path, await resultOf(context, task));
}

/** Runs one of the examples' scripts; resolves to what it printed. */
function script(name: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(EXAMPLES, name), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (part) => {
      out += part;
    });
    child.stderr.on("data", (part) => {
      err += part;
    });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve(out) : reject(new Failure(`${name}: ${err || out}`))));
  });
}
