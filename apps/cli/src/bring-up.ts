import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatTime, type Micros } from "@weft/kernel";
import type { Context } from "./context.ts";
import { Failure, failed, must } from "./failure.ts";
import type { NetworkStep, RunningNetwork } from "./network/network.ts";
import type { NetworkFile } from "./network/network-file.ts";

/*
 * A network of processes brought up for whoever sits at the terminal: each step is told, and what there is is shown.
 */

export const DEFAULT_NETWORK = fileURLToPath(new URL("../../../scenarios/demo.yaml", import.meta.url));

/** Says each step as it is done. */
export const stepText = (step: NetworkStep): string => {
  switch (step.kind) {
    case "manager":
      return `manager  ${step.url}, store ${step.store}`;
    case "measuring":
      return `measuring ${step.node} ...`;
    case "node":
      return `${step.node}  ${step.cached ? "measured before" : `measured in ${formatTime(step.tookUs as Micros)}`}, ${step.share}`;
  }
};

/** Why a network is not up, for people. */
export function notStarted(error: Error, signal: AbortSignal): Failure {
  if (signal.aborted) return new Failure("stopped before the network was up");
  if (error instanceof Failure) return error;
  const text = `the network does not start: ${error.message}`;
  return text.includes("[E_") ? new Failure(text) : failed("E_NETWORK_START", text);
}

/** A network that is up, and what each of its nodes was lent of the machine. */
export interface Up {
  readonly network: RunningNetwork;
  readonly shares: ReadonlyMap<string, string>;
}

/** Starts a manager and its agents as the file says. */
export async function bringUp(
  context: Context,
  file: NetworkFile,
  at: { readonly stateDir: string; readonly host: string; readonly port: number; readonly fresh: boolean },
  signal: AbortSignal,
): Promise<Up> {
  const { startNetwork } = await import("./network/index.ts");
  const shares = new Map<string, string>();
  const network = await startNetwork({
    ...at,
    file,
    cacheDir: join(context.folder, "measured"),
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
  return { network, shares };
}

/** Waits until every node's load and every link is known, then shows them. */
export async function showNodes(
  context: Context,
  shares: ReadonlyMap<string, string>,
  expected: number,
  say: (line: string) => void = (line) => context.print(line),
) {
  const { nodeTable } = await import("./network/story.ts");
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
