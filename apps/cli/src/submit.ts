import { createHash, randomUUID } from "node:crypto";
import {
  formatBytes,
  formatMoney,
  type Instant,
  instant,
  type Micros,
  type Money,
  type PublicKey,
  type Result,
} from "@weft/kernel";
import type { TaskView } from "@weft/service";
import type { DecisionView, GatewaysView, NetworkView, WeftClient } from "@weft/service-http/client";
import type { AnyManifest } from "@weft/service-http/manifest";
import type { Context } from "./context.ts";
import { failed, must, refused } from "./failure.ts";
import type { ReadyManifest } from "./manifests.ts";
import { ProgressLine } from "./progress.ts";

export interface Submission {
  readonly network: NetworkView;
  /** Chosen here, so that a repeated submission is the same task. */
  readonly orderId: string;
  /** How long the order may wait for a place. */
  readonly validFor: Micros;
}

/** Plans a manifest; nothing is uploaded or committed. */
export async function planTask(client: WeftClient, { text, contents }: ReadyManifest): Promise<DecisionView> {
  return must(
    await client.call("POST /v1/tasks:plan", { body: { manifest: text, contents: [...contents] } }),
  );
}

/**
 * Brings a task to the network: uploads its files to the gateway where its data is, signs the order for at most the
 * manifest's price (without one: the highest price that a plan made now names), submits it, and has the key made known where it is not yet.
 */
export async function submitTask(
  context: Context,
  ready: ReadyManifest,
  asked: Submission,
): Promise<TaskView> {
  const client = await context.client();
  await uploadFiles(context, client, ready, asked.network);
  const payAtMost = ready.parsed.manifest.spec.pay?.atMost ?? (await plannedPrice(context, client, ready));
  const from = Math.max(asked.network.now, ready.parsed.manifest.spec.startAt ?? 0);
  const notAfter = instant(from + asked.validFor);
  const order = await signedOrder(context, ready.text, asked.orderId, payAtMost, notAfter);
  const body = { manifest: ready.text, contents: [...ready.contents], order };
  return withKnownKey(context, client, () => client.call("POST /v1/tasks", { body }));
}

/** An order for the manifest of this text, as it travels. */
export async function signedOrder(
  context: Context,
  text: string,
  id: string,
  payAtMost: Money,
  notAfter: Instant,
) {
  const { signOrder } = await import("@weft/market");
  const signer = await context.signer();
  const taskDigest = createHash("sha256").update(text).digest("hex");
  const order = signOrder({ id, consumer: signer.publicKey, taskDigest, payAtMost, notAfter }, signer);
  return { ...order, order: { ...order.order, payAtMost: String(payAtMost) } };
}

/** Has the key made known where it is not yet, and asks again. */
export async function withKnownKey<T>(
  context: Context,
  client: WeftClient,
  ask: () => Promise<Result<T>>,
): Promise<T> {
  const made = await ask();
  if (made.ok || made.refusal.code !== "E_KEY_UNKNOWN") return must(made);
  await makeKeyKnown(context, client, (await context.signer()).publicKey);
  return must(await ask());
}

export const newOrderId = (): string => randomUUID();

/** The same manifest of the same key is the same order: applying it twice makes one task. */
export const appliedOrderId = (text: string, key: PublicKey): string =>
  `apply-${createHash("sha256").update(`${key}\n${text}`).digest("hex").slice(0, 32)}`;

async function plannedPrice(context: Context, client: WeftClient, ready: ReadyManifest): Promise<Money> {
  const { placement, refusal } = await planTask(client, ready);
  if (placement === null) {
    if (refusal !== null) throw refused({ hint: `weft plan -f ${ready.parsed.file} says why`, ...refusal });
    throw failed(
      "E_NO_PRICE",
      "nothing fits now, and without spec.pay.atMost there is no price to sign for",
      "state spec.pay.atMost",
    );
  }
  const price = placement.priceAtMost ?? placement.price;
  context.note(`no spec.pay.atMost: signed for at most ${formatMoney(price)}, the highest price of the plan`);
  return price;
}

/** Shows that this machine holds the key, so that it may sign for the account of the token. */
export async function makeKeyKnown(context: Context, client: WeftClient, key: PublicKey): Promise<void> {
  const { keyProofText } = await import("@weft/service-http/client");
  const { account } = must(await client.call("GET /v1/whoami", {}));
  const proof = (await context.signer()).sign(keyProofText(account, key));
  must(await client.call("POST /v1/keys", { body: { key, proof, note: "weft" } }));
  context.note(`key ${key.slice(0, 12)}... now signs for account ${account}`);
}

/** Less is sent in a moment, and without asking whether it is there. */
const WORTH_A_LINE = 256 << 10;

/** Brings a manifest's files to the gateway where its data is. */
export async function uploadFiles(
  context: Context,
  client: WeftClient,
  { files, parsed }: ReadyManifest<AnyManifest>,
  network: NetworkView,
): Promise<void> {
  if (files.length === 0) return;
  const { uploadFile } = await import("@weft/service-http/client");
  const site = parsed.manifest.spec.data?.at ?? network.defaultSite;
  const access = gatewayOf(must(await client.call("GET /v1/gateways", {})), site);
  for (const { path, content } of files) {
    const title = `uploading ${formatBytes(content.size)}`;
    let line: ProgressLine | null = null;
    const put = await uploadFile(access, path, content, (progress) => {
      // Silent where the content is there already, and where it is a matter of a moment.
      if (progress.done < progress.of && content.size >= WORTH_A_LINE) {
        line ??= new ProgressLine(context, title, `to ${site}`);
      }
      line?.update(progress);
    });
    (line as ProgressLine | null)?.end();
    if (!put.ok) throw refused({ ...put.refusal, message: `${path}: ${put.refusal.message}` });
  }
}

/** The gateway of a site, with the word it asks for. */
export function gatewayOf(
  { token, items }: GatewaysView,
  site: string,
): { readonly url: string; readonly token: string } {
  const found = items.find((gateway) => gateway.site === site);
  if (found !== undefined) return { url: found.url, token };
  const known = items.map((gateway) => gateway.site).join(", ") || "none";
  throw failed(
    "E_NO_GATEWAY",
    `no gateway at site "${site}": data can be put at ${known}`,
    "start an agent there with --listen",
  );
}
