import { formatMoney, formatTime, instant, type Money } from "@weft/kernel";
import type { ApplicationView, TaskView } from "@weft/service";
import type { ApplicationDecisionView, BatchPlanView, WeftClient } from "@weft/service-http/client";
import type { PipelineManifest, WholeManifest } from "@weft/service-http/manifest";
import type { Context } from "./context.ts";
import { failed, must, refused } from "./failure.ts";
import type { ReadyManifest } from "./manifests.ts";
import { appliedOrderId, type Submission, signedOrder, uploadFiles, withKnownKey } from "./submit.ts";
import { Table } from "./table.ts";
import { time, UNKNOWN } from "./text.ts";

/** A whole application, ready to be sent. */
export type ReadyApplication = ReadyManifest<WholeManifest>;

/** Plans tasks together; nothing is uploaded or committed. */
export async function planBatch(client: WeftClient, tasks: readonly ReadyManifest[]): Promise<BatchPlanView> {
  const items = tasks.map(({ text, contents }) => ({ manifest: text, contents: [...contents] }));
  return must(await client.call("POST /v1/batches:plan", { body: { items } }));
}

/** What deciding together came to, in a line. */
export function batchText({ items, placed, mostPlaced, score, unit, gap, alone }: BatchPlanView): string {
  const total = (value: number): string => {
    if (unit === "cost") return formatMoney(BigInt(Math.ceil(value)) as Money);
    if (unit === "time") return formatTime(Math.ceil(value) as never);
    return `${Number(value.toPrecision(4))}${unit === "energy" ? " J" : unit === "carbon" ? " g" : ""}`;
  };
  const what = unit === "relative" ? "sum of scores over each task's best" : `sum of ${unit}`;
  const proof =
    gap === null
      ? `at most ${mostPlaced} can be`
      : gap === 0
        ? "proven least"
        : `at most ${(100 * gap).toPrecision(2)} % over the least there can be`;
  const single =
    alone.placed < placed
      ? `one at a time places ${alone.placed}`
      : `one at a time: ${alone.score > score ? total(alone.score) : "the same"}`;
  return `together ${placed} of ${items.length} placed, ${what} ${total(score)}, ${proof}; ${single}`;
}

/** Brings tasks to the network to be placed together; prices that no manifest names are those of the plan. */
export async function submitBatch(
  context: Context,
  tasks: readonly ReadyManifest[],
  asked: Omit<Submission, "orderId">,
): Promise<readonly TaskView[]> {
  const client = await context.client();
  for (const ready of tasks) await uploadFiles(context, client, ready, asked.network);
  const unpriced = tasks.some(({ parsed }) => parsed.manifest.spec.pay?.atMost === undefined);
  const plan = unpriced ? await planBatch(client, tasks) : null;
  const { publicKey } = await context.signer();
  const items = await Promise.all(
    tasks.map(async ({ text, contents, parsed, name }, i) => {
      const planned = plan?.items[i]?.placement;
      const price = parsed.manifest.spec.pay?.atMost ?? planned?.priceAtMost ?? planned?.price;
      if (price === undefined) {
        throw failed(
          "E_NO_PRICE",
          `${name} fits nowhere now, and without spec.pay.atMost there is no price to sign for`,
          "state spec.pay.atMost",
        );
      }
      const from = Math.max(asked.network.now, parsed.manifest.spec.startAt ?? 0);
      const notAfter = instant(from + asked.validFor);
      const order = await signedOrder(context, text, appliedOrderId(text, publicKey), price, notAfter);
      return { manifest: text, contents: [...contents], order };
    }),
  );
  const made = await withKnownKey(context, client, () =>
    client.call("POST /v1/batches", { body: { items } }),
  );
  return made.items;
}

/** Plans an application; nothing is uploaded or committed. */
export async function planApplication(
  client: WeftClient,
  { text, contents }: ReadyApplication,
): Promise<ApplicationDecisionView> {
  return must(
    await client.call("POST /v1/applications:plan", { body: { manifest: text, contents: [...contents] } }),
  );
}

/** A plan for people: a line a step, then what the whole takes and costs and how sure that is. */
export function applicationText(name: string, plan: ApplicationDecisionView, currency: string): string {
  const cut = plan.plan?.bottleneck !== undefined;
  const stream = plan.plan?.first !== undefined;
  const headers = ["STEP", cut ? "LAYERS" : "AFTER", "NODE", "STARTS", "ENDS", stream ? "AN INPUT" : "PRICE"];
  const rows = plan.steps.map((step) => [
    step.name,
    (cut ? layersText(step.layers ?? []) : step.from.join(",")) || UNKNOWN,
    step.node ?? UNKNOWN,
    time(step.planned?.start),
    time(step.planned?.finish),
    step.price === null ? UNKNOWN : formatMoney(step.price, currency),
  ]);
  const table = new Table(headers, rows);
  const lines = [headers, ...rows].map((row) => `  ${table.line(row)}`);
  return [
    `${cut ? "pipeline" : "application"} ${name}`,
    ...(rows.length === 0 ? [] : lines),
    `  ${summary(plan, currency)}`,
  ].join("\n");
}

