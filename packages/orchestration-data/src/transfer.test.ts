import { createHash, randomBytes } from "node:crypto";
import { getEventListeners, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes } from "@weft/kernel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Content } from "./content.ts";
import { Gateway } from "./gateway.ts";
import type { Address } from "./segments.ts";
import { ContentStore } from "./store.ts";
import { fetchContent, pushContent } from "./transfer.ts";

const TOKEN = "open-sesame";
const dir = mkdtempSync(join(tmpdir(), "weft-transfer-"));
const closing: (() => void)[] = [];
const BIG = randomBytes(5 << 20);

interface Place {
  readonly store: ContentStore;
  readonly gateway: Gateway;
  readonly address: Address;
  readonly seen: string[];
}

async function place(
  name: string,
  allow: (address: Address) => boolean = () => true,
  stallMs = 15_000,
): Promise<Place> {
  const store = new ContentStore(join(dir, name), { maxBytes: 64 << 20, durable: false });
  const gateway = new Gateway({
    store,
    authorize: ({ token }) => token === TOKEN,
    allow,
    stallMs,
    maxContentBytes: 32 << 20,
  });
  const seen: string[] = [];
  const server: Server = createServer((incoming, response) => {
    seen.push(
      `${incoming.method} ${incoming.headers.range ?? incoming.headers["content-range"] ?? ""}`.trim(),
    );
    if (!gateway.handle(incoming, response)) response.writeHead(404).end("not data");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    gateway.close();
    server.close();
    server.closeAllConnections();
  });
  return { store, gateway, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** A TCP pipe in front of a gateway that cuts each of its first connections after so many bytes, either way. */
async function scissors(target: Address, cuts: number[]): Promise<Address> {
  const server = createTcpServer((near) => {
    const far = connect(Number(target.split(":")[1]), "127.0.0.1");
    let left = cuts.shift() ?? Number.POSITIVE_INFINITY;
    const pass = (to: Socket) => (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) to.write(chunk);
      else for (const end of [near, far]) end.destroy();
    };
    near.on("data", pass(far)).on("close", () => far.destroy());
    far.on("data", pass(near)).on("close", () => near.destroy());
    for (const end of [near, far]) end.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function* once1(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
async function hold(at: Place, bytes: Uint8Array): Promise<Content> {
  const put = await at.store.put(once1(bytes));
  if (!put.ok) throw new Error(put.refusal.message);
  return put.value;
}
async function raw(at: Place, path: string, options: object = {}, body?: Uint8Array) {
  const outgoing = request({
    host: "127.0.0.1",
    port: at.address.split(":")[1],
    path,
    agent: false,
    headers: { authorization: `Bearer ${TOKEN}` },
    ...options,
  });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  outgoing.on("error", () => {}); // a refused body is cut off
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

let here: Place;
let there: Place;
beforeAll(async () => {
  here = await place("here");
  there = await place("there");
});
afterAll(() => {
  for (const close of closing) close();
  rmSync(dir, { recursive: true, force: true });
});

describe("moving content", () => {
  it("fetches, verifies and reports; a second time moves nothing", async () => {
    const content = await hold(there, BIG);
    const progress: number[] = [];
    const transfer = { ...content, segments: [there.address], store: here.store, token: TOKEN };
    const got = await fetchContent({ ...transfer, onProgress: ({ done }) => progress.push(done) });
    expect(got).toMatchObject({ ok: true, value: { ...content, moved: BIG.length, attempts: 1 } });
    expect(progress.at(-1)).toBe(BIG.length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(here.store.size(content.digest)).toBe(BIG.length);
    expect(await fetchContent(transfer)).toMatchObject({ ok: true, value: { moved: 0, rate: null } });
  });

  it("two who want the same content at once move it once", async () => {
    const content = await hold(there, randomBytes(1 << 20));
    const to = await place("both");
    const transfer = { ...content, segments: [there.address], store: to.store, token: TOKEN };
    const both = await Promise.all([fetchContent(transfer), fetchContent(transfer)]);
    expect(both.map((got) => got.ok && got.value.moved)).toEqual([content.size, 0]);
  });

  it("of many who want the same content at once one moves it, and none listens to its signal afterwards", async () => {
    const content = await hold(there, randomBytes(1 << 20));
    const to = await place("many");
    const transfer = { ...content, segments: [there.address], store: to.store, token: TOKEN };
    const signals = Array.from({ length: 30 }, () => new AbortController().signal);
    const all = await Promise.all(signals.map((signal) => fetchContent({ ...transfer, signal })));
    expect(all.map((got) => got.ok && got.value.moved)).toEqual([content.size, ...Array(29).fill(0)]);
    expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
  });

  it("fetch goes on where a dropped connection stopped", async () => {
    const content = await hold(there, randomBytes(4 << 20));
    const to = await place("resumed");
    const cut = await scissors(there.address, [1 << 20, 2 << 20]);
    const got = await fetchContent({
      ...content,
      segments: [cut],
      store: to.store,
      token: TOKEN,
      backoffMs: 1,
    });
    expect(got).toMatchObject({ ok: true, value: { attempts: 3 } });
    expect(got.ok && got.value.moved).toBe(content.size);
  });

  it("push goes on where a dropped connection stopped, and sends nothing that is there", async () => {
    const from = await place("sender");
    const to = await place("receiver");
    const content = await hold(from, randomBytes(4 << 20));
    const cut = await scissors(to.address, [1 << 20, 2 << 20]);
    const transfer = { ...content, segments: [cut], store: from.store, token: TOKEN, backoffMs: 20 };
    expect(await pushContent(transfer)).toMatchObject({ ok: true });
    expect(to.store.size(content.digest)).toBe(content.size);
    const resumed = to.seen.filter((line) => line.startsWith("PUT bytes"));
    expect(resumed.length).toBeGreaterThan(0);
    expect(await pushContent(transfer)).toMatchObject({ ok: true, value: { moved: 0 } });
  });

  it("pushes small and empty content in one request", async () => {
    const from = await place("small-sender");
    const to = await place("small-receiver");
    for (const bytes of [randomBytes(1000), new Uint8Array()]) {
      const content = await hold(from, bytes);
      const transfer = { ...content, segments: [to.address], store: from.store, token: TOKEN };
      expect(await pushContent(transfer)).toMatchObject({ ok: true, value: { attempts: 1 } });
      expect(to.store.has(content.digest)).toBe(true);
      const back = await place(`small-back-${content.size}`);
      expect(await fetchContent({ ...transfer, store: back.store })).toMatchObject({ ok: true });
    }
    expect(to.seen.filter((line) => line.startsWith("HEAD"))).toEqual([]);
  });

  it("gives up after so many attempts without progress", async () => {
    const content = await hold(there, randomBytes(1 << 20));
    const to = await place("never");
    const cut = await scissors(there.address, Array(50).fill(1));
    const got = await fetchContent({
      ...content,
      segments: [cut],
      store: to.store,
      token: TOKEN,
      retries: 3,
      backoffMs: 1,
    });
    expect(got).toMatchObject({ ok: false, refusal: { code: "E_TRANSFER_STALLED" } });
  });

  it("stops when called off", async () => {
    const content = await hold(there, randomBytes(1 << 20));
    const to = await place("cancelled");
    const got = await fetchContent({
      ...content,
      segments: [there.address],
      store: to.store,
      token: TOKEN,
      signal: AbortSignal.abort(),
    });
    expect(got).toMatchObject({ ok: false, refusal: { code: "E_TRANSFER_CANCELLED" } });
  });

  it("refuses at once what no attempt can change", async () => {
    const digest = createHash("sha256").update("nowhere").digest("hex");
    const transfer = { digest, size: 7 as Bytes, segments: [there.address], store: here.store, token: TOKEN };
    expect(await fetchContent(transfer)).toMatchObject({ refusal: { code: "E_CONTENT_ABSENT" } });
    expect(await pushContent(transfer)).toMatchObject({ refusal: { code: "E_CONTENT_ABSENT" } });
    expect(await fetchContent({ ...transfer, token: "guess" })).toMatchObject({
      refusal: { code: "E_DATA_TOKEN" },
    });
  });
});

describe("along a list of segments", () => {
  it("the bytes pass through every gateway named, and stay in none between", async () => {
    const relays = [await place("relay-1"), await place("relay-2")];
    const end = await place("end");
    const to = await place("to");
    const segments = [...relays, end].map((at) => at.address);
    const down = await hold(end, randomBytes(1 << 20));
    expect(await fetchContent({ ...down, segments, store: to.store, token: TOKEN })).toMatchObject({
      ok: true,
    });
    const up = await hold(to, randomBytes(1 << 20));
    expect(await pushContent({ ...up, segments, store: to.store, token: TOKEN })).toMatchObject({ ok: true });
    expect(end.store.has(up.digest)).toBe(true);
    for (const { store, gateway } of relays) {
      expect(gateway.counters.relayed).toBe(2 << 20);
      expect(store.totalBytes).toBe(0);
    }
    expect(end.gateway.counters).toEqual({ served: 1 << 20, received: 1 << 20, relayed: 0 });
  });

  it("a resumed transfer survives a relay whose far side breaks", async () => {
    const relay = await place("relay-3");
    const end = await place("end-3");
    const to = await place("to-3");
    const segments = [relay.address, await scissors(end.address, [1 << 20, 2 << 20])];
    const content = await hold(end, randomBytes(4 << 20));
    const transfer = { ...content, segments, store: to.store, token: TOKEN, backoffMs: 5 };
    expect(await fetchContent(transfer)).toMatchObject({ ok: true });
    const back = await hold(to, randomBytes(4 << 20));
    const again = [relay.address, await scissors(end.address, [1 << 20, 2 << 20])];
    expect(await pushContent({ ...transfer, ...back, segments: again })).toMatchObject({ ok: true });
    expect(end.store.has(back.digest)).toBe(true);
  });

  it("a gateway forwards only where it may", async () => {
    const strict = await place("strict", () => false);
    const content = await hold(there, randomBytes(100));
    const to = await place("strict-to");
    const segments = [strict.address, there.address];
    expect(await fetchContent({ ...content, segments, store: to.store, token: TOKEN })).toMatchObject({
      refusal: { code: "E_SEGMENT_REFUSED", found: there.address },
    });
  });

  it("tells when the next gateway is not there", async () => {
    const content = await hold(there, randomBytes(100));
    const to = await place("gone-to");
    const segments = [there.address, "127.0.0.1:1"];
    const transfer = { ...content, segments, store: to.store, token: TOKEN, retries: 1, backoffMs: 1 };
    const got = await fetchContent(transfer);
    expect(got).toMatchObject({ refusal: { code: "E_TRANSFER_STALLED" } });
    expect(!got.ok && got.refusal.found).toMatch(/^E_SEGMENT_UNREACHABLE/);
  });
});

describe("the gateway over HTTP", () => {
  it("leaves alone what is not under /data/", async () => {
    expect(await raw(there, "/v1/tasks")).toMatchObject({ status: 404, body: Buffer.from("not data") });
  });

  it("gives parts, and says what it cannot give", async () => {
    const bytes = randomBytes(1000);
    const { digest } = await hold(there, bytes);
    const authorization = `Bearer ${TOKEN}`;
    const part = await raw(there, `/data/${digest}`, { headers: { authorization, range: "bytes=10-19" } });
    expect(part).toMatchObject({ status: 206, body: bytes.subarray(10, 20) });
    expect(part.headers["content-range"]).toBe("bytes 10-19/1000");
    const beyond = await raw(there, `/data/${digest}`, { headers: { authorization, range: "bytes=1000-" } });
    expect(beyond.status).toBe(416);
    const head = await raw(there, `/data/${digest}`, { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, headers: { "content-length": "1000" } });
    expect(head.body).toHaveLength(0);
  });

  it("refuses with a status and a code", async () => {
    const digest = "0".repeat(64);
    const authorization = `Bearer ${TOKEN}`;
    const cases: [object, Uint8Array | undefined, string, number, string][] = [
      [{ headers: {} }, undefined, digest, 401, "E_DATA_TOKEN"],
      [{}, undefined, digest, 404, "E_CONTENT_ABSENT"],
      [{}, undefined, "../../etc/passwd", 404, "E_DATA_REQUEST"],
      [{ method: "DELETE" }, undefined, digest, 405, "E_DATA_REQUEST"],
      [{ method: "PUT" }, randomBytes(10), digest, 422, "E_CONTENT_DIGEST"],
      [
        { method: "PUT", headers: { authorization, "content-range": "bytes 5-9/10" } },
        randomBytes(5),
        digest,
        409,
        "E_CONTENT_OFFSET",
      ],
      [{ method: "PUT" }, new Uint8Array((32 << 20) + 1), digest, 413, "E_CONTENT_SIZE"],
      [{ headers: { authorization, "weft-segments": "nonsense" } }, undefined, digest, 400, "E_DATA_REQUEST"],
    ];
    for (const [options, body, name, status, code] of cases) {
      const got = await raw(there, `/data/${name}`, options, body);
      expect([got.status, JSON.parse(got.body.toString()).code]).toEqual([status, code]);
    }
    expect(there.store.uploaded(digest)).toBe(0);
  });

  it("breaks off what nobody reads or sends, and lets go of the content", async () => {
    const impatient = await place("impatient", undefined, 100);
    const content = await hold(impatient, randomBytes(16 << 20));
    const port = Number(impatient.address.split(":")[1]);
    const reader = connect(port, "127.0.0.1");
    reader.write(`GET /data/${content.digest} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`);
    await once(reader, "readable"); // the answer began; nothing more is read until the gateway gives up
    await new Promise((resolve) => setTimeout(resolve, 400));
    reader.on("error", () => {}).resume();
    await once(reader, "close");
    expect(reader.bytesRead).toBeLessThan(content.size);
    const digest = "1".repeat(64);
    const sender = connect(port, "127.0.0.1");
    sender.write(
      `PUT /data/${digest} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 10\r\n\r\nabc`,
    );
    await once(sender.on("error", () => {}).resume(), "close");
    await expect.poll(() => impatient.store.uploaded(digest)).toBe(3);
  });

  it("keeps a connection for many uploads", async () => {
    const from = await place("many-sender");
    const to = await place("many-receiver");
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    for (let i = 0; i < 15; i++) {
      const content = await hold(from, randomBytes(100));
      const transfer = { ...content, segments: [to.address], store: from.store, token: TOKEN };
      expect(await pushContent(transfer)).toMatchObject({ ok: true, value: { attempts: 1 } });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("answers probes of the link", async () => {
    const down = await raw(there, "/data/probe?bytes=100000");
    expect(down).toMatchObject({ status: 200 });
    expect(down.body).toHaveLength(100_000);
    const up = await raw(there, "/data/probe", { method: "PUT" }, randomBytes(700_000));
    const { bytes, micros } = JSON.parse(up.body.toString());
    expect(bytes).toBeGreaterThan(0); // all but the chunk that started the clock
    expect(bytes).toBeLessThan(700_000);
    expect(micros).toBeGreaterThan(0);
    expect((await raw(there, "/data/probe?bytes=1e12")).status).toBe(400);
    expect((await raw(there, "/data/probe?bytes=1", { headers: {} })).status).toBe(401);
  });
});
