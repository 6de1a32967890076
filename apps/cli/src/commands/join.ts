import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join as joinPath } from "node:path";
import type { Architecture } from "@weft/announcement";
import { FLAVOUR, nodeGrade, PROGRAM_KINDS } from "@weft/infrastructure";
import {
  formatComputingPower,
  formatMoney,
  formatTime,
  type Micros,
  type Money,
  parseBytes,
  parseMoney,
  type Result,
} from "@weft/kernel";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { Failure, misused, must, refusalText, refused } from "../failure.ts";
import { registerOrganisation } from "../registration.ts";
import { ARCHITECTURES } from "../written-out.ts";

interface Options {
  readonly joinToken?: string;
  readonly register?: string;
  readonly owner?: string;
  readonly name: string;
  readonly site?: string;
  readonly domain: string;
  readonly tier: "cloud" | "edge" | "end";
  readonly price: string;
  readonly share: string;
  readonly memory?: string;
  readonly hours?: string;
  readonly onBattery: string;
  readonly listen?: string;
  readonly runs: string;
  readonly fresh?: true;
  readonly announcement?: Architecture;
  readonly bus?: string;
}

export function register(program: Command, context: Context): void {
  program
    .command("join")
    .summary("lend this machine's computing power to a network until Ctrl-C")
    .description(
      "Measures this machine, offers it to a manager at a price, and runs tasks until Ctrl-C. Only dials out unless --listen is given. Ctrl-C finishes or hands back what runs.",
    )
    .argument("<manager>", "URL of the manager")
    .option(
      "--join-token <token>",
      "from weft token create --join; WEFT_JOIN_TOKEN; needed the first time only",
    )
    .option(
      "--register <id>",
      "first register a provider of this id, whom nobody has to invite; its nodes join as its own",
    )
    .option(
      "--owner <key>",
      "heed offers that this key signed (weft offer set), below --price too; your own for this network by default",
    )
    .option(
      "--name <name>",
      "name of the node",
      hostname()
        .toLowerCase()
        .replace(/[^a-z0-9-]+/g, "-"),
    )
    .option("--site <site>", "where it is in the network; a site of its own unless said otherwise")
    .option("--domain <domain>", "operator it belongs to", "home")
    .addOption(new Option("--tier <tier>", "what it is").choices(["cloud", "edge", "end"]).default("end"))
    .option("--price <price>", "for a tera-operation, such as 0.02CNY/TFLOP", "0.02CNY/TFLOP")
    .option("--share <part>", "part of the machine to lend, above 0 up to 1", "0.5")
    .option("--memory <size>", "most memory its tasks get together")
    .option("--hours <from-to>", "local hours in which new tasks are taken, such as 22:00-07:00")
    .option(
      "--on-battery <charge>",
      "least charge at which new tasks are taken: never, or such as 60%",
      "never",
    )
    .option("--listen <address>", "host:port of a gateway for data, for nodes that others can reach")
    .option("--runs <kinds>", `programs allowed, of ${PROGRAM_KINDS.join(", ")}`, "wasm,model")
    .addOption(
      new Option(
        "--announcement <architecture>",
        "refuse a manager whose nodes announce themselves another way",
      )
        .choices(ARCHITECTURES)
        .env("WEFT_ANNOUNCEMENT"),
    )
    .addOption(
      new Option("--bus <url>", "nats://host:port instead of the bus that the manager names").env("WEFT_BUS"),
    )
    .option("--fresh", "measure again even when figures of this hardware are kept")
    .action((manager: string, options: Options) => join(context, manager, options));
}

