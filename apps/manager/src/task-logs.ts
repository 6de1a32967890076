import { appendFile, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { LogLine, LogReading, Subscription } from "@weft/service-http";

/** What one task may say before the oldest lines are forgotten. */
const MOST_LINES = 5_000;
/** Tasks whose lines stay in memory; older ones are read from their files. */
const MOST_TASKS = 2_000;
const WRITE_EVERY_MS = 200;

interface TaskLog {
  lines: LogLine[];
  next: number;
  ended: boolean;
  readonly readers: Set<LogReading>;
}

/** Bytes after which the file is put aside, and how many put aside are kept: logs never fill the disk. */
const FILE_BYTES = 64 << 20;
const KEPT_FILES = 4;

/** What tasks print, line by line: in memory for those who follow, in files of all tasks together for later. */
export class TaskLogs {
  readonly #dir: string;
  readonly #logs = new Map<string, TaskLog>();
  #unwritten: string[] = [];
  #written = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  add(task: string, line: Omit<LogLine, "serial">): void {
    const log = this.#log(task);
    for (const text of line.text.replace(/\n$/, "").split("\n")) {
      const kept: LogLine = { ...line, text, serial: log.next++ };
      log.lines.push(kept);
      this.#unwritten.push(`${JSON.stringify({ task, ...kept })}\n`);
      for (const reader of log.readers) if (kept.serial > reader.after) reader.tell(kept);
    }
    if (log.lines.length > 2 * MOST_LINES) log.lines = log.lines.slice(-MOST_LINES);
    this.#timer ??= setTimeout(() => this.#write(), WRITE_EVERY_MS);
  }

  /** No more lines come: followers are told so. */
  end(task: string): void {
    const log = this.#logs.get(task);
    if (log === undefined) return;
    log.ended = true;
    for (const reader of log.readers) reader.end();
    log.readers.clear();
  }

  async read(task: string, ended: boolean, reading: LogReading): Promise<Subscription> {
    const log = this.#logs.get(task);
    const lines = log?.lines ?? (await this.#fromFile(task));
    for (const line of lines) if (line.serial > reading.after) reading.tell(line);
    if (!reading.follow || ended || log?.ended === true) {
      reading.end();
      return { close: () => {} };
    }
    const followed = this.#log(task);
    followed.readers.add(reading);
    return { close: () => void followed.readers.delete(reading) };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#write();
    await this.#writing;
  }

  #log(task: string): TaskLog {
    let log = this.#logs.get(task);
    if (log !== undefined) return log;
    log = { lines: [], next: 1, ended: false, readers: new Set() };
    this.#logs.set(task, log);
    if (this.#logs.size > MOST_TASKS) {
      for (const [old, { ended, readers }] of this.#logs) {
        if (ended && readers.size === 0) {
          this.#logs.delete(old);
          break;
        }
      }
    }
    return log;
  }

  #write(): void {
    this.#timer = undefined;
    const text = this.#unwritten.splice(0).join("");
    if (text === "") return;
    this.#writing = this.#writing
      .then(async () => {
        await mkdir(this.#dir, { recursive: true });
        if (this.#written > FILE_BYTES) await this.#putAside();
        await appendFile(this.#file(0), text);
        this.#written += text.length;
      })
      .catch((error: Error) => console.error(`weft manager: task logs cannot be written: ${error.message}`));
  }

  async #putAside(): Promise<void> {
    this.#written = 0;
    for (let age = KEPT_FILES - 1; age >= 0; age--)
      await rename(this.#file(age), this.#file(age + 1)).catch(() => {});
  }

  /** Lines of a task that is in memory no more. */
  async #fromFile(task: string): Promise<LogLine[]> {
    const found: LogLine[] = [];
    for (let age = KEPT_FILES; age >= 0; age--) {
      const text = await readFile(this.#file(age), "utf8").catch(() => "");
      for (const line of text.split("\n")) {
        if (!line.includes(task)) continue;
        const { task: of, ...kept } = JSON.parse(line) as LogLine & { readonly task: string };
        if (of === task) found.push(kept);
      }
    }
    return found.slice(-MOST_LINES);
  }

  /** The file being written has age 0. */
  #file(age: number): string {
    return join(this.#dir, age === 0 ? "tasks.jsonl" : `tasks.${age}.jsonl`);
  }
}