/** Layers of a stage, which are always one after the other. */
const layersText = (layers: readonly string[]): string =>
  layers.length < 3 ? layers.join(", ") : `${layers[0]} .. ${layers.at(-1)} (${layers.length})`;

function summary({ plan, refusal }: ApplicationDecisionView, currency: string): string {
  if (plan === null) {
    const at = refusal?.path === undefined ? "" : `${refusal.path}: `;
    const found = refusal?.found === undefined ? "" : `: ${refusal.found}`;
    return `refused: ${at}${refusal?.message}${found} [${refusal?.code}]`;
  }
  const cost = formatMoney(BigInt(Math.ceil(plan.cost)) as Money, currency);
  const proof = plan.proven
    ? "the best plan there is"
    : plan.bound === null
      ? "the best of the nearest nodes"
      : "the best found in the time given";
  if (plan.bottleneck === undefined) return `whole: ${time(plan.makespan)}, ${cost}; ${proof}`;
  const pace = `longest turn of a stage ${time(plan.bottleneck)}`;
  const sure = proof.replace("plan", "cut");
  if (plan.first === undefined) return `one input: ${time(plan.makespan)}, ${pace}, ${cost}; ${sure}`;
  return `first result: ${time(plan.first)}, all: ${time(plan.makespan)}, ${pace}, ${cost}; ${sure}`;
}

/** What a step without a price of its own may cost over its plan: it may have to run on another node. */
const OVER_PLAN = 2n;

/** Brings an application to the network: each step under an order of its own; without `orderId` each manifest once. */
export async function submitApplication(
  context: Context,
  ready: ReadyApplication,
  asked: Omit<Submission, "orderId"> & Partial<Pick<Submission, "orderId">>,
): Promise<ApplicationView> {
  const client = await context.client();
  await uploadFiles(context, client, ready, asked.network);
  const prices = await pricesOf(context, client, ready);
  const notAfter = instant(asked.network.now + asked.validFor);
  const id = asked.orderId ?? appliedOrderId(ready.text, (await context.signer()).publicKey);
  const orders = await Promise.all(
    prices.map(({ name, price }) => signedOrder(context, ready.text, `${id}/${name}`, price, notAfter)),
  );
  const body = { manifest: ready.text, contents: [...ready.contents], orders };
  return withKnownKey(context, client, () => client.call("POST /v1/applications", { body }));
}

interface StepPrice {
  readonly name: string;
  readonly price: Money;
}

/** By step, the highest price: its own, the application's, or what the plan names with room for another node. */
async function pricesOf(
  context: Context,
  client: WeftClient,
  ready: ReadyApplication,
): Promise<readonly StepPrice[]> {
  const { manifest } = ready.parsed;
  if (manifest.kind === "Pipeline") return stagePrices(context, client, ready, manifest);
  const { spec } = manifest;
  const named = (prices: readonly Money[]): readonly StepPrice[] =>
    spec.steps.map(({ name }, s) => ({ name, price: prices[s] as Money }));
  const stated = spec.steps.map(({ pay }) => pay?.atMost ?? spec.pay?.atMost);
  if (stated.every((price) => price !== undefined)) return named(stated);
  const { steps, refusal } = await planApplication(client, ready);
  const prices = stated.map((price, s) => {
    const planned = steps[s]?.price;
    return price ?? (planned == null ? null : ((planned * OVER_PLAN) as Money));
  });
  if (prices.some((price) => price === null)) {
    if (refusal !== null) throw refused({ ...refusal, hint: `weft plan -f ${ready.parsed.file} says why` });
    throw failed(
      "E_NO_PRICE",
      "nothing fits now, and without spec.pay.atMost there is no price to sign for",
      "state spec.pay.atMost",
    );
  }
  const total = prices.reduce<bigint>((sum, price) => sum + (price ?? 0n), 0n) as Money;
  context.note(
    `steps without pay.atMost: signed for twice the plan's price, ${formatMoney(total)} in all at most`,
  );
  return named(prices as readonly Money[]);
}

/** How many stages there will be is the manager's to say: an order for each that there may be, and for each input in it. */
async function stagePrices(
  context: Context,
  client: WeftClient,
  ready: ReadyApplication,
  manifest: PipelineManifest,
): Promise<readonly StepPrice[]> {
  const { inputCountOf, shareOf, stagesOf } = await import("@weft/service-http/manifest");
  const inputs = inputCountOf(manifest);
  let price = manifest.spec.pay?.atMost ?? null;
  if (price === null) {
    const { plan, refusal } = await planApplication(client, ready);
    if (refusal !== null) throw refused({ ...refusal, hint: `weft plan -f ${ready.parsed.file} says why` });
    price = (BigInt(Math.ceil(plan?.cost ?? 0)) * OVER_PLAN) as Money;
    context.note(
      `without pay.atMost: each stage is signed for twice the cut's price, ${formatMoney(price)} at most`,
    );
  }
  const most = shareOf(price, inputs);
  const many = manifest.spec.data?.inputs !== undefined;
  return Array.from({ length: stagesOf(manifest) * inputs }, (_, i) => {
    const stage = `stage-${Math.floor(i / inputs) + 1}`;
    return { name: many ? `${stage}.${(i % inputs) + 1}` : stage, price: most };
  });
}
