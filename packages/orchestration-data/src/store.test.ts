import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Bytes } from "@weft/kernel";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Content } from "./content.ts";
import { ContentStore } from "./store.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-store-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const contentOf = (bytes: Uint8Array): Content => ({
  digest: createHash("sha256").update(bytes).digest("hex"),
  size: bytes.byteLength as Bytes,
});
async function* chunks(bytes: Uint8Array, step = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error("the line went dead");
}
async function read(store: ContentStore, digest: string, range?: { from: number; to: number }) {
  const parts: Buffer[] = [];
  for await (const part of store.open(digest, range)) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
const filesUnder = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

describe("ContentStore", () => {
  it("gives back what was put, whole and in parts, after a restart too", async () => {
    const bytes = randomBytes(3_000_000);
    const store = new ContentStore(dir, { maxBytes: 1e7 });
    const put = await store.put(chunks(bytes, 65_536));
    expect(put).toEqual({ ok: true, value: contentOf(bytes) });
    const { digest } = contentOf(bytes);
    for (const each of [store, new ContentStore(dir, { maxBytes: 1e7 })]) {
      expect(each.size(digest)).toBe(3_000_000);
      expect((await read(each, digest)).equals(bytes)).toBe(true);
      expect((await read(each, digest, { from: 10, to: 20 })).equals(bytes.subarray(10, 20))).toBe(true);
      expect(await read(each, digest, { from: 5, to: 5 })).toHaveLength(0);
      expect(readFileSync(each.path(digest)).equals(bytes)).toBe(true);
    }
  });

  it("keeps the empty content", async () => {
    const store = new ContentStore(dir, { maxBytes: 10 });
    const empty = contentOf(new Uint8Array());
    expect(await store.put(chunks(new Uint8Array()))).toEqual({ ok: true, value: empty });
    expect(await read(store, empty.digest)).toHaveLength(0);
  });

  it("leaves nothing behind when the source breaks", async () => {
    const store = new ContentStore(dir, { maxBytes: 1e6 });
    await expect(store.put(breaking(randomBytes(5000)))).rejects.toThrow("dead");
    expect(filesUnder(dir)).toEqual([]);
    expect(store.totalBytes).toBe(0);
  });

  it("adopts a file by moving it", async () => {
    const bytes = randomBytes(4000);
    const path = join(dir, "result");
    const store = new ContentStore(join(dir, "store"), { maxBytes: 1e6 });
    for (let twice = 0; twice < 2; twice++) {
      writeFileSync(path, bytes);
      expect(await store.adopt(path)).toEqual({ ok: true, value: contentOf(bytes) });
      expect(readdirSync(dir)).toEqual(["store"]);
      expect(store.totalBytes).toBe(4000);
    }
  });

  it("goes on with a broken upload where it stopped, even after a restart", async () => {
    const bytes = randomBytes(10_000);
    const content = contentOf(bytes);
    const store = new ContentStore(dir, { maxBytes: 1e6 });
    const first = await store.receive(content, 0, breaking(bytes.subarray(0, 4000)));
    expect(first).toEqual({ ok: true, value: { complete: false, offset: 4000 } });
    expect(store.has(content.digest)).toBe(false);
    const again = new ContentStore(dir, { maxBytes: 1e6 });
    expect(again.uploaded(content.digest)).toBe(4000);
    expect(await again.receive(content, 3000, chunks(bytes))).toMatchObject({
      refusal: { code: "E_CONTENT_OFFSET", expected: "4000" },
    });
    const second = await again.receive(content, 4000, chunks(bytes.subarray(4000)));
    expect(second).toEqual({ ok: true, value: { complete: true, offset: 10_000 } });
    expect((await read(again, content.digest)).equals(bytes)).toBe(true);
    expect(again.totalBytes).toBe(10_000);
  });

  it("refuses bytes that are not what the digest names, and bytes beyond the size, and keeps none", async () => {
    const bytes = randomBytes(5000);
    const content = contentOf(bytes);
    const store = new ContentStore(dir, { maxBytes: 1e6 });
    const forged = Buffer.from(bytes);
    forged[17] = (forged[17] as number) ^ 1;
    expect(await store.receive(content, 0, chunks(forged))).toMatchObject({
      refusal: { code: "E_CONTENT_DIGEST" },
    });
    expect(await store.receive(content, 0, chunks(randomBytes(5001)))).toMatchObject({
      refusal: { code: "E_CONTENT_SIZE" },
    });
    expect(filesUnder(dir)).toEqual([]);
    expect(store.totalBytes).toBe(0);
    expect(await store.receive(content, 0, chunks(bytes))).toMatchObject({ value: { complete: true } });
  });

  it("takes one upload of the same content at a time", async () => {
    const bytes = randomBytes(5000);
    const content = contentOf(bytes);
    const store = new ContentStore(dir, { maxBytes: 1e6 });
    const both = await Promise.all([
      store.receive(content, 0, chunks(bytes)),
      store.receive(content, 0, chunks(bytes)),
    ]);
    expect(both).toMatchObject([{ value: { complete: true } }, { refusal: { code: "E_CONTENT_BUSY" } }]);
  });

  it("throws out what was used longest ago, never what is pinned or being read", async () => {
    const store = new ContentStore(dir, { maxBytes: 3000 });
    const [a, b, c, d] = [1, 2, 3, 4].map(() => randomBytes(1000)) as [Buffer, Buffer, Buffer, Buffer];
    for (const bytes of [a, b, c]) await store.put(chunks(bytes));
    store.pin(contentOf(a).digest);
    await store.put(chunks(d));
    const held = [a, b, c, d].map((bytes) => store.has(contentOf(bytes).digest));
    expect(held).toEqual([true, false, true, true]);
    const reading = store.open(contentOf(c).digest);
    store.pin(contentOf(d).digest);
    expect(await store.put(chunks(b))).toMatchObject({ refusal: { code: "E_CONTENT_SPACE" } });
    reading.destroy();
    await new Promise((resolve) => reading.once("close", resolve));
    expect(await store.put(chunks(b))).toMatchObject({ ok: true });
    expect(store.has(contentOf(c).digest)).toBe(false);
  });

  it("has content that was thrown out to make room for itself, however long that takes", async () => {
    const [a, b] = [randomBytes(1_150), randomBytes(250)];
    const digest = contentOf(a).digest;
    const rounds = Array.from({ length: 60 }, async () => {
      const store = new ContentStore(mkdtempSync(join(dir, "again-")), { maxBytes: 2_500, durable: false });
      await store.put(chunks(a, 70));
      await store.put(chunks(b, 70));
      await store.put(chunks(a, 70));
      await wait(20);
      expect((await read(store, digest)).equals(a)).toBe(true);
    });
    await Promise.all(rounds);
  });

  it("never holds more than its bound, and whatever it holds is what it says", async () => {
    const contents = Array.from({ length: 8 }, (_, i) => randomBytes(100 + 150 * i));
    const step = fc.record({
      what: fc.constantFrom("put", "receive", "break", "delete", "pin", "unpin", "read", "restart"),
      which: fc.nat(contents.length - 1),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const at = mkdtempSync(join(dir, "run-"));
        const options = { maxBytes: 2500, durable: false };
        let store = new ContentStore(at, options);
        for (const { what, which } of steps) {
          const bytes = contents[which] as Buffer;
          const content = contentOf(bytes);
          const from = store.uploaded(content.digest);
          if (what === "put") await store.put(chunks(bytes, 70));
          if (what === "receive") await store.receive(content, from, chunks(bytes.subarray(from), 70));
          if (what === "break") await store.receive(content, from, breaking(bytes.subarray(from, from + 50)));
          if (what === "delete") await store.delete(content.digest);
          if (what === "pin") store.pin(content.digest);
          if (what === "unpin") store.unpin(content.digest);
          if (what === "read" && store.has(content.digest)) {
            expect((await read(store, content.digest)).equals(bytes)).toBe(true);
          }
          if (what === "restart") store = new ContentStore(at, options);
          expect(store.totalBytes).toBeLessThanOrEqual(options.maxBytes);
        }
        for (const { digest, size } of store.list()) {
          expect(contentOf(await read(store, digest))).toEqual({ digest, size });
        }
      }),
      { numRuns: 60 },
    );
  });
});
