import { availableParallelism } from "node:os";
import type {
  PrepareRequest,
  RunControl,
  RunEvent,
  RunFailure,
  RunRequest,
  Runtime,
} from "@weft/orchestration";
import { RunReport } from "@weft/orchestration-host";
import { ChildSlot } from "./child-slot.ts";
import type { Failure, ToChild } from "./order.ts";
import { type ModelProgram, PIPELINE_NAMES } from "./pipeline.ts";

export interface OnnxRuntimeOptions {
  /** Most processes at once; runs beyond wait their turn. Default: one a core. */
  readonly maxProcesses?: number;
  /** Processes kept waiting with their program loaded. Default 2. */
  readonly warmProcesses?: number;
  /** How long such a process waits for its program to be asked again. Default 60,000. */
  readonly idleMs?: number;
}

/**
 * Runs ONNX networks (ONNX Runtime, CPU) in child processes, one program a process, loaded once and kept warm. The
 * pipeline `tensor` takes and gives named tensors (safetensors); `ocr` takes a picture and gives the text in it.
 * Memory is what the process takes over an empty one, looked at every 10 ms; time and cancelling end the process.
 */
export function createOnnxRuntime(options: OnnxRuntimeOptions = {}): Runtime {
  return new OnnxRuntime(options);
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Loading is no part of a run's time; it may take this long, or as long as the run where that is longer. */
const LOADING_MS = 30_000;

/** Ends after which a process is not asked again: what it holds may be more than its program. */
const SPOILS: ReadonlySet<RunFailure> = new Set<RunFailure>(["memory_exceeded", "runtime_failed"]);

interface Loaded {
  readonly slot: ChildSlot;
  readonly key: string;
  readonly expiry: NodeJS.Timeout;
}

const keyOf = (program: ModelProgram, lanes: number): string =>
  [program.pipeline, lanes, ...program.networks].join(" ");

class OnnxRuntime implements Runtime {
  readonly kind = "model";
  readonly #most: number;
  readonly #warm: number;
  readonly #idleMs: number;
  readonly #slots = new Set<ChildSlot>();
  /** Processes with their program loaded and nothing to run, the one used last at the end. */
  #idle: Loaded[] = [];
  readonly #waiting: ModelRun[] = [];
  readonly #runs = new Set<ModelRun>();
  #closed = false;

  constructor(options: OnnxRuntimeOptions) {
    this.#most = options.maxProcesses ?? availableParallelism();
    this.#warm = options.warmProcesses ?? 2;
    this.#idleMs = options.idleMs ?? 60_000;
  }

  start(request: RunRequest, tell: (event: RunEvent) => void): RunControl {
    const run = new ModelRun(request, new RunReport(tell));
    queueMicrotask(() => this.#admit(run));
    return {
      cancel: () => queueMicrotask(() => this.#stop(run, { because: "cancelled", detail: "cancelled" })),
    };
  }

  prepare(request: PrepareRequest, ready: () => void): void {
    const { program, limits } = request;
    const held =
      program.kind === "model" && this.#idle.some(({ key }) => key === keyOf(program, limits.lanes));
    if (program.kind !== "model" || held || this.#closed || this.#slots.size >= this.#most) {
      queueMicrotask(ready);
      return;
    }
    const order = loadOrder(program, request);
    if (order === null) {
      queueMicrotask(ready);
      return;
    }
    const slot = this.#spawn();
    const timer = setTimeout(
      () => slot.kill({ because: "time_exceeded", detail: "loading" }),
      wallMs(request),
    );
    slot.do(order, {
      memoryBytes: limits.memoryBytes,
      ended: (failure) => {
        clearTimeout(timer);
        if (failure === null) this.#rest(slot, keyOf(program, limits.lanes));
        else slot.kill(failure);
        ready();
      },
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const run of this.#runs) {
      queueMicrotask(() => this.#stop(run, { because: "cancelled", detail: "the runtime was closed" }));
    }
    for (const { expiry } of this.#idle) clearTimeout(expiry);
    for (const slot of this.#slots) slot.kill({ because: "cancelled", detail: "the runtime was closed" });
  }

  #admit(run: ModelRun): void {
    const { program } = run.request;
    if (run.report.ended) return;
    if (this.#closed) run.report.failed("runtime_failed", "the runtime is closed");
    else if (program.kind !== "model") {
      run.report.failed("bad_program", `a ${program.kind} program is not for this runtime`);
    } else if (!PIPELINE_NAMES.includes(program.pipeline)) {
      run.report.failed("bad_program", `there is no pipeline ${program.pipeline}`);
    } else {
      this.#runs.add(run);
      this.#waiting.push(run);
      this.#serve();
    }
  }

  /** Gives waiting runs their processes, in order of arrival. */
  #serve(): void {
    for (let run = this.#waiting[0]; run !== undefined; run = this.#waiting[0]) {
      const program = run.program;
      const key = keyOf(program, run.request.limits.lanes);
      const held = this.#take(key);
      if (held === null && this.#slots.size >= this.#most) {
        // One that holds another program makes room, and this is called again once it is gone.
        const oldest = this.#idle.shift();
        if (oldest !== undefined) this.#drop(oldest);
        return;
      }
      this.#waiting.shift();
      if (held !== null) this.#execute(run, held, key);
      else this.#load(run, key);
    }
  }

  #load(run: ModelRun, key: string): void {
    const order = loadOrder(run.program, run.request);
    if (order === null) {
      this.#runs.delete(run);
      run.report.failed("runtime_failed", "the content of the program is not on this node");
      return;
    }
    const slot = this.#spawn();
    run.slot = slot;
    run.timer = setTimeout(() => slot.kill(LOADING_TOO_LONG), loadingMs(run.request));
    slot.do(order, {
      memoryBytes: run.request.limits.memoryBytes,
      ended: (failure, spent) => {
        clearTimeout(run.timer);
        if (failure === null) this.#execute(run, slot, key);
        else {
          this.#runs.delete(run);
          run.report.failed(failure.because, failure.detail, spent);
          slot.kill(failure);
        }
      },
    });
  }

  #execute(run: ModelRun, slot: ChildSlot, key: string): void {
    const { inputPath, outputPath, limits } = run.request;
    run.report.started();
    const longest = wallMs(run.request);
    run.slot = slot;
    run.timer = setTimeout(
      () => slot.kill({ because: "time_exceeded", detail: `ran longer than ${longest} ms` }),
      longest,
    );
    const { options } = run.program;
    slot.do(
      { kind: "run", inputPath, outputPath, outputBytes: limits.outputBytes, options },
      {
        memoryBytes: limits.memoryBytes,
        progress: (done, of) => run.report.progress(done, of),
        ended: (failure, spent) => {
          clearTimeout(run.timer);
          this.#runs.delete(run);
          if (failure !== null && SPOILS.has(failure.because)) slot.kill(failure);
          else if (this.#slots.has(slot)) this.#rest(slot, key);
          if (failure === null) run.report.finished(0, spent);
          else run.report.failed(failure.because, failure.detail, spent);
        },
      },
    );
  }

  #stop(run: ModelRun, failure: Failure): void {
    if (run.report.ended) return;
    if (run.slot !== null) {
      run.slot.kill(failure);
      return;
    }
    const at = this.#waiting.indexOf(run);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#runs.delete(run);
    run.report.failed(failure.because, failure.detail);
  }

  #spawn(): ChildSlot {
    const slot = new ChildSlot((gone) => {
      this.#slots.delete(gone);
      for (const loaded of this.#idle) if (loaded.slot === gone) clearTimeout(loaded.expiry);
      this.#idle = this.#idle.filter((loaded) => loaded.slot !== gone);
      if (!this.#closed) queueMicrotask(() => this.#serve());
    });
    this.#slots.add(slot);
    return slot;
  }

  /** Keeps a process for its program's next run. */
  #rest(slot: ChildSlot, key: string): void {
    slot.rest();
    const loaded: Loaded = {
      slot,
      key,
      expiry: setTimeout(() => this.#drop(loaded), this.#idleMs).unref(),
    };
    this.#idle.push(loaded);
    queueMicrotask(() => {
      if (!this.#closed) this.#serve();
      while (this.#idle.length > this.#warm) this.#drop(this.#idle[0] as Loaded);
    });
  }

  #take(key: string): ChildSlot | null {
    const at = this.#idle.findLastIndex((loaded) => loaded.key === key);
    if (at < 0) return null;
    const [loaded] = this.#idle.splice(at, 1);
    clearTimeout(loaded?.expiry);
    return loaded?.slot ?? null;
  }

  #drop(loaded: Loaded): void {
    clearTimeout(loaded.expiry);
    this.#idle = this.#idle.filter((other) => other !== loaded);
    loaded.slot.kill({ because: "cancelled", detail: "no longer needed" });
  }
}

/** One run, waiting or in a process. */
class ModelRun {
  readonly request: RunRequest;
  readonly report: RunReport;
  slot: ChildSlot | null = null;
  timer: NodeJS.Timeout | undefined;

  constructor(request: RunRequest, report: RunReport) {
    this.request = request;
    this.report = report;
  }

  get program(): ModelProgram {
    return this.request.program as ModelProgram;
  }
}

const wallMs = ({ limits }: PrepareRequest): number =>
  Math.min(LONGEST_TIMER_MS, Math.ceil(limits.wallTime / 1e3));
const loadingMs = (request: PrepareRequest): number => Math.max(LOADING_MS, wallMs(request));
const LOADING_TOO_LONG: Failure = { because: "time_exceeded", detail: "loading the networks took too long" };

/** null where the caller cannot name the place of some content. */
function loadOrder(program: ModelProgram, { contentPath, limits }: PrepareRequest): ToChild | null {
  try {
    const paths = program.networks.map(contentPath);
    return { kind: "load", pipeline: program.pipeline, paths, lanes: limits.lanes };
  } catch {
    return null;
  }
}
