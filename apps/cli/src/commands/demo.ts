import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Money } from "@weft/kernel";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, must } from "../failure.ts";
import type { RunningNetwork } from "../network/network.ts";
import type { NetworkFile } from "../network/network-file.ts";
import { printValue } from "../print.ts";
import { DEFAULT_NETWORK, notStarted, stepText } from "./up.ts";

export function register(program: Command, context: Context): void {
  program
    .command("demo")
    .summary("start a small network, run three real tasks through it, show why, stop")
    .description(
      "Starts a manager and three agents as processes of their own, runs three real tasks, and shows where each went, why, what it took and cost. Leaves nothing running.",
    )
    .option("--json", "one JSON document on standard output")
    .option("--fresh", "measure every node again")
    .action((options: { readonly json?: true; readonly fresh?: true }) => demo(context, options));
}

async function demo(
  context: Context,
  options: { readonly json?: true; readonly fresh?: true },
): Promise<void> {
  const { readNetworkFile, startNetwork } = await import("../network/index.ts");
  const { makeInputs } = await import("../network/tour.ts");
  const { stopSignal } = await import("@weft/live");
  const signal = stopSignal();
  const file = readNetworkFile(DEFAULT_NETWORK);
  const folder = await mkdtemp(join(tmpdir(), "weft-demo-"));
  // Passable: started by root, the store's server is another user, and would else keep its data elsewhere.
  await chmod(folder, 0o711);
  const say = (text: string): void => (options.json ? context.note(text) : context.print(text));
  const shares = new Map<string, string>();
  say("weft - a computing power network on this machine");
  try {
    const inputs = makeInputs(folder);
    inputs.catch(() => {}); // told when it is waited for
    const network = await startNetwork({
      file,
      stateDir: join(folder, "state"),
      cacheDir: join(context.folder, "measured"),
      host: "127.0.0.1",
      port: 0,
      fresh: options.fresh === true,
      databaseUrl: context.env.DATABASE_URL || undefined,
      signal,
      say: (line) => context.note(line),
      progress: (step) => {
        if (step.kind === "node") shares.set(step.node, step.share);
        context.note(stepText(step));
      },
    }).catch((error: Error) => {
      throw notStarted(error, signal);
    });
    const broken = new AbortController();
    network.broken.catch((error) => broken.abort(error));
    try {
      await inputs;
      await show(context, network, { file, folder, shares, say, json: options.json === true }, [
        signal,
        broken.signal,
      ]);
    } catch (error) {
      if (signal.aborted) throw new Failure("stopped");
      if (broken.signal.aborted) throw new Failure(`the network broke down: ${broken.signal.reason.message}`);
      throw error;
    } finally {
      await network.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Showing {
  readonly file: NetworkFile;
  readonly folder: string;
  readonly shares: ReadonlyMap<string, string>;
  readonly say: (text: string) => void;
  readonly json: boolean;
}

/** Runs the tour through a network that is up, and tells it. */
async function show(
  context: Context,
  network: RunningNetwork,
  { file, folder, shares, say, json }: Showing,
  signals: AbortSignal[],
): Promise<void> {
  const { tour } = await import("../network/tour.ts");
  const { booksText, stopText } = await import("../network/story.ts");
  const consumer = network.consumer(file.spec.consumers[0]?.name ?? "");
  const asked = context.at({ server: network.url, ...consumer });
  const manager = context.at({ server: network.url, ...consumer, token: network.managerToken });
  say("");
  const nodes = await showNodes(asked, shares, nodeCount(file), say);
  say("  distances between sites are emulated (scenarios/demo.yaml); everything shown is measured\n");
  const { currency } = must(await (await asked.client()).call("GET /v1/network", {}));
  const stops = [];
  for await (const stop of tour(asked, folder, AbortSignal.any(signals))) {
    stops.push(stop);
    for (const line of await stopText(stop, currency)) say(line);
  }
  const client = await manager.client();
  const accounts = must(await client.call("GET /v1/accounts", {})).items;
  const credits = new Map(file.spec.consumers.map(({ name, credit }) => [name, credit as Money]));
  for (const line of booksText(accounts, credits, currency)) say(line);
  say("\nnext: npm start keeps such a network up; then npx weft get nodes; docs/guides/first-task.md");
  if (json) {
    await printValue(context, { network: file.metadata.name, nodes, tasks: stops, accounts }, "json");
  }
}

export const nodeCount = (file: NetworkFile): number => file.spec.nodes.length;

/** Waits until every node's load and every link is known, then shows them. */
export async function showNodes(
  context: Context,
  shares: ReadonlyMap<string, string>,
  expected: number,
  say: (line: string) => void = (line) => context.print(line),
) {
  const { nodeTable } = await import("../network/story.ts");
  const client = await context.client();
  const { defaultSite } = must(await client.call("GET /v1/network", {}));
  for (let attempt = 0; ; attempt++) {
    const nodes = must(await client.call("GET /v1/nodes", { query: {} })).items;
    const links = must(await client.call("GET /v1/links", {})).items;
    const known =
      nodes.length >= expected &&
      nodes.every(({ load }) => load !== null) &&
      links.every(({ state }) => state.delay !== null && state.capacity !== null);
    if (!known && attempt < 60) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      continue;
    }
    for (const line of nodeTable(nodes, links, defaultSite, shares)) say(`  ${line}`);
    return nodes;
  }
}
