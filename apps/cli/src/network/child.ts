import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * A process of ours that says JSON lines on stdout and words for people on stderr. It is in a session of its own, so that
 * Ctrl-C at the terminal reaches only us, who end it in order; and it ends by itself when we are gone.
 */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #say: (line: string) => void;
  readonly #said: Record<string, unknown>[] = [];
  readonly #waiting: {
    key: string;
    resolve: (line: Record<string, unknown>) => void;
    reject: (error: Error) => void;
  }[] = [];
  readonly exited: Promise<number | null>;
  /** What it said before its first JSON line: if that never comes, they are its last words and are told with the failure. */
  readonly #firstWords: string[] = [];
  #over = false;

  constructor(
    name: string,
    entry: string,
    config: string,
    say: (line: string) => void,
    flags: readonly string[] = [],
  ) {
    this.name = name;
    this.#say = say;
    this.#process = spawn(process.execPath, [...flags, entry, config], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on("line", (line) =>
      this.#hear(line),
    );
    createInterface({ input: this.#process.stderr as NodeJS.ReadableStream }).on("line", (line) => {
      if (this.#said.length === 0) this.#firstWords.push(line);
      else say(line);
    });
    this.exited = new Promise((resolve) => {
      // `close` comes once all that it said has been read.
      this.#process.once("close", (code) => {
        this.#over = true;
        const error = new Error(this.#lastWords(code));
        for (const { reject } of this.#waiting.splice(0)) reject(error);
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** It has said a JSON line. */
  get cameUp(): boolean {
    return this.#said.length > 0;
  }

  /** What it said for people without ever coming up. */
  get unsaid(): string {
    return this.#firstWords.join("\n");
  }

  /** The first line that has this member; rejects with the process's last words when it ends before. */
  heard(key: string): Promise<Record<string, unknown>> {
    const said = this.#said.find((line) => key in line);
    if (said !== undefined) return Promise.resolve(said);
    if (this.#over) return Promise.reject(new Error(this.#lastWords(null)));
    return new Promise((resolve, reject) => this.#waiting.push({ key, resolve, reject }));
  }

  /** Asks it to end in order, and after a while makes it. */
  async stop(patienceMs = 20_000): Promise<void> {
    if (this.#over) return;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), patienceMs);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #lastWords(code: number | null): string {
    return this.#firstWords.join("\n") || `${this.name} has ended (${code ?? "killed"})`;
  }

  #hear(line: string): void {
    let said: Record<string, unknown>;
    try {
      said = JSON.parse(line);
    } catch {
      return;
    }
    this.#said.push(said);
    for (const words of this.#firstWords.splice(0)) this.#say(words);
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const waiting = this.#waiting[i];
      if (waiting !== undefined && waiting.key in said) {
        this.#waiting.splice(i, 1);
        waiting.resolve(said);
      }
    }
  }
}
