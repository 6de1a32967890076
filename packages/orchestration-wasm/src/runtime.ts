import { availableParallelism } from "node:os";
import type { Digest } from "@weft/kernel";
import type { PrepareRequest, RunControl, RunEvent, RunRequest, Runtime } from "@weft/orchestration";
import { RunReport } from "@weft/orchestration-host";
import { MOST_PAGES, PAGE_BYTES } from "./confine.ts";
import { type Compiled, type CompileResult, ModuleCache } from "./modules.ts";
import type { RunOrder } from "./order.ts";
import { WorkerSlot } from "./worker-slot.ts";

export interface WasmRuntimeOptions {
  /** Threads kept waiting when there is nothing to run; as many are started at once. Default: one a core, 4 at most. */
  readonly warmWorkers?: number;
  /** Most runs at once; those beyond wait their turn. Default 64. */
  readonly maxWorkers?: number;
  /** Compiled modules kept. Default 64. */
  readonly modules?: number;
}

/**
 * Runs WASI preview 1 command modules (they export `_start`), each in a fresh instance in a worker thread: standard
 * input, output and error, arguments, variables, clocks and chance, and nothing else of the host. Memory is
 * bounded by the run's limit from outside the module, time by ending the thread, output by counting.
 */
export function createWasmRuntime(options: WasmRuntimeOptions = {}): Runtime {
  return new WasmRuntime(options);
}

/**
 * A thread takes tens of milliseconds of processor time to start, far more than a short run: a run that finds all of
 * them busy waits this long for one before another is started, and those beyond the warm ones linger.
 */
