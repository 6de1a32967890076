import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { KernelName, KernelReady } from "./kernel-worker.ts";
import type { Subject } from "./rates.ts";

const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/kernel-worker.js" : "./kernel-worker.js",
  import.meta.url,
);

/** Threads that run one kernel at the same time. */
export class Crew {
  readonly method: string;
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[], method: string) {
    this.#workers = workers;
    this.method = method;
  }

  /** Starts so many threads; each has run its kernel warm when this resolves. */
  static async start(kernel: KernelName, threads: number): Promise<Crew> {
    const workers = Array.from(
      { length: threads },
      () => new Worker(ENTRY, { workerData: kernel, execArgv: [] }),
    );
    const ready = (await Promise.all(workers.map((worker) => once(worker, "message")))) as [KernelReady][];
    return new Crew(workers, ready[0]?.[0].method ?? "");
  }

  /** The first `threads` of the crew as a subject. */
  subject(name: string, threads: number): Subject {
    const crew = this.#workers.slice(0, threads);
    return {
      name,
      method: `${this.method}, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
      work: async (ms) => {
        const answers = crew.map((worker) => once(worker, "message") as Promise<[number[]]>);
        for (const worker of crew) worker.postMessage(ms);
        return (await Promise.all(answers)).flatMap(([rates]) => rates);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
