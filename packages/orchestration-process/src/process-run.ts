import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  closeSync,
  createWriteStream,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  type WriteStream,
} from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Bytes, micros } from "@weft/kernel";
import type { Program, RunFailure, RunRequest } from "@weft/orchestration";
import type { RunReport, Spent } from "@weft/orchestration-host";
import { carrying, killAll, treeOf, usageOf } from "./process-tree.ts";
import { commandLine, readTimes, type Sandbox } from "./sandbox.ts";

const SAMPLE_MS = 20;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The variable by which a run's processes are found again. */
const MARK = "WEFT_RUN";

export type ProcessProgram = Extract<Program, { kind: "process" }>;

/** One command from its start to the end of its last process. */
export class ProcessRun {
  readonly #request: RunRequest;
  readonly #report: RunReport;
  readonly #sandbox: Sandbox;
  readonly #scratch: string;
  readonly #ended: () => void;
  readonly #mark = randomUUID();
  readonly #child: ChildProcess;
  readonly #input: number | null;
  readonly #output: WriteStream;
  readonly #sampler: NodeJS.Timeout;
  readonly #timer: NodeJS.Timeout;
  #outputBytes = 0;
  #peakBytes = 0;
  #cpuMicros = 0;
  #times = "";
  #stopped: { because: RunFailure; detail: string } | null = null;

  /** Throws what the system refuses: an input that is not there, no more processes. */
  constructor(
    request: RunRequest,
    program: ProcessProgram,
    file: string,
    report: RunReport,
    sandbox: Sandbox,
    folder: string,
    ended: () => void,
  ) {
    this.#request = request;
    this.#report = report;
    this.#sandbox = sandbox;
    this.#ended = ended;
    this.#input = request.inputPath === null ? null : openSync(request.inputPath, "r");
    this.#scratch = mkdtempSync(join(folder, "run-"));
    this.#output = createWriteStream(request.outputPath);
    const [command, ...args] = this.#command(program, file);
    // A group of its own, so that one signal reaches all that stay in it.
    this.#child = spawn(command as string, args, {
      cwd: this.#scratch,
      env: { [MARK]: this.#mark },
      detached: true,
      stdio: [this.#input ?? "ignore", "pipe", "pipe", "pipe"],
    });
    const { limits } = request;
    const wallMs = Math.min(LONGEST_TIMER_MS, Math.ceil(limits.wallTime / 1e3));
    this.#timer = setTimeout(() => this.stop("time_exceeded", `ran longer than ${wallMs} ms`), wallMs);
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#listen();
    report.started();
  }

  /** Ends every process of the run at once; the end is told once the last has closed its output. */
  stop(because: RunFailure, detail: string): void {
    if (this.#stopped !== null || this.#report.ended) return;
    this.#sample();
    this.#stopped ??= { because, detail };
    this.#kill();
  }

  #command(program: ProcessProgram, file: string): readonly string[] {
    const { limits } = this.#request;
    const threads = String(limits.lanes);
    const env = { OMP_NUM_THREADS: threads, ...program.env, [MARK]: this.#mark };
    return commandLine(this.#sandbox, [file, ...program.args], env, this.#scratch, {
      // A last resort for what escapes everything else: the clock is what normally ends a run.
      cpuSeconds: Math.ceil((limits.lanes * limits.wallTime) / 1e6) + 2,
      fileBytes: limits.memoryBytes + limits.outputBytes,
    });
  }

  #listen(): void {
    const [, stdout, stderr, times] = this.#child.stdio as unknown as [null, Readable, Readable, Readable];
    stdout.on("data", (chunk: Buffer) => this.#write(chunk, stdout));
    stderr.setEncoding("utf8").on("data", (text: string) => this.#report.log("stderr", text));
    times.setEncoding("latin1").on("data", (text: string) => {
      this.#times += text.slice(0, 1000);
    });
    this.#output.on("error", (error) => this.stop("runtime_failed", error.message));
    this.#child.on("error", (error) => this.#end("runtime_failed", error.message));
    // Whatever the command left behind would hold its output open, and outlive the run.
    this.#child.on("exit", () => this.#kill());
    this.#child.on("close", (code, signal) => {
      if (this.#output.destroyed) this.#closed(code, signal);
      else this.#output.end(() => this.#closed(code, signal));
    });
  }

  #write(chunk: Buffer, from: Readable): void {
    if (this.#stopped !== null) return;
    if (this.#outputBytes + chunk.length > this.#request.limits.outputBytes) {
      this.stop("output_exceeded", `wrote more than ${this.#request.limits.outputBytes} bytes`);
      return;
    }
    this.#outputBytes += chunk.length;
    if (this.#output.write(chunk)) return;
    from.pause();
    this.#output.once("drain", () => from.resume());
  }

  #sample(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#stopped !== null) return;
    const { residentBytes, cpuMicros } = usageOf(treeOf(pid));
    this.#peakBytes = Math.max(this.#peakBytes, residentBytes);
    this.#cpuMicros = Math.max(this.#cpuMicros, cpuMicros);
    const most = this.#request.limits.memoryBytes;
    if (residentBytes <= most) return;
    this.#stopped = {
      because: "memory_exceeded",
      detail: `${residentBytes} bytes resident; it may have ${most}`,
    };
    this.#kill();
  }

  #kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const escaped = this.#sandbox.contains
      ? []
      : [...treeOf(pid).slice(1), ...carrying(`${MARK}=${this.#mark}`)];
    killAll([-pid, ...escaped]);
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    const stopped = this.#stopped;
    if (stopped !== null) this.#end(stopped.because, stopped.detail);
    else if (code === 0) this.#end(null, "");
    else this.#end("program_failed", code === null ? `killed by ${signal}` : exitWords(code));
  }

  #end(because: RunFailure | null, detail: string): void {
    clearTimeout(this.#timer);
    clearInterval(this.#sampler);
    const spent: Spent = {
      cpuTime: micros(Math.max(this.#cpuMicros, readTimes(this.#times) ?? 0)),
      peakMemoryBytes: this.#peakBytes as Bytes,
      inputBytes: this.#taken() as Bytes,
      outputBytes: this.#outputBytes as Bytes,
    };
    if (this.#input !== null) closeSync(this.#input);
    this.#output.destroy();
    rmSync(this.#scratch, { recursive: true, force: true });
    this.#ended();
    if (because === null) this.#report.finished(0, spent);
    else this.#report.failed(because, detail, spent);
  }

  /** How far the program has read: the place in the file it was given, which it shares with us; else the whole. */
  #taken(): number {
    if (this.#input === null || this.#request.inputPath === null) return 0;
    try {
      const place = /^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${this.#input}`, "latin1"))?.[1];
      if (place !== undefined) return Number(place);
    } catch {
      // Not Linux.
    }
    return statSync(this.#request.inputPath).size;
  }
}

/** A shell gives 128 and the signal's number for what a signal ended. */
const exitWords = (code: number): string =>
  code > 128 ? `exit code ${code} (signal ${code - 128})` : `exit code ${code}`;
