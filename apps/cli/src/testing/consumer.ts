import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canonicalText, type Instant, type Money, type Signer } from "@weft/kernel";
import { nodeCryptography } from "@weft/live";
import { signOrder } from "@weft/market";
import type { TaskView } from "@weft/service";
import { fileContent, uploadFile, WeftClient } from "@weft/service-http/client";

/** A module that counts down from `turns` and ends: about a nanosecond a turn. */
export function spinning(turns: bigint): Buffer {
  const leb: number[] = [];
  for (let rest = turns; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    const last = rest >> 7n === 0n && (low & 0x40) === 0;
    leb.push(last ? low : low | 0x80);
    if (last) break;
  }
  const body = [
    ...[0x01, 0x01, 0x7e, 0x42, ...leb, 0x21, 0x00, 0x03, 0x40],
    ...[0x20, 0x00, 0x42, 0x01, 0x7d, 0x22, 0x00, 0x42, 0x00, 0x52, 0x0d, 0x00, 0x0b, 0x0b],
  ];
  const head = "0061736d01000000010401600000030201000503010001071302066d656d6f72790200065f73746172740000";
  return Buffer.concat([
    Buffer.from(head, "hex"),
    Buffer.from([0x0a, body.length + 2, 0x01, body.length, ...body]),
  ]);
}

export function must<T>(
  result: { ok: true; value: T } | { ok: false; refusal: { code: string; message: string } },
): T {
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
  return result.value;
}

/** A consumer of a running network, for tests: submits spinning tasks and waits for them. */
export class TestConsumer {
  readonly client: WeftClient;
  readonly #url: string;
  readonly #token: string;
  readonly #signer: Signer;
  readonly #folder: string;

  constructor(url: string, token: string, signer: Signer, folder: string) {
    this.#url = url;
    this.#token = token;
    this.#signer = signer;
    this.#folder = folder;
    this.client = new WeftClient({ server: url, token, retries: 10 });
  }

  /** Brings the module and its input, orders, and returns the task's id. */
  async submit(
    name: string,
    turns: bigint,
    spec: { readonly [key: string]: unknown } = {},
    order: { readonly id?: string } = {},
  ): Promise<string> {
    const file = join(this.#folder, `${turns}.wasm`);
    if (!existsSync(file)) writeFileSync(file, spinning(turns)); // once: another submission may be reading it
    const content = must(await fileContent(file));
    must(await uploadFile({ url: this.#url, token: this.#token }, file, content));
    const manifest = canonicalText({
      apiVersion: "weft.dev/v1",
      kind: "Task",
      metadata: { name },
      spec: {
        algorithm: { function: `spin-${turns}`, space: "16MB" },
        compute: { type: "logical", work: `${turns} OP` },
        run: { wasm: { module: `sha256:${content.digest}` } },
        pay: { atMost: "1 CNY" },
        ...spec,
      },
    });
    const mandate = {
      id: order.id ?? randomUUID(),
      consumer: this.#signer.publicKey,
      taskDigest: nodeCryptography.digest(manifest),
      payAtMost: 1_000_000n as Money,
      notAfter: ((Date.now() + 600_000) * 1000) as Instant,
    };
    const body = { manifest, contents: [content], order: signOrder(mandate, this.#signer) };
    return must(await this.client.call("POST /v1/tasks", { body } as never)).id;
  }

  async task(id: string): Promise<TaskView> {
    return must(
      await this.client.call("GET /v1/tasks/{task}", { params: { task: id } } as never),
    ) as TaskView;
  }

  /** Waits until a task is in a phase; throws when it ends in another. */
  async when(id: string, phase: TaskView["phase"]): Promise<TaskView> {
    for (;;) {
      const task = await this.task(id);
      if (task.phase === phase) return task;
      if (task.phase === "failed" || task.phase === "cancelled") throw new Error(JSON.stringify(task.reason));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