const HOURS = /^(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d$/;

const wrong = (flag: string, found: string, expected: string): Failure =>
  misused(`${flag}: found "${found}", expected ${expected}`);

function quantity<T>(flag: string, text: string, parse: (text: string) => Result<T>): T {
  const read = parse(text);
  if (read.ok) return read.value;
  throw wrong(flag, text, read.refusal.expected ?? read.refusal.message);
}

async function join(context: Context, manager: string, options: Options): Promise<void> {
  if (!/^https?:\/\//.test(manager) || !URL.canParse(manager)) {
    throw wrong("<manager>", manager, "a URL such as https://manager.example");
  }
  const { agentConfig, JoinRefused, priceListFor, startAgent } = await import("@weft/agent-app");
  const { negativePrice } = await import("@weft/market");
  const share = Number(options.share);
  if (!(share > 0 && share <= 1)) throw wrong("--share", options.share, "a number above 0 up to 1");
  const price: Money = quantity("--price", options.price.replace(/\s*\/\s*T(?:FL)?OPS?$/i, ""), (text) =>
    parseMoney(text),
  );
  if (price < 0n) throw new Failure(refusalText(negativePrice("--price", options.price)), 2);
  const runs = options.runs.split(",").filter((kind) => kind !== "");
  const unknown = runs.find((kind) => !(PROGRAM_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) throw wrong("--runs", unknown, PROGRAM_KINDS.join(", "));
  if (options.hours !== undefined && !HOURS.test(options.hours)) {
    throw wrong("--hours", options.hours, "local hours such as 22:00-07:00");
  }
  const { joinToken, owner } =
    options.register === undefined
      ? {
          joinToken: options.joinToken ?? context.env.WEFT_JOIN_TOKEN ?? null,
          owner: options.owner ?? (await ownKey(context, manager)),
        }
      : await registered(context, manager, options.register);
  const config = agentConfig({
    name: options.name,
    managers: [manager],
    stateDir: joinPath(context.folder, "nodes", options.name),
    cacheDir: joinPath(context.folder, "measured"),
    joinToken,
    owner,
    site: options.site ?? options.name,
    domain: options.domain,
    tier: options.tier,
    share,
    memoryBytes: options.memory === undefined ? null : quantity("--memory", options.memory, parseBytes),
    listen: options.listen === undefined ? null : listenAddress(options.listen),
    runs: runs as ("wasm" | "model" | "process")[],
    prices: priceListFor(price),
    hours: options.hours ?? null,
    batteryAtLeast: leastCharge(options.onBattery),
    fresh: options.fresh === true,
    announcement: options.announcement ?? null,
    bus: options.bus ?? null,
  });
  const { raised, stopSignal } = await import("@weft/live");
  const asked = stopSignal();
  const measuring = (): never => process.exit(1); // nothing is promised to anybody yet
  asked.addEventListener("abort", measuring);
  context.note("measuring, under ten seconds ...");
  const agent = await startAgent(config, (line) => context.note(line)).catch((error: Error) => {
    throw error instanceof JoinRefused ? refused(error.refusal) : new Failure(error.message);
  });
  asked.removeEventListener("abort", measuring);
  const { power } = agent.description;
  context.print(
    `${agent.host.cached ? "measured before" : `measured in ${formatTime(agent.host.took as Micros)}`}: ${formatComputingPower(power.logical, FLAVOUR.logical)} logical, ${formatComputingPower(power.parallel, FLAVOUR.parallel)} parallel, ${formatComputingPower(power.neural, FLAVOUR.neural)} neural, grade ${nodeGrade(power)}; ${agent.share}`,
  );
  const stopped = raised(asked);
  try {
    await Promise.race([agent.joined, stopped]);
    if (asked.aborted) return;
    context.print(
      `offered as ${options.name} at ${formatMoney(price, "CNY")} a tera-operation. Ctrl-C stops at once.`,
    );
    await stopped;
  } catch (error) {
    if (error instanceof JoinRefused) throw refused(error.refusal);
    throw error;
  } finally {
    context.note("leaving ...");
    await agent.stop();
  }
}

/** The key of whoever lends this machine, where they have one for this network: what they sign from here is their word. */
async function ownKey(context: Context, manager: string): Promise<string | null> {
  const { server, key } = context.network;
  if (new URL(server).host !== new URL(manager).host || !existsSync(key)) return null;
  const { loadSigner } = await import("@weft/live");
  return loadSigner(key).publicKey;
}

/** Registers a provider and gives a join token of its; its own token and key are kept as a context. */
async function registered(
  context: Context,
  server: string,
  id: string,
): Promise<{ readonly joinToken: string; readonly owner: string }> {
  const made = await registerOrganisation(context, server, {
    id,
    name: id,
    kind: "provider",
    owner: "owner",
  });
  const { WeftClient } = await import("@weft/service-http/client");
  const client = new WeftClient({ server, token: made.token.secret });
  const token = must(await client.call("POST /v1/tokens", { body: { use: "join", note: "its first node" } }));
  context.note(
    `registered as ${made.organisation.account}; weft --context ${id} balance shows what it earns`,
  );
  return { joinToken: token.secret, owner: made.organisation.keys[0]?.key ?? "" };
}

function listenAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  if (match === null || Number(match[2]) > 65535)
    throw wrong("--listen", text, "host:port such as 0.0.0.0:7080");
  return { host: (match[1] ?? "127.0.0.1").replace(/^\[|\]$/g, ""), port: Number(match[2]) };
}

/** `never` is mains power only. */
function leastCharge(text: string): number {
  if (text === "never") return 1;
  const percent = /^(\d{1,3})\s*%$/.exec(text)?.[1];
  if (percent === undefined || Number(percent) > 100)
    throw wrong("--on-battery", text, "never, or a charge such as 60%");
  return Number(percent) / 100;
}
