import { createHash, type Hash } from "node:crypto";
import { closeSync, fsync, open, openSync, read, renameSync } from "node:fs";
import { copyFile, unlink } from "node:fs/promises";
import { promisify } from "node:util";
import { assert, refuse } from "@weft/kernel";
import type { HashingWriter } from "./writer.ts";

const sync = promisify(fsync);
const readAt = promisify(read);

/** Opens a file; away from this thread, since a new one waits for the file system's journal. */
export const openFile = promisify(open);

/** Takes chunks until the source ends or breaks; false when it yields more than `size` in all. */
export async function takeUpTo(
  size: number,
  writer: HashingWriter,
  source: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const chunks = source[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await chunks.next();
    } catch {
      return true; // the sender is gone; what it sent is kept for the next attempt
    }
    if (next.done === true) return true;
    if (writer.offset + next.value.byteLength > size) {
      await chunks.return?.();
      return false;
    }
    await writer.take(next.value);
  }
}

/** Hashes the first `length` bytes of an open file. */
export async function hashFile(file: number, length: number): Promise<Hash> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await readAt(file, buffer, 0, Math.min(buffer.length, length - at), at);
    assert(bytesRead > 0, "an unfinished upload is as long as its file");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

/** Waits until a file's or folder's state is on the disk. */
export async function syncPath(path: string): Promise<void> {
  const file = openSync(path, "r");
  try {
    await sync(file);
  } catch (error) {
    // Windows does not flush folders, and keeps renames in its journal.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  } finally {
    closeSync(file);
  }
}

/** Renames a file; from another file system, copies it to `between` first, so that `to` is never half there. */
export async function moveFile(from: string, to: string, between: string): Promise<void> {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, between);
    await syncPath(between);
    renameSync(between, to);
    await unlink(from);
  }
}

/** No room for `size` bytes in a store of `maxBytes`. */
export function noRoom(size: number, maxBytes: number) {
  return refuse("E_CONTENT_SPACE", "no room for this content beside what is in use", {
    found: `${size} bytes`,
    expected: `at most ${maxBytes} bytes in all`,
  });
}

const DISK_ERRORS = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG"]);

/** The disk's own failures become a refusal; anything else was the source's, and goes on being thrown. */
export function diskRefusal(error: unknown) {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !DISK_ERRORS.has(code)) throw error;
  return refuse("E_CONTENT_DISK", `the disk took no more: ${message}`, { found: code });
}
