import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { Fd, wasi } from "@bjorn3/browser_wasi_shim";
import { LogBudget } from "@weft/orchestration-host";

const BUFFER_BYTES = 256 << 10;
const PROGRESS_EVERY_MS = 100;

/** Thrown through the program once it has written more than it may. */
class OutputExceeded extends Error {}
/** The host's own files failed: no fault of the program. */
export class HostFailure extends Error {}

function onHost<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new HostFailure((error as Error).message);
  }
}

/** A stream is neither a terminal nor a file to programs: they buffer, and do not seek. */
abstract class Stream extends Fd {
  override fd_fdstat_get() {
    const fdstat = new wasi.Fdstat(wasi.FILETYPE_UNKNOWN, 0);
    fdstat.fs_rights_base = BigInt(wasi.RIGHTS_FD_READ | wasi.RIGHTS_FD_WRITE);
    return { ret: wasi.ERRNO_SUCCESS, fdstat };
  }

  /** Flags such as O_NONBLOCK change nothing here: every read and write completes. */
  override fd_fdstat_set_flags(): number {
    return wasi.ERRNO_SUCCESS;
  }
}

/** Standard input: the file read ahead in large pieces, never whole. */
export class Input extends Stream {
  static readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #file: number | null;
  readonly #size: number;
  readonly #read: (done: number, of: number, due: boolean) => void;
  #from = 0;
  #to = 0;
  #toldAt = performance.now();
  /** Bytes the program has read. */
  taken = 0;

  /** `read` hears of each piece, and when it is time again to tell people of the progress. */
  constructor(path: string | null, read: (done: number, of: number, due: boolean) => void) {
    super();
    this.#file = path === null ? null : onHost(() => openSync(path, "r"));
    this.#size = this.#file === null ? 0 : fstatSync(this.#file).size;
    this.#read = read;
  }

  override fd_read(size: number) {
    if (this.#from === this.#to) this.#refill();
    const data = Input.#buffer.subarray(this.#from, Math.min(this.#to, this.#from + size));
    this.#from += data.length;
    this.taken += data.length;
    return { ret: wasi.ERRNO_SUCCESS, data };
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  #refill(): void {
    const file = this.#file;
    if (file === null) return;
    this.#from = 0;
    this.#to = onHost(() => readSync(file, Input.#buffer, 0, BUFFER_BYTES, null));
    const now = performance.now();
    const due = now - this.#toldAt >= PROGRESS_EVERY_MS;
    if (due) this.#toldAt = now;
    this.#read(this.taken, this.#size, due);
  }
}

/** Standard output: written to the file in large pieces, and no more than it may. Without output there is no file. */
export class Output extends Stream {
  static readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #path: string;
  #file: number | null = null;
  readonly #limit: number;
  readonly #wrote: (given: number) => void;
  #pending = 0;
  /** Bytes the program has written. */
  given = 0;
  exceeded = false;

  /** `wrote` hears of each piece that goes to the file. */
  constructor(path: string, limit: number, wrote: (given: number) => void) {
    super();
    this.#path = path;
    this.#limit = limit;
    this.#wrote = wrote;
  }

  override fd_write(data: Uint8Array) {
    if (this.given + data.length > this.#limit) {
      this.exceeded = true;
      throw new OutputExceeded();
    }
    this.given += data.length;
    if (this.#pending + data.length > BUFFER_BYTES) this.flush();
    if (data.length > BUFFER_BYTES) this.#write(data, data.length);
    else {
      Output.#buffer.set(data, this.#pending);
      this.#pending += data.length;
    }
    return { ret: wasi.ERRNO_SUCCESS, nwritten: data.length };
  }

  flush(): void {
    const length = this.#pending;
    this.#pending = 0;
    this.#write(Output.#buffer, length);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }

  #write(data: Uint8Array, length: number): void {
    this.#wrote(this.given);
    if (length === 0) return;
    const file = this.#file ?? onHost(() => openSync(this.#path, "w"));
    this.#file = file;
    for (let at = 0; at < length; ) at += onHost(() => writeSync(file, data, at, length - at));
  }
}

/** Standard error: the run's log, passed on as it is written. */
export class Log extends Stream {
  readonly #post: (text: string) => void;
  readonly #decoder = new TextDecoder();
  readonly #budget = new LogBudget();

  constructor(post: (text: string) => void) {
    super();
    this.#post = post;
  }

  override fd_write(data: Uint8Array) {
    this.#pass(this.#decoder.decode(data, { stream: true }));
    return { ret: wasi.ERRNO_SUCCESS, nwritten: data.length };
  }

  close(): void {
    this.#pass(this.#decoder.decode());
  }

  #pass(text: string): void {
    const kept = text === "" ? null : this.#budget.admit(text);
    if (kept !== null) this.#post(kept);
  }
}
