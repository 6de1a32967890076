import { totalmem } from "node:os";
import { Worker } from "node:worker_threads";
import type { Finished } from "./results.ts";
import type { Prepared } from "./study.ts";
import type { RunNews, RunOrder } from "./worker.ts";

/** A run that stopped with an error of its own; the others go on. */
export interface FailedRun extends RunOrder {
  readonly message: string;
}

export interface RunnerOptions {
  /** Worker threads. */
  readonly jobs: number;
  /** Stops handing out runs and ends those under way; what is finished stays. */
  readonly signal?: AbortSignal;
  readonly onFinished?: (run: Finished) => void;
  /** Share of all runs' work that is done, between 0 and 1. */
  readonly onProgress?: (done: number) => void;
}

// Workers run the build: Node does not strip types.
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/worker.js" : "./worker.js",
  import.meta.url,
);

/** By default a thread stops at a fraction of the machine, which a hundred thousand nodes need more than. */
const LIMITS = { maxOldGenerationSizeMb: Math.floor((0.8 * totalmem()) / 2 ** 20) };

/** Does all `orders` of one scenario on worker threads. What comes out does not depend on how many there are. */
export async function runAll(
  prepared: Prepared,
  orders: readonly RunOrder[],
  options: RunnerOptions,
): Promise<{ readonly finished: readonly Finished[]; readonly failed: readonly FailedRun[] }> {
  const finished: Finished[] = [];
  const failed: FailedRun[] = [];
  const queue = [...orders];
  const under = new Map<number, number>();
  const report = (): void => {
    const running = [...under.values()].reduce((sum, done) => sum + done, 0);
    options.onProgress?.((finished.length + failed.length + running) / Math.max(1, orders.length));
  };
  const serve = async (id: number): Promise<void> => {
    // Flags of the caller, such as a test runner's conditions, are not the worker's.
    const worker = new Worker(WORKER, { workerData: prepared, execArgv: [], resourceLimits: LIMITS });
    // A listener on the signal for as long as the worker lives, not one for every run.
    const stop = (): void => void worker.terminate();
    options.signal?.addEventListener("abort", stop, { once: true });
    try {
      for (
        let order = queue.shift();
        order !== undefined && options.signal?.aborted !== true;
        order = queue.shift()
      ) {
        const ended = await doOne(worker, order, (done) => {
          under.set(id, done);
          report();
        });
        under.delete(id);
        if (ended === null) return;
        if ("outcome" in ended) {
          finished.push(ended);
          options.onFinished?.(ended);
        } else failed.push(ended);
        report();
      }
    } finally {
      options.signal?.removeEventListener("abort", stop);
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, orders.length) }, (_, id) => serve(id)));
  return { finished, failed };
}

/** One run on one worker; null when the worker was ended. */
function doOne(
  worker: Worker,
  order: RunOrder,
  onProgress: (done: number) => void,
): Promise<Finished | FailedRun | null> {
  return new Promise((resolve) => {
    const hear = (news: RunNews): void => {
      if (news.kind === "progress") onProgress(news.done);
      else if (news.kind === "finished") end({ ...order, outcome: news.outcome });
      else end({ ...order, message: news.message });
    };
    const broken = (error: Error): void => end({ ...order, message: error.message });
    const gone = (): void => end(null);
    const end = (result: Finished | FailedRun | null): void => {
      worker.off("message", hear).off("error", broken).off("exit", gone);
      resolve(result);
    };
    worker.on("message", hear).on("error", broken).on("exit", gone);
    worker.postMessage(order);
  });
}
