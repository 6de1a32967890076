import type { Instant } from "@weft/kernel";
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { failed, misused, must } from "../failure.ts";
import { cellsOf, columnsOf, OUTPUTS, type Output, printItems, printValue } from "../print.ts";
import { RESOURCES, resourceNamed } from "../resources/index.ts";
import type { AnyResource } from "../resources/resource.ts";
import type { Table } from "../table.ts";

export interface GetOptions {
  readonly output: Output;
  readonly watch?: true;
  readonly selector?: string;
  readonly sortBy?: string;
  readonly limit?: number;
  readonly headers: boolean;
}

export function register(program: Command, context: Context): void {
  const get = program
    .command("get")
    .summary("show nodes, links, tasks, contracts and more")
    .description(`Shows resources: ${RESOURCES.map(({ plural }) => plural).join(", ")}.`)
    .argument("<resource>", "what to show, such as nodes, or node/corner")
    .argument("[names...]", "only these");
  getOptions(get)
    .addHelpText("after", EXAMPLES)
    .action((resource: string, names: string[], options: GetOptions) =>
      getResources(context, resource, names, options),
    );
}

const EXAMPLES = `
Examples:
  weft get nodes -o wide
  weft get tasks --watch
  weft get node corner -o yaml
  weft get nodes -l tier=edge --sort-by memory`;

/** The flags of every command that lists. */
export const getOptions = (command: Command): Command =>
  command
    .addOption(outputOption())
    .option("-w, --watch", "go on and show every change")
    .option("-l, --selector <labels>", "only what has these labels, such as team=a,tier!=cloud")
    .option("--sort-by <column>", "a column's name, or a path into -o json such as .description.memoryBytes")
    .option("--limit <count>", "at most so many", count)
    .option("--no-headers", "leave the headers out");

const outputOption = (): Option =>
  new Option("-o, --output <form>", "form of the output").choices(OUTPUTS).default("table");

/** What `--limit` takes: a whole number of at least one. */
function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw misused(`--limit: found "${text}", expected a whole number of at least 1`);
}

/** Shows resources of a kind, all or those named, once or as they change. */
export async function getResources(
  context: Context,
  word: string,
  names: readonly string[],
  options: GetOptions,
): Promise<void> {
  const [kind, named] = splitName(word);
  const resource = await resourceNamed(kind);
  const asked = [...named, ...names.map((name) => splitName(name)[1][0] ?? name)];
  if (asked.length > 0 && options.selector !== undefined) {
    throw misused("names and a selector exclude each other");
  }
  if (options.watch && resource.subject === undefined) {
    throw misused(
      `${resource.plural} cannot be watched; nodes, links, tasks, applications and contracts can`,
    );
  }
  if (options.selector !== undefined) {
    if (resource.labelsOf === undefined) throw misused(`${resource.plural} have no labels to select by`);
    const { parseSelector } = await import("@weft/service-http/client");
    must(parseSelector(options.selector));
  }
  if (options.watch) return watch(context, resource, asked, options);
  await show(context, resource, asked, options);
}

/** `node/corner` is a resource and a name; anything else is left as it is. */
function splitName(word: string): [kind: string, names: string[]] {
  const slash = word.indexOf("/");
  return slash < 0 ? [word, []] : [word.slice(0, slash), [word.slice(slash + 1)]];
}

async function show(context: Context, resource: AnyResource, names: readonly string[], options: GetOptions) {
  const client = await context.client();
  const [network, items] = await Promise.all([
    client.call("GET /v1/network", {}),
    itemsOf(context, resource, names, options),
  ]);
  const { output, headers, sortBy } = options;
  const listing = { output, headers, sortBy, now: must(network).now };
  return printItems(context, resource, items, listing, names.length === 1);
}

async function itemsOf(
  context: Context,
  resource: AnyResource,
  names: readonly string[],
  options: GetOptions,
) {
  const client = await context.client();
  if (names.length > 0) return Promise.all(names.map((name) => one(resource, client, name)));
  const { selector = "", limit = null } = options;
  return select(resource, await resource.list(client, { labels: selector, limit }), options);
}

async function one(
  resource: AnyResource,
  client: Awaited<ReturnType<Context["client"]>>,
  name: string,
): Promise<unknown> {
  if (resource.one !== undefined) return resource.one(client, name);
  const found = (await resource.list(client, { labels: "", limit: null })).find(
    (item) => resource.nameOf(item) === name,
  );
  if (found !== undefined) return found;
  throw failed(
    "E_NOT_FOUND",
    `no ${resource.kind} "${name}"`,
    `weft get ${resource.plural} lists what there is`,
  );
}

/** Selectors are applied here too: not every list takes them at the server. */
async function select(
  resource: AnyResource,
  items: readonly unknown[],
  { selector }: GetOptions,
): Promise<readonly unknown[]> {
  if (selector === undefined || resource.labelsOf === undefined) return items;
  const { parseSelector, selects } = await import("@weft/service-http/client");
  const parsed = must(parseSelector(selector));
  return items.filter((item) => selects(parsed, resource.labelsOf?.(item) ?? {}));
}

/** Lists, then shows each change as a further row, as kubectl does; in JSON one object a line. */
async function watch(
  context: Context,
  resource: AnyResource,
  names: readonly string[],
  options: GetOptions,
): Promise<void> {
  const client = await context.client();
  const { wireText } = await import("@weft/service-http/client");
  const columns = columnsOf(resource, options.output);
  const tabular = options.output === "table" || options.output === "wide";
  let table: Table | null = null;
  const row = async (item: unknown, now: Instant): Promise<void> => {
    if (options.output === "json") context.print(wireText(item));
    else if (options.output === "name") context.print(`${resource.kind}/${resource.nameOf(item)}`);
    else if (table !== null) context.print(table.line(cellsOf(columns, item, now)));
    else {
      context.print("---");
      await printValue(context, item, "yaml");
    }
  };
  for await (const told of client.events({ subjects: [resource.subject as "task"] })) {
    const event = must(told);
    if (event.subject === "list" && tabular) {
      table = await show(context, resource, names, {
        ...options,
        headers: options.headers && table === null,
      });
    } else if (event.subject === "list") {
      for (const item of await itemsOf(context, resource, names, options)) await row(item, 0 as Instant);
    } else {
      const kept = await select(resource, [event.object], options);
      const named = names.length === 0 || names.includes(resource.nameOf(event.object));
      if (kept.length > 0 && named) await row(event.object, event.at);
    }
  }
}
