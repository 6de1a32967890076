import { formatMoney, instant } from "@weft/kernel";
import type { OfferView, QuotesView, RouteInput } from "@weft/service-http/client";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { Failure, failed, must } from "../failure.ts";
import { readManifests, readText, readyManifest } from "../manifests.ts";
import { printValue } from "../print.ts";
import { Table } from "../table.ts";
import { percent, time } from "../text.ts";
import { type GetOptions, getOptions, getResources } from "./get.ts";
import { decisionText } from "./plan.ts";

export function register(program: Command, context: Context): void {
  getOptions(
    program
      .command("offers")
      .summary("what is on sale now; with -f, what it costs for your task")
      .description(
        "Shows what is on sale now, the same as weft get offers. With -f: what the task of a manifest would cost now on each node where it fits, cheapest first; nothing is committed.",
      )
      .argument("[names...]", "only these nodes"),
  )
    .option("-f, --filename <file>", "manifest of a task to be priced; - for standard input")
    .action(async (names: string[], options: GetOptions & { readonly filename?: string }) =>
      options.filename === undefined
        ? getResources(context, "offers", names, options)
        : quotes(context, options.filename, names, options.output),
    );
  const offer = program
    .command("offer")
    .summary("set what your nodes sell, when and at what price")
    .description("Sets what your nodes sell: prices and how they move, hours, limits, discounts.");
  offer
    .command("set")
    .description("Sets the offer of a file for the nodes it names. It holds from now on and over restarts.")
    .requiredOption("-f, --filename <file>", "offer to read (kind: Offer); - for standard input")
    .action(({ filename }: { readonly filename: string }) => set(context, filename));
  offer
    .command("remove")
    .description("Lets nodes sell at their own list again, always.")
    .argument("<nodes...>", "as weft offers names them")
    .action(async (nodes: string[]) => {
      const client = await context.client();
      for (const node of nodes) {
        must(await client.call("DELETE /v1/offers/{node}", { params: { node } }));
        context.print(`offer/${node} removed`);
      }
    });
}

async function set(context: Context, filename: string): Promise<void> {
  const { parseOfferFile } = await import("../offer-file.ts");
  const { nodes, offer } = parseOfferFile(readText(context, filename), filename);
  const [client, signer, { signOffer }] = await Promise.all([
    context.client(),
    context.signer(),
    import("@weft/market"),
  ]);
  const { account } = must(await client.call("GET /v1/whoami", {}));
  const { now } = must(await client.call("GET /v1/network", {}));
  const all = must(await client.call("GET /v1/offers", {})).items;
  const own = all.filter(({ provider }) => provider === account).map(({ node }) => node as string);
  if (own.length === 0) throw failed("E_NOT_FOUND", `no node of ${account} has joined yet`);
  for (const node of nodes ?? own) {
    const signed = signOffer({ ...offer, node, at: instant(now) }, signer);
    // bigints go out as digits
    const body = signed as unknown as RouteInput<"POST /v1/offers", "body">;
    must(await client.call("POST /v1/offers", { body }));
  }
  const set = new Set(nodes ?? own);
  let shown: readonly OfferView[] = [];
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS)); // the nodes hear of it, and answer
    const { items } = must(await client.call("GET /v1/offers", {}));
    shown = items.filter(({ node }) => set.has(node));
    if (shown.every(({ conditions }) => conditions?.heeded)) break;
  }
  for (const view of shown) context.print(`offer/${view.node} set: ${setText(view)}`);
}

/** How long to wait for the nodes' word. */
const LOOKS = 10;
const LOOK_EVERY_MS = 150;

function setText({ prices, conditions }: OfferView): string {
  const { logical, parallel, neural } = prices.petaOperation;
  const now = `logical ${formatMoney(logical)}, parallel ${formatMoney(parallel)}, neural ${formatMoney(neural)} a peta-operation now`;
  return conditions?.heeded
    ? now
    : `${now}; the node does not know this key as its owner's, so it sells no lower than at its own list`;
}

async function quotes(
  context: Context,
  filename: string,
  names: readonly string[],
  output: GetOptions["output"],
): Promise<void> {
  const client = await context.client();
  const { currency } = must(await client.call("GET /v1/network", {}));
  for (const parsed of await readManifests(context, filename)) {
    const { name, text, contents } = await readyManifest(context, parsed);
    const body = { manifest: text, contents: [...contents] };
    const view = must(await client.call("POST /v1/offers:price", { body }));
    const shown = { ...view, quotes: view.quotes.filter((one) => asked(names, one.placement.node)) };
    if (output === "json" || output === "yaml") await printValue(context, shown, output);
    else await printQuotes(context, name, shown, currency);
    if (shown.quotes.length === 0)
      throw new Failure(output === "table" ? "nothing was committed" : "nothing fits");
  }
}

const asked = (names: readonly string[], node: string): boolean => names.length === 0 || names.includes(node);

async function printQuotes(
  context: Context,
  task: string,
  { quotes: found, rest, at }: QuotesView,
  currency: string,
): Promise<void> {
  context.print(`task ${task}, at the prices of ${new Date(at / 1000).toISOString()}`);
  const rows = found.map(({ placement, reputation }) => [
    placement.node,
    formatMoney(placement.price, currency),
    time(placement.predicted.total),
    placement.path.join(" > "),
    percent(reputation),
  ]);
  const headers = ["NODE", "PRICE", "TIME", "PATH", "REPUTATION"];
  const table = new Table(headers, rows);
  if (rows.length > 0) for (const row of [headers, ...rows]) context.print(table.line(row));
  if (found.length === 0) return context.print(await decisionText(rest));
  // Those in the table were told to be left out, to find what else there is.
  const others = rest.explanation?.ruledOut.filter(({ constraint }) => constraint !== "avoided") ?? [];
  const { formatRuledOut } = await import("@weft/scheduling");
  for (const line of formatRuledOut(others)) context.print(line);
}
