import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { NamedTensor } from "./safetensors.ts";

/** What the runtime cannot go on with, and whose fault it is. */
export class PipelineFailure extends Error {
  readonly because: "bad_program" | "program_failed" | "memory_exceeded" | "output_exceeded";

  constructor(because: PipelineFailure["because"], message: string) {
    super(message);
    this.because = because;
  }
}

const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error).split("\n", 1)[0] as string;

/** One loaded network. */
export interface Network {
  readonly inputs: readonly InferenceSession.ValueMetadata[];
  run(feeds: readonly NamedTensor[]): Promise<NamedTensor[]>;
}

/**
 * Loads a network. It is read here and handed over as bytes, so that it has no folder from which data "outside the
 * model" could be read.
 */
export async function loadNetwork(path: string, lanes: number): Promise<Network> {
  const bytes = readFileSync(path);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(bytes, {
      intraOpNumThreads: lanes,
      interOpNumThreads: 1,
      executionProviders: ["cpu"],
      logSeverityLevel: 4,
      // Without an arena what a run took is given back after it, so that the next run of the process takes no more.
      enableCpuMemArena: false,
      enableMemPattern: false,
      // Waiting threads sleep: spinning took over four times the CPU time of the work itself.
      extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
    });
  } catch (error) {
    throw new PipelineFailure("bad_program", firstLine(error));
  }
  return {
    inputs: session.inputMetadata,
    async run(feeds) {
      const named: Record<string, Tensor> = {};
      for (const { name, type, shape, data } of feeds) {
        named[name] = new Tensor(type as "float32", data as Float32Array, [...shape]);
      }
      return unpack(session.outputNames, await attempt(() => session.run(named)));
    },
  };
}

async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const message = firstLine(error);
    const memory = /allocat|bad_alloc|out of memory/i.test(message);
    throw new PipelineFailure(memory ? "memory_exceeded" : "program_failed", message);
  }
}

function unpack(names: readonly string[], results: Readonly<Record<string, unknown>>): NamedTensor[] {
  return names.map((name) => {
    const result = results[name];
    if (!(result instanceof Tensor) || result.type === "string") {
      throw new PipelineFailure("bad_program", `the output ${name} is not a tensor of numbers`);
    }
    return { name, type: result.type, shape: result.dims, data: result.data as NamedTensor["data"] };
  });
}
