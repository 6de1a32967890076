import { createHash, type Hash, randomUUID } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { assert, type Bytes, type Digest, ok, type Result, refuse } from "@weft/kernel";
import { type Content, type DataRefusal, isDigest } from "./content.ts";
import { diskRefusal, hashFile, moveFile, noRoom, openFile, syncPath, takeUpTo } from "./disk.ts";
import { HashingWriter } from "./writer.ts";

export interface ContentStoreOptions {
  /** The most all content and unfinished uploads together may take. */
  readonly maxBytes: number;
  /**
   * Flush to the disk before a content counts as held, so that it survives a power cut. True unless said otherwise.
   */
  readonly durable?: boolean;
}

/** Part of a content: bytes `from` up to and without `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export interface Received {
  readonly complete: boolean;
  /** How much of the content is here now. */
  readonly offset: number;
}

interface Held {
  readonly size: number;
  pins: number;
  /** When the file's time was last set, in milliseconds since the epoch. */
  markedAt: number;
}

/** An upload that stopped in the middle and can go on. `hash` is null after a restart, until it is read again. */
interface Partial {
  offset: number;
  hash: Hash | null;
  busy: boolean;
  /** Space set aside: what it will take while busy, what it takes while idle. */
  reserved: number;
}

/** The order of use survives a restart through the files' times, which are set no more often than this. */
const MARK_EVERY_MS = 60_000;
/** Unfinished uploads older than this are thrown away when a store opens. */
const PARTIAL_LIFETIME_MS = 24 * 3600 * 1000;

/**
 * Content on disk, found by its digest. Invariants:
 *  1. a file under `content/` is whole and is what its name says: it is written elsewhere, hashed, and renamed;
 *  2. all that is held and set aside never exceeds `maxBytes`;
 *  3. what is pinned or being read is never thrown out to make room; the rest goes least recently used first.
 * One process owns a directory at a time.
 */
export class ContentStore {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #durable: boolean;
  /** In order of use, the least recent first. */
  readonly #held = new Map<Digest, Held>();
  readonly #partials = new Map<Digest, Partial>();
  /** Folders known to be there. */
  readonly #folders = new Set<string>();
  #heldBytes = 0;
  #reservedBytes = 0;

  constructor(dir: string, options: ContentStoreOptions) {
    assert(options.maxBytes >= 0, "a store holds no negative number of bytes");
    this.#dir = dir;
    this.#maxBytes = options.maxBytes;
    this.#durable = options.durable ?? true;
    for (const part of ["content", "partial", "incoming"]) mkdirSync(join(dir, part), { recursive: true });
    this.#findContent();
    this.#findPartials();
    this.#makeRoom(0);
  }

  has(digest: Digest): boolean {
    return this.#held.has(digest);
  }

