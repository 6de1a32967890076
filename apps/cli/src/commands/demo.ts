import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Money } from "@weft/kernel";
import type { Command } from "commander";
import { bringUp, DEFAULT_NETWORK, showNodes, type Up } from "../bring-up.ts";
import type { Context } from "../context.ts";
import { Failure, must } from "../failure.ts";
import type { NetworkFile } from "../network/network-file.ts";
import { printValue } from "../print.ts";

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
  const { readNetworkFile } = await import("../network/index.ts");
  const { makeInputs } = await import("../network/tour.ts");
  const { stopSignal } = await import("@weft/live");
  const signal = stopSignal();
  const file = readNetworkFile(DEFAULT_NETWORK);
  const folder = await mkdtemp(join(tmpdir(), "weft-demo-"));
  // Passable: started by root, the store's server is another user, and would else keep its data elsewhere.
  await chmod(folder, 0o711);
  const say = (text: string): void => (options.json ? context.note(text) : context.print(text));
  say("weft - a computing power network on this machine");
  try {
    const inputs = makeInputs(folder);
    inputs.catch(() => {}); // told when it is waited for
    const at = { stateDir: join(folder, "state"), host: "127.0.0.1", port: 0, fresh: options.fresh === true };
    const started = await bringUp(context, file, at, signal);
    const { network } = started;
    const broken = new AbortController();
    network.broken.catch((error) => broken.abort(error));
    try {
      await inputs;
      await show(context, started, { file, folder, say, json: options.json === true }, [
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
  readonly say: (text: string) => void;
  readonly json: boolean;
}

/** Runs the tour through a network that is up, and tells it. */
async function show(
  context: Context,
  { network, shares }: Up,
  { file, folder, say, json }: Showing,
  signals: AbortSignal[],
): Promise<void> {
  const { tour } = await import("../network/tour.ts");
  const { booksText, stopText } = await import("../network/story.ts");
  const consumer = network.consumer(file.spec.consumers[0]?.name ?? "");
  const asked = context.at({ server: network.url, ...consumer });
  const manager = context.at({ server: network.url, ...consumer, token: network.managerToken });
  say("");
  const nodes = await showNodes(asked, shares, file.spec.nodes.length, say);
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
