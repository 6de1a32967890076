import { join } from "node:path";
import { formatTime, type Micros } from "@weft/kernel";
import { fetchResult } from "./commands/result.ts";
import type { Context } from "./context.ts";
import { type StreamView, stageOf } from "./stream.ts";
import { UNKNOWN } from "./text.ts";

/*
 * A pipeline with many inputs as it is watched: each input that is through is told, and its result written at once.
 */

/** Tells of every input that has come through since it was last asked, and writes its result under `to`. */
export class StreamTeller {
  readonly #context: Context;
  readonly #to: string | undefined;
  readonly #nodes = new Map<string, string>();
  #told = 0;

  constructor(context: Context, to: string | undefined) {
    this.#context = context;
    this.#to = to;
  }

  async tell(view: StreamView): Promise<void> {
    this.#tellStages(view);
    const { inputs, submittedAt } = view;
    while (inputs[this.#told]?.phase === "succeeded") {
      const { name, result, finishedAt, planned } = inputs[this.#told++]!;
      if (this.#to !== undefined && result !== null) {
        await fetchResult(this.#context, result, join(this.#to, name));
      }
      const took = finishedAt === null ? UNKNOWN : formatTime((finishedAt - submittedAt) as Micros);
      const predicted = planned === null ? "" : `, predicted ${formatTime(planned.finish)}`;
      this.#context.note(`${this.#told}/${inputs.length} ${name}: after ${took}${predicted}`);
    }
  }

  /** Where each stage is: when it begins, and when it has moved. */
  #tellStages({ steps }: StreamView): void {
    for (const step of steps) {
      const { layers, node, phase } = step;
      if (phase !== "running" && phase !== "launched") continue;
      const stage = stageOf(step);
      if (node === null || this.#nodes.get(stage) === node) continue;
      this.#nodes.set(stage, node);
      this.#context.note(`${stage} (${layers?.join(", ")}): on ${node}`);
    }
  }
}
