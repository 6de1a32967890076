import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { formatInstant, formatMoney } from "@weft/kernel";
import type { Contract, SignedUsage } from "@weft/market";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, must, refused } from "../failure.ts";
import { type Fact, factLines } from "../table.ts";

export function register(program: Command, context: Context): void {
  const verify = program
    .command("verify")
    .summary("check contracts, usage and logs offline")
    .description(
      "Checks papers that you kept: signatures, bounds and sums. Asks no server; exit code 1 if one does not hold.",
    );
  verify
    .command("contract")
    .description(
      "Checks that all three parties signed a contract and that it stays within the consumer's order.",
    )
    .argument("<file>", "as weft get contract ID -o json prints it; - for standard input")
    .option("--usage <file>", "a usage record of it: check its signature too, and say what it costs")
    .action((file: string, { usage }: { readonly usage?: string }) =>
      verifyContractFile(context, file, usage),
    );
  verify
    .command("log")
    .description(
      "Checks that a log's entries are those that its signed heads were made of: no edit, removal or fork.",
    )
    .argument("<file>", 'JSON {"entries": [...], "heads": [...]}; - for standard input')
    .option("--manager <key>", "the key that every head has to be signed by")
    .action((file: string, { manager }: { readonly manager?: string }) =>
      verifyLogFile(context, file, manager),
    );
}

async function verifyContractFile(
  context: Context,
  file: string,
  usageFile: string | undefined,
): Promise<void> {
  const [{ readContract, readUsage }, { nodeCryptography }, { verifyContract, verifyUsage }] =
    await Promise.all([import("@weft/service-http/client"), import("@weft/live"), import("@weft/market")]);
  const contract = must(readContract(read(context, file)));
  const wrong = verifyContract(contract, nodeCryptography);
  if (wrong !== null) throw refused(wrong);
  context.print(factLines(contractFacts(contract)).join("\n"));
  if (usageFile === undefined) return;
  const usage = must(readUsage(read(context, usageFile)));
  const unsound = verifyUsage(usage, contract.terms, nodeCryptography);
  if (unsound !== null) throw refused(unsound);
  context.print(factLines(await usageFacts(contract, usage)).join("\n"));
}

function contractFacts({ terms }: Contract): readonly Fact[] {
  const { order, consumer, provider, manager, node, currency } = terms;
  return [
    ["Contract", `${terms.id}: signed by all three, within the consumer's order`],
    ["Task", `${terms.task}, attempt ${terms.attempt}, digest ${order.order.taskDigest}`],
    ["Consumer", `${consumer.account}, key ${consumer.key}`],
    ["Provider", `${provider.account}, key ${provider.key}`],
    ["Manager", `${manager.account}, key ${manager.key}`],
    ["Node", `${node.id}, key ${node.key}`],
    [
      "Price",
      `at most ${formatMoney(terms.ceiling, currency)}, ordered for at most ${formatMoney(order.order.payAtMost, currency)}`,
    ],
    ["In force", `${formatInstant(terms.validFrom)} to ${formatInstant(terms.validUntil)}`],
  ];
}

async function usageFacts({ terms }: Contract, { record }: SignedUsage): Promise<readonly Fact[]> {
  const { rate } = await import("@weft/market");
  const charge = rate(record, terms);
  const lines = charge.lines.map((line): Fact => [line.what, formatMoney(line.amount, terms.currency)]);
  return [
    ["Usage", `${record.id}: signed by the node, ${record.outcome}`],
    ["Charge", [...lines, ["total", formatMoney(charge.total, terms.currency)]]],
  ];
}

async function verifyLogFile(context: Context, file: string, manager: string | undefined): Promise<void> {
  const [{ readLog }, { nodeCryptography }, { verifyLog }] = await Promise.all([
    import("@weft/service-http/client"),
    import("@weft/live"),
    import("@weft/market"),
  ]);
  const { entries, heads } = must(readLog(read(context, file)));
  if (heads.length === 0)
    throw new Failure("no signed head in it, so there is nothing to check the entries against");
  const stranger = heads.find(({ head }) => manager !== undefined && head.log !== manager);
  if (stranger !== undefined) {
    throw new Failure(
      `the head of size ${stranger.head.size} is of another log: found ${stranger.head.log}, expected ${manager}  [E_LOG_SIGNATURE]`,
    );
  }
  const wrong = verifyLog(entries, heads, nodeCryptography);
  if (wrong !== null) throw refused(wrong);
  const largest = Math.max(...heads.map(({ head }) => head.size));
  context.print(
    `${entries.length} entries give the roots of all ${heads.length} signed heads; ${entries.length - largest} newer than the last head`,
  );
}

function read(context: Context, file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : resolve(context.cwd, file), "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Failure(`${file}: ${code === "ENOENT" ? "no such file" : message}`, 2);
  }
}
