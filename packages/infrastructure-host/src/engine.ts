import type { InferenceSession } from "onnxruntime-node";
import { noise, type ReferenceModel } from "./networks.ts";
import type { Subject } from "./rates.ts";

type Runtime = typeof import("onnxruntime-node");

/** onnxruntime, where it is installed and loads on this platform. */
export interface Engine {
  readonly version: string;
  /** A subject that runs the model on so many threads. */
  subject(name: string, model: ReferenceModel, threads: number): Promise<Subject>;
  close(): Promise<void>;
}

/** Loads onnxruntime-node; null where it is missing, or has no binaries for this platform. */
export async function loadEngine(): Promise<Engine | null> {
  let runtime: Runtime;
  try {
    runtime = await import("onnxruntime-node");
  } catch {
    return null;
  }
  const sessions: InferenceSession[] = [];
  return {
    version: runtime.env.versions.node ?? runtime.env.versions.common,
    async subject(name, reference, threads) {
      const session = await openSession(runtime, reference.model, threads);
      sessions.push(session);
      const size = reference.inputShape.reduce((product, each) => product * each, 1);
      const input = noise(size);
      const feed = { x: new runtime.Tensor("float32", input, [...reference.inputShape]) };
      await session.run(feed); // the first run allocates and chooses kernels
      return {
        name,
        method: `onnxruntime ${reference.name} f32 ${reference.inputShape.join(" x ")}, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
        work: async (ms) => {
          const startedAt = performance.now();
          const rates: number[] = [];
          do {
            const before = process.cpuUsage();
            await session.run(feed);
            const { user, system } = process.cpuUsage(before);
            rates.push((reference.work / (user + system)) * 1e6);
          } while (performance.now() - startedAt < ms);
          return rates;
        },
      };
    },
    async close() {
      await Promise.all(sessions.map((session) => session.release()));
    },
  };
}

/** Idle threads sleep: spinning would count as CPU time and take cores from others. */
function openSession(runtime: Runtime, model: Uint8Array, threads: number): Promise<InferenceSession> {
  return runtime.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}