const PATIENCE_MS = 20;
const LINGER_MS = 2_000;
/** The longest wait that a timer of Node takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

class WasmRuntime implements Runtime {
  readonly kind = "wasm";
  readonly #warm: number;
  readonly #most: number;
  readonly #modules: ModuleCache;
  readonly #slots = new Set<WorkerSlot>();
  /** Threads with nothing to run, the one used last at the end. */
  readonly #idle: WorkerSlot[] = [];
  readonly #waiting = new Set<WasmRun>();
  readonly #running = new Set<WasmRun>();
  #growing: NodeJS.Timeout | undefined;
  #thinning: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WasmRuntimeOptions) {
    this.#warm = options.warmWorkers ?? Math.min(4, availableParallelism());
    this.#most = options.maxWorkers ?? 64;
    this.#modules = new ModuleCache(options.modules ?? 64);
    for (let i = 0; i < this.#warm; i++) this.#spawn();
  }

  start(request: RunRequest, tell: (event: RunEvent) => void): RunControl {
    const run = new WasmRun(request, new RunReport(tell), (slot) => this.#freed(run, slot));
    this.#running.add(run);
    queueMicrotask(() => this.#begin(run));
    return { cancel: () => this.#cancel(run) };
  }

  prepare({ program, contentPath }: PrepareRequest, ready: () => void): void {
    const compiled =
      program.kind === "wasm" && !this.#closed ? this.#compiled(program.module, contentPath) : null;
    void Promise.resolve(compiled).then(() => ready());
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#growing);
    clearTimeout(this.#thinning);
    for (const run of [...this.#waiting, ...this.#running]) this.#cancel(run);
    for (const slot of this.#slots) slot.kill("cancelled", "the runtime was closed");
    this.#modules.clear();
  }

  #begin(run: WasmRun): void {
    const { program, contentPath } = run.request;
    if (run.ended) return;
    if (this.#closed) run.fail("runtime_failed", "the runtime is closed");
    else if (program.kind === "wasm") {
      const compiled = this.#compiled(program.module, contentPath);
      if (compiled instanceof Promise)
        void compiled.then((result) => this.#admit(run, program.module, result));
      else this.#admit(run, program.module, compiled);
    } else run.fail("bad_program", `a ${program.kind} program is not for this runtime`);
  }

  #compiled(module: Digest, contentPath: RunRequest["contentPath"]): CompileResult | Promise<CompileResult> {
    return this.#modules.get(module, contentPath);
  }

  #admit(run: WasmRun, digest: Digest, compiled: CompileResult): void {
    if (run.ended) return;
    if (!compiled.ok) {
      run.fail(compiled.refusal.code, compiled.refusal.message);
      return;
    }
    run.compiled = { digest, ...compiled.value };
    this.#waiting.add(run);
    this.#serve();
  }

  /** Gives waiting runs their threads, in order of arrival. */
  #serve(): void {
    for (const run of this.#waiting) {
      const slot = this.#takeIdle(run.digest);
      if (slot === undefined) return this.#grow();
      this.#waiting.delete(run);
      run.enter(slot);
    }
  }

  /** A thread with nothing to do, best one that holds the module. */
  #takeIdle(digest: Digest | null): WorkerSlot | undefined {
    const holder = this.#idle.findLastIndex((slot) => slot.holds === digest);
    return this.#idle.splice(holder < 0 ? this.#idle.length - 1 : holder, 1)[0];
  }

  /** One thread more, if it may be: at once where none would come free, else when none has for a while. */
  #grow(): void {
    if (this.#slots.size >= this.#most) return;
    if (this.#slots.size < Math.max(1, this.#warm)) this.#spawn();
    else {
      this.#growing ??= setTimeout(() => {
        this.#growing = undefined;
        if (this.#waiting.size === 0 || this.#slots.size >= this.#most) return;
        this.#spawn();
        this.#grow();
      }, PATIENCE_MS);
    }
  }

  #spawn(): void {
    const slot = new WorkerSlot({
      ready: () => this.#put(slot),
      gone: (wasReady) => {
        this.#slots.delete(slot);
        const at = this.#idle.indexOf(slot);
        if (at >= 0) this.#idle.splice(at, 1);
        if (this.#closed) return;
        // One that does not even start would be tried for ever: a run fails for each.
        if (!wasReady) [...this.#waiting][0]?.fail("runtime_failed", "the worker thread did not start");
        this.#serve();
      },
    });
    this.#slots.add(slot);
  }

  #freed(run: WasmRun, slot: WorkerSlot | null): void {
    this.#running.delete(run);
    this.#waiting.delete(run);
    if (slot !== null && this.#slots.has(slot)) this.#put(slot);
  }

  #put(slot: WorkerSlot): void {
    if (this.#closed) return;
    slot.idleSinceMs = performance.now();
    this.#idle.push(slot);
    this.#serve();
    if (this.#idle.length > this.#warm) this.#thinning ??= setTimeout(() => this.#thin(), LINGER_MS).unref();
  }

  /** Ends the threads that a burst left over, those used longest ago first. */
  #thin(): void {
    this.#thinning = undefined;
    const unusedSinceMs = performance.now() - LINGER_MS;
    while (this.#idle.length > this.#warm && (this.#idle[0]?.idleSinceMs ?? 0) <= unusedSinceMs) {
      // Taken from the idle ones first: a thread on its way out must not be given a run.
      this.#idle.shift()?.kill("cancelled", "no longer needed");
    }
    if (this.#idle.length > this.#warm) this.#thinning = setTimeout(() => this.#thin(), LINGER_MS).unref();
  }

  #cancel(run: WasmRun): void {
    // Not at once: nothing is told before the caller of `start` or `cancel` has its turn back.
    queueMicrotask(() => run.stop("cancelled", "cancelled"));
  }
}

/** One run from its start to its end. */
class WasmRun {
  readonly request: RunRequest;
  readonly #report: RunReport;
  readonly #freed: (slot: WorkerSlot | null) => void;
  #slot: WorkerSlot | null = null;
  #timer: NodeJS.Timeout | undefined;
  compiled: (Compiled & { readonly digest: Digest }) | null = null;

  constructor(request: RunRequest, report: RunReport, freed: (slot: WorkerSlot | null) => void) {
    this.request = request;
    this.#report = report;
    this.#freed = freed;
  }

  get ended(): boolean {
    return this.#report.ended;
  }

  get digest(): Digest | null {
    return this.compiled?.digest ?? null;
  }

  /** Ends a run that no thread carries. */
  fail(because: Parameters<RunReport["failed"]>[0], detail: string): void {
    this.#report.failed(because, detail);
    this.#freed(null);
  }

  stop(because: "cancelled" | "time_exceeded", detail: string): void {
    if (this.ended) return;
    if (this.#slot === null) this.fail(because, detail);
    else this.#slot.kill(because, detail);
  }

  /** Begins in this thread. */
  enter(slot: WorkerSlot): void {
    const { compiled, request } = this;
    const pages = Math.min(MOST_PAGES, Math.floor(request.limits.memoryBytes / PAGE_BYTES));
    const memory = compiled?.memory ?? null;
    if (compiled === null) return;
    if (memory !== null && memory.initial > pages) {
      this.#report.failed(
        "memory_exceeded",
        `it starts with ${memory.initial} pages of 64 KiB and may have ${pages}`,
      );
      this.#freed(slot);
      return;
    }
    this.#slot = slot;
    this.#report.started();
    const wallMs = Math.min(LONGEST_TIMER_MS, Math.ceil(request.limits.wallTime / 1e3));
    this.#timer = setTimeout(() => this.stop("time_exceeded", `ran longer than ${wallMs} ms`), wallMs);
    slot.start(this.#order(compiled, pages, slot.holds), compiled.digest, {
      log: (text) => this.#report.log("stderr", text),
      progress: (done, of) => this.#report.progress(done, of),
      ended: (outcome, spent) => {
        clearTimeout(this.#timer);
        if (outcome.kind === "exited") this.#report.finished(outcome.code, spent);
        else this.#report.failed(outcome.because, outcome.detail, spent);
        this.#freed(slot);
      },
    });
  }

  #order(compiled: Compiled & { readonly digest: Digest }, pages: number, held: Digest | null): RunOrder {
    const { program, inputPath, outputPath, limits } = this.request;
    const asks = compiled.memory;
    return {
      module: held === compiled.digest ? null : compiled.module,
      memory: asks && { initial: asks.initial, maximum: Math.min(pages, asks.maximum ?? pages) },
      args: program.kind === "wasm" ? program.args : [],
      env: program.kind === "wasm" ? program.env : {},
      inputPath,
      outputPath,
      outputBytes: limits.outputBytes,
    };
  }
}
