import { join } from "node:path";
import type { Architecture } from "@weft/announcement";
import { type Command, Option } from "commander";
import { bringUp, DEFAULT_NETWORK, notStarted, showNodes, stepText } from "../bring-up.ts";
import type { Context } from "../context.ts";
import { Failure, misused } from "../failure.ts";
import type { DomainsFile } from "../network/network-file.ts";
import { keepContext } from "../settings.ts";
import { ARCHITECTURES } from "../written-out.ts";

interface Options {
  readonly filename: string;
  readonly host: string;
  readonly port: string;
  readonly fresh?: true;
  readonly announcement?: Architecture;
  readonly bus?: string;
}

export function register(program: Command, context: Context): void {
  program
    .command("up")
    .summary("run a network on this machine until Ctrl-C")
    .description(
      "Starts a manager and its agents on this machine, as a network file says, and keeps them up until Ctrl-C; several managers where the file is of several domains. State stays in .weft; DATABASE_URL names an external PostgreSQL.",
    )
    .option("-f, --filename <file>", "network to run", DEFAULT_NETWORK)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <port>", "port of the manager", "7070")
    .option("--fresh", "measure every node again")
    .addOption(
      new Option(
        "--announcement <architecture>",
        "how nodes announce themselves, instead of what the file says",
      )
        .choices(ARCHITECTURES)
        .env("WEFT_ANNOUNCEMENT"),
    )
    .addOption(new Option("--bus <url>", "nats://host:port instead of the manager's own bus").env("WEFT_BUS"))
    .action((options: Options) => up(context, options));
}

async function up(context: Context, options: Options): Promise<void> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw misused(`--port: found "${options.port}", expected a port such as 7070`);
  }
  const { readUpFile } = await import("../network/index.ts");
  const read = readUpFile(options.filename);
  if (read.kind === "Domains") return upDomains(context, options, port, read);
  let file = read;
  const { announcement = file.spec.announcement, bus = file.spec.bus } = options;
  file = { ...file, spec: { ...file.spec, announcement, bus } };
  const { raised, stopSignal } = await import("@weft/live");
  const signal = stopSignal();
  const at = {
    stateDir: join(context.folder, file.metadata.name),
    host: options.host,
    port,
    fresh: options.fresh === true,
  };
  const { network, shares } = await bringUp(context, file, at, signal);
  try {
    const consumer = file.spec.consumers[0]?.name ?? "";
    const { token, key } = network.consumer(consumer);
    const contextOf = { server: network.url, key };
    keepContext(context.folder, `${file.metadata.name}-manager`, {
      ...contextOf,
      token: network.managerToken,
    });
    for (const provider of new Set(file.spec.nodes.map((node) => node.provider))) {
      keepContext(context.folder, `${file.metadata.name}-${provider}`, {
        server: network.url,
        ...network.provider(provider),
      });
    }
    keepContext(context.folder, file.metadata.name, { ...contextOf, token });
    const asked = context.at({ ...contextOf, token });
    await showNodes(asked, shares, file.spec.nodes.length);
    const example =
      options.filename === DEFAULT_NETWORK
        ? "; npx weft run -f examples/read-receipt/read-receipt.yaml --watch"
        : "";
    context.note(`\nup. In another terminal: npx weft get nodes${example}`);
    context.note(`as manager: npx weft --context ${file.metadata.name}-manager get accounts`);
    context.note("Ctrl-C stops it.");
    await Promise.race([raised(signal), network.broken]);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure((error as Error).message);
  } finally {
    context.note("stopping ...");
    await network.stop();
  }
}

/** Several domains at once: a context for each, the first domain's consumer in force. */
async function upDomains(context: Context, options: Options, port: number, read: DomainsFile): Promise<void> {
  const { startDomains } = await import("../network/index.ts");
  const { raised, stopSignal } = await import("@weft/live");
  const signal = stopSignal();
  const domains = read.spec.domains.map((domain) => ({
    ...domain,
    announcement: options.announcement ?? domain.announcement,
    bus: options.bus ?? domain.bus,
  }));
  const running = await startDomains({
    file: { ...read, spec: { ...read.spec, domains } },
    stateDir: join(context.folder, read.metadata.name),
    cacheDir: join(context.folder, "measured"),
    host: options.host,
    port,
    fresh: options.fresh === true,
    signal,
    say: (line) => context.note(line),
    progress: (domain, step) => context.note(`${domain}  ${stepText(step)}`),
  }).catch((error: Error) => {
    throw notStarted(error, signal);
  });
  try {
    // The last context that is kept is the one in force: the first domain's.
    for (const { domain, consumers } of [...domains].reverse()) {
      const network = running.networks.get(domain);
      if (network === undefined) continue;
      const { token, key } = network.consumer(consumers[0]?.name ?? "");
      const contextOf = { server: network.url, key };
      keepContext(context.folder, `${domain}-manager`, { ...contextOf, token: network.managerToken });
      keepContext(context.folder, domain, { ...contextOf, token });
    }
    const names = domains.map(({ domain }) => domain);
    context.note(`\nup: ${names.join(", ")}. In another terminal: npx weft get domains; npx weft get nodes`);
    context.note(`of another domain: npx weft --context ${names[1]} get domains`);
    context.note("Ctrl-C stops them.");
    await Promise.race([raised(signal), running.broken]);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure((error as Error).message);
  } finally {
    context.note("stopping ...");
    await running.stop();
  }
}
