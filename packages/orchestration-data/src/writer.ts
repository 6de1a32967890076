import { createHash, type Hash } from "node:crypto";
import { fdatasync, writev, writevSync } from "node:fs";
import { promisify } from "node:util";

const writevLater = promisify(writev);
const datasync = promisify(fdatasync);

/** How much is gathered before one write: large enough that system calls do not count. */
const BATCH_BYTES = 1 << 20;
/** What is no larger goes to the page cache at once: handing it to another thread would cost more than writing it. */
const AT_ONCE_BYTES = 64 << 10;

/**
 * Appends to an open file and hashes what it appends. One batch is written while the next is gathered.
 * `offset` counts what was handed over; only after `flush` is all of it in the file.
 */
export class HashingWriter {
  readonly #file: number;
  readonly #hash: Hash;
  #offset: number;
  #written: number;
  #batch: Uint8Array[] = [];
  #batched = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Goes on at `offset` of `file`, a descriptor open for writing; `hash` has already seen what lies before. */
  constructor(file: number, offset = 0, hash: Hash = createHash("sha256")) {
    this.#file = file;
    this.#offset = offset;
    this.#written = offset;
    this.#hash = hash;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Takes a chunk, which the caller must leave unchanged. Rejects when an earlier batch could not be written. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#batch.push(chunk);
    this.#batched += chunk.byteLength;
    this.#offset += chunk.byteLength;
    if (this.#batched >= BATCH_BYTES) await this.#send();
  }

  /** Waits until everything taken is in the file (not yet on the platter: that is `sync`). */
  async flush(): Promise<void> {
    await this.#send();
    await this.#writing;
  }

  async sync(): Promise<void> {
    await this.flush();
    await datasync(this.#file);
  }

  /** Digest of everything taken so far; taking may go on afterwards. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** The running hash, to go on with in another writer. */
  get hash(): Hash {
    return this.#hash;
  }

  async #send(): Promise<void> {
    await this.#writing;
    if (this.#batched === 0) return;
    const batch = this.#batch;
    const at = this.#written;
    const small = this.#batched <= AT_ONCE_BYTES;
    this.#written += this.#batched;
    this.#batch = [];
    this.#batched = 0;
    this.#writing = writeAll(this.#file, batch, at, small);
    this.#writing.catch(() => {}); // reported by whoever awaits it next
  }
}

async function writeAll(
  file: number,
  chunks: readonly Uint8Array[],
  at: number,
  small: boolean,
): Promise<void> {
  let rest = chunks.slice();
  let position = at;
  while (rest.length > 0) {
    let written = small
      ? writevSync(file, rest, position)
      : (await writevLater(file, rest, position)).bytesWritten;
    position += written;
    let whole = 0;
    while (whole < rest.length && written >= (rest[whole] as Uint8Array).byteLength) {
      written -= (rest[whole] as Uint8Array).byteLength;
      whole++;
    }
    rest = rest.slice(whole);
    if (written > 0) rest[0] = (rest[0] as Uint8Array).subarray(written);
  }
}
