import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instant, Money } from "@weft/kernel";
import { createSigner, nodeCryptography } from "@weft/live";
import { signOrder } from "@weft/market";
import { ContentStore, Gateway } from "@weft/orchestration-data";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestText } from "../manifest/index.ts";
import { type ApiServer, createApiServer } from "../server/server.ts";
import { MemoryManager } from "../testing/memory-manager.ts";
import { type ClientResult, type Watched, WeftClient } from "./client.ts";
import { downloadContent, fileContent, uploadFile } from "./contents.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-client-"));
const store = new ContentStore(join(folder, "gateway"), { maxBytes: 1e8, durable: false });
const gateway = new Gateway({
  store,
  authorize: ({ token }) => token === "data-token",
  allow: () => false,
  maxContentBytes: 1e8,
});
const manager = new MemoryManager();
const token = manager.issue("consumer", "c");
let server: ApiServer;
let port: number;
/** Between client and server, so that connections can be cut without either knowing why. */
let wire: Server;
const sockets = new Set<Socket>();
let client: WeftClient;

beforeAll(async () => {
  server = createApiServer({ manager, data: gateway.handle });
  port = Number(new URL(await server.listen({ host: "127.0.0.1", port: 0 })).port);
  wire = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  const { port: wirePort } = wire.address() as AddressInfo;
  manager.gateway = `http://127.0.0.1:${wirePort}`;
  client = new WeftClient({ server: manager.gateway, token, backoffMs: 10 });
});
afterAll(async () => {
  cut();
  wire.close();
  await server.close();
  gateway.close();
  rmSync(folder, { recursive: true });
});

function cut(): void {
  for (const socket of sockets) socket.destroy();
}

const consumer = createSigner();
let orders = 0;
async function submit(): Promise<string> {
  const manifest = manifestText({
    apiVersion: "weft.dev/v1",
    kind: "Task",
    metadata: { name: "count" },
    spec: { compute: { type: "logical", work: "1 GOP" }, run: { process: { command: "/bin/true" } } },
  });
  const order = {
    id: `o${++orders}`,
    consumer: consumer.publicKey,
    taskDigest: nodeCryptography.digest(manifest),
    payAtMost: 1000n as Money,
    notAfter: 9e15 as Instant,
  };
  const made = await client.call("POST /v1/tasks", {
    body: { manifest, ...wired(signOrder(order, consumer)) },
  });
  if (!made.ok) throw new Error(JSON.stringify(made));
  return made.value.id;
}
const wired = (order: ReturnType<typeof signOrder>) => ({
  order: { ...order, order: { ...order.order, payAtMost: String(order.order.payAtMost) } },
});

it("gives what the floors know: bigint money, endless lanes, all pages", async () => {
  const ids = [await submit(), await submit(), await submit()];
  manager.finish(ids[0] as string);
  const one = await client.call("GET /v1/tasks/{task}", { params: { task: ids[0] as string } });
  expect(one).toMatchObject({
    ok: true,
    value: { charged: 410n, needs: { compute: { lanes: Number.POSITIVE_INFINITY } } },
  });
  const seen: string[] = [];
  for await (const task of client.all("GET /v1/tasks", { limit: 1 })) if (task.ok) seen.push(task.value.id);
  expect(seen).toEqual([...ids].reverse());
});

it("hands on refusals as the server words them", async () => {
  const absent = await client.call("GET /v1/tasks/{task}", { params: { task: "none/../x" } });
  expect(absent).toMatchObject({ ok: false, refusal: { code: "E_NOT_FOUND" } });
  const wrong = new WeftClient({ server: client.server.href, token: "wt_x" });
  expect(await wrong.call("GET /v1/network", {})).toMatchObject({
    ok: false,
    refusal: { code: "E_UNAUTHENTICATED" },
  });
});

