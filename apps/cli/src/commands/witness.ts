import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { formatInstant, formatTime, type Micros, parseTime, type Signer } from "@weft/kernel";
import type { SignedTreeHead, TreeHead } from "@weft/market";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { misused, must, refused } from "../failure.ts";

interface Options {
  readonly every: string;
  readonly once?: true;
  readonly state?: string;
}

export function register(program: Command, context: Context): void {
  program
    .command("witness")
    .summary("watch a manager's log and stand by its heads")
    .description(
      "Checks every so often that the manager's log only grew, and cosigns its head with your key. A log that was cut, edited or told otherwise to somebody else ends it with exit code 1; both heads, signed, are kept as the evidence.",
    )
    .option("--every <time>", "how often", "10s")
    .option("--once", "look once and end")
    .option("--state <file>", "where the last head is kept; .weft/witness/LOG.json unless said otherwise")
    .action((options: Options) => witness(context, options));
}

async function witness(context: Context, options: Options): Promise<void> {
  const every = parseTime(options.every);
  if (!every.ok || every.value <= 0) {
    throw misused(`--every: found "${options.every}", expected a time such as 10s`);
  }
  const { pause, stopSignal } = await import("@weft/live");
  const asked = stopSignal();
  const signer = await context.signer();
  const client = await context.client();
  const log = must(await client.call("GET /v1/network", {})).managerKey;
  const file = resolve(context.cwd, options.state ?? join(context.folder, "witness", `${log}.json`));
  context.note(`witness ${signer.publicKey} of the log ${log}, every ${formatTime(every.value)}`);
  for (;;) {
    await look(context, signer, file);
    if (options.once) return;
    await pause(every.value / 1000, asked);
    if (asked.aborted) return;
  }
}

/** One look at the log: what extends the last head is cosigned, anything else is the end. */
async function look(context: Context, signer: Signer, file: string): Promise<void> {
  const [{ nodeCryptography }, { Witness }] = await Promise.all([
    import("@weft/live"),
    import("@weft/market"),
  ]);
  const client = await context.client();
  const answer = await client.call("GET /v1/log/head", {});
  if (!answer.ok && answer.refusal.code === "E_NOT_FOUND") return; // nothing traded yet
  const signed = must(answer);
  const last = kept(file);
  const { head } = signed;
  if (last?.head.size === head.size && last.head.root === head.root) return;
  const known = last?.head.size ?? 0;
  const query = { first: Math.min(known, head.size), second: head.size };
  const { proof } = must(await client.call("GET /v1/log/consistency", { query }));
  const cosigned = new Witness(signer, nodeCryptography, last?.head ?? null).cosign(signed, proof);
  if (!cosigned.ok) {
    const evidence = `${file}.evidence`;
    write(evidence, [last, signed]);
    context.note(`the evidence is in ${evidence}`);
    throw refused(cosigned.refusal);
  }
  write(file, signed); // before it is told: what was once stood by is never forgotten
  const body = { size: head.size, ...cosigned.value };
  must(await client.call("POST /v1/log/cosignatures", { body }));
  context.print(`${formatInstant(head.at)}  ${head.size} entries, ${growth(last?.head, head)}`);
}

const growth = (last: TreeHead | undefined, head: TreeHead): string =>
  last === undefined
    ? "seen for the first time"
    : `${head.size - last.size} more in ${formatTime((head.at - last.at) as Micros)}`;

function kept(file: string): SignedTreeHead | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as SignedTreeHead;
  } catch {
    return null;
  }
}

/** Whole or not at all: a witness that forgets can be told another history. */
function write(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`);
  renameSync(`${file}.new`, file);
}
