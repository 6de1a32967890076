import { formatMoney } from "@weft/kernel";
import type { DecisionView, PlacementView } from "@weft/service-http/client";
import { type Command, Option } from "commander";
import {
  applicationText,
  batchText,
  planApplication,
  planBatch,
  type ReadyApplication,
} from "../applications.ts";
import type { Context } from "../context.ts";
import { Failure, must, refusalText } from "../failure.ts";
import { FILE_OPTION, isTask, type ReadyManifest, readDocuments, readyManifest } from "../manifests.ts";
import { printValue } from "../print.ts";
import { planTask } from "../submit.ts";
import { type Fact, factLines } from "../table.ts";
import { known, time } from "../text.ts";

interface Options {
  readonly filename: string;
  readonly input?: string;
  readonly output?: "json" | "yaml";
}

export function register(program: Command, context: Context): void {
  program
    .command("plan")
    .summary("show where tasks and applications would run, how long and at what price; commit nothing")
    .description(
      "Shows offer, path, time and highest price of each task of a file, and the steps of each application. Several tasks are planned together, with how far that is from the best there can be. Exit code 1 if one fits nowhere.",
    )
    .requiredOption(...FILE_OPTION)
    .option("--input <file>", "input in the place of the manifest's")
    .addOption(documentOption())
    .action((options: Options) => plan(context, options));
}

async function plan(context: Context, options: Options): Promise<void> {
  const documents = await readDocuments(context, options.filename);
  const client = await context.client();
  const ready = await Promise.all(
    documents.map((parsed) => readyManifest(context, parsed, isTask(parsed) ? options.input : undefined)),
  );
  const tasks = ready.filter(({ parsed }) => isTask(parsed)) as ReadyManifest[];
  const applications = ready.filter(({ parsed }) => !isTask(parsed)) as ReadyApplication[];
  const together = tasks.length > 1 ? await planBatch(client, tasks) : null;
  const single = tasks.length === 1 ? [await planTask(client, tasks[0] as ReadyManifest)] : [];
  const decisions =
    together?.items ?? single.map((one) => ({ name: (tasks[0] as ReadyManifest).name, ...one }));
  const plans = await Promise.all(
    applications.map(async (one) => ({ name: one.name, ...(await planApplication(client, one)) })),
  );
  if (options.output !== undefined) {
    const { items: _, ...whole } = together ?? { items: null };
    const all = [...decisions, ...plans];
    await printValue(context, all.length === 1 ? all[0] : { ...whole, items: all }, options.output);
  } else {
    const { currency } = must(await client.call("GET /v1/network", {}));
    for (const { name, ...decision } of decisions) context.print(await planText(name, decision, currency));
    if (together !== null) context.print(batchText(together));
    for (const { name, ...one } of plans) context.print(applicationText(name, one, currency));
  }
  const refused = decisions.some(({ placement }) => placement === null);
  if (refused || plans.some(({ plan: found }) => found === null)) {
    throw new Failure(options.output === undefined ? "nothing was committed" : "nothing fits");
  }
}

/** `-o json|yaml` of commands that print one thing for people by default. */
export const documentOption = (): Option =>
  new Option("-o, --output <form>", "form of the output").choices(["json", "yaml"]);

async function planText(name: string, decision: DecisionView, currency: string): Promise<string> {
  const { placement } = decision;
  const head = placement === null ? [] : factLines(placementFacts(placement, currency));
  return [`task ${name}`, ...head.map((line) => `  ${line}`), await decisionText(decision)].join("\n");
}

/** What a placement is, for people. */
function placementFacts(
  { node, path, predicted, price, priceAtMost, energy, carbon }: PlacementView,
  currency: string,
): readonly Fact[] {
  const { transferIn, queue, compute, transferOut, staging, total } = predicted;
  const parts = [
    ["in", transferIn],
    ["queue", queue],
    ["compute", compute],
    ["out", transferOut],
  ] as const;
  const made = parts.map(([what, length]) => `${what} ${time(length)}`).join(", ");
  return [
    ["node", node],
    ["path", path.join(" > ")],
    [
      "time",
      `${time(total)} predicted (${made})${staging > 0 ? `, once ${time(staging)} to bring the program` : ""}`,
    ],
    [
      "price",
      `${formatMoney(price, currency)}${priceAtMost === null ? "" : `, at most ${formatMoney(priceAtMost)}`}`,
    ],
    ["energy", known(energy, (joules) => `${joules.toPrecision(3)} J`)],
    ["carbon", known(carbon, (grams) => `${grams.toPrecision(3)} g CO2`)],
  ];
}

/** What it means that the best place is another domain. */
const abroadText = (domain: string, quote: DecisionView["abroad"]): string =>
  quote === undefined
    ? `  abroad in domain ${domain}: its manager would be asked for a quote, and home comes next where it gives none`
    : `  abroad in domain ${domain}: its manager quoted ${formatMoney(quote.price)} and ${time(quote.takes)}`;

/** A decision and its reasons, in the scheduler's words. */
export async function decisionText({
  placement,
  refusal,
  explanation,
  abroad,
}: DecisionView): Promise<string> {
  const { formatExplanation } = await import("@weft/scheduling");
  if (placement !== null) {
    const { node, path, kept } = placement;
    const told = formatExplanation({ outcome: "placed", node, path, kept, explanation });
    if (!node.startsWith("@")) return told;
    return [told, abroadText(node.slice(1), abroad)].join("\n");
  }
  const why = refusal === null ? "not decided yet" : `refused: ${refusalText(refusal)}`;
  if (explanation === null) return why;
  const told = formatExplanation({ outcome: "refused", code: "no_capacity", explanation })
    .split("\n")
    .slice(1);
  return [why, ...told].join("\n");
}
