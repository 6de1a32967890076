import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LogLine, LogReading, Subscription } from "@weft/service-http";

/** What one task may say before the oldest lines are forgotten. */
const MOST_LINES = 5_000;
/** Tasks whose lines stay in memory; older ones are read from their files. */
const MOST_TASKS = 2_000;
const WRITE_EVERY_MS = 200;

interface TaskLog {
  lines: LogLine[];
  unwritten: string[];
  next: number;
  ended: boolean;
  readonly readers: Set<LogReading>;
}

/** What tasks print, line by line, kept in memory for those who follow and in one file a task for later. */
export class TaskLogs {
  readonly #dir: string;
  readonly #logs = new Map<string, TaskLog>();
  readonly #dirty = new Set<string>();
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
      log.unwritten.push(`${JSON.stringify(kept)}\n`);
      for (const reader of log.readers) if (kept.serial > reader.after) reader.tell(kept);
    }
    if (log.lines.length > 2 * MOST_LINES) log.lines = log.lines.slice(-MOST_LINES);
    this.#dirty.add(task);
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
    log = { lines: [], unwritten: [], next: 1, ended: false, readers: new Set() };
    this.#logs.set(task, log);
    if (this.#logs.size > MOST_TASKS) {
      for (const [old, { ended, unwritten, readers }] of this.#logs) {
        if (ended && unwritten.length === 0 && readers.size === 0) {
          this.#logs.delete(old);
          break;
        }
      }
    }
    return log;
  }

  #write(): void {
    this.#timer = undefined;
    const tasks = [...this.#dirty];
    this.#dirty.clear();
    this.#writing = this.#writing
      .then(() => mkdir(this.#dir, { recursive: true }))
      .then(async () => {
        for (const task of tasks) {
          const log = this.#logs.get(task);
          if (log === undefined || log.unwritten.length === 0) continue;
          const text = log.unwritten.splice(0).join("");
          await appendFile(this.#file(task), text);
        }
      })
      .catch((error: Error) => console.error(`weft manager: task logs cannot be written: ${error.message}`));
  }

  async #fromFile(task: string): Promise<LogLine[]> {
    try {
      const text = await readFile(this.#file(task), "utf8");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as LogLine)
        .slice(-MOST_LINES);
    } catch {
      return [];
    }
  }

  #file(task: string): string {
    return join(this.#dir, `${task}.jsonl`);
  }
}
