import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunControl, RunEvent, RunRequest, Runtime } from "@weft/orchestration";
import { RunReport } from "@weft/orchestration-host";
import { ProcessRun } from "./process-run.ts";
import { findSandbox, resolveCommand, type Sandbox } from "./sandbox.ts";

export interface ProcessRuntimeOptions {
  /**
   * `prefer` (the default): bubblewrap where it works, else none. `require`: every run fails where it does not work.
   * `none`: never.
   */
  readonly sandbox?: "require" | "prefer" | "none";
  /** Files and folders of the host that programs see, read-only, beside the system's own. */
  readonly readOnly?: readonly string[];
  /** Most runs at once; those beyond wait their turn. Default 32. */
  readonly maxProcesses?: number;
  /** Where the private folders are made. Default: the system's folder for temporary files. */
  readonly scratch?: string;
}

export interface ProcessRuntime extends Runtime {
  /** What keeps programs from the host, in words for its owner. */
  readonly isolation: string;
}

/**
 * Runs commands of this host: for nodes whose owner allows it, on POSIX systems. The command and its arguments are
 * passed on as they are, to no shell. It gets a private folder, which goes with it, and none of the host's variables.
 * All its processes end with it. Time is held by the clock, output by counting, memory by looking at what all its
 * processes have resident every 20 ms (on Linux; elsewhere memory is not held), a file's size by the system.
 */
export function createProcessRuntime(options: ProcessRuntimeOptions = {}): ProcessRuntime {
  return new HostProcessRuntime(options);
}

interface Waiting {
  readonly request: RunRequest;
  readonly report: RunReport;
  run: ProcessRun | null;
}

class HostProcessRuntime implements ProcessRuntime {
  readonly kind = "process";
  readonly isolation: string;
  readonly #sandbox: Sandbox | null;
  readonly #most: number;
  readonly #folder: string;
  readonly #queue: Waiting[] = [];
  readonly #running = new Set<Waiting>();
  #closed = false;

  constructor(options: ProcessRuntimeOptions) {
    this.#sandbox = findSandbox(options.sandbox ?? "prefer", options.readOnly ?? []);
    this.isolation = this.#sandbox?.words ?? "bubblewrap is required and does not work here: nothing runs";
    this.#most = options.maxProcesses ?? 32;
    this.#folder = mkdtempSync(join(options.scratch ?? tmpdir(), "weft-process-"));
  }

  start(request: RunRequest, tell: (event: RunEvent) => void): RunControl {
    const waiting: Waiting = { request, report: new RunReport(tell), run: null };
    queueMicrotask(() => {
      if (waiting.report.ended) return;
      this.#queue.push(waiting);
      this.#serve();
    });
    return { cancel: () => queueMicrotask(() => this.#stop(waiting, "cancelled")) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiting of [...this.#queue, ...this.#running]) {
      queueMicrotask(() => this.#stop(waiting, "the runtime was closed"));
    }
    this.#sweep();
  }

  #serve(): void {
    while (this.#queue.length > 0 && (this.#running.size < this.#most || this.#closed)) {
      this.#begin(this.#queue.shift() as Waiting);
    }
  }

  #begin(waiting: Waiting): void {
    const { request, report } = waiting;
    const { program } = request;
    if (report.ended) return;
    if (this.#closed) report.failed("runtime_failed", "the runtime is closed");
    else if (this.#sandbox === null) report.failed("runtime_failed", this.isolation);
    else if (program.kind !== "process") {
      report.failed("bad_program", `a ${program.kind} program is not for this runtime`);
    } else {
      const file = [program.command, ...program.args].some((text) => text.includes("\0"))
        ? null
        : resolveCommand(program.command, program.env);
      if (file === null || !this.#sandbox.shows(file)) {
        report.failed("bad_program", `there is no command ${JSON.stringify(program.command)} for it to run`);
        return;
      }
      this.#running.add(waiting);
      const ended = () => {
        this.#running.delete(waiting);
        if (this.#closed) this.#sweep();
        queueMicrotask(() => this.#serve());
      };
      try {
        waiting.run = new ProcessRun(request, program, file, report, this.#sandbox, this.#folder, ended);
      } catch (error) {
        ended();
        report.failed("runtime_failed", (error as Error).message);
      }
    }
  }

  #stop(waiting: Waiting, detail: string): void {
    if (waiting.run !== null) waiting.run.stop("cancelled", detail);
    else {
      const at = this.#queue.indexOf(waiting);
      if (at >= 0) this.#queue.splice(at, 1);
      waiting.report.failed("cancelled", detail);
    }
  }

  /** The folder goes with the last run in it. */
  #sweep(): void {
    if (this.#running.size === 0) rmSync(this.#folder, { recursive: true, force: true });
  }
}
