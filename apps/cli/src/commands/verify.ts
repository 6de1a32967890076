import { formatInstant, formatMoney } from "@weft/kernel";
import type { Contract, SignedUsage } from "@weft/market";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { failed, must, refused } from "../failure.ts";
import { readText } from "../manifests.ts";
import { type Fact, factLines } from "../table.ts";
import { type LogOptions, verifyLogOf } from "../transparency.ts";

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
      "Checks that all three parties signed a contract, that it stays within the consumer's order, and that a party signed what was measured of its promises.",
    )
    .argument("<file>", "as weft get contract ID -o json prints it; - for standard input")
    .option("--usage <file>", "a usage record of it: check its signature too, and say what it costs")
    .option("--log", "ask its manager for the proof that it stands in the log, and check that too")
    .action((file: string, { usage, log }: { readonly usage?: string; readonly log?: true }) =>
      verifyContractFile(context, file, usage, log === true),
    );
  verify
    .command("log")
    .description(
      "Checks that a log's entries are those that its signed heads were made of: no edit, removal or fork. Without a file the manager's own log is fetched, and checked against the head that was seen last time too.",
    )
    .argument("[file]", 'JSON {"entries": [...], "heads": [...]}; - for standard input')
    .option("--manager <key>", "the key that every head has to be signed by")
    .option("--witness <key...>", "keys of witnesses who have to stand by the latest head")
    .option("--quorum <count>", "how many of them have to; all unless said otherwise")
    .option("--save <file>", "keep what was fetched, to be checked offline later")
    .action((file: string | undefined, options: LogOptions) => verifyLogOf(context, file, options));
}

async function verifyContractFile(
  context: Context,
  file: string,
  usageFile: string | undefined,
  inLog: boolean,
): Promise<void> {
  const [{ readContract, readUsage }, { nodeCryptography }, market] = await Promise.all([
    import("@weft/service-http/client"),
    import("@weft/live"),
    import("@weft/market"),
  ]);
  const { verifyContract, verifyMeasurement, verifyUsage } = market;
  const { contract, measurements } = must(readContract(readText(context, file)));
  const wrong = verifyContract(contract, nodeCryptography);
  if (wrong !== null) throw refused(wrong);
  for (const measured of measurements) {
    const unsigned = verifyMeasurement(measured, contract.terms, nodeCryptography);
    if (unsigned !== null) throw refused(unsigned);
  }
  const seen = measurements.map(({ measurement: { observer, to } }): Fact => {
    return ["Measured", `signed by ${observer}, up to ${formatInstant(to)}`];
  });
  const facts = [
    ...contractFacts(contract),
    ...seen,
    ...(inLog ? await inclusionFacts(context, contract) : []),
  ];
  context.print(factLines(facts).join("\n"));
  if (usageFile === undefined) return;
  const usage = must(readUsage(readText(context, usageFile)));
  const unsound = verifyUsage(usage, contract.terms, nodeCryptography);
  if (unsound !== null) throw refused(unsound);
  context.print(factLines(await usageFacts(contract, usage)).join("\n"));
}

/** What ended a moment ago is under no head yet: heads are signed once a second. */
const MOST_LOOKS = 10;
const LOOK_EVERY_MS = 300;

/** Asks the manager where the contract stands, and believes nothing that does not lead to a head it signed. */
async function inclusionFacts(context: Context, contract: Contract): Promise<readonly Fact[]> {
  const [{ nodeCryptography }, { isEntryOf, leafHash, verifyHead, verifyInclusion }] = await Promise.all([
    import("@weft/live"),
    import("@weft/market"),
  ]);
  const { terms } = contract;
  const client = await context.client();
  const proof = () => client.call("GET /v1/log/proof", { query: { contract: terms.id } });
  let answer = await proof();
  for (let i = 0; i < MOST_LOOKS && !answer.ok && answer.refusal.code === "E_LOG_UNSIGNED"; i++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    answer = await proof();
  }
  const told = must(answer);
  const { index, entry, proof: hashes, head: signed } = told;
  const unsigned = verifyHead(signed, [], 0, nodeCryptography);
  if (unsigned !== null) throw refused(unsigned);
  if (signed.head.log !== terms.manager.key) {
    throw failed(
      "E_LOG_SIGNATURE",
      `the log is another's: found ${signed.head.log}, expected ${terms.manager.key}`,
    );
  }
  const { size, root, at } = signed.head;
  const stands =
    isEntryOf(entry, contract, nodeCryptography) &&
    verifyInclusion(leafHash(entry, nodeCryptography), index, size, hashes, root, nodeCryptography);
  if (!stands) throw failed("E_LOG_EDITED", `the log does not hold this contract at line ${index}`);
  return [["In the log", `line ${index} of ${size}, by the head of ${formatInstant(at)}`]];
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