it("says how to start a network where nothing answers, after a few attempts", async () => {
  const nowhere = new WeftClient({ server: "http://127.0.0.1:9", token, retries: 1, backoffMs: 1 });
  const answered = await nowhere.call("GET /v1/network", {});
  expect(answered).toMatchObject({
    ok: false,
    refusal: { code: "E_UNREACHABLE", hint: expect.stringContaining("npm start") },
  });
});

it("repeats what a cut connection swallowed, and makes no second task of one order", async () => {
  const before = manager.submissions.length;
  const pending = submit();
  setTimeout(cut, 1);
  await pending;
  expect(manager.submissions.length).toBe(before + 1);
});

async function take(
  stream: AsyncGenerator<ClientResult<Watched>>,
  count: number,
  on?: (what: string) => void,
) {
  const taken: string[] = [];
  for await (const event of stream) {
    if (!event.ok) throw new Error(JSON.stringify(event.refusal));
    const what = event.value.subject === "list" ? "list" : event.value.what;
    taken.push(what);
    if (taken.length >= count) break;
    on?.(what);
  }
  return taken;
}

it("watches across cut connections and misses nothing", async () => {
  const id = await submit();
  const stop = new AbortController();
  const taken = await take(client.events({ subjects: ["task"], signal: stop.signal }), 5, (what) => {
    const task = manager.task({ account: "c", role: "consumer" }, id);
    if (what !== "list") cut();
    else if (task.ok) for (const change of ["one", "two"]) manager.change(task.value, change);
    if (what === "two") manager.finish(id);
  });
  expect(taken).toEqual(["list", "one", "two", "running", "succeeded"]);
  stop.abort();
});

it("says once that a stream waits for a server that is away", async () => {
  const said: string[] = [];
  const stop = new AbortController();
  const nowhere = new WeftClient({
    server: "http://127.0.0.1:9",
    token,
    backoffMs: 1,
    waiting: ({ code }) => said.push(code),
  });
  setTimeout(() => stop.abort(), 300);
  expect(await take(nowhere.events({ signal: stop.signal }), 1)).toEqual([]);
  expect(said).toEqual(["E_UNREACHABLE"]);
});

it("tells a watcher to list again when what it missed is no longer kept", async () => {
  const stop = new AbortController();
  const stream = client.events({ after: "elsewhere-7", signal: stop.signal });
  expect(await take(stream, 1)).toEqual(["list"]);
  stop.abort();
});

it("follows logs across cut connections, each line once", async () => {
  const id = await submit();
  manager.print(id, "1");
  const texts: string[] = [];
  for await (const line of client.logs(id, { follow: true })) {
    if (!line.ok) throw new Error(line.refusal.message);
    texts.push(line.value.text);
    if (texts.length < 4) {
      cut();
      manager.print(id, String(texts.length + 1));
    } else manager.finish(id);
  }
  expect(texts).toEqual(["1", "2", "3", "4"]);
});

it("puts files at a gateway and fetches results, hash checked, progress told", async () => {
  const path = join(folder, "input.bin");
  writeFileSync(path, Buffer.alloc(3_000_000, 7));
  const content = await fileContent(path);
  if (!content.ok) throw new Error(content.refusal.message);
  const access = await client.call("GET /v1/gateways", {});
  if (!access.ok) throw new Error(access.refusal.message);
  const { url } = access.value.items[0]!;
  const told: number[] = [];
  const put = uploadFile({ url, token: access.value.token }, path, content.value, ({ done }) =>
    told.push(done),
  );
  setTimeout(cut, 5);
  expect((await put).ok).toBe(true);
  expect(told.at(-1)).toBe(3_000_000);
  const got = await downloadContent(
    { url, token: access.value.token },
    content.value,
    async (file) => readFileSync(file).length,
  );
  expect(got).toEqual({ ok: true, value: 3_000_000 });
  expect(await fileContent(join(folder, "none"))).toMatchObject({ ok: false, refusal: { code: "E_FILE" } });
});