  /** Its size in bytes; null when it is not held. */
  size(digest: Digest): Bytes | null {
    return (this.#held.get(digest)?.size as Bytes | undefined) ?? null;
  }

  /** Bytes held and set aside for uploads under way. */
  get totalBytes(): Bytes {
    return (this.#heldBytes + this.#reservedBytes) as Bytes;
  }

  get maxBytes(): Bytes {
    return this.#maxBytes as Bytes;
  }

  /** All that is held, the least recently used first. */
  list(): Content[] {
    return [...this.#held].map(([digest, { size }]) => ({ digest, size: size as Bytes }));
  }

  /** Where a held content lies; counts as a use. Pin it for as long as the path is needed. */
  path(digest: Digest): string {
    assert(this.#held.has(digest), "only held content has a path");
    this.#touch(digest);
    return this.#contentPath(digest);
  }

  /** Keeps content from being thrown out until `unpin`; pins are counted. False when it is not held. */
  pin(digest: Digest): boolean {
    const held = this.#held.get(digest);
    if (held === undefined) return false;
    held.pins++;
    return true;
  }

  unpin(digest: Digest): void {
    const held = this.#held.get(digest);
    if (held !== undefined) held.pins = Math.max(0, held.pins - 1);
  }

  /** The content as a stream, wholly or in part; pinned until the stream closes. */
  open(digest: Digest, range?: ByteRange): Readable {
    const held = this.#held.get(digest);
    assert(held !== undefined, "only held content can be opened");
    const from = range?.from ?? 0;
    const to = range?.to ?? held.size;
    assert(from >= 0 && from <= to && to <= held.size, "a range lies within its content");
    this.#touch(digest);
    held.pins++;
    // An empty range has no last byte to name, so it is read from behind the end.
    const bounds = from === to ? { start: held.size } : { start: from, end: to - 1 };
    const stream = createReadStream(this.#contentPath(digest), { ...bounds, highWaterMark: 256 << 10 });
    stream.once("close", () => held.pins--);
    return stream;
  }

  /** Forgets content at once, pinned or not; readers that have it open read on. False when it was not held. */
  async delete(digest: Digest): Promise<boolean> {
    const held = this.#held.get(digest);
    if (held === undefined) return false;
    this.#held.delete(digest);
    this.#heldBytes -= held.size;
    await this.#throwOut(this.#contentPath(digest));
    return true;
  }

  /** Keeps whatever the source yields. Nothing half-done stays when the source breaks (that error is thrown). */
  async put(source: AsyncIterable<Uint8Array>): Promise<Result<Content, DataRefusal>> {
    const path = join(this.#dir, "incoming", randomUUID());
    const file = await openFile(path, "wx");
    let reserved = 0;
    let kept = false;
    try {
      const writer = new HashingWriter(file);
      for await (const chunk of source) {
        if (!this.#reserve(chunk.byteLength)) return noRoom(writer.offset + chunk.byteLength, this.#maxBytes);
        reserved += chunk.byteLength;
        await writer.take(chunk);
      }
      await (this.#durable ? writer.sync() : writer.flush());
      const content = { digest: writer.digest(), size: writer.offset as Bytes };
      kept = await this.#keep(content, path);
      return ok(content);
    } catch (error) {
      return diskRefusal(error);
    } finally {
      this.#reservedBytes -= reserved;
      closeSync(file);
      if (!kept) await unlink(path).catch(() => {});
    }
  }

  /** Keeps a file by moving it into the store (by copying it from another file system). */
  async adopt(path: string): Promise<Result<Content, DataRefusal>> {
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).byteLength;
    }
    const content = { digest: hash.digest("hex"), size: size as Bytes };
    if (!this.#reserve(size)) return noRoom(size, this.#maxBytes);
    try {
      if (this.#durable) await syncPath(path);
      if (!(await this.#keep(content, path))) await unlink(path);
      return ok(content);
    } catch (error) {
      return diskRefusal(error);
    } finally {
      this.#reservedBytes -= size;
    }
  }

  /** How much of an unfinished upload is here: where the next attempt has to go on. */
  uploaded(digest: Digest): number {
    return this.#partials.get(digest)?.offset ?? 0;
  }

  /**
   * Takes part of a content, from `offset` on, until the source ends or breaks; what came stays for the next
   * attempt. Refuses an offset other than `uploaded`, a second upload at the same time, bytes beyond the size, and, at the
   * end, bytes that are not what the digest names.
   */
  async receive(
    content: Content,
    offset: number,
    source: AsyncIterable<Uint8Array>,
  ): Promise<Result<Received, DataRefusal>> {
    if (this.has(content.digest)) return ok({ complete: true, offset: content.size });
    const partial = this.#partials.get(content.digest) ?? {
      offset: 0,
      hash: createHash("sha256"),
      busy: false,
      reserved: 0,
    };
    if (partial.busy) return refuse("E_CONTENT_BUSY", "the same content is being uploaded by another");
    if (offset !== partial.offset) {
      return refuse("E_CONTENT_OFFSET", "an upload goes on where the last one stopped", {
        found: String(offset),
        expected: String(partial.offset),
      });
    }
    const more = Math.max(0, content.size - partial.reserved);
    partial.busy = true;
    this.#partials.set(content.digest, partial);
    if (!this.#reserve(more)) {
      partial.busy = false;
      if (partial.offset === 0) this.#partials.delete(content.digest);
      return noRoom(content.size, this.#maxBytes);
    }
    partial.reserved += more;
    try {
      return await this.#append(content, partial, source);
    } catch (error) {
      await this.#dropPartial(content.digest);
      return diskRefusal(error);
    } finally {
      partial.busy = false;
      if (this.#partials.get(content.digest) === partial) this.#reserveOnly(partial, partial.offset);
    }
  }

  async #append(
    content: Content,
    partial: Partial,
    source: AsyncIterable<Uint8Array>,
  ): Promise<Result<Received, DataRefusal>> {
    const path = this.#partialPath(content.digest);
    const file = await openFile(path, partial.offset === 0 ? "w" : "r+");
    try {
      const hash = partial.hash ?? (await hashFile(file, partial.offset));
      const writer = new HashingWriter(file, partial.offset, hash);
      const tooMuch = !(await takeUpTo(content.size, writer, source));
      await writer.flush();
      partial.offset = writer.offset;
      partial.hash = writer.hash;
      if (tooMuch) {
        await this.#dropPartial(content.digest);
        return refuse("E_CONTENT_SIZE", "more bytes than announced", { expected: String(content.size) });
      }
      if (writer.offset < content.size) return ok({ complete: false, offset: writer.offset });
      const found = writer.digest();
      if (found !== content.digest) {
        await this.#dropPartial(content.digest);
        return refuse("E_CONTENT_DIGEST", "the bytes received are not those the digest names", {
          found,
          expected: content.digest,
        });
      }
      if (this.#durable) await writer.sync();
      if (!(await this.#keep(content, path))) await unlink(path).catch(() => {});
      this.#forgetPartial(content.digest);
      return ok({ complete: true, offset: content.size });
    } finally {
      closeSync(file);
    }
  }

  /**
   * Moves a finished file to its place; false, and nothing moved, when the content is held already. The room for it
   * has been set aside by the caller.
   */
  async #keep(content: Content, from: string): Promise<boolean> {
    if (this.#held.has(content.digest)) {
      this.#touch(content.digest);
      return false;
    }
    const to = this.#contentPath(content.digest);
    await this.#makeFolder(dirname(to));
    await moveFile(from, to, join(this.#dir, "incoming", randomUUID()));
    if (this.#durable) await syncPath(dirname(to));
    if (!this.#held.has(content.digest)) {
      this.#held.set(content.digest, { size: content.size, pins: 0, markedAt: Date.now() });
      this.#heldBytes += content.size;
    }
    return true;
  }

  async #makeFolder(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    mkdirSync(path, { recursive: true });
    if (this.#durable) await syncPath(dirname(path));
    this.#folders.add(path);
  }

  #reserve(bytes: number): boolean {
    if (!this.#makeRoom(bytes)) return false;
    this.#reservedBytes += bytes;
    return true;
  }

  #reserveOnly(partial: Partial, bytes: number): void {
    this.#reservedBytes += bytes - partial.reserved;
    partial.reserved = bytes;
  }

  /** Throws out what is least recently used, then idle uploads, until `bytes` more fit. */
  #makeRoom(bytes: number): boolean {
    let over = this.#heldBytes + this.#reservedBytes + bytes - this.#maxBytes;
    if (over <= 0) return true;
    const goes: Digest[] = [];
    for (const [digest, held] of this.#held) {
      if (over <= 0) break;
      if (held.pins > 0) continue;
      goes.push(digest);
      over -= held.size;
    }
    const stopped: Digest[] = [];
    for (const [digest, partial] of this.#partials) {
      if (over <= 0) break;
      if (partial.busy) continue;
      stopped.push(digest);
      over -= partial.reserved;
    }
    if (over > 0) return false;
    for (const digest of goes) void this.delete(digest);
    for (const digest of stopped) void this.#dropPartial(digest);
    return true;
  }

  #touch(digest: Digest): void {
    const held = this.#held.get(digest);
    if (held === undefined) return;
    this.#held.delete(digest);
    this.#held.set(digest, held);
    const now = Date.now();
    if (now - held.markedAt < MARK_EVERY_MS) return;
    held.markedAt = now;
    utimes(this.#contentPath(digest), now / 1000, now / 1000).catch(() => {}); // costs nothing but order
  }

  #forgetPartial(digest: Digest): void {
    const partial = this.#partials.get(digest);
    if (partial === undefined) return;
    this.#reserveOnly(partial, 0);
    this.#partials.delete(digest);
  }

  async #dropPartial(digest: Digest): Promise<void> {
    this.#forgetPartial(digest);
    await this.#throwOut(this.#partialPath(digest));
  }

  /** Takes a file from its place at once, so that the same content may come there again, and then off the disk. */
  async #throwOut(path: string): Promise<void> {
    const out = join(this.#dir, "incoming", randomUUID());
    try {
      renameSync(path, out);
    } catch {
      return; // it is not there
    }
    await unlink(out).catch(() => {});
  }

  #contentPath(digest: Digest): string {
    return join(this.#dir, "content", digest.slice(0, 2), digest);
  }

  #partialPath(digest: Digest): string {
    return join(this.#dir, "partial", digest);
  }

  #findContent(): void {
    rmSync(join(this.#dir, "incoming"), { recursive: true, force: true });
    mkdirSync(join(this.#dir, "incoming"));
    const found: { digest: Digest; size: number; usedAt: number }[] = [];
    for (const entry of readdirSync(join(this.#dir, "content"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !isDigest(entry.name)) continue;
      const { size, mtimeMs } = statSync(join(entry.parentPath, entry.name));
      found.push({ digest: entry.name, size, usedAt: mtimeMs });
    }
    for (const { digest, size, usedAt } of found.sort((a, b) => a.usedAt - b.usedAt)) {
      this.#held.set(digest, { size, pins: 0, markedAt: usedAt });
      this.#heldBytes += size;
    }
  }

  #findPartials(): void {
    for (const name of readdirSync(join(this.#dir, "partial"))) {
      const path = join(this.#dir, "partial", name);
      const { size, mtimeMs } = statSync(path);
      if (!isDigest(name) || Date.now() - mtimeMs > PARTIAL_LIFETIME_MS) {
        rmSync(path, { recursive: true, force: true });
        continue;
      }
      this.#partials.set(name, { offset: size, hash: null, busy: false, reserved: size });
      this.#reservedBytes += size;
    }
  }
}
