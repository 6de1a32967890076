import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ContentStore, fetchContent, Gateway } from "@weft/orchestration-data";
import type { Bench } from "./bench.ts";

interface Place {
  readonly store: ContentStore;
  readonly server: Server;
  readonly gateway: Gateway;
  readonly address: string;
}

async function place(dir: string): Promise<Place> {
  const store = new ContentStore(dir, { maxBytes: 4e9, durable: false });
  const gateway = new Gateway({
    store,
    authorize: () => true,
    allow: () => true,
    maxContentBytes: 4e9,
  });
  const server = createServer((request, response) => void gateway.handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { store, server, gateway, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Bytes a second of moving content between gateways of one process, hashed and kept, against bare node:http. */
export const data: Bench = {
  name: "data",
  async run(size, report) {
    const bytes = size === "smoke" ? 4 << 20 : 256 << 20;
    const dir = mkdtempSync(join(tmpdir(), "weft-bench-data-"));
    const places = await Promise.all(
      ["source", "relay", "a", "b", "small"].map((name) => place(join(dir, name))),
    );
    const [source, relay, near, far, small] = places as [Place, Place, Place, Place, Place];
    try {
      const content = await hold(source, bytes);
      const bare = await bareHttp(bytes);
      const direct = await timed(() => fetch(near.store, [source.address], content));
      report({
        name: "data/fetch",
        value: bytes / direct,
        unit: "B/s",
        against: "bare node:http, neither hashed nor written",
        ratio: bare / direct,
      });
      const relayed = await timed(() => fetch(far.store, [relay.address, source.address], content));
      report({
        name: "data/fetch-relayed",
        value: bytes / relayed,
        unit: "B/s",
        against: "the same without a relay (all gateways share this process)",
        ratio: direct / relayed,
      });
      const count = size === "smoke" ? 20 : 500;
      const contents: Awaited<ReturnType<typeof hold>>[] = [];
      for (let i = 0; i < count; i++) contents.push(await hold(source, 1000));
      const all = await timed(async () => {
        for (const each of contents) await fetch(small.store, [source.address], each);
      });
      report({
        name: "data/small",
        value: count / all,
        unit: "contents/s",
        against: "nothing: contents of 1 kB, one after another",
        ratio: null,
      });
    } finally {
      for (const { server, gateway } of places) {
        gateway.close();
        server.close();
        server.closeAllConnections();
      }
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

async function hold({ store }: Place, bytes: number) {
  const block = randomBytes(Math.min(bytes, 1 << 20));
  const put = await store.put(
    (async function* () {
      for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, left);
    })(),
  );
  if (!put.ok) throw new Error(put.refusal.message);
  return put.value;
}

async function fetch(
  store: ContentStore,
  segments: readonly string[],
  content: Awaited<ReturnType<typeof hold>>,
): Promise<void> {
  const got = await fetchContent({ ...content, segments, store });
  if (!got.ok) throw new Error(got.refusal.message);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

/** Seconds that the same bytes take through node:http alone. */
async function bareHttp(bytes: number): Promise<number> {
  const block = Buffer.alloc(256 << 10);
  const server = createServer((_, response) => {
    response.setHeader("content-length", bytes);
    const blocks = function* () {
      for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, left);
    };
    Readable.from(blocks(), { objectMode: false }).pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const seconds = await timed(async () => {
    const [response] = await once(get({ host: "127.0.0.1", port, agent: false }), "response");
    for await (const _ of response);
  });
  server.close();
  return seconds;
}
